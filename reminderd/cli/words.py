"""How nudges, their steps and their drafts read on a terminal."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from reminderd.cli import output
from reminderd.rules.states import State
from reminderd.store.tables import (
    UNSETTLED,
    Delivery,
    DeliveryState,
    Nudge,
    Opportunity,
    Reference,
    Step,
    StepState,
    User,
)

if TYPE_CHECKING:
    from reminderd.drafts.draft import Draft
    from reminderd.store.draft_records import DraftFacts

BY = {"email": "by e-mail", "sms": "by text"}
STATE_WORDS = {
    State.OPEN: "open",
    State.DONE: "done",
    State.SKIPPED: "let go",
    State.EXPIRED: "over",
    State.CANCELLED: "withdrawn",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One nudge as listings show it. ``number`` is ``None`` for one that is only foreseen."""

    number: int | None
    rule: str
    reference: str | None
    opportunity: str | None
    title: str
    state: str
    starts_at: dt.datetime
    due_at: dt.datetime
    steps: tuple[StepLine, ...] = ()
    nudge: Nudge | None = None
    facts: DraftFacts | None = None

    @property
    def next_step(self) -> StepLine | None:
        """The step that comes next, if one does."""
        waiting = [step for step in self.steps if step.waits]
        return min(waiting, key=lambda step: step.at) if waiting and self.state == State.OPEN else None

    def to_json(self, zone: str) -> dict[str, Any]:
        """The keys that programs rely on."""
        step = self.next_step
        return {
            "nudge": self.number,
            "rule": self.rule,
            "reference": self.reference,
            "opportunity": self.opportunity,
            "title": self.title,
            "state": self.state,
            "due_at": output.local(self.due_at, zone),
            "next_step_at": output.local(step.at, zone) if step else None,
            "channel": step.channel if step else None,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class StepLine:
    """One reminder: when, by which channel, and whether it is still to come."""

    at: dt.datetime
    channel: str | None
    """``None`` while the user stopped every one."""
    lane: str
    waits: bool = True
    failed: bool = False


def load_lines(session: Session, nudges: Sequence[Nudge], now: dt.datetime) -> list[Line]:
    """The nudges as lines, in the order given, in a fixed number of queries."""
    if not nudges:
        return []
    from reminderd.drafts.words import title
    from reminderd.store.draft_facts import load_many

    steps = load_steps(session, Nudge.id.in_([nudge.id for nudge in nudges]))
    people = names_of(session, Reference, {nudge.reference_id for nudge in nudges})
    companies = names_of(session, Opportunity, {nudge.opportunity_id for nudge in nudges})
    return [
        Line(
            number=nudge.number,
            rule=nudge.rule,
            reference=people.get(nudge.reference_id or 0),
            opportunity=companies.get(nudge.opportunity_id or 0),
            title=title(nudge.draft, facts),
            state=str(nudge.state),
            starts_at=nudge.starts_at,
            due_at=nudge.due_at,
            steps=tuple(steps.get(nudge.id, ())),
            nudge=nudge,
            facts=facts,
        )
        for nudge, facts in zip(nudges, load_many(session, nudges, now), strict=True)
    ]


def names_of(session: Session, table: type[Reference] | type[Opportunity], ids: set[int | None]) -> Mapping[int, str]:
    """Names or companies by id."""
    name = Reference.name if table is Reference else Opportunity.company
    rows = session.execute(select(table.id, name).where(table.id.in_([key for key in ids if key])))
    return {row[0]: row[1] for row in rows}


def load_steps(session: Session, *of: ColumnElement[bool]) -> dict[int, list[StepLine]]:
    """By nudge, the reminders of the nudges that these conditions hold for, in their order, sent or to come. One whose
    message is made is still to come until that has left, at the message's own moment and by its channel. One whose
    channel the user stopped takes the other, or waits."""
    shown = (*UNSETTLED, DeliveryState.FAILED)
    mails, texts = User.email_enabled, and_(User.sms_enabled, User.phone.is_not(None))
    query = (
        select(Step.nudge_id, Step.at, Step.channel, Step.lane, Step.state, Delivery.state, Delivery.due_at)
        .add_columns(Delivery.channel, mails, texts)
        .join(Nudge, Nudge.id == Step.nudge_id)
        .join(User, User.id == Nudge.user_id)
        .join(Delivery, and_(Delivery.id == Step.delivery_id, Delivery.state.in_(shown)), isouter=True)
        .where(Step.state != StepState.FOLDED, *of)
        .where(or_(Step.state != StepState.PENDING, Step.at < Nudge.expires_at))  # at its end it speaks no more
        .order_by(Step.at, Step.position)
    )
    found: dict[int, list[StepLine]] = defaultdict(list)
    for nudge_id, at, wanted, lane, state, message, leaves_at, by, mails_on, texts_on in session.execute(query):
        if message is not None:
            failed = message == DeliveryState.FAILED
            found[nudge_id].append(StepLine(leaves_at, by, lane, waits=not failed, failed=failed))
            continue
        waits = state == StepState.PENDING
        channel = wanted
        if waits and not (mails_on if wanted == "email" else texts_on):
            channel = "email" if mails_on else "sms" if texts_on else None
        found[nudge_id].append(StepLine(at, channel, lane, waits))
    return found


# ---- words


def step_words(step: StepLine, user: User, now: dt.datetime) -> str:
    """ "tomorrow, 09:00 by e-mail"."""
    if step.channel is None:
        return "waits: you stopped every way to you"
    by = BY.get(step.channel, step.channel)
    if step.failed:
        return f"could not be sent {by}"
    if not step.waits:
        return f"sent {by}"
    if step.at <= now:
        return f"now {by}"
    when = output.moment(step.at, user.zone, now)
    return f"in the digest of {when}" if step.lane == "digest" else f"{when} {by}"


def steps_words(steps: Sequence[StepLine], user: User, now: dt.datetime) -> str:
    """Each reminder that is still to come, in order; those that are late come as one."""
    coming = dict.fromkeys(step_words(step, user, now) for step in steps if step.waits)
    return "; ".join(coming) or "no more reminders"


def due_words(due_at: dt.datetime, user: User, now: dt.datetime) -> str:
    """ "by Wed 25 Nov", or with the hour where the day's end is not meant."""
    from reminderd.rules.calendar import local_day, local_time

    if local_time(due_at, user.zone) >= dt.time(23, 59):
        return f"by {output.day(local_day(due_at, user.zone), local_day(now, user.zone))}"
    return f"by {output.moment(due_at, user.zone, now)}"


def lines_table(lines: Sequence[Line], user: User, now: dt.datetime) -> str:
    """Numbers, titles, deadlines and next reminders below each other."""
    due_by = functools.cache(lambda at: due_words(at, user, now))  # many lines share few moments
    next_by = functools.cache(lambda step: step_words(step, user, now))
    rows = []
    for line in lines:
        step = line.next_step
        rows.append(
            [
                str(line.number) if line.number is not None else None,
                line.title,
                due_by(line.due_at),
                next_by(step) if step else None,
            ]
        )
    return output.table(["Nudge", "What", "Due", "Next reminder"], rows)


def draft_text(draft: Draft) -> str:
    """A draft in full, as somebody reads it before sending it."""
    lines = [f"To: {draft.to}" if draft.to else "", f"Subject: {draft.subject}" if _has_subject(draft) else ""]
    head = "\n".join(line for line in lines if line)
    return f"{head}\n\n{draft.body}" if head else draft.body


def _has_subject(draft: Draft) -> bool:
    return bool(draft.subject) and draft.length == "mail"


def quoted(text: str) -> str:
    """A name as it is typed in a shell."""
    return text if re.fullmatch(r"[\w.@+-]+", text) else '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"'


def initial(text: str) -> str:
    """The text with a capital first."""
    return text[:1].upper() + text[1:]
