"""Loads what drafts may say: rows in, `DraftFacts` out, in a fixed number of queries however many nudges."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from reminderd.store.draft_assembly import assemble
from reminderd.store.draft_records import (
    DraftFacts,
    EventView,
    Involved,
    Job,
    Last,
    Me,
    Person,
    Silence,
)
from reminderd.store.draft_shelf import Shelf, Wanted, gather, touch_days
from reminderd.store.embargo import company_label, is_embargoed
from reminderd.store.tables import Event, Nudge, Opportunity, Reference

__all__ = [
    "DraftFacts",
    "EventView",
    "Involved",
    "Job",
    "Last",
    "Me",
    "Person",
    "Silence",
    "company_label",
    "is_embargoed",
    "load",
    "load_each",
    "load_for",
    "load_many",
    "touch_days",
]


def load(session: Session, nudge: Nudge, now: dt.datetime) -> DraftFacts:
    """The facts for one nudge's draft."""
    return load_many(session, [nudge], now)[0]


def load_many(
    session: Session, nudges: Sequence[Nudge], now: dt.datetime, shelf: Shelf | None = None
) -> list[DraftFacts]:
    """The facts for each nudge's draft, in the order given; from a shelf that is for them and more, where there is
    one."""
    wanted = [Wanted.of(nudge) for nudge in nudges]
    shelf = gather(session, wanted, now) if shelf is None else shelf.at(now)
    return [assemble(shelf, one) for one in wanted]


def load_each(session: Session, nudge: Nudge, now: dt.datetime) -> list[DraftFacts]:
    """The facts for each draft of a nudge: one, or one for everyone involved where it is about an opportunity."""
    facts = load(session, nudge, now)
    if nudge.reference_id or not facts.involved:
        return [facts]
    wanted = [dataclasses.replace(Wanted.of(nudge), reference_id=one.id, variant=None) for one in facts.involved]
    shelf = gather(session, wanted, now)
    return [assemble(shelf, one) for one in wanted]


def load_for(
    session: Session,
    reference: Reference,
    opportunity: Opportunity | None,
    now: dt.datetime,
    event: Event | None = None,
    situation: str = "",
) -> DraftFacts:
    """The facts for a draft to ``reference`` that no nudge asked for."""
    wanted = Wanted(
        user_id=reference.user_id,
        reference_id=reference.id,
        opportunity_id=opportunity.id if opportunity else None,
        event_id=event.id if event else None,
        situation=situation,
    )
    return assemble(gather(session, [wanted], now), wanted)
