"""`python -m bench.faults [--short] [NAME …]`: inject every fault, print the table, fail if anything was lost."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator

from bench.faults import clocks, database, kills, mail, nodes, texts
from bench.faults.ground import PACE
from bench.faults.nursery import Nursery
from bench.faults.table import Row, as_text, total
from tests.servers.postgres import Missing

Programme = Callable[[Nursery], Iterator[Row]]

FULL: dict[str, Programme] = {
    "steps": lambda nursery: kills.at_every_step(nursery, rounds=8, mails=6, texts=4),
    "unread": lambda nursery: kills.answer_unread(nursery, rounds=30, mails=6),
    "random": lambda nursery: kills.at_random(nursery, kills=400, mails=7, texts=4),
    "absent": lambda nursery: kills.absent_from_two_listings(nursery, texts=5),
    "mail": lambda nursery: mail.mail_faults(5),
    "texts": lambda nursery: texts.text_faults(5),
    "file": lambda nursery: database.file_faults(nursery, times=5, mails=20, texts=10, locked_for=35),
    "server": lambda nursery: database.server_faults(nursery, times=6, mails=20, texts=10),
    "nodes": lambda nursery: nodes.several_nodes(nursery, rounds=20, mails=20, texts=10, stops=2),
    "clocks": lambda nursery: clocks.time_faults(3),
}
SHORT: dict[str, Programme] = {
    "steps": lambda nursery: kills.at_every_step(nursery, rounds=1, mails=2, texts=2),
    "unread": lambda nursery: kills.answer_unread(nursery, rounds=2, mails=3),
    "random": lambda nursery: kills.at_random(nursery, kills=12, mails=6, texts=4),
    "absent": lambda nursery: kills.absent_from_two_listings(nursery, texts=1),
    "mail": lambda nursery: mail.mail_faults(1),
    "texts": lambda nursery: texts.text_faults(1),
    "file": lambda nursery: database.file_faults(nursery, times=1, mails=12, texts=6, locked_for=0.5),
    "server": lambda nursery: database.server_faults(nursery, times=1, mails=12, texts=6),
    "nodes": lambda nursery: nodes.several_nodes(nursery, rounds=2, mails=12, texts=6, stops=0),
    "clocks": lambda nursery: clocks.time_faults(1),
}
KILLS, DELIVERIES = 500, 5000
"""What the full form has to come to."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a small number of each, in under two minutes")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(FULL)}")
    wanted = parser.parse_args()
    programmes = SHORT if wanted.short else FULL
    names = wanted.names or list(programmes)
    logging.disable(logging.CRITICAL)  # what is broken on purpose is no news
    print("waits in these runs:", ", ".join(f"{name}={value}" for name, value in PACE.items()))
    print("mail server's time-outs in s:", mail.SHORT, "; Twilio's:", texts.SHORT)
    began = time.monotonic()
    rows, skipped = _run(programmes, names)
    print(as_text(rows))
    killed = sum(row.injected for row in rows if "kill -9" in row.fault)
    print(f"{killed} kills, {total(rows).expected} messages, {time.monotonic() - began:.0f} s")
    for words in skipped:
        print("SKIPPED", words)
    short_of = not wanted.short and not wanted.names and (killed < KILLS or total(rows).expected < DELIVERIES)
    missed = skipped and (os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"))
    return 0 if all(row.is_good for row in rows) and not short_of and not missed else 1


def _run(programmes: dict[str, Programme], names: list[str]) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    skipped: list[str] = []
    with Nursery() as nursery:
        for name in names:
            began = time.monotonic()
            with contextlib.suppress(StopIteration):
                try:
                    rows += programmes[name](nursery)
                except Missing as missing:
                    skipped.append(f"{name}: {missing}")
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows, skipped


if __name__ == "__main__":
    sys.exit(main())
