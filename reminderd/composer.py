"""Due steps -> deliveries. What a message says is stored with its steps, in one transaction."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from reminderd.carrier import Bundle, Carrier, Sender, enqueue
from reminderd.drafts.library import Library
from reminderd.errors import TemplateBroken
from reminderd.message import Channel
from reminderd.nudge_rows import SNOOZE_STEP
from reminderd.planner import Planner
from reminderd.rules.calendar import Span, is_quiet, leave_quiet, local_day, shift, start_of_day
from reminderd.rules.facts import UserFact
from reminderd.rules.rule import Role, Rule
from reminderd.rules.states import State
from reminderd.rules.steps import best_channel, digest_slot
from reminderd.store import due, followers, outbox
from reminderd.store.database import Transaction
from reminderd.store.draft_batch import Batch
from reminderd.store.facts import load_user, user_fact
from reminderd.store.outbox import Claim, Standing
from reminderd.store.tables import REMINDERS, ChannelHealth, Delivery, DeliveryKind, Nudge, Step, StepState, User

log = logging.getLogger(__name__)

BATCH = 100
"""Steps of a transaction: others wait for no longer than it takes to make their messages."""
FRESH_FOR = dt.timedelta(hours=1)
"""How long the first step of what was just recorded may still break into quiet hours."""
PUT_OFF_FOR = dt.timedelta(hours=1)
"""How long a step waits whose draft cannot be rendered, or whose user stopped every channel."""
_TIME_BOUND = frozenset({Role.OUTCOME, Role.ASK, Role.HEADS_UP})

__all__ = ["Composer", "Sender"]


@dataclasses.dataclass(frozen=True, slots=True)
class _Due:
    """The step of a nudge that is to be sent, and those before it that it takes in."""

    step: Step
    nudge: Nudge
    passed: tuple[Step, ...]


@dataclasses.dataclass(slots=True)
class _Known:
    """What is known of one user without asking: nothing any more once something was made for the user."""

    batch: Batch | None

    def take(self) -> Batch | None:
        """The last use of it."""
        batch, self.batch = self.batch, None
        return batch


class Composer:
    """Makes deliveries, and answers the dispatcher whether one is still wanted."""

    def __init__(
        self,
        library: Library,
        planner: Planner,
        sender: Sender,
        fit: Callable[[str, int, str], str],
        *,
        most_segments: int = 2,
        messages_per_day: int = 20,
        keep_in_touch_per_week: int = 3,
    ) -> None:
        self._planner = planner
        self.carrier = Carrier(library, planner.book, sender, lambda text, tail: fit(text, most_segments, tail))
        self._per_day = messages_per_day
        self._keep_per_week = keep_in_touch_per_week

    # ---- composing

    def compose(self, session: Session, now: dt.datetime, ahead: dt.timedelta = dt.timedelta()) -> int:
        """Turn a batch of the steps that are due within ``ahead`` into deliveries, in the caller's transaction, each as
        it will be at its moment. Returns how many steps and notices it dealt with; 0 when nothing is due."""
        rows = due.due_steps(session, now + ahead, BATCH)
        if rows and outbox.withdraw_missed(session, {nudge.id for _, nudge in rows}, now):
            rows = due.due_steps(session, now + ahead, BATCH)
        groups: dict[tuple[dt.datetime, int], list[tuple[Step, Nudge]]] = defaultdict(list)
        for step, nudge in rows:
            groups[(max(step.at, now), step.user_id)].append((step, nudge))
        batch = Batch.read(session, rows, now) if rows else None
        known = {user_id: _Known(batch) for _, user_id in groups}
        for (moment, user_id), pairs in groups.items():
            try:
                with session.begin_nested():
                    self._for_user(session, due.user_by_id(session, user_id), pairs, moment, known[user_id])
            except DBAPIError:
                raise
            except Exception:  # what is wrong with one user's rows must not stop the others
                log.exception("compose_broke user=%s", user_id)
                for step, _ in pairs:
                    step.at = moment + PUT_OFF_FOR
        session.flush()
        return len(rows) + self._notices(session, now)

    def _for_user(
        self, session: Session, user: User, pairs: list[tuple[Step, Nudge]], now: dt.datetime, known: _Known
    ) -> None:
        batch = known.batch
        if batch is None:
            habits = load_user(session, user, self._planner.ways)
        else:
            habits = user_fact(user, self._planner.ways, batch.paused[user.id])
        latest = self._latest(pairs, now)
        if not habits.wanted:
            for step in (step for one in latest for step in (one.step, *one.passed)):
                step.at = now + PUT_OFF_FOR
            return
        ready = [one for one in latest if not self._waits(one, habits, now)]
        single = [one for one in ready if one.step.lane == "now"]
        digest = [one for one in ready if one.step.lane == "digest"]
        sent = due.sent_positions(session, [one.nudge.id for one in ready]) if batch is None else batch.sent
        for one in single:
            one.step.channel = self._channel(one, habits, sent)
        for group in self._groups(single).values():
            self._send_group(session, user, habits, group, now, sent, known)
        digest = self._within_week(session, user, habits, digest, now)
        for channel in dict.fromkeys(self._channel(one, habits, sent) for one in digest):
            group = [one for one in digest if self._channel(one, habits, sent) == channel]
            self._make(session, user, DeliveryKind.DIGEST, channel, group, now, sent, known)

    def _latest(self, pairs: list[tuple[Step, Nudge]], now: dt.datetime) -> list[_Due]:
        """One step for each open nudge: the latest; what is no longer open is folded away."""
        by_nudge: dict[int, list[tuple[Step, Nudge]]] = defaultdict(list)
        for step, nudge in pairs:
            if nudge.snoozed_until is not None and nudge.snoozed_until > now and step.position != SNOOZE_STEP:
                step.state = StepState.FOLDED
            elif nudge.state == State.OPEN and nudge.expires_at > now:
                by_nudge[nudge.id].append((step, nudge))
            elif nudge.state != State.OPEN:
                step.state = StepState.FOLDED
            else:
                step.at = now + PUT_OFF_FOR
        found = []
        for steps in by_nudge.values():
            *passed, (last, nudge) = sorted(steps, key=lambda pair: (pair[0].at, pair[0].position))
            found.append(_Due(last, nudge, tuple(step for step, _ in passed)))
        return found

    def _waits(self, one: _Due, habits: UserFact, now: dt.datetime) -> bool:
        """Whether quiet hours hold it back; then its moment has been moved."""
        if not is_quiet(now, habits.quiet, habits.zone):
            return False
        first = one.step.at == one.nudge.starts_at and one.step.channel == Channel.EMAIL and one.step.lane == "now"
        if first and now - one.step.at < FRESH_FOR:
            return False
        deadline = one.nudge.due_at if one.nudge.due_at > now else None
        at = leave_quiet(now, habits.quiet, habits.zone, deadline)
        one.step.at = at if at > now else leave_quiet(now, habits.quiet, habits.zone)
        return True

    def _channel(self, one: _Due, habits: UserFact, sent: Mapping[int, int]) -> str:
        """The step's channel; the mail when a text would come before any draft has, or what there is."""
        wanted = one.step.channel
        if wanted == Channel.SMS and one.passed and not sent.get(one.nudge.id) and "email" in habits.channels:
            return "email"
        return best_channel(wanted, habits)

    def _groups(self, single: Sequence[_Due]) -> dict[tuple[str, str, str], list[_Due]]:
        groups: dict[tuple[str, str, str], list[_Due]] = defaultdict(list)
        for one in single:
            about = f"o{one.nudge.opportunity_id}" if one.nudge.opportunity_id else f"n{one.nudge.number}"
            groups[(one.step.channel, one.nudge.rule, about)].append(one)
        return groups

    def _send_group(
        self,
        session: Session,
        user: User,
        habits: UserFact,
        group: list[_Due],
        now: dt.datetime,
        sent: Mapping[int, int],
        known: _Known,
    ) -> None:
        rule = self._planner.book.rules.get(group[0].nudge.rule)
        channel = group[0].step.channel
        today = start_of_day(local_day(now, habits.zone), habits.zone)
        bound = rule is not None and rule.role in _TIME_BOUND
        if not bound and self._made_since(session, user, channel, today, known) >= self._per_day:
            slot = digest_slot(now, habits)
            for one in group:
                one.step.lane, one.step.at = "digest", slot
            return
        self._make(session, user, DeliveryKind.NUDGE, channel, group, now, sent, known)

    def _made_since(self, session: Session, user: User, channel: str, since: dt.datetime, known: _Known) -> int:
        made = (due.made_since(session, [user.id], since) if known.batch is None else known.batch.made).get(user.id, ())
        return sum(1 for way, made_at in made if way == channel and made_at >= since)

    def _within_week(
        self, session: Session, user: User, habits: UserFact, digest: list[_Due], now: dt.datetime
    ) -> list[_Due]:
        """No more keep-in-touch in a week than the setting says; the others wait for the next digest."""
        rules = [rule.name for rule in self._planner.book.rules.values() if _keeps_in_touch(rule)]
        keep = [one for one in digest if one.nudge.rule in rules]
        if not keep:
            return digest
        # Since this slot, or with a daily digest the seventh before it: a late one must not cost the next its room.
        since = digest_slot(shift(now, Span(days=-7), habits.zone), habits)
        recent = due.kept_in_touch_since(session, user.id, rules, since)
        room = max(0, self._keep_per_week - recent)
        keep.sort(key=lambda one: (one.nudge.due_at, one.nudge.number))
        slot = digest_slot(now, habits)
        for one in keep[room:]:
            one.step.at = slot
        late = {one.nudge.id for one in keep[room:]}
        return [one for one in digest if one.nudge.id not in late]

    def _make(
        self,
        session: Session,
        user: User,
        kind: DeliveryKind,
        channel: str,
        group: list[_Due],
        now: dt.datetime,
        sent: Mapping[int, int],
        known: _Known,
    ) -> None:
        bundle = Bundle(
            kind=kind,
            channel=Channel(channel),
            nudges=tuple(one.nudge for one in group),
            positions=tuple(sent.get(one.nudge.id, 0) + 1 for one in group),
        )
        prefix = f"{min(one.nudge.number for one in group)}.{min(one.step.position for one in group)}:"
        key = f"{prefix}{due.deliveries_like(session, user.id, channel, kind, prefix)}"
        try:
            with session.begin_nested():
                letters = self.carrier.make(session, user, bundle, key, now, known.take())
        except TemplateBroken:
            if len(group) > 1:  # each by itself, so that one broken draft does not hold the others back
                for one in group:
                    self._make(session, user, kind, channel, [one], now, sent, known)
                return
            log.exception("draft_broken user=%s nudge=%s", user.id, group[0].nudge.id)
            group[0].step.at = now + PUT_OFF_FOR
            return
        useless_at = max(one.nudge.expires_at for one in group)
        first, *_ = enqueue(session, user, kind, bundle.channel, key, letters, now, useless_at=useless_at)
        for one in group:
            one.step.state = StepState.SENT
            one.step.delivery_id = first.id
            for step in one.passed:
                step.state = StepState.FOLDED
                step.delivery_id = first.id

    # ---- notices and tests

    def has_notices(self, session: Session, now: dt.datetime) -> bool:
        """Whether a channel that broke is still to be told of."""
        return any(self._untold(session, health, now) for health in due.paused_channels(session))

    def _notices(self, session: Session, now: dt.datetime) -> int:
        made = 0
        for health in due.paused_channels(session):
            channel = self._untold(session, health, now)
            if channel is None:
                continue
            user = due.user_by_id(session, health.user_id)
            habits = load_user(session, user, self._planner.ways)
            letter = self.carrier.notice(user, Channel(channel), health, now)
            at = leave_quiet(now, habits.quiet, habits.zone)
            key = _notice_key(health)
            enqueue(session, user, DeliveryKind.NOTICE, Channel(channel), key, [letter], now, due_at=at)
            made += 1
        return made

    def _untold(self, session: Session, health: ChannelHealth, now: dt.datetime) -> str | None:
        """The channel by which a pause is still to be told of."""
        user = due.user_by_id(session, health.user_id)
        working = load_user(session, user, self._planner.ways).channels
        if not working:
            return None
        told = due.deliveries_like(session, user.id, working[0], DeliveryKind.NOTICE, _notice_key(health))
        return None if told else working[0]

    def enqueue_refusal(self, session: Session, why: str, now: dt.datetime) -> Delivery | None:
        """Tell the first user, who set this up, that rules or settings were refused and the former ones stay in
        force. ``None`` where that was told already, or nobody is there, or stopped every way."""
        user = due.first_user(session)
        if user is None:
            return None
        habits = load_user(session, user, self._planner.ways)
        if not habits.wanted:
            return None
        channel = Channel(best_channel(Channel.EMAIL, habits))
        key = f"refused:{hashlib.blake2b(why.encode(), digest_size=8).hexdigest()}"
        if any(due.deliveries_like(session, user.id, one, DeliveryKind.NOTICE, key) for one in Channel):
            return None
        kept = "The former ones stay in force until that is mended."
        lines = [why, f"{kept} A change of rules or templates is noticed by itself, one of settings on SIGHUP."]
        letter = self.carrier.answer(
            user, channel, lines, now, subject="reminderd: rules or settings refused", key=key, kind=DeliveryKind.NOTICE
        )
        at = leave_quiet(now, habits.quiet, habits.zone)
        return enqueue(session, user, DeliveryKind.NOTICE, channel, key, [letter], now, due_at=at)[0]

    def enqueue_test(self, session: Session, user: User, channel: Channel, now: dt.datetime) -> Delivery:
        """A message that shows whether a channel works, due at once."""
        letter = self.carrier.test(user, channel, now)
        useless_at = now + dt.timedelta(hours=1)
        key = now.isoformat()
        return enqueue(session, user, DeliveryKind.TEST, channel, key, [letter], now, useless_at=useless_at)[0]

    # ---- what the dispatcher asks

    def standing(self, transaction: Transaction, claim: Claim, now: dt.datetime) -> Standing:
        """Wanted while every nudge that a delivery carries is open, not snoozed and not over; moot when it carries
        nudges, and none of them is open, or the user stopped its channel while it was under way. What missed its moment
        is wanted as long as it would be made like that now."""
        if claim.attempt > 0 and claim.kind is not DeliveryKind.ANSWER and self._is_stopped(transaction.session, claim):
            return Standing.MOOT
        if claim.attempt == 0 and claim.kind in REMINDERS and not claim.carries_nudges:
            announced = followers.were_announced(transaction.session, claim.delivery_id)
            return Standing.WANTED if announced else Standing.UNWANTED
        missed = claim.carries_nudges and claim.attempt == 0 and claim.is_late(now)
        if claim.standing is Standing.WANTED and missed and self._is_outdated(transaction.session, claim, now):
            return Standing.UNWANTED
        return claim.standing

    def _is_stopped(self, session: Session, claim: Claim) -> bool:
        return not due.user_by_id(session, claim.user_id).wants(claim.channel)

    def _is_outdated(self, session: Session, claim: Claim, now: dt.datetime) -> bool:
        """Whether quiet hours have begun since its moment, or another day. Not how long it waited for its turn: a long
        queue must not start over."""
        assert claim.due_at is not None
        habits = load_user(session, due.user_by_id(session, claim.user_id), self._planner.ways)
        missed_day = local_day(now, habits.zone) != local_day(claim.due_at, habits.zone)
        return missed_day or is_quiet(now, habits.quiet, habits.zone)

    def quiet_until(self, session: Session, claim: Claim, now: dt.datetime) -> dt.datetime | None:
        """When the user's quiet hours end, for a message that the program sends of its own accord; ``None`` outside of
        them, and for what was made within them because the user had just recorded it."""
        if claim.kind in (DeliveryKind.ANSWER, DeliveryKind.TEST):
            return None
        habits = load_user(session, due.user_by_id(session, claim.user_id), self._planner.ways)
        if not is_quiet(now, habits.quiet, habits.zone):
            return None
        made_for = claim.made_for
        if made_for is not None and now - made_for < FRESH_FOR and is_quiet(made_for, habits.quiet, habits.zone):
            return None
        return leave_quiet(now, habits.quiet, habits.zone)

    def other_channel(self, session: Session, claim: Claim, now: dt.datetime) -> str | None:
        """A channel of the user's that works, other than the claim's, and that has not failed at the same already;
        none for what carries no nudge."""
        if not due.nudges_of(session, claim.delivery_id):
            return None
        user = due.user_by_id(session, claim.user_id)
        channels = load_user(session, user, self._planner.ways).channels
        others = (channel for channel in channels if channel != claim.channel)
        return next((channel for channel in others if not due.has_failed(session, claim.delivery_id, channel)), None)


def _notice_key(health: ChannelHealth) -> str:
    return f"paused:{health.channel}:{health.paused_at:%Y-%m-%dT%H:%M:%S}"


def _keeps_in_touch(rule: Rule) -> bool:
    """Whether nothing but the time gone by starts a rule."""
    return rule.role is Role.KEEP and rule.lane == "digest" and (rule.every is not None or rule.yearly is not None)
