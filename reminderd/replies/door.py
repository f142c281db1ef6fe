"""A reply, done: whose it is, which nudges it means, and the action. Each message is applied once."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from reminderd.actions import Actions
from reminderd.carrier import Carrier, Letter, enqueue
from reminderd.errors import TemplateBroken, UsageError
from reminderd.message import Channel
from reminderd.replies.answers import Answers
from reminderd.replies.parse import Reply, parse
from reminderd.replies.vocabulary import LATER_FOR, Verb
from reminderd.rules.calendar import Span, add_span, local_day, shift
from reminderd.rules.states import State
from reminderd.store import due, inbound
from reminderd.store.facts import today_of
from reminderd.store.lookup import fold
from reminderd.store.tables import DeliveryKind, Inbound, Nudge, Reference, User

log = logging.getLogger(__name__)

_USELESS_FOR = dt.timedelta(days=1)
_LONGEST = Span(months=120)
_HOUR = dt.timedelta(hours=1)
MOST_ASKED = 5
MOST_ANSWERED = 30
"""Answers to one meaning in an hour; two programs that answer each other end here."""


@dataclasses.dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a user's, whoever that is having been made sure of."""

    channel: Channel
    key: str
    """The same whenever this message is seen: Twilio's SID, or the Message-ID."""
    received_at: dt.datetime
    text: str
    subject: str = ""
    message_id: str = ""
    """Of the mail, so that the answer goes below it."""
    delivery_id: int | None = None
    """Which of our messages it answers."""
    sent: int | None = None
    """It is the copy of what the user sent for this nudge."""


class _Unclear(Exception):
    """The reply does not say enough; ``lines`` ask."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


@dataclasses.dataclass(slots=True)
class _Outcome:
    """What is said back: words, drafts, or nothing."""

    lines: list[str] = dataclasses.field(default_factory=list)
    drafts: list[Nudge] = dataclasses.field(default_factory=list)
    notice: str | None = None
    """Words that go by the other channel."""


@dataclasses.dataclass(frozen=True, slots=True)
class Door:
    """Applies replies through the one door, and answers."""

    actions: Actions
    carrier: Carrier

    def take(self, session: Session, user_id: int, message: Incoming, now: dt.datetime) -> bool:
        """Apply a message in the caller's transaction and enqueue the answer. False where it is nobody's, is older
        than the user, or was applied before; then nothing is changed."""
        user = inbound.locked_user(session, user_id)
        if user is None or message.received_at < user.created_at:
            return False
        if inbound.is_applied(session, user_id, message.channel, message.key[:250]):
            return False
        reply = parse(message.text, user.language) if message.sent is None else Reply(Verb.DONE, (message.sent,))
        row = Inbound(
            user_id=user_id,
            channel=message.channel,
            key=message.key[:250],
            verb=reply.verb,
            received_at=message.received_at,
            applied_at=now,
        )
        session.add(row)
        session.flush()
        try:
            with session.begin_nested():
                _One(self, session, user, message, reply, row.id, now).apply()
        except UsageError as error:
            _One(self, session, user, message, reply, row.id, now).answer([str(error)])
        log.info("reply_applied inbound=%s verb=%s", row.id, reply.verb)
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class _One:
    """One reply being applied."""

    door: Door
    session: Session
    user: User
    message: Incoming
    reply: Reply
    inbound_id: int
    now: dt.datetime

    @property
    def words(self) -> Answers:
        door = self.door
        return Answers(self.user, self.message.channel, door.actions.planner.book, door.carrier.library, self.now)

    def apply(self) -> None:
        try:
            outcome = self._act()
        except _Unclear as unclear:
            outcome = _Outcome(unclear.lines)
        if self.message.sent is not None:
            return  # whoever sends a mail does not want one back
        if self._talks_to_a_program():
            return
        if outcome.drafts:
            self._answer_drafts(outcome.drafts)
        if outcome.lines:
            self.answer(outcome.lines)
        if outcome.notice:
            self._notice(outcome.notice)

    def _act(self) -> _Outcome:
        match self.reply.verb:
            case Verb.DONE:
                return self._done()
            case Verb.SKIP:
                return self._skip()
            case Verb.SNOOZE:
                return self._snooze()
            case Verb.DRAFT:
                return _Outcome(drafts=self._targets())
            case Verb.WHY:
                return _Outcome([self.words.why(self.session, nudge) for nudge in self._targets()])
            case Verb.LIST:
                return _Outcome(self.words.opened(self.session, self._open()))
            case Verb.PAUSE:
                return self._pause()
            case Verb.UNDO:
                return self._undo()
            case Verb.STOP:
                return self._stop()
            case Verb.START:
                return self._start()
            case Verb.YES:
                return self._start() if self._is_off() else self._note()
            case Verb.HELP:
                # On texts the carrier answers, and so must not we.
                return _Outcome([self.words.say("words")] if self.message.channel is Channel.EMAIL else [])
            case Verb.WORDS:
                return _Outcome([self.words.say("words")])
            case Verb.NOTE:
                return self._note()
            case Verb.NOTHING:
                return _Outcome()

    # ---- which nudges

    def _targets(self) -> list[Nudge]:
        """The nudges meant, all of them this user's. Raises `_Unclear`."""
        reply = self.reply
        if reply.numbers:
            return self._numbered(reply.numbers)
        if reply.name:
            return self._named(reply.name)
        carried = self._carried()
        waiting = [nudge for nudge in carried if nudge.state == State.OPEN]
        if reply.every:
            if not waiting:
                raise _Unclear(self.words.which(self.session, self._open(), together=False))
            return waiting
        if len(waiting) == 1:
            return waiting
        if not waiting:
            waiting = self._open()
            if len(waiting) == 1 or (not waiting and len(carried) == 1):
                return waiting or carried
        raise _Unclear(self.words.which(self.session, waiting, together=bool(carried) and len(waiting) > 1))

    def _numbered(self, numbers: Sequence[int]) -> list[Nudge]:
        found = inbound.by_numbers(self.session, self.user.id, numbers)
        missing = [str(number) for number in numbers if number not in found]
        if missing:
            none = self.words.say("none", numbers=", ".join(missing))
            raise _Unclear([none, *self.words.opened(self.session, self._open())])
        return [found[number] for number in numbers]

    def _named(self, name: str) -> list[Nudge]:
        """The one open nudge about somebody of that name; else it was no name, and the text is noted."""
        wanted = fold(name).split()
        carried = [nudge for nudge in self._carried() if nudge.state == State.OPEN]
        for nudges in (carried, self._open()):
            found = [nudge for nudge in nudges if self._is_about(nudge, wanted)]
            if len(found) == 1:
                return found
            if found:
                raise _Unclear(self.words.which(self.session, found, together=False))
        raise _Unclear(self._noted(self.reply.text))

    def _is_about(self, nudge: Nudge, wanted: Sequence[str]) -> bool:
        parts = fold(inbound.name_of(self.session, nudge)).split()
        return bool(wanted) and all(any(part.startswith(word) for part in parts) for word in wanted)

    def _carried(self) -> list[Nudge]:
        """What the message was about that is answered: the one named by the reply, else the last on its channel."""
        message = self.message
        carried = due.nudges_of(self.session, message.delivery_id) if message.delivery_id else []
        if not carried:
            last = inbound.last_spoken(self.session, self.user.id, message.channel, message.received_at)
            carried = due.nudges_of(self.session, last.id) if last else []
        return [nudge for nudge in carried if nudge.user_id == self.user.id]

    def _open(self) -> list[Nudge]:
        return inbound.open_now(self.session, self.user.id, self.now)

    # ---- what is done

    def _done(self) -> _Outcome:
        targets = self._targets()
        before = [nudge for nudge in targets if nudge.state == State.DONE]
        fresh = [nudge for nudge in targets if nudge.state != State.DONE]
        self._keep_words(targets)
        self.door.actions.done(self.session, self.user, fresh, self.now, heard_at=self.message.received_at)
        lines = self.words.settled(self.session, "done", fresh) + self.words.settled(self.session, "was_done", before)
        standing = self.door.actions.standing(self.session, targets[0], self.now)
        if standing is not None:
            lines.append(self.words.knows(standing))
        return _Outcome(lines)

    def _skip(self) -> _Outcome:
        targets = self._targets()
        states = {nudge.id: State(nudge.state) for nudge in targets}
        self._keep_words(targets)
        skipped = self.door.actions.skip(self.session, self.user, targets, self.now)
        lines = self.words.settled(self.session, "skipped", skipped)
        for nudge in targets:
            if nudge not in skipped:
                lines += self.words.settled(self.session, f"was_{states[nudge.id]}", [nudge])
        return _Outcome(lines)

    def _snooze(self) -> _Outcome:
        targets = self._targets()
        span = self._span() or LATER_FOR
        lines: list[str] = []
        for nudge in targets:
            if nudge.state != State.OPEN:
                lines += self.words.settled(self.session, f"was_{nudge.state}", [nudge])
                continue
            until = self.door.actions.snooze(self.session, self.user, nudge, span, self.now)
            lines += self.words.quiet(until, nudge)
        return _Outcome(lines)

    def _span(self) -> Span | None:
        """How long; ``None`` where nothing was said. Raises `_Unclear` for what leads beyond ten years."""
        today = today_of(self.user, self.now)
        if self.reply.weekday is not None:
            return Span(days=(self.reply.weekday - today.weekday() - 1) % 7 + 1)
        span = self.reply.span
        if span is None:
            return None
        try:
            too_far = add_span(today, Span(span.months, span.days)) > add_span(today, _LONGEST)
        except (ValueError, OverflowError):
            too_far = True
        if too_far:
            raise _Unclear([self.words.say("too_far")])
        return span if span != Span() else None

    def _pause(self) -> _Outcome:
        targets = self._targets()
        span = self._span()
        until = self._day_after(span) if span else None
        lines = []
        for nudge in targets:
            row = self.session.get(Reference, nudge.reference_id) if nudge.reference_id else None
            if row is None:
                lines.append(self.words.say("nobody", number=nudge.number))
                continue
            self.door.actions.pause_reference(self.session, self.user, row, until, self.now)
            end = self.words.say("until", when=self.words.day(until)) if until else ""
            lines.append(self.words.say("paused", name=self.words.name(row.name), until=end))
        return _Outcome(lines)

    def _day_after(self, span: Span) -> dt.date:
        """The day on which a span ends, tomorrow at the earliest."""
        tomorrow = today_of(self.user, self.now) + dt.timedelta(days=1)
        return max(tomorrow, local_day(shift(self.now, span, self.user.zone), self.user.zone))

    def _undo(self) -> _Outcome:
        wanted: Sequence[Nudge | None] = self._numbered(self.reply.numbers) if self.reply.numbers else [None]
        results = []
        for one in wanted:
            with contextlib.suppress(UsageError):  # there is nothing of it to take back
                results.append(self.door.actions.undo(self.session, self.user, self.now, one))
        if not results:
            return _Outcome([self.words.say("nothing_to_undo")])
        opened = [one for result in results for one in result.changes.opened if one.state == State.OPEN]
        lines = self.words.settled(self.session, "undone", opened) or [self.words.say("undone_other")]
        put_back = [self.words.put_back(job, key) for result in results for job, key in result.put_back]
        return _Outcome([*lines, *put_back])

    def _note(self) -> _Outcome:
        reply = self.reply
        if reply.numbers:
            self._numbered(reply.numbers)
        return _Outcome(self._noted(reply.text or self.message.text))

    def _noted(self, text: str) -> list[str]:
        """Keep words that are no command on the nudge that they can only be about, and ask what was meant."""
        meant = self._numbered(self.reply.numbers) if self.reply.numbers else self._only()
        asked = [self.words.say("otherwise"), self.words.say("words")]
        if len(meant) != 1:
            return [self.words.say("unclear"), self.words.say("words")]
        number, title = meant[0].number, self.words.titles(self.session, meant)[0]
        kept = self.door.actions.note(self.session, meant[0], text)
        first = self.words.say("noted" if kept else "full", number=number, title=title)
        return [first] if self.reply.numbers else [first, *asked]

    def _only(self) -> list[Nudge]:
        carried = self._carried()
        return carried if len(carried) == 1 else [] if carried else self._open()

    def _keep_words(self, targets: Sequence[Nudge]) -> None:
        if self.reply.text and self.reply.numbers and len(targets) == 1:
            self.door.actions.note(self.session, targets[0], self.reply.text)

    # ---- the channel

    def _is_off(self) -> bool:
        return not self.user.wants(self.message.channel)

    def _stop(self) -> _Outcome:
        stopped = self.door.actions.stop_channel(self.session, self.user, self.message.channel)
        if not stopped:
            return _Outcome()
        if self.message.channel is Channel.SMS:
            # The carrier lets no text through any more, not even one that says so.
            return _Outcome(notice=self.words.say("stopped_sms"))
        return _Outcome([self.words.say("stopped_email")])

    def _start(self) -> _Outcome:
        started = self.door.actions.start_channel(self.session, self.user, self.message.channel)
        return _Outcome([self.words.say(f"started_{self.message.channel}" if started else "was_started")])

    # ---- answering

    def _talks_to_a_program(self) -> bool:
        """A phone that says "I am driving" to each of our answers would otherwise be answered for ever."""
        verb = self.reply.verb
        if verb in (Verb.STOP, Verb.START):
            return False
        so_far = inbound.count_since(self.session, self.user.id, self.message.channel, verb, self.now - _HOUR)
        return so_far > (MOST_ASKED if verb is Verb.NOTE else MOST_ANSWERED)

    def answer(self, lines: Sequence[str]) -> None:
        """Enqueue words to the user, on the channel that the message came by; none where that was stopped, save to the
        message that stopped it."""
        message = self.message
        if self._is_off() and self.reply.verb is not Verb.STOP:
            return
        bare = message.subject[3:].strip() if message.subject.lower().startswith("re:") else message.subject
        letter = self.door.carrier.answer(
            self.user,
            message.channel,
            lines,
            self.now,
            subject=f"Re: {bare}" if bare else "reminderd",
            key=self._key,
            answers=message.message_id,
        )
        self._enqueue(DeliveryKind.ANSWER, message.channel, [letter])

    def _answer_drafts(self, nudges: Sequence[Nudge]) -> None:
        if self._is_off():
            return
        try:
            letters = self.door.carrier.drafts(
                self.session, self.user, nudges, self.message.channel, f"draft:{self._key}", self.now
            )
        except TemplateBroken:
            log.exception("draft_broken user=%s", self.user.id)
            self.answer([self.words.say("broken", number=nudges[0].number)])
            return
        self._enqueue(DeliveryKind.ANSWER, self.message.channel, letters)

    def _notice(self, line: str) -> None:
        if not self.user.email_enabled:
            return
        letter = self.door.carrier.answer(
            self.user,
            Channel.EMAIL,
            [line],
            self.now,
            subject=self.words.say("stopped_subject"),
            key=self._key,
            kind=DeliveryKind.NOTICE,
        )
        self._enqueue(DeliveryKind.NOTICE, Channel.EMAIL, [letter])

    @property
    def _key(self) -> str:
        return f"inbound:{self.inbound_id}"

    def _enqueue(self, kind: DeliveryKind, channel: Channel, letters: Sequence[Letter]) -> None:
        """Due at once, whatever the hour: the user has just written."""
        useless_at = self.now + _USELESS_FOR if kind is DeliveryKind.ANSWER else None
        enqueue(self.session, self.user, kind, channel, self._key, letters, self.now, useless_at=useless_at)
