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
RECORD = """
import datetime as dt, sys, uuid
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import Session
engine = create_engine(sys.argv[1])
@event.listens_for(engine, "connect")
def durable(connection, _):
    connection.execute("PRAGMA synchronous=FULL")
now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
with Session(engine) as session:
    reference = session.execute(
        text('SELECT id, user_id FROM "references" WHERE name = :name'), {"name": sys.argv[2]}).one()
    values = {"user_id": reference.user_id, "id": reference.id, "day": now.date().isoformat(),
              "batch": uuid.uuid4().hex, "now": now.isoformat(" ", "microseconds")}
    session.execute(text(
        'INSERT INTO events (user_id, kind, reference_id, "on", ordinal, data, batch, recorded_at)'
        " VALUES (:user_id, 'met', :id, :day, 1, '{}', :batch, :now)"), values)
    session.commit()
print("Recorded", sys.argv[2])
"""
"""What `record` keeps of a meeting, and nothing of what follows from it."""


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
            "reminderd record": [*ours, "record", "met"],
            "the same event by SQLAlchemy": [sys.executable, "-c", RECORD, environ["DATABASE_URL"]],
        }
        # Nobody is met twice, so that each meeting is an event of its own and has a plan made anew.
        who = {"reminderd record": "Person {even}", "the same event by SQLAlchemy": "Person {odd}"}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(repeats + 1):
            for name, command in commands.items():
                whom = [who[name].format(even=2 * repeat, odd=2 * repeat + 1)] if name in who else []
                begun = time.perf_counter()
                subprocess.run(
                    [*command, *whom], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True
                )
                if repeat:
                    taken[name].append((time.perf_counter() - begun) * 1000)
    rows = [Row(name, tuple(values)) for name, values in taken.items()]
    help_, empty, upcoming, bare, record, insert = (row.median for row in rows)
    return Report(
        "cli",
        rows,
        [
            Verdict("--help / empty group", help_ / empty, 1.3),
            Verdict("upcoming / bare query", upcoming / bare, 1.5),
            Verdict("record / bare insert", record / insert),
        ],
    )
