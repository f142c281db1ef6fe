"""The shape of delivering with ten in flight, and the sinks that the benches send to."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from sqlalchemy import event

from bench.deliver import by_sdk, by_smtplib, make_house, make_letter
from bench.sink import running_sink
from bench.stock import NOW, fill, make_all_due
from reminderd.clock import utc_now
from reminderd.dispatcher import Dispatcher
from reminderd.message import Channel
from reminderd.simulation import null_transports
from tests.flow.parts import PATIENCE
from tests.store.asked import asked_of

IN_FLIGHT = 10
DUE = 100


def test_ten_in_flight_share_each_commit(tmp_path: Path) -> None:
    store = fill(f"sqlite:///{tmp_path / 'reminderd.db'}", DUE)
    with store.writing() as session:
        make_all_due(session, NOW)
    landed = threading.Semaphore(0)
    recheck = make_house(store, {}, IN_FLIGHT).composer
    dispatcher = Dispatcher(store, recheck, null_transports([Channel.EMAIL]), senders=IN_FLIGHT)
    dispatcher.on_landing(landed.release)
    found: Counter[str] = Counter()
    event.listen(store.engine, "commit", lambda _: found.update(["commit"]))
    with asked_of(store) as asked:
        while launched := dispatcher.step(NOW):
            for _ in range(launched):
                assert landed.acquire(timeout=PATIENCE)
    assert found["commit"] == DUE // IN_FLIGHT + 1
    assert len(asked) < 1.5 * DUE


def test_the_sinks_take_what_is_handed_to_them_and_say_when() -> None:
    with running_sink("smtp") as post, running_sink("http") as exchange:
        before = utc_now().timestamp()
        by_smtplib(post.port, 5, 2)
        taken = post.taken()
        assert {one.key for one in taken} == {make_letter(number).message_id for number in range(5)}
        assert before <= min(one.at for one in taken) <= max(one.at for one in taken) <= utc_now().timestamp()
        assert post.taken() == []
        by_sdk(f"http://127.0.0.1:{exchange.port}", 3, 2)
        assert len(exchange.taken()) == 3
