"""The one door: every event and every change of a nudge's state enters here, and is planned at once.

Each action works in the caller's writing transaction, is idempotent, and returns what it did, so that the caller can
say so. ``now`` is an aware moment in UTC; dates are in the user's zone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.errors import UsageError
from reminderd.nudge_rows import SNOOZE_STEP, Changes
from reminderd.planner import Planner
from reminderd.rules.balance import GIVING_DRAFTS
from reminderd.rules.calendar import Span, local_day, local_moment, shift
from reminderd.rules.kinds import KINDS, Scope
from reminderd.rules.states import State, Status, Tier
from reminderd.rules.timeline import Timeline
from reminderd.store import outbox
from reminderd.store.draft_facts import Involved, load
from reminderd.store.facts import load_user, load_user_subject, today_of
from reminderd.store.tables import BY_ITSELF, ChannelHealth, Event, Nudge, Opportunity, Reference, Step, StepState, User

_WAS = "was"
"""Where an event that says a job's role or first day notes what it was before, for `Actions.undo`."""
_OF_JOB = frozenset({"role", "starts"})
"""What an event's data may say of its job."""
LONGEST_NOTE = 2000
"""Characters of all that a user notes about one nudge."""


@dataclasses.dataclass(slots=True)
class Recorded:
    """What a recording did: new events, those that were there already, and the nudges that came and went."""

    events: list[Event] = dataclasses.field(default_factory=list)
    known: list[Event] = dataclasses.field(default_factory=list)
    changes: Changes = dataclasses.field(default_factory=Changes)
    put_back: list[tuple[Opportunity, str]] = dataclasses.field(default_factory=list)
    """Jobs that have their former role or first day again, and which of these (as in an event's data)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Happening:
    """What is to be recorded, of whom and when."""

    kind: str
    on: dt.date
    references: tuple[Reference, ...] = ()
    opportunity: Opportunity | None = None
    at: dt.time | None = None
    note: str | None = None
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """How far a group of nudges is: ``told`` of ``total`` know; ``left`` names the others, and ``paused`` those whom,
    as they are paused, no nudge speaks of. ``is_news``: it is something to be posted once all know."""

    told: int
    total: int
    left: tuple[str, ...]
    paused: tuple[str, ...] = ()
    is_news: bool = True

    @classmethod
    def of(cls, involved: Sequence[Involved]) -> Standing:
        """Of all who vouch for an opportunity: whoever was let go knows no more than before."""
        waiting = sorted((one for one in involved if not one.told), key=lambda one: one.name)
        left = tuple(one.name for one in waiting if not one.paused)
        paused = tuple(one.name for one in waiting if one.paused)
        return cls(told=len(involved) - len(waiting), total=len(involved), left=left, paused=paused)


@dataclasses.dataclass(frozen=True, slots=True)
class Actions:
    """The door, for one planner."""

    planner: Planner

    # ---- events

    def record(
        self, session: Session, user: User, happenings: Sequence[Happening], now: dt.datetime, *, again: bool = False
    ) -> Recorded:
        """Record what happened, all as one batch that `undo` takes back together. The same again changes nothing,
        unless ``again`` asks for another. Raises `UsageError` when a happening lacks whom or what it is about."""
        self.planner.lock(session, user)
        result = Recorded()
        batch = uuid.uuid4().hex
        edited: list[Event] = []
        for happening in happenings:
            for row in self._rows(session, user, happening):
                known = self._add(session, row, batch, now, again, result)
                if known is not None and _say_of_job(known, row.data):
                    edited.append(known)
        session.flush()
        self._raise_tiers(session, result.events)
        touched = [*result.events, *edited]
        if touched:
            result.changes = self._replan(session, user, touched, now)
        return result

    def undo(self, session: Session, user: User, now: dt.datetime, of: Nudge | None = None) -> Recorded:
        """Take back what the newest command recorded or let go; or, with ``of``, that this nudge was done or let go.
        Plans then are as if it had never been. Raises `UsageError` where there is nothing of the kind."""
        self.planner.lock(session, user)
        events = self._newest(session, user) if of is None else self._done_with(session, of)
        skipped = self._newest_skipped(session, user, events, now) if of is None else [of]
        skipped = [nudge for nudge in skipped if nudge.state == State.SKIPPED]
        if skipped:
            for nudge in skipped:
                nudge.state, nudge.state_at = State.OPEN, now
            session.flush()
            self._replan_nudges(session, user, skipped, now)
            return Recorded(changes=Changes(opened=skipped))
        if not events:
            raise UsageError("Nothing is recorded that could be taken back.")
        for event in events:
            event.retracted_at = now
        self._lower_tiers(session, events)
        put_back = self._put_back(session, events)
        changes = Changes(opened=self._reopen(session, [event.id for event in events], now))
        session.flush()
        changes.add(self._replan(session, user, [*events, *(_edit_of(job) for job, _ in put_back)], now))
        return Recorded(events=events, changes=changes, put_back=put_back)

    # ---- nudges

    def done(
        self,
        session: Session,
        user: User,
        nudges: Sequence[Nudge],
        now: dt.datetime,
        *,
        heard_at: dt.datetime | None = None,
    ) -> Recorded:
        """The user did these: records what each rule says that doing it means. Done twice changes nothing.
        ``heard_at`` is when they said so, where that was before ``now``."""
        self.planner.lock(session, user)
        result = Recorded()
        batch = uuid.uuid4().hex
        for nudge in nudges:
            if nudge.state == State.DONE:
                continue
            done_at = min(now, max(heard_at or now, nudge.starts_at))
            events = self._events_of_done(session, user, nudge, now, today_of(user, done_at))
            for event in events:
                event.batch = batch
                event.ordinal = self._free_ordinal(session, event)
                session.add(event)
                session.flush()
            nudge.state, nudge.state_at = State.DONE, now
            nudge.done_event_id, nudge.end_told = events[0].id, True
            nudge.snoozed_until = None
            result.events += events
            result.changes.ended.append(nudge)
        self._raise_tiers(session, result.events)
        if result.events:
            result.changes.add(self._replan(session, user, result.events, now))
        return result

    def skip(self, session: Session, user: User, nudges: Sequence[Nudge], now: dt.datetime) -> list[Nudge]:
        """The user lets these go; returns those that were not skipped or done before."""
        self.planner.lock(session, user)
        skipped = [nudge for nudge in nudges if nudge.state not in (State.SKIPPED, State.DONE)]
        for nudge in skipped:
            nudge.state, nudge.state_at, nudge.end_told = State.SKIPPED, now, True
        session.flush()
        self._replan_nudges(session, user, skipped, now)
        return skipped

    def snooze(self, session: Session, user: User, nudge: Nudge, span: Span, now: dt.datetime) -> dt.datetime:
        """Be quiet about this nudge for ``span``, clipped to its expiry; steps passed meanwhile fold into one at its
        end. Returns the moment at which it speaks again. Raises `UsageError` for a nudge that is not open."""
        self.planner.lock(session, user)
        if nudge.state != State.OPEN:
            raise UsageError(f"Nudge {nudge.number} is {nudge.state}; only an open one can be snoozed.")
        until = min(self._awake_at(user, span, now), nudge.expires_at)
        nudge.snoozed_until = until
        steps = list(session.scalars(select(Step).where(Step.nudge_id == nudge.id)))
        for step in steps:
            if step.state == StepState.PENDING and step.at <= until:
                step.state = StepState.FOLDED
        channels = load_user(session, user, self.planner.ways).channels
        last = next((step for step in steps if step.position == SNOOZE_STEP), None)
        last = last or Step(user_id=user.id, nudge_id=nudge.id, position=SNOOZE_STEP)
        last.planned_at = last.at = until
        last.state, last.delivery_id = StepState.PENDING, None
        last.channel = channels[0] if channels else "email"
        last.lane = "now"
        session.add(last)
        session.flush()
        return until

    def note(self, session: Session, nudge: Nudge, text: str) -> bool:
        """Keep what the user wrote about a nudge, below what is there; False where there is no room left for it."""
        lines = [*(nudge.note or "").splitlines(), " ".join(text.split())]
        joined = "\n".join(dict.fromkeys(line for line in lines if line))
        if len(joined) > LONGEST_NOTE:
            return False
        nudge.note = joined or None
        session.flush()
        return True

    # ---- the user and the references

    def stop_channel(self, session: Session, user: User, channel: str) -> bool:
        """The user wants nothing more on a channel; False where that is so already. Reminders take the other one."""
        was = user.wants(channel)
        if channel == "sms":
            user.sms_enabled = False
        else:
            user.email_enabled = False
        session.flush()
        outbox.withdraw_stopped(session, user.id, channel)
        return was

    def start_channel(self, session: Session, user: User, channel: str) -> bool:
        """The user wants to hear on a channel again, which ends its pause; False where nothing kept it silent."""
        was = user.wants(channel)
        reached = user.email_enabled or (user.sms_enabled and user.phone is not None and "sms" in self.planner.ways)
        if channel == "sms":
            user.sms_enabled = True
        else:
            user.email_enabled = True
        health = session.get(ChannelHealth, (user.id, channel))
        paused = health is not None and health.paused_at is not None
        if health is not None:
            health.paused_at = health.code = health.words = None
        session.flush()
        if not reached:
            outbox.look_again(session, user.id)
        return paused or not was

    def pause_reference(
        self, session: Session, user: User, reference: Reference, until: dt.date | None, now: dt.datetime
    ) -> Changes:
        """Nothing more about this reference until a day, or until it is active again."""
        reference.status, reference.paused_until = Status.PAUSED, until
        return self.changed(session, user, [reference], now)

    def pause(self, session: Session, user: User, until: dt.date | None, everything: bool, now: dt.datetime) -> None:
        """The user rests; outcome and thanks still come unless ``everything``."""
        user.paused, user.paused_until, user.pause_all = True, until, everything
        self.planner.plan_all(session, user, now)

    def resume(self, session: Session, user: User, now: dt.datetime) -> Changes:
        """The user is back: what is still wanted opens again."""
        user.paused, user.paused_until, user.pause_all = False, None, False
        return self.planner.plan_all(session, user, now)

    def changed(self, session: Session, user: User, references: Iterable[Reference], now: dt.datetime) -> Changes:
        """References were added or edited: plan them, and what depends on the user as a whole."""
        rows = list(references)
        session.flush()
        for row in rows:
            row.change_version += 1
        changes = self.planner.plan_references(session, user, [row.id for row in rows], now)
        changes.add(self.planner.plan_user(session, user, now))
        return changes

    def changed_user(self, session: Session, user: User, now: dt.datetime) -> Changes:
        """The user's zone, hour, channels or digest changed: plan everything anew."""
        session.flush()
        return self.planner.plan_all(session, user, now)

    def changed_opportunity(self, session: Session, user: User, opportunity: Opportunity, now: dt.datetime) -> Changes:
        """An opportunity was edited: plan everyone who has to do with it."""
        session.flush()
        return self._replan(session, user, [_edit_of(opportunity)], now)

    def involved(self, session: Session, user: User, opportunity: Opportunity, now: dt.datetime) -> list[int]:
        """The ids of the references that vouch for an opportunity."""
        return self._active(session, user, self._line(session, user, now).all_involved(opportunity.id))

    def standing(self, session: Session, nudge: Nudge, now: dt.datetime) -> Standing | None:
        """How far the group that a nudge belongs to is; ``None`` for a nudge that stands alone."""
        if nudge.reference_id is None or nudge.opportunity_id is None:
            return None
        if nudge.draft == "accepted":
            involved = load(session, nudge, now).involved
            return Standing.of(involved) if len(involved) > 1 else None
        query = (
            select(Nudge.state, Reference.name)
            .join(Reference, Reference.id == Nudge.reference_id)
            .where(Nudge.user_id == nudge.user_id, Nudge.rule == nudge.rule, Nudge.occasion == nudge.occasion)
            .where(Nudge.state.in_((State.OPEN, State.DONE, State.EXPIRED)))
            .order_by(Reference.name)
        )
        rows = session.execute(query).all()
        left = tuple(row.name for row in rows if row.state != State.DONE)
        return Standing(len(rows) - len(left), len(rows), left, is_news=False) if len(rows) > 1 else None

    # ---- helpers

    def _line(self, session: Session, user: User, now: dt.datetime) -> Timeline:
        facts = load_user_subject(session, load_user(session, user, self.planner.ways))
        return Timeline.of(facts, today_of(user, now))

    def _active(self, session: Session, user: User, ids: Sequence[int]) -> list[int]:
        active = select(Reference.id).where(Reference.user_id == user.id, Reference.status == Status.ACTIVE)
        known = set(session.scalars(active))
        return [person for person in ids if person in known]

    def _rows(self, session: Session, user: User, happening: Happening) -> list[Event]:
        scope = KINDS[happening.kind].scope
        people: tuple[Reference | None, ...] = happening.references
        if scope is Scope.OPPORTUNITY:
            if happening.opportunity is None:
                raise UsageError(f"{happening.kind} is about an opportunity: add --for COMPANY.")
            people = (None,)
        elif not people:
            raise UsageError(f"{happening.kind} is about a reference: name one, or --all.")
        elif scope is Scope.BOTH and happening.opportunity is None:
            raise UsageError(f"{happening.kind} is about a reference and an opportunity: add --for COMPANY.")
        return [
            Event(
                user_id=user.id,
                kind=happening.kind,
                reference_id=person.id if person else None,
                opportunity_id=happening.opportunity.id if happening.opportunity else None,
                on=happening.on,
                at=happening.at,
                ordinal=1,
                note=happening.note,
                data=dict(happening.data),
            )
            for person in people
        ]

    def _add(
        self, session: Session, row: Event, batch: str, now: dt.datetime, again: bool, result: Recorded
    ) -> Event | None:
        """Record it; returns the event that says the same already, where there is one."""
        same = list(session.scalars(select(Event).where(*_same_as(row)).order_by(Event.ordinal)))
        live = [event for event in same if event.retracted_at is None]
        if live and not again:
            result.known += live[:1]
            return live[0]
        if live:
            row.ordinal = max(event.ordinal for event in live) + 1
        revived = next((e for e in same if e.retracted_at is not None and e.ordinal == row.ordinal), None)
        if revived is not None:
            revived.retracted_at, revived.at, revived.note, revived.data = None, row.at, row.note, row.data
            row = revived
        row.batch, row.recorded_at = batch, now
        session.add(row)
        session.flush()
        result.events.append(row)
        return None

    def _free_ordinal(self, session: Session, row: Event) -> int:
        return (session.scalar(select(func.max(Event.ordinal)).where(*_same_as(row))) or 0) + 1

    def _events_of_done(
        self, session: Session, user: User, nudge: Nudge, now: dt.datetime, today: dt.date
    ) -> list[Event]:
        rule = self.planner.book.rules.get(nudge.rule)
        kind = (rule.records if rule else None) or "done"
        cause = session.get(Event, nudge.event_id) if nudge.event_id else None
        on = cause.on if kind == "met" and cause is not None and cause.on <= today else today
        data: dict[str, Any] = {"rule": nudge.rule, "occasion": nudge.occasion, "subject": nudge.subject}
        if rule is not None:
            data["role"] = rule.role.value
        if nudge.approach:
            data["approach"] = nudge.approach
        if nudge.draft in GIVING_DRAFTS:
            data["draft"] = nudge.draft
        if nudge.reasons:
            data["took_in"] = [[reason["rule"], reason["occasion"]] for reason in nudge.reasons]
        if kind == "asked" and cause is not None:
            data |= {key: cause.data[key] for key in ("by", "kind", "role") if key in cause.data}
        people: Sequence[int | None] = [nudge.reference_id]
        if kind == "gift_sent" and nudge.reference_id is None and nudge.opportunity_id is not None:
            line = self._line(session, user, now)
            since = cause.on if cause is not None else today
            gifts = [event for event in line.past if event.kind == kind and event.on >= since]
            had = {event.reference_id for event in gifts if event.opportunity_id == nudge.opportunity_id}
            given = [one for one in line.to_be_given(nudge.opportunity_id) if one not in had]
            people = self._active(session, user, given) or [None]
        return [
            Event(
                user_id=user.id,
                kind=kind,
                reference_id=person,
                opportunity_id=nudge.opportunity_id,
                on=on,
                data=data | {"nudge": nudge.number},
                recorded_at=now,
                ordinal=1,
            )
            for person in people
        ]

    def _newest(self, session: Session, user: User) -> list[Event]:
        """What the newest command recorded, as far as it stands."""
        mine = Event.user_id == user.id, Event.retracted_at.is_(None)
        newest = session.scalar(
            select(Event)
            .where(*mine, Event.batch.not_like(f"{BY_ITSELF}%"))
            .order_by(Event.recorded_at.desc(), Event.id.desc())
            .limit(1)
        )
        return list(session.scalars(select(Event).where(*mine, Event.batch == newest.batch))) if newest else []

    def _done_with(self, session: Session, nudge: Nudge) -> list[Event]:
        """What was recorded as this nudge was done, of all that the same command recorded."""
        done = session.get(Event, nudge.done_event_id or 0)
        if nudge.state != State.DONE or done is None or done.data.get("nudge") != nudge.number:
            return []
        batch = select(Event).where(Event.user_id == nudge.user_id, Event.batch == done.batch)
        return [
            event
            for event in session.scalars(batch.where(Event.retracted_at.is_(None)))
            if event.data.get("nudge") == nudge.number
        ]

    def _newest_skipped(
        self, session: Session, user: User, events: Sequence[Event], now: dt.datetime
    ) -> Sequence[Nudge]:
        """What was let go by one command after all these events were recorded, and may still be done."""
        mine = Nudge.user_id == user.id, Nudge.state == State.SKIPPED, Nudge.expires_at > now
        skipped_at = session.scalar(select(func.max(Nudge.state_at)).where(*mine))
        if skipped_at is None or any(event.recorded_at > skipped_at for event in events):
            return []
        return session.scalars(select(Nudge).where(*mine, Nudge.state_at == skipped_at).order_by(Nudge.number)).all()

    def _raise_tiers(self, session: Session, events: Sequence[Event]) -> None:
        """Whoever was asked belongs to the inner circle from then on; the event notes where they were."""
        for event in events:
            person = session.get(Reference, event.reference_id) if event.kind == "asked" else None
            if person is not None and person.tier == Tier.NETWORK:
                person.tier = Tier.INNER
                event.data = {**event.data, "raised_from": Tier.NETWORK.value}

    def _lower_tiers(self, session: Session, events: Sequence[Event]) -> None:
        for event in events:
            person = session.get(Reference, event.reference_id or 0)
            if person is not None and "raised_from" in event.data and person.tier == Tier.INNER:
                person.tier = event.data["raised_from"]

    def _put_back(self, session: Session, events: Sequence[Event]) -> list[tuple[Opportunity, str]]:
        """A job's role and first day are again what they were before these events, unless changed once more since."""
        found = []
        for event in events:
            was, job = event.data.get(_WAS), session.get(Opportunity, event.opportunity_id or 0)
            if not was or job is None:
                continue
            if "role" in was and job.role == event.data["role"]:
                job.role = was["role"]
                found.append((job, "role"))
            if "starts" in was and job.starts_on == dt.date.fromisoformat(event.data["starts"]):
                job.starts_on = dt.date.fromisoformat(was["starts"]) if was["starts"] else None
                found.append((job, "starts"))
        return found

    def _reopen(self, session: Session, event_ids: list[int], now: dt.datetime) -> list[Nudge]:
        nudges = list(session.scalars(select(Nudge).where(Nudge.done_event_id.in_(event_ids))))
        for nudge in nudges:
            nudge.state, nudge.state_at, nudge.done_event_id = State.OPEN, now, None
        return nudges

    def _awake_at(self, user: User, span: Span, now: dt.datetime) -> dt.datetime:
        until = shift(now, span, user.zone)
        if span.hours or span.minutes:
            return until
        return local_moment(local_day(until, user.zone), user.hour, user.zone)

    def _replan(self, session: Session, user: User, events: Sequence[Event], now: dt.datetime) -> Changes:
        ids = {event.reference_id for event in events if event.reference_id is not None}
        news = {event.opportunity_id for event in events if event.reference_id is None and event.opportunity_id}
        if news:
            query = select(Event.reference_id).where(Event.opportunity_id.in_(news), Event.reference_id.is_not(None))
            ids |= set(session.scalars(query.distinct()))
        rows = list(session.scalars(select(Reference).where(Reference.id.in_(ids))))
        return self.changed(session, user, rows, now)

    def _replan_nudges(self, session: Session, user: User, nudges: Sequence[Nudge], now: dt.datetime) -> None:
        ids = [nudge.reference_id for nudge in nudges if nudge.reference_id is not None]
        rows = list(session.scalars(select(Reference).where(Reference.id.in_(ids))))
        self.changed(session, user, rows, now)


def said_of_job(key: str, value: str, was: str | None) -> dict[str, str | dict[str, str | None]]:
    """What an event notes that says a job's ``role`` or the day it ``starts``: also the one that this replaces."""
    return {key: value, **({_WAS: {key: was}} if was != value else {})}


def _say_of_job(event: Event, data: Mapping[str, Any]) -> bool:
    """An event that is known already says a job's role or first day, or another than it did. False where it says no
    other than before."""
    said = {key: data[key] for key in _OF_JOB if key in data}
    was = {**data.get(_WAS, {}), **event.data.get(_WAS, {})}
    says = {**event.data, **said, **({_WAS: was} if was else {})}
    if says == event.data:
        return False
    event.data = says
    return True


def _edit_of(opportunity: Opportunity) -> Event:
    """Stands for a change of a job: whoever has to do with it is planned as after an event that is news of it."""
    return Event(opportunity_id=opportunity.id, reference_id=None)


def _same_as(row: Event) -> tuple[Any, ...]:
    return (
        Event.user_id == row.user_id,
        Event.kind == row.kind,
        func.coalesce(Event.reference_id, 0) == (row.reference_id or 0),
        func.coalesce(Event.opportunity_id, 0) == (row.opportunity_id or 0),
        Event.on == row.on,
    )
