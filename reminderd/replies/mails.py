"""Answers by mail: the mailbox is watched in a thread that touches only the network; what came is applied here."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import itertools
import logging
import queue
import socket
import threading
from collections.abc import Callable

from sqlalchemy.orm import Session

from reminderd import tokens
from reminderd.clock import utc_now
from reminderd.message import Channel
from reminderd.replies import failures, letters
from reminderd.replies.door import Door, Incoming
from reminderd.replies.failures import Recheck
from reminderd.replies.letters import Received, Report
from reminderd.replies.mailbox import Account, Fetched, Mailbox, MailboxFault
from reminderd.replies.parse import LONGEST, is_courtesy, is_farewell, parse
from reminderd.replies.quoting import first_line
from reminderd.replies.vocabulary import Verb
from reminderd.rules.retry import Fault, Verdict
from reminderd.store import inbound
from reminderd.store.database import Store
from reminderd.store.tables import User

log = logging.getLogger(__name__)

JOB = "mails"
OVERLAP = dt.timedelta(days=2)
LONGEST_LOOK_BACK = dt.timedelta(days=30)
SLOWEST = 900.0
BOUNCED = "The mail came back: the address does not take it."
GONE = "The mail came back: the address does not exist."


class Mails:
    """Watches the mailbox, applies what came. One thread calls `step`; with ``threads`` off it looks in that one."""

    def __init__(
        self,
        store: Store,
        door: Door,
        recheck: Recheck,
        account: Account,
        key: bytes,
        every: dt.timedelta,
        *,
        threads: bool = True,
    ) -> None:
        self._store, self._door, self._recheck, self._key = store, door, recheck, key
        self._mailbox = Mailbox(account)
        self._every = every
        self._threads = threads
        self._watch: _Watch | None = None
        self._arrived: queue.SimpleQueue[Fetched] = queue.SimpleQueue()
        self._looked_at: dt.datetime | None = None
        self._faults = 0
        self._look_at: dt.datetime | None = None
        self._on_landing: Callable[[], None] | None = None

    def on_landing(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, from the watching thread, whenever mails are there."""
        self._on_landing = call

    def next_at(self) -> dt.datetime | None:
        """When to look again; ``None`` where a thread does."""
        return None if self._threads else self._look_at

    def passed_at(self) -> dict[str, dt.datetime]:
        """When the mailbox was last looked at with success, by the job's name."""
        at = self._watch.looked_at if self._watch is not None else self._looked_at
        return {JOB: at} if at else {}

    def step(self, now: dt.datetime) -> int:
        """Apply what has arrived; begin to watch, or look when it is time. Returns how many mails changed
        something."""
        if self._threads and self._watch is None:
            self._watch = _Watch(self._mailbox, self._arrived, self._since(now), now, self._every, self._landed)
            self._watch.start()
        if not self._threads and (self._look_at is None or now >= self._look_at):
            self._look(now)
        mails = []
        while not self._arrived.empty():
            mails.append(self._arrived.get())
        try:
            return self._apply(mails, now)
        except BaseException:
            for mail in mails:  # the database was busy: they are applied in the next pass
                self._arrived.put(mail)
            raise

    def close(self) -> None:
        """Stop watching; returns at once."""
        self._on_landing = None
        if self._watch is not None:
            self._watch.stop()
        else:
            self._mailbox.close()

    def _landed(self) -> None:
        if self._on_landing is not None:
            self._on_landing()

    def _since(self, now: dt.datetime) -> dt.date:
        with self._store.reading() as session:
            last = inbound.last_pass(session, JOB) or now
        return (max(last, now - LONGEST_LOOK_BACK) - OVERLAP).date()

    def _look(self, now: dt.datetime) -> None:
        self._look_at = now + self._every
        try:
            for mail in self._mailbox.fetch(self._since(now)):
                self._arrived.put(mail)
        except MailboxFault as fault:
            if not self._faults:
                log.warning("mails_not_read code=%s", fault.code)
            self._faults += 1
            return
        self._faults, self._looked_at = 0, now

    def _apply(self, mails: list[Fetched], now: dt.datetime) -> int:
        read = [(mail, letters.read(mail.content)) for mail in mails]
        if not any(letter for _, letter in read):
            return 0
        changed = 0
        with self._store.writing() as session:
            for mail, letter in read:
                if letter is None:
                    continue
                try:
                    with session.begin_nested():
                        changed += take_mail(session, self._door, self._recheck, self._key, mail, letter, now)
                except Exception:  # one mail must not hold the others back
                    log.exception("mail_broke uid=%s", mail.uid)
        return changed


# ---- what one mail does


def take_mail(
    session: Session, door: Door, recheck: Recheck, key: bytes, mail: Fetched, letter: Received, now: dt.datetime
) -> bool:
    """Apply a mail: from the user's own address, with a token or below a message of ours. A bounce is noted; what
    a program sent by itself does nothing."""
    if letter.report is not None:
        return _take_report(session, recheck, letter.report, now)
    if letter.is_automatic or len(letter.senders) != 1:
        return False
    answered = inbound.delivery_by_message_id(session, letter.references)
    read = [found for found in (tokens.read_token(address, key) for address in letter.recipients) if found]
    copies = [token for token in read if token.number is not None]
    owner = copies[0].user_id if copies else answered.user_id if answered else read[0].user_id if read else None
    user = session.get(User, owner) if owner is not None else None
    if user is None or user.email.casefold() != letter.senders[0]:
        return False
    message = Incoming(
        channel=Channel.EMAIL,
        key=letter.message_id or f"sha256:{hashlib.sha256(mail.content).hexdigest()}",
        received_at=mail.received_at,
        text=_command(letter, user),
        subject=letter.subject,
        message_id=letter.message_id,
        delivery_id=answered.id if answered is not None and answered.user_id == user.id else None,
        sent=copies[0].number if copies else None,
    )
    return door.take(session, user.id, message, now)


def _command(letter: Received, user: User) -> str:
    """The first line where it is a command, else all that was said, without greetings and thanks above it; the subject
    of an otherwise empty mail."""
    if not letter.said:
        subject = letter.subject
        return "" if subject.casefold().startswith(("re:", "aw:", "fwd:", "wg:")) else subject
    lines = letter.said[:LONGEST].split("\n")
    kept = list(itertools.dropwhile(lambda line: is_courtesy(line, user.language), lines))
    said = "\n".join(kept)
    first = first_line(said)
    if len(kept) < len(lines) and is_farewell(first, user.name):
        return ""
    return said if parse(first, user.language).verb is Verb.NOTE else first


def _take_report(session: Session, recheck: Recheck, report: Report, now: dt.datetime) -> bool:
    delivery = inbound.delivery_by_message_id(session, report.message_ids)
    if delivery is None or delivery.channel != Channel.EMAIL:
        return False
    if report.action == "delivered":
        return failures.arrived(session, delivery.id)
    if report.action != "failed":
        return False
    gone = report.status.startswith("5.1.")
    fault = Fault(
        Verdict.BAD_ADDRESS if gone else Verdict.GIVE_UP,
        f"bounced {report.status}"[:40],
        GONE if gone else BOUNCED,
    )
    return failures.lost(session, recheck, delivery.id, fault, now)


# ---- the watching thread


class _Watch:
    """Touches only the network. Between two looks it idles where the server can, else it sleeps."""

    def __init__(
        self,
        mailbox: Mailbox,
        arrived: queue.SimpleQueue[Fetched],
        since: dt.date,
        now: dt.datetime,
        every: dt.timedelta,
        landed: Callable[[], None],
    ) -> None:
        self._mailbox, self._arrived, self._landed = mailbox, arrived, landed
        self._since, self._began_at = since, now
        self._every = every.total_seconds()
        self._stopping = threading.Event()
        self._waker, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="mails", daemon=True)
        self.looked_at: dt.datetime | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):  # the thread has ended
            self._wake.send(b"x")

    def _run(self) -> None:
        faults = 0
        while not self._stopping.is_set():
            try:
                self._look()
                faults = 0
                if self._mailbox.idles():
                    self._mailbox.wait(self._waker, 3600)
                else:
                    self._stopping.wait(self._every)
            except MailboxFault as fault:
                faults += 1
                if faults == 1:
                    log.warning("mails_not_read code=%s", fault.code)
                self._stopping.wait(SLOWEST if fault.refused else min(5.0 * 2 ** min(faults, 10), SLOWEST))
            except Exception:  # whatever it is, it must not end the watching
                log.exception("mails_broke")
                self._mailbox.forget()
                self._stopping.wait(SLOWEST)
        self._mailbox.close()
        self._waker.close()
        self._wake.close()

    def _look(self) -> None:
        began = utc_now()
        mails = self._mailbox.fetch(self._since)
        self.looked_at = began
        self._since = max(self._since, (began - OVERLAP).date())
        for mail in mails:
            self._arrived.put(mail)
        if mails:
            self._landed()
