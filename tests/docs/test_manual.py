"""The manual pages: everything that the command line has, and nothing that their formatter stumbles over."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.manual import pages
from reminderd.cli.main import COMMANDS, load_command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("man")
    for name, text in pages().items():
        (made / name).write_text(text, "utf-8")
    return made


def formatted(page: Path) -> str:
    """As a reader sees it. What the formatter complains of fails."""
    if shutil.which("man") is None:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail("man is required here.")
        pytest.skip("there is no man")
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "1000", "MANROFFOPT": "-rHY=0"}
    command = ["man", "--warnings", "--local-file", str(page)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def commands_of(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for below, one in command.commands.items():
            yield from commands_of(one, f"{name} {below}")


def test_there_is_a_page_for_the_program_and_one_for_each_command() -> None:
    assert set(pages()) == {"reminderd.1", *(f"reminderd-{name}.1" for name in COMMANDS)}


def test_the_program_s_page_names_every_command_and_exit_code(folder: Path) -> None:
    text = formatted(folder / "reminderd.1")
    for name, (_, about) in COMMANDS.items():
        assert f"reminderd-{name}(1)" in text
        assert about in text
    for code in ("0", "1", "2", "75", "78"):
        assert f"\n       {code} " in text


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_page_has_whatever_lies_below_it_with_each_option_and_its_help(name: str, folder: Path) -> None:
    text = formatted(folder / f"reminderd-{name}.1")
    for words, command in commands_of(load_command(name), name):
        assert f"reminderd {words} " in text
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[0] in text
                assert " ".join((parameter.help or "").split()) in " ".join(text.split())
