"""facts -> plan -> nudge rows. Planning twice changes nothing; what is planned again keeps its number."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateParameter

from reminderd.errors import ReminderdError
from reminderd.rules.cadence import plan
from reminderd.rules.calendar import local_day
from reminderd.rules.facts import Facts, Plan, PlannedNudge, PlannedStep, UserFact
from reminderd.rules.rule import Book
from reminderd.rules.states import State, Status, is_still_paused
from reminderd.rules.steps import digest_slot
from reminderd.rules.timeline import Timeline
from reminderd.store import marks, outbox
from reminderd.store.facts import load_references, load_taken_back, load_user, load_user_subject, today_of
from reminderd.store.tables import (
    BY_ITSELF,
    Base,
    Delivery,
    DeliveryState,
    Event,
    Nudge,
    Reference,
    Step,
    StepState,
    User,
)

log = logging.getLogger(__name__)

SNOOZE_STEP = 100
"""The position of the step that ends a snooze."""
BATCH = 100
PUT_OFF_FOR = dt.timedelta(hours=1)
"""How long what cannot be planned waits."""
_NUDGES, _STEPS = (Base.metadata.tables[entity.__tablename__] for entity in (Nudge, Step))
_NO_KEY: ForUpdateParameter = {"key_share": True}
"""A lock that rows which point to the locked one do not wait for."""


@dataclasses.dataclass(slots=True)
class Changes:
    """What one planning did to nudges, for the echo of an action."""

    opened: list[Nudge] = dataclasses.field(default_factory=list)
    ended: list[Nudge] = dataclasses.field(default_factory=list)

    def add(self, other: Changes) -> None:
        """Take in another planning's changes."""
        self.opened += other.opened
        self.ended += other.ended


@dataclasses.dataclass(slots=True)
class _Written:
    """What one planning changed, and the ids of the nudges that it made, which nobody has looked at yet."""

    changes: Changes = dataclasses.field(default_factory=Changes)
    made: list[int] = dataclasses.field(default_factory=list)

    def add(self, other: _Written) -> None:
        self.changes.add(other.changes)
        self.made += other.made

    def loaded(self, session: Session) -> Changes:
        """The changes, with the new nudges among the opened ones."""
        for start in range(0, len(self.made), BATCH):
            query = select(Nudge).where(Nudge.id.in_(self.made[start : start + BATCH])).order_by(Nudge.number)
            self.changes.opened += session.scalars(query)
        return self.changes


@dataclasses.dataclass(frozen=True, slots=True)
class Planner:
    """Plans by one book, for an installation that has the channels ``ways``."""

    book: Book
    ways: frozenset[str]

    def settings_mark(self, user: User) -> str:
        """What, besides events, a user's plans depend on: when it changes, everything of that user is due."""
        return marks.make_mark(user, self.book.mark, self.ways)

    def plan_references(self, session: Session, user: User, ids: Sequence[int], now: dt.datetime) -> Changes:
        """Plan these references of one user anew, in the caller's transaction."""
        return self._plan_references(session, user, ids, now).loaded(session)

    def plan_user(self, session: Session, user: User, now: dt.datetime) -> Changes:
        """Plan what concerns no single reference anew, in the caller's transaction."""
        return self._plan_user(session, user, now).loaded(session)

    def plan_all(self, session: Session, user: User, now: dt.datetime) -> Changes:
        """Plan everything of one user anew."""
        return self._plan_all(session, user, now).loaded(session)

    def plan_due(self, session: Session, now: dt.datetime, batch: int = BATCH) -> int:
        """Plan a batch of what is due: changed, or come to a moment at which time changes its plan. What cannot be
        planned is put off and stops nothing else; what another daemon has is left to it."""
        planned = 0
        for user in self._users_due(session, now, batch):
            self._plan_due_user(session, user, now)
            planned += 1
        due: dict[int, list[int]] = {}
        for reference_id, user_id in self._references_due(session, now, batch):
            due.setdefault(user_id, []).append(reference_id)
        for user_id, ids in due.items():
            owner = _user_unless_taken(session, user_id)
            if owner is not None:
                self._plan_due_references(session, owner, ids, now)
                planned += len(ids)
        return planned

    def lock(self, session: Session, user: User) -> None:
        """Be the only one who plans for this user until the transaction ends; its last number is read anew."""
        session.flush()
        session.refresh(user, ["last_number"], with_for_update=_NO_KEY)

    def _plan_due_user(self, session: Session, user: User, now: dt.datetime) -> None:
        changed = user.settings_mark != self.settings_mark(user)
        try:
            with session.begin_nested():
                (self._plan_all if changed else self._plan_user)(session, user, now)
        except (DBAPIError, ReminderdError):
            raise
        except Exception:  # what is wrong with one user's rows must not stop the others
            log.exception("plan_broke user=%s", user.id)
            user.plan_again_at = now + PUT_OFF_FOR
            if changed:  # one of the references may be the cause: each by itself then
                session.execute(update(Reference).where(Reference.user_id == user.id).values(plan_again_at=now))

    def _plan_due_references(self, session: Session, user: User, ids: Sequence[int], now: dt.datetime) -> None:
        try:
            with session.begin_nested():
                self._plan_references(session, user, ids, now)
        except (DBAPIError, ReminderdError):
            raise
        except Exception:
            if len(ids) > 1:
                for one in ids:
                    self._plan_due_references(session, user, [one], now)
                return
            log.exception("plan_broke reference=%s", ids[0])
            session.get_one(Reference, ids[0]).plan_again_at = now + PUT_OFF_FOR

    def _users_due(self, session: Session, now: dt.datetime, batch: int) -> list[User]:
        query = (
            select(User)
            .where(User.plan_again_at <= now)
            .order_by(User.plan_again_at)
            .limit(batch)
            .with_for_update(skip_locked=True, key_share=True)
        )
        return list(session.scalars(query))

    def _references_due(self, session: Session, now: dt.datetime, batch: int) -> list[tuple[int, int]]:
        """References that are due, with their users. Not locked: their users are, first, as every action does."""
        query = select(Reference.id, Reference.user_id).where(Reference.plan_again_at <= now)
        rows = session.execute(query.order_by(Reference.plan_again_at).limit(batch))
        return [(reference_id, user_id) for reference_id, user_id in rows]

    def _plan_references(self, session: Session, user: User, ids: Sequence[int], now: dt.datetime) -> _Written:
        self.lock(session, user)
        outbox.withdraw_ahead(session, now, user.id)
        fact = load_user(session, user, self.ways, now)
        references = list(session.scalars(select(Reference).where(Reference.id.in_(ids)).order_by(Reference.id)))
        for reference in references:
            if reference.status == Status.PAUSED and not is_still_paused(reference.paused_until, today_of(user, now)):
                reference.status, reference.paused_until = Status.ACTIVE, None
        subjects = list(load_references(session, fact, references).values())
        written, again = self._plan_many(session, user, fact, subjects, now)
        for reference, again_at in zip(references, again, strict=True):
            reference.planned_version = reference.change_version
            reference.plan_again_at = again_at
        return written

    def _plan_user(self, session: Session, user: User, now: dt.datetime) -> _Written:
        self.lock(session, user)
        outbox.withdraw_ahead(session, now, user.id)
        if user.paused and not is_still_paused(user.paused_until, today_of(user, now)):
            user.paused, user.paused_until, user.pause_all = False, None, False
        fact = load_user(session, user, self.ways, now)
        written, again = self._plan_many(session, user, fact, [load_user_subject(session, fact)], now)
        user.planned_version = user.change_version
        user.plan_again_at = again[0]
        return written

    def _plan_all(self, session: Session, user: User, now: dt.datetime) -> _Written:
        ids = list(session.scalars(select(Reference.id).where(Reference.user_id == user.id)))
        written = self._plan_user(session, user, now)
        for start in range(0, len(ids), BATCH):
            written.add(self._plan_references(session, user, ids[start : start + BATCH], now))
        user.settings_mark = self.settings_mark(user)
        return written

    def _plan_many(
        self, session: Session, user: User, fact: UserFact, subjects: Sequence[Facts], now: dt.datetime
    ) -> tuple[_Written, list[dt.datetime | None]]:
        """Plan subjects of one user with as many statements as for one; for each, when it is to be planned again."""
        subjects = _put_right(session, subjects, now)
        plans = [plan(facts, self.book, now) for facts in subjects]
        written = _Applier(session, user, fact, now).apply(subjects, plans)
        lapsed = {
            nudge.reference_id for nudge in written.changes.ended if self._records_on_expiry(session, user, nudge, now)
        }
        late = [index for index, one in enumerate(subjects) if one.reference and one.reference.id in lapsed]
        if late:
            again = [_loaded_again(session, subjects[index]) for index in late]
            plans_again = [plan(facts, self.book, now) for facts in again]
            written.add(_Applier(session, user, fact, now).apply(again, plans_again))
            for index, one in zip(late, plans_again, strict=True):
                plans[index] = one
        return written, [one.again_at for one in plans]

    def _records_on_expiry(self, session: Session, user: User, nudge: Nudge, now: dt.datetime) -> bool:
        rule = self.book.rules.get(nudge.rule)
        if rule is None or rule.on_expiry is None or nudge.state != State.EXPIRED:
            return False
        session.add(
            Event(
                user_id=user.id,
                kind=rule.on_expiry,
                reference_id=nudge.reference_id,
                opportunity_id=nudge.opportunity_id,
                on=today_of(user, nudge.expires_at),
                data={"rule": nudge.rule, "occasion": nudge.occasion, "subject": nudge.subject, "by_itself": True},
                batch=f"{BY_ITSELF}{nudge.id}",
                recorded_at=now,
            )
        )
        session.flush()
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class _Applier:
    """Makes subjects' rows say what their plans say."""

    session: Session
    user: User
    habits: UserFact
    now: dt.datetime

    def apply(self, subjects: Sequence[Facts], plans: Sequence[Plan]) -> _Written:
        rows = self._rows([_reference_id(facts) for facts in subjects])
        pairs: list[tuple[Nudge, PlannedNudge | None]] = []
        wanted: list[PlannedNudge] = []
        for facts, one in zip(subjects, plans, strict=True):
            left = {(row.rule, row.subject, row.occasion): row for row in rows.get(_reference_id(facts), ())}
            for planned in one.nudges:
                row = left.pop(planned.key, None)
                if row is not None:
                    pairs.append((row, planned))
                elif planned.state is State.OPEN:
                    wanted.append(planned)
            pairs += [(row, None) for row in left.values()]
        changes = Changes()
        steps = self._steps([row.id for row, planned in pairs if planned is not None])
        for row, still in pairs:
            if still is None:
                self._unwanted(row, changes)
            else:
                self._update(row, still, steps.get(row.id, []), changes)
        self.session.flush()
        return _Written(changes, self._create(wanted))

    def _rows(self, reference_ids: list[int | None]) -> dict[int | None, list[Nudge]]:
        ids = [one for one in reference_ids if one is not None]
        query = select(Nudge).where(Nudge.user_id == self.user.id)
        query = query.where(Nudge.reference_id.in_(ids) if ids else Nudge.reference_id.is_(None))
        found: dict[int | None, list[Nudge]] = {}
        for row in self.session.scalars(query):
            found.setdefault(row.reference_id, []).append(row)
        return found

    def _steps(self, nudge_ids: list[int]) -> dict[int, list[Step]]:
        found: dict[int, list[Step]] = {}
        for start in range(0, len(nudge_ids), BATCH):
            query = select(Step).where(Step.nudge_id.in_(nudge_ids[start : start + BATCH])).order_by(Step.position)
            for step in self.session.scalars(query):
                found.setdefault(step.nudge_id, []).append(step)
        return found

    def _create(self, wanted: Sequence[PlannedNudge]) -> list[int]:
        """New rows, and their steps; their ids. Written past the session, which holds none of them."""
        if not wanted:
            return []
        last = self.user.last_number
        numbered = list(enumerate(wanted, start=last + 1))
        self.session.execute(insert(_NUDGES), [self._nudge(number, planned) for number, planned in numbered])
        query = select(_NUDGES.c.number, _NUDGES.c.id).where(_NUDGES.c.user_id == self.user.id, _NUDGES.c.number > last)
        ids: dict[int, int] = {row.number: row.id for row in self.session.execute(query)}
        steps = [self._step(ids[number], step) for number, planned in numbered for step in planned.steps]
        if steps:
            self.session.execute(insert(_STEPS), steps)
        self.user.last_number += len(wanted)
        return list(ids.values())

    def _nudge(self, number: int, planned: PlannedNudge) -> dict[str, Any]:
        return {
            "user_id": self.user.id,
            "number": number,
            "rule": planned.rule,
            "subject": planned.subject,
            "occasion": planned.occasion,
            "reference_id": planned.reference_id,
            "opportunity_id": planned.opportunity_id,
            "event_id": planned.event_id,
            "draft": planned.draft,
            "lane": planned.lane,
            "state": State.OPEN,
            "state_at": self.now,
            "starts_at": planned.starts_at,
            "due_at": planned.due_at,
            "expires_at": planned.expires_at,
            "reasons": _reasons(planned),
            "end_told": True,
            "created_at": self.now,
        }

    def _step(self, nudge_id: int, wanted: PlannedStep) -> dict[str, Any]:
        return {
            "user_id": self.user.id,
            "nudge_id": nudge_id,
            "position": wanted.position,
            "planned_at": wanted.at,
            "at": self._at(wanted, None),
            "channel": wanted.channel,
            "lane": wanted.lane,
            "state": StepState.PENDING,
        }

    def _update(self, row: Nudge, planned: PlannedNudge, steps: list[Step], changes: Changes) -> None:
        if row.state in (State.SKIPPED, State.DONE):
            return
        _copy(planned, row)
        if planned.state is State.DONE:
            row.done_event_id = planned.fulfilled_by
            self._turn(row, State.DONE, changes)
            return
        if row.state != State.OPEN:
            self._turn(row, State.OPEN, changes)
        self._sync_steps(row, planned, steps)

    def _unwanted(self, row: Nudge, changes: Changes) -> None:
        if row.state in (State.SKIPPED, State.DONE, State.CANCELLED):
            return  # what was called off is not let go later on
        state = State.EXPIRED if row.expires_at <= self.now else State.CANCELLED
        if row.state != state:
            self._turn(row, state, changes)

    def _turn(self, row: Nudge, state: State, changes: Changes) -> None:
        was_open = row.state == State.OPEN
        row.state = state
        row.state_at = self.now
        if state is State.OPEN:
            row.end_told = True
            changes.opened.append(row)
        elif was_open:
            row.end_told = state is State.DONE or not self._is_missed(row, state)
            changes.ended.append(row)

    def _is_missed(self, row: Nudge, state: State) -> bool:
        """Whether the user should be told of the end: having heard of the nudge, or, where its time ran out, because
        a reminder of it was due."""
        if state is State.EXPIRED:
            query = select(Step.id).where(Step.nudge_id == row.id, Step.planned_at <= self.now)
        else:
            query = select(Step.id).join(Delivery, Delivery.id == Step.delivery_id)
            under_way = or_(Delivery.attempts > 0, Delivery.state == DeliveryState.LEASED)
            query = query.where(Step.nudge_id == row.id, Step.state == StepState.SENT, under_way)
        return self.session.scalar(query.limit(1)) is not None

    def _sync_steps(self, row: Nudge, planned: PlannedNudge, steps: list[Step]) -> None:
        existing = {step.position: step for step in steps}
        for wanted in planned.steps:
            step = existing.pop(wanted.position, None)
            waited = step is not None
            if step is None:
                step = Step(user_id=row.user_id, nudge_id=row.id, position=wanted.position, state=StepState.PENDING)
                self.session.add(step)
            elif step.state != StepState.PENDING:
                continue
            elif step.planned_at == wanted.at:
                step.channel = wanted.channel
                continue
            step.planned_at = wanted.at
            step.at = self._at(wanted, row.due_at if waited else None)
            step.channel, step.lane = wanted.channel, wanted.lane
            if row.snoozed_until is not None and step.at <= row.snoozed_until:
                step.state = StepState.FOLDED
        for step in existing.values():
            if step.position != SNOOZE_STEP and step.state == StepState.PENDING:
                self.session.delete(step)
        known = {step.position for step in steps}
        if steps and all(wanted.position in known for wanted in planned.steps):
            self._revive(steps)

    def _revive(self, steps: list[Step]) -> None:
        """What is open again and was never spoken of must not stay silent."""
        if all(step.state == StepState.FOLDED for step in steps):
            first = min(steps, key=lambda step: step.position)
            first.state, first.delivery_id = StepState.PENDING, None
            first.at = max(first.at, self.now)

    def _at(self, wanted: PlannedStep, due_at: dt.datetime | None) -> dt.datetime:
        """A digest that has gone already takes nothing in: what is planned late waits for the next one. What waited for
        one that would have gone by now, as the user has another zone or hour, comes at once if the next one were past
        ``due_at``."""
        if wanted.lane != "digest" or wanted.at > self.now:
            return wanted.at
        slot = digest_slot(self.now, self.habits)
        if wanted.position != 1:
            slot = digest_slot(slot, self.habits)
        return wanted.at if due_at is not None and due_at < slot else slot


def _put_right(session: Session, subjects: Sequence[Facts], now: dt.datetime) -> list[Facts]:
    """Retract each `no_answer` of the program's own that turned out wrong, as they had answered, or were never asked;
    and let those stand again that turned out right after all, as that was undone."""
    asked = {facts.reference.id for facts in subjects if facts.reference and _was_asked(facts)}
    taken_back = load_taken_back(session, asked)
    found = []
    for facts in subjects:
        back = taken_back.get(_reference_id(facts) or 0, ())
        found.append(facts)
        if back or (facts.reference is not None and any(event.data.get("by_itself") for event in facts.events)):
            line = Timeline.of(facts, local_day(now, facts.user.zone))
            wrong, right = line.given_up_in_vain(), line.given_up_after_all(back)
            for event in (*wrong, *right):
                session.get_one(Event, event.id).retracted_at = now if event in wrong else None
            session.flush()
            if wrong or right:
                found[-1] = _loaded_again(session, facts)
    return found


def _was_asked(facts: Facts) -> bool:
    return any(event.kind == "asked" for event in facts.events)


def _loaded_again(session: Session, facts: Facts) -> Facts:
    assert facts.reference is not None
    again = load_references(session, facts.user, [session.get_one(Reference, facts.reference.id)])
    return again[facts.reference.id]


def _copy(planned: PlannedNudge, row: Nudge) -> None:
    row.event_id = planned.event_id
    row.draft = planned.draft
    row.lane = planned.lane
    row.starts_at = planned.starts_at
    row.due_at = planned.due_at
    row.expires_at = planned.expires_at
    reasons = _reasons(planned)
    if row.reasons != reasons:
        row.reasons = reasons


def _reasons(planned: PlannedNudge) -> list[dict[str, Any]]:
    return [dataclasses.asdict(reason) for reason in planned.reasons]


def _reference_id(facts: Facts) -> int | None:
    return facts.reference.id if facts.reference is not None else None


def _user_unless_taken(session: Session, user_id: int) -> User | None:
    query = select(User).where(User.id == user_id).with_for_update(skip_locked=True, key_share=True)
    return session.scalars(query).one_or_none()
