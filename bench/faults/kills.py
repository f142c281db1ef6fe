"""`kill -9` of the daemon at every step of the send path, and at random."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator

from bench.faults.ground import Ground, ground, pause, wait_until
from bench.faults.nursery import Nursery
from bench.faults.table import Row
from reminderd import crash

# Each leaves behind what the next one needs: a lease to rescue, an unknown text to look for.
SEQUENCE = (
    "planning",
    "planned",
    "composing",
    "composed",
    "leasing",
    "attempt-noted",
    "rescuing",
    "rescued",
    "handing-over",
    "handed-over",
    "looking",
    "handed-over",
    "looked",
    "settling",
    "settled",
)
OFTEN = ("leasing", "attempt-noted", "handing-over", "handed-over", "settling", "settled")
"""Passed several times while there is work; every other round dies at the second."""
PATIENCE = 5.0


def at_every_step(nursery: Nursery, *, rounds: int, mails: int, texts: int) -> Iterator[Row]:
    """In each round the daemon dies at each named point, with ``mails`` and ``texts`` due."""
    assert set(SEQUENCE) == set(crash.POINTS)
    kills: dict[str, int] = dict.fromkeys(SEQUENCE, 0)
    with ground() as made:
        for number in range(rounds):
            for place in SEQUENCE:
                made.enqueue(mails, texts)
                made.happen()
                times = 1 + number % 2 if place in OFTEN else 1
                pid = nursery.start(made.home, made.environ | {crash.VARIABLE: f"{place}:{times}"})
                code = nursery.reap(pid, PATIENCE)
                made.note_in_flight()
                kills[place] += code == -signal.SIGKILL
        finish(nursery, made)
        row = made.count(f"kill -9 at {len(kills)} named points", sum(kills.values()))
        never = tuple(f"the daemon never came to {place}" for place, count in kills.items() if not count)
        yield dataclasses.replace(row, wrong=row.wrong + never)


def answer_unread(nursery: Nursery, *, rounds: int, mails: int) -> Iterator[Row]:
    """The other side has taken a message, and the daemon dies before it can read so."""
    for name in ("mail", "text"):
        with ground() as made:
            server = made.post if name == "mail" else made.exchange
            for _ in range(rounds):
                made.enqueue(mails if name == "mail" else 0, mails if name == "text" else 0)
                victim = [nursery.start(made.home, made.environ)]
                server.on_taken = striker(victim)
                nursery.reap(victim[0], PATIENCE)
                server.on_taken = None
                made.note_in_flight()
            finish(nursery, made)
            yield made.count(f"kill -9 with a {name} taken, its answer unread", rounds)


def striker(victim: list[int], number: int = signal.SIGKILL) -> Callable[[], None]:
    """Sends the signal when it is first called, and takes the victim off its list."""

    def strike() -> None:
        if victim:
            os.kill(victim.pop(), number)

    return strike


def at_random(nursery: Nursery, *, kills: int, mails: int, texts: int, seed: int = 7) -> Iterator[Row]:
    """The daemon dies at any moment: every other time while it starts, else while it sends."""
    dice = random.Random(seed)
    with ground() as made:
        for number in range(kills):
            made.enqueue(mails, texts)
            if number % 10 == 0:
                made.happen()
            sends = threading.Event()
            made.post.on_taken = made.exchange.on_taken = sends.set
            pid = nursery.start(made.home, made.environ)
            if number % 2:
                sends.wait(PATIENCE)
                pause(dice.uniform(0.0, 0.03))
            else:
                pause(dice.uniform(0.02, 0.35))
            nursery.kill(pid)
            made.note_in_flight()
        made.post.on_taken = made.exchange.on_taken = None
        finish(nursery, made)
        yield made.count("kill -9 at random", kills)


def absent_from_two_listings(nursery: Nursery, *, texts: int) -> Iterator[Row]:
    """The one documented case: Twilio took a text, and shows it in neither of two listings."""
    with ground() as made:
        made.exchange.hide_for = 2
        for _ in range(texts):
            made.enqueue(0, 1)
            victim = [nursery.start(made.home, made.environ)]
            made.exchange.on_taken = striker(victim)
            nursery.reap(victim[0], PATIENCE)
            made.exchange.on_taken = None
        finish(nursery, made)
        yield made.count("kill -9, text in neither of two listings (documented)", texts, absent=texts)


def finish(nursery: Nursery, made: Ground, within: float = 90) -> None:
    """One daemon that is left alive sends whatever is still due, and is asked to stop."""
    pid = nursery.start(made.home, made.environ)
    made.settle(within)
    wait_until(lambda: made.unsettled() == 0, 1)
    nursery.kill(pid, signal.SIGTERM)
