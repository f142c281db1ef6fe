"""What a command costs from start to end, beside the least that could do the same."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.home import make_home
from bench.table import Report, Row, Verdict

EMPTY = "empty_group"
GROUP = """
import click
group = click.Group("empty")
for number in range({count}):
    group.add_command(click.Command(f"command{{number}}", help="Does nothing much, and says so."))
group(["--help"])
"""
QUERY = """
import sys
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
with Session(create_engine(sys.argv[1])) as session:
    rows = session.execute(text(
        "SELECT n.number, n.rule, n.due_at, r.name, min(s.at) FROM nudges n LEFT JOIN \\"references\\" r"
        " ON r.id = n.reference_id LEFT JOIN steps s ON s.nudge_id = n.id AND s.state = 'pending'"
        " WHERE n.user_id = 1 AND n.state = 'open' GROUP BY n.id, r.name ORDER BY 5"))
    for row in rows:
        print(*row)
"""


def run(quick: bool) -> Report:
    repeats = 7 if quick else 21
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        environ = make_home(Path(folder)) | {"PYTHONPATH": folder}
        ours = [sys.executable, "-m", "reminderd"]
        shown = subprocess.run([*ours, "--help"], env=environ, capture_output=True, text=True, check=True).stdout
        count = sum(line[:2] == "  " != line[1:3] for line in shown.partition("Commands:")[2].splitlines())
        (Path(folder) / f"{EMPTY}.py").write_text(GROUP.format(count=count))
        commands = {
            "reminderd --help": [*ours, "--help"],
            f"a click group with {count} empty commands": [sys.executable, "-m", EMPTY],
            "reminderd upcoming": [*ours, "upcoming"],
            "the same rows by SQLAlchemy": [sys.executable, "-c", QUERY, environ["DATABASE_URL"]],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(repeats + 1):
            for name, command in commands.items():
                begun = time.perf_counter()
                subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
                if repeat:
                    taken[name].append((time.perf_counter() - begun) * 1000)
    rows = [Row(name, tuple(values)) for name, values in taken.items()]
    help_, empty, upcoming, bare = (row.median for row in rows)
    return Report(
        "cli",
        rows,
        [Verdict("--help / empty group", help_ / empty, 1.3), Verdict("upcoming / bare query", upcoming / bare, 1.5)],
    )
