"""Plans to rows: nudges and their steps, of many users with as many statements as of one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session

from reminderd.rules.facts import Facts, Plan, PlannedNudge, PlannedStep, UserFact
from reminderd.rules.states import State
from reminderd.rules.steps import digest_slot
from reminderd.store.tables import Base, Delivery, DeliveryState, Nudge, Step, StepState, User

SNOOZE_STEP = 100
"""The position of the step that ends a snooze."""
BATCH = 100
"""How many are looked for or planned at a time."""
_NUDGES, _STEPS, _USERS = (Base.metadata.tables[entity.__tablename__] for entity in (Nudge, Step, User))


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
class Written:
    """What one planning changed, and the ids of the nudges that it made, which nobody has looked at yet."""

    changes: Changes = dataclasses.field(default_factory=Changes)
    made: list[int] = dataclasses.field(default_factory=list)

    def add(self, other: Written) -> None:
        """Take in another planning's."""
        self.changes.add(other.changes)
        self.made += other.made

    def loaded(self, session: Session) -> Changes:
        """The changes, with the new nudges among the opened ones."""
        for start in range(0, len(self.made), BATCH):
            query = select(Nudge).where(Nudge.id.in_(self.made[start : start + BATCH])).order_by(Nudge.number)
            self.changes.opened += session.scalars(query)
        return self.changes


@dataclasses.dataclass(frozen=True, slots=True)
class Applier:
    """Makes subjects' rows say what their plans say. The users are locked by whoever calls."""

    session: Session
    users: Mapping[int, User]
    now: dt.datetime

    def apply(self, subjects: Sequence[Facts], plans: Sequence[Plan]) -> Written:
        """All these subjects are references, or all are users."""
        rows = self._rows(subjects)
        habits = {facts.user.id: facts.user for facts in subjects}
        pairs: list[tuple[Nudge, PlannedNudge | None]] = []
        wanted: list[tuple[UserFact, PlannedNudge]] = []
        for facts, one in zip(subjects, plans, strict=True):
            left = {(row.rule, row.subject, row.occasion): row for row in rows.get(_whose(facts), ())}
            for planned in one.nudges:
                row = left.pop(planned.key, None)
                if row is not None:
                    pairs.append((row, planned))
                elif planned.state is State.OPEN:
                    wanted.append((facts.user, planned))
            pairs += [(row, None) for row in left.values()]
        changes = Changes()
        steps = self._steps([row.id for row, planned in pairs if planned is not None])
        for row, still in pairs:
            if still is None:
                self._unwanted(row, changes)
            else:
                self._update(row, still, steps.get(row.id, []), habits[row.user_id], changes)
        self.session.flush()
        return Written(changes, self._create(wanted))

    def _rows(self, subjects: Sequence[Facts]) -> dict[tuple[int, int | None], list[Nudge]]:
        ids = [facts.reference.id for facts in subjects if facts.reference is not None]
        users = [facts.user.id for facts in subjects]
        of_users = Nudge.user_id.in_(users) & Nudge.reference_id.is_(None)
        query = select(Nudge).where(Nudge.reference_id.in_(ids) if ids else of_users)
        found: dict[tuple[int, int | None], list[Nudge]] = {}
        for row in self.session.scalars(query):
            found.setdefault((row.user_id, row.reference_id), []).append(row)
        return found

    def _steps(self, nudge_ids: list[int]) -> dict[int, list[Step]]:
        found: dict[int, list[Step]] = {}
        for start in range(0, len(nudge_ids), BATCH):
            query = select(Step).where(Step.nudge_id.in_(nudge_ids[start : start + BATCH])).order_by(Step.position)
            for step in self.session.scalars(query):
                found.setdefault(step.nudge_id, []).append(step)
        return found

    def _create(self, wanted: Sequence[tuple[UserFact, PlannedNudge]]) -> list[int]:
        """New rows, and their steps; their ids. Written past the session, which holds none of them."""
        if not wanted:
            return []
        last = {habits.id: self.users[habits.id].last_number for habits, _ in wanted}
        numbered = []
        for habits, planned in wanted:
            last[habits.id] += 1
            numbered.append((habits, last[habits.id], planned))
        self.session.execute(
            insert(_NUDGES), [self._nudge(habits.id, number, planned) for habits, number, planned in numbered]
        )
        query = select(_NUDGES.c.user_id, _NUDGES.c.number, _NUDGES.c.id).join(_USERS, _USERS.c.id == _NUDGES.c.user_id)
        query = query.where(_USERS.c.id.in_(list(last)), _NUDGES.c.number > _USERS.c.last_number)
        ids = {(user_id, number): nudge_id for user_id, number, nudge_id in self.session.execute(query)}
        steps = [
            self._step(ids[habits.id, number], step, habits)
            for habits, number, planned in numbered
            for step in planned.steps
        ]
        if steps:
            self.session.execute(insert(_STEPS), steps)
        for user_id, number in last.items():
            self.users[user_id].last_number = number
        return list(ids.values())

    def _nudge(self, user_id: int, number: int, planned: PlannedNudge) -> dict[str, Any]:
        return {
            "user_id": user_id,
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

    def _step(self, nudge_id: int, wanted: PlannedStep, habits: UserFact) -> dict[str, Any]:
        return {
            "user_id": habits.id,
            "nudge_id": nudge_id,
            "position": wanted.position,
            "planned_at": wanted.at,
            "at": self._at(wanted, habits, None),
            "channel": wanted.channel,
            "lane": wanted.lane,
            "state": StepState.PENDING,
        }

    def _update(self, row: Nudge, planned: PlannedNudge, steps: list[Step], habits: UserFact, changes: Changes) -> None:
        if row.state in (State.SKIPPED, State.DONE):
            return
        _copy(planned, row)
        if planned.state is State.DONE:
            row.done_event_id = planned.fulfilled_by
            self._turn(row, State.DONE, changes)
            return
        if row.state != State.OPEN:
            self._turn(row, State.OPEN, changes)
        self._sync_steps(row, planned, steps, habits)

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

    def _sync_steps(self, row: Nudge, planned: PlannedNudge, steps: list[Step], habits: UserFact) -> None:
        existing = {step.position: step for step in steps}
        added = False
        for wanted in planned.steps:
            step = existing.pop(wanted.position, None)
            waited = step is not None
            if step is None:
                if wanted.at <= self.now and any(_is_further(one, wanted) for one in steps):
                    continue
                step = Step(user_id=row.user_id, nudge_id=row.id, position=wanted.position, state=StepState.PENDING)
                self.session.add(step)
                added = True
            elif step.state != StepState.PENDING:
                continue
            elif step.planned_at == wanted.at:
                step.channel = wanted.channel
                continue
            step.planned_at = wanted.at
            step.at = self._at(wanted, habits, row.due_at if waited else None)
            step.channel, step.lane = wanted.channel, wanted.lane
            if row.snoozed_until is not None and step.at <= row.snoozed_until:
                step.state = StepState.FOLDED
        dropped = [one for one in existing.values() if one.position != SNOOZE_STEP and one.state == StepState.PENDING]
        for step in dropped:
            self.session.delete(step)
        kept = [step for step in steps if step not in dropped]
        if kept and not added:
            self._revive(kept, habits)

    def _revive(self, steps: list[Step], habits: UserFact) -> None:
        """What is open again must not stay silent where it was never spoken of, or where its last reminder came due
        while it was not open."""
        if any(step.state == StepState.PENDING for step in steps):
            return
        last = max(steps, key=lambda step: (step.at, step.position))
        if all(step.state == StepState.FOLDED for step in steps):
            last = min(steps, key=lambda step: step.position)
        elif last.state != StepState.FOLDED or last.delivery_id is not None:
            return
        last.state, last.delivery_id = StepState.PENDING, None
        last.at = max(last.at, digest_slot(self.now, habits) if last.lane == "digest" else self.now)

    def _at(self, wanted: PlannedStep, habits: UserFact, due_at: dt.datetime | None) -> dt.datetime:
        """A digest that has gone already takes nothing in: what is planned late waits for the next one. What waited for
        one that would have gone by now, as the user has another zone or hour, comes at once if the next one were past
        ``due_at``."""
        if wanted.lane != "digest" or wanted.at > self.now:
            return wanted.at
        slot = digest_slot(self.now, habits)
        if wanted.position != 1:
            slot = digest_slot(slot, habits)
        return wanted.at if due_at is not None and due_at < slot else slot


def _is_further(step: Step, wanted: PlannedStep) -> bool:
    """Whether a later reminder has been sent than the one that is wanted."""
    return step.state == StepState.SENT and step.position > wanted.position


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


def _whose(facts: Facts) -> tuple[int, int | None]:
    return facts.user.id, facts.reference.id if facts.reference is not None else None
