"""What a draft is about: whose it is, to whom, for which opportunity, and whether that may be named."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import NamedTuple

from reminderd.rules.kinds import OUTCOMES
from reminderd.store.draft_shelf import EventRow, Shelf, Wanted
from reminderd.store.embargo import is_embargoed
from reminderd.store.tables import Opportunity, Reference, User

_STAGES = (("ninety_days", 75, 105), ("half_year", 165, 225))


class Matter(NamedTuple):
    """What a draft is about. ``stage`` is how far the user's newest job is."""

    user: User
    today: dt.date
    reference: Reference | None
    starting: EventRow | None
    stage: str
    job_id: int | None
    opportunity: Opportunity | None
    kept_out: bool
    """Whether the reference is to know of no opportunity."""
    hidden: bool
    """Whether the opportunity must not be named."""


def matter_of(shelf: Shelf, wanted: Wanted) -> Matter:
    """What the draft is about, of a nudge or on demand."""
    user = shelf.users[wanted.user_id]
    today = shelf.now.astimezone(zoneinfo.ZoneInfo(user.zone)).date()
    reference = shelf.references.get(wanted.reference_id or 0)
    starting = shelf.events.get(wanted.event_id or 0)
    stage, stage_job = _stage(shelf, user.id, today)
    job_id = wanted.opportunity_id or (starting.opportunity_id if starting else None) or stage_job
    opportunity = shelf.opportunities.get(job_id or 0)
    kept_out = bool(reference and reference.keep_from_knowing)
    hidden = kept_out or bool(opportunity and is_hidden(shelf, opportunity, today))
    return Matter(user, today, reference, starting, stage, job_id, opportunity, kept_out, hidden)


class Heading(NamedTuple):
    """What a title says of a draft."""

    who: str
    """The reference; empty where it is about several people."""
    company: str
    """Empty where there is none or it must not be named."""
    language: str


def heading(shelf: Shelf, wanted: Wanted) -> Heading:
    """What a title says; the shelf need only be one for titles."""
    about = matter_of(shelf, wanted)
    company = "" if about.opportunity is None or about.hidden else about.opportunity.company
    return Heading(about.reference.name if about.reference else "", company, language_of(about.user))


def language_of(user: User) -> str:
    """``en`` or ``de``, as the user has chosen."""
    return user.language or "en"


def is_hidden(shelf: Shelf, opportunity: Opportunity, today: dt.date) -> bool:
    """Whether the company is under an embargo."""
    return is_embargoed(opportunity, shelf.milestones.get(opportunity.user_id, ()), today)


def _stage(shelf: Shelf, user_id: int, today: dt.date) -> tuple[str, int | None]:
    """How far the user's newest job is, told only around ninety days and half a year in."""
    standing: dict[int | None, dt.date] = {}
    for event in shelf.milestones.get(user_id, ()):
        if event.on > today:
            continue
        if event.kind == "started":
            standing[event.opportunity_id] = event.on
        elif event.kind == "accepted":
            opportunity = shelf.opportunities.get(event.opportunity_id or 0)
            if opportunity and opportunity.starts_on:
                standing[event.opportunity_id] = opportunity.starts_on
        elif event.kind in OUTCOMES:
            standing.pop(event.opportunity_id, None)
    begun = [(day, job) for job, day in standing.items() if day <= today]
    if not begun:
        return "", None
    day, job = max(begun, key=lambda pair: pair[0])
    age = (today - day).days
    stage = next((name for name, low, high in _STAGES if low <= age <= high), "")
    return stage, job if stage else None
