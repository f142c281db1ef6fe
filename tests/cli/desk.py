"""A home of its own and the command line over it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from reminderd.cli.main import cli


class Desk:
    """Runs commands in one process, as somebody off a terminal would."""

    def __init__(self, home: Path, **environ: str) -> None:
        self.home = home
        self.environ = environ
        self.database = home / "reminderd.db"

    def run(self, *args: str, input: str | None = None) -> Result:
        """Any command; whatever is no clean exit is raised."""
        result = CliRunner().invoke(cli, ["--home", str(self.home), *args], input=input, env=self.environ)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def ok(self, *args: str, input: str | None = None) -> str:
        """A command that has to succeed: what it said, on stdout and stderr."""
        result = self.run(*args, input=input)
        assert result.exit_code == 0, result.output
        return result.output

    def json(self, *args: str) -> Any:
        """The data of a command that has to succeed."""
        result = self.run(*args, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, code: int, *args: str) -> str:
        """A command that has to be refused with ``code`` and one line, and nothing on stdout."""
        result = self.run(*args)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("reminderd: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr

    def rows(self, query: str) -> list[Any]:
        """What the database really holds."""
        with sqlite3.connect(self.database) as connection:
            return connection.execute(query).fetchall()

    def set_up(self) -> Desk:
        """As `ada@example.org` in Berlin."""
        self.ok("init", "--name", "Ada Byron", "--email", "ada@example.org", "--timezone", "Europe/Berlin")
        return self
