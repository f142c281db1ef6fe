"""Answers by text, polled from Twilio: no public address is needed. The network is asked in a thread of its own."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from reminderd.message import Channel
from reminderd.replies import statuses
from reminderd.replies.door import Door, Incoming
from reminderd.replies.failures import Recheck
from reminderd.replies.parse import parse
from reminderd.replies.statuses import Statuses
from reminderd.replies.vocabulary import Verb
from reminderd.store import inbound
from reminderd.store.database import Store
from reminderd.transports.base import SendFailed
from reminderd.transports.twilio import ReceivedText, TextStatus

log = logging.getLogger(__name__)

JOB = "texts"
OVERLAP = dt.timedelta(days=1)
LONGEST_LOOK_BACK = dt.timedelta(days=30)
SLOWEST = dt.timedelta(minutes=10)
NOT_KNOWN = frozenset({"404", "20404"})
"""Twilio has no such text any more, so that what became of it will never be known."""
OF_EVERY_QUESTION = frozenset({"unreachable", "certificate", "unconfirmed", "401", "20003", "429", "20429"})
"""Where one question ends so, the next would too, and each may take long."""


class Reader(Protocol):
    """What Twilio is asked; `TwilioTransport` can."""

    def list_received(self, since: dt.datetime) -> list[ReceivedText]:
        """The texts that came to our number since then."""
        ...

    def fetch_status(self, sid: str) -> TextStatus:
        """How far a text has come."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclasses.dataclass(slots=True)
class _Found:
    """What one round of questions brought."""

    asked_at: dt.datetime
    received: Sequence[ReceivedText] = ()
    statuses: list[tuple[int, str, TextStatus]] = dataclasses.field(default_factory=list)
    gone: list[str] = dataclasses.field(default_factory=list)
    """The SIDs that Twilio does not know any more."""
    unasked: Sequence[str] = ()
    """The SIDs that it did not come to."""
    fault: str | None = None
    """Why what came in could not be read."""


class Texts:
    """Asks every so often, applies what came. One thread calls `step`; with ``threads`` off it asks in that one."""

    def __init__(
        self,
        store: Store,
        door: Door,
        recheck: Recheck,
        reader: Reader,
        every: dt.timedelta,
        *,
        threads: bool = True,
    ) -> None:
        self._store, self._door, self._recheck, self._reader = store, door, recheck, reader
        self._every = every
        self._threads = threads
        self._statuses = Statuses()
        self._landed: queue.SimpleQueue[_Found] = queue.SimpleQueue()
        self._asking = False
        self._seen: set[str] = set()
        self._faults = 0
        self._succeeded_at: dt.datetime | None = None
        self._ask_at: dt.datetime | None = None
        self._on_landing: Callable[[], None] | None = None

    def on_landing(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, from the asking thread, whenever answers are there."""
        self._on_landing = call

    def next_at(self) -> dt.datetime | None:
        """When to ask again; ``None`` while a question is open, and before the first."""
        return None if self._asking else self._ask_at

    def passed_at(self) -> dict[str, dt.datetime]:
        """When the last round was answered, by the job's name."""
        return {JOB: self._succeeded_at} if self._succeeded_at else {}

    def step(self, now: dt.datetime) -> int:
        """Apply what has landed; ask, when it is time. Returns how many messages and statuses changed something."""
        changed = self._apply_landed(now)
        if not self._asking and (self._ask_at is None or now >= self._ask_at):
            self._ask(now)
            if not self._threads:
                changed += self._apply_landed(now)
        return changed

    def close(self) -> None:
        """Stop asking."""
        self._on_landing = None
        self._reader.close()

    # ---- asking

    def _ask(self, now: dt.datetime) -> None:
        self._ask_at = now + self._every
        with self._store.reading() as session:
            if not inbound.any_phone(session):
                return
            if self._succeeded_at is None:
                self._succeeded_at = inbound.last_pass(session, JOB) or now
            wanted = self._statuses.wanted(session, now)
        since = max(self._succeeded_at - OVERLAP, now - LONGEST_LOOK_BACK)
        self._asking = True
        if self._threads:
            # A daemon thread: a question that is never answered must not hold up the end of the process.
            threading.Thread(target=self._fetch, args=(now, since, wanted), name="texts", daemon=True).start()
        else:
            self._fetch(now, since, wanted)

    def _fetch(self, now: dt.datetime, since: dt.datetime, wanted: list[tuple[int, str]]) -> None:
        found = _Found(now)
        try:
            found.received = self._reader.list_received(since)
        except SendFailed as failure:
            found.fault = failure.fault.code
        except Exception as error:  # whatever it is, the next round tries again
            log.exception("texts_broke")
            found.fault = type(error).__name__
        if found.fault is None:
            self._fetch_statuses(wanted, found)
        else:
            found.unasked = [sid for _, sid in wanted]
        self._landed.put(found)
        if self._on_landing is not None:
            self._on_landing()

    def _fetch_statuses(self, wanted: Sequence[tuple[int, str]], found: _Found) -> None:
        """What became of each text. No answer about one of them is no fault of the round."""
        for number, (delivery_id, sid) in enumerate(wanted, 1):
            try:
                found.statuses.append((delivery_id, sid, self._reader.fetch_status(sid)))
            except SendFailed as failure:
                code = failure.fault.code
                log.info("status_not_read delivery=%s code=%s", delivery_id, code)
                if code in NOT_KNOWN:
                    found.gone.append(sid)
                if code in OF_EVERY_QUESTION:
                    found.unasked = [sid for _, sid in wanted[number:]]
                    return
            except Exception:  # it is asked about again
                log.exception("status_broke delivery=%s", delivery_id)

    # ---- applying

    def _apply_landed(self, now: dt.datetime) -> int:
        changed = 0
        while not self._landed.empty():
            found = self._landed.get()
            self._asking = False
            self._note(found, now)
            self._statuses.note(gone=found.gone, unasked=found.unasked)
            fresh = [text for text in found.received if text.sid not in self._seen]
            if fresh or found.statuses:
                with self._store.writing() as session:
                    changed += sum(take_text(session, self._door, text, now) for text in fresh)
                    for delivery_id, sid, status in found.statuses:
                        changed += statuses.apply(session, self._recheck, delivery_id, sid, status, now)
            self._seen |= {text.sid for text in fresh}
            if found.fault is None:
                self._seen &= {text.sid for text in found.received}
        return changed

    def _note(self, found: _Found, now: dt.datetime) -> None:
        if found.fault is None:
            self._faults, self._succeeded_at = 0, found.asked_at
            return
        if not self._faults:
            log.warning("texts_not_read code=%s", found.fault)
        self._faults += 1
        self._ask_at = now + min(self._every * 2 ** min(self._faults, 10), SLOWEST)


def take_text(session: Session, door: Door, text: ReceivedText, now: dt.datetime) -> int:
    """Apply one text, polled or posted, once. Only the user's own number is obeyed; whoever shares it is stopped and
    started together. Returns for how many users it changed something."""
    users = inbound.users_by_phone(session, text.sender)
    if len(users) > 1:
        if any(inbound.is_applied(session, user.id, Channel.SMS, text.sid) for user in users):
            return 0
        if parse(text.body).verb not in (Verb.STOP, Verb.START, Verb.YES):
            users = users[:1]
    message = Incoming(Channel.SMS, text.sid, text.received_at, text.body)
    taken = 0
    for user in users:
        try:
            with session.begin_nested():
                taken += door.take(session, user.id, message, now)
        except Exception:  # one text must not hold the others back
            log.exception("text_broke user=%s sid=%s", user.id, text.sid)
    return taken
