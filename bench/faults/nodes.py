"""Several daemons on one PostgreSQL: each message is sent by one, and a dead one's work is taken over."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import time
from collections.abc import Iterator

from bench.faults.database import ended_with
from bench.faults.ground import PACE, Ground, ground, pause, wait_until
from bench.faults.kills import striker
from bench.faults.nursery import Nursery
from bench.faults.table import Row
from tests.servers.postgres import running_postgres

LEASE = float(PACE["LEASE_SECONDS"])


def several_nodes(nursery: Nursery, *, rounds: int, mails: int, texts: int, stops: int) -> Iterator[Row]:
    """Without a fault, with kills, and with a node that is stopped past its lease and woken."""
    with running_postgres() as server:
        for fault, run in (("none", _quietly), ("kill", _killing), ("stop", _stopping)):
            if fault == "stop" and not stops:
                continue
            url = server.create()
            yield run(nursery, url, rounds if fault != "stop" else stops, mails, texts)
            server.drop(url)


def _quietly(nursery: Nursery, url: str, rounds: int, mails: int, texts: int) -> Row:
    with ground(url) as made:
        nodes = [nursery.start(made.home, made.environ) for _ in range(3)]
        for _ in range(rounds):
            made.enqueue(mails, texts)
            made.happen()
        made.settle()
        codes = [nursery.kill(pid, signal.SIGTERM) for pid in nodes]
        return ended_with(made, made.count("three daemons on one PostgreSQL", rounds), max(map(abs, codes)))


def _killing(nursery: Nursery, url: str, rounds: int, mails: int, texts: int) -> Row:
    """After the last kill nobody is started again: the other node takes over within a lease."""
    dice = random.Random(7)
    with ground(url) as made:
        nodes = [nursery.start(made.home, made.environ) for _ in range(2)]
        for number in range(rounds):
            victim = nodes.pop(0)
            if number % 2:
                _strike_amid(made, victim, signal.SIGKILL, mails, texts)
            else:
                made.enqueue(mails, texts)
                pause(dice.uniform(0.0, 0.3))
            nursery.kill(victim)
            made.note_in_flight(victim)
            if number < rounds - 1:
                nodes.append(nursery.start(made.home, made.environ))
        began = time.monotonic()
        made.settle()
        took = time.monotonic() - began
        code = nursery.kill(nodes[0], signal.SIGTERM)
        row = ended_with(made, made.count("kill -9 of one of two daemons", rounds), code)
        late = f"the dead node's work took {took:.0f} s"
        return row if took < 2 * LEASE + 5 else _wrong(row, late)


def _stopping(nursery: Nursery, url: str, rounds: int, mails: int, texts: int) -> Row:
    """A node sleeps with messages in flight until others have sent them, and wakes: it may not settle. What it had
    half handed over when it was stopped it hands over then: a copy that no fence can hold back, of texts too."""
    with ground(url) as made:
        sleeper = nursery.start(made.home, made.environ)
        other = texts_in_flight = 0
        for _ in range(rounds):
            _strike_amid(made, sleeper, signal.SIGSTOP, mails, texts)
            texts_in_flight += made.note_in_flight(sleeper)
            other = other or nursery.start(made.home, made.environ)
            made.settle()
            os.kill(sleeper, signal.SIGCONT)
            pause(0.5)
        made.settle()
        codes = [nursery.kill(pid, signal.SIGTERM) for pid in (sleeper, other)]
        row = made.count("a daemon stopped past its lease and woken", rounds, absent=texts_in_flight)
        return ended_with(made, row, max(map(abs, codes)))


def _strike_amid(made: Ground, pid: int, number: int, mails: int, texts: int) -> None:
    """A signal to a daemon when the first of these messages has been taken, and perhaps its answer not been read."""
    victim = [pid]
    made.post.on_taken = made.exchange.on_taken = striker(victim, number)
    made.enqueue(mails, texts)
    wait_until(lambda: not victim, 10)
    made.post.on_taken = made.exchange.on_taken = None


def _wrong(row: Row, words: str) -> Row:
    return dataclasses.replace(row, wrong=(*row.wrong, words))
