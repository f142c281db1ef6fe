"""Makes the facts of one draft from fetched rows: consent, silence, alternates, and nothing that is embargoed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any

from reminderd.rules.balance import asks_since_gift
from reminderd.rules.calendar import months_between
from reminderd.rules.consent import holds, last_word
from reminderd.rules.kinds import INVOLVING, OUTCOMES, TOUCHES
from reminderd.rules.states import Status, is_still_paused
from reminderd.store.draft_matter import is_hidden, language_of, matter_of
from reminderd.store.draft_records import DraftFacts, EventView, Involved, Job, Last, Me, Person, Silence
from reminderd.store.draft_shelf import ALTERNATES_FOR, EventRow, Shelf, Wanted
from reminderd.store.embargo import Veil
from reminderd.store.tables import Opportunity, Reference, User
from reminderd.store.usage import could_help, is_use

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HONORIFICS = frozenset(
    {"dr", "prof", "professor", "mr", "mrs", "ms", "miss", "mx", "sir", "herr", "frau", "dipl", "ing"}
)
_NEWS_KINDS = ("promoted", "changed_job")
_VOUCHING = INVOLVING - {"asked"}
_MESSAGES = frozenset({"asked", "contacted", "wrote"})
_NEWS_WINDOW = dt.timedelta(days=183)


def assemble(shelf: Shelf, wanted: Wanted) -> DraftFacts:
    """The facts for one draft."""
    user, today, reference, starting, stage, job_id, opportunity, kept_out, hidden = matter_of(shelf, wanted)
    timeline = [event for event in shelf.by_reference.get(wanted.reference_id or 0, ()) if event.on <= today]
    veil = _veil(shelf, user, today, everything=kept_out)
    crowd = [] if opportunity is None else _involved(shelf, opportunity, today)
    consent = _consent(timeline, job_id, today)
    earlier = [row for row in shelf.earlier.get(wanted.reference_id or 0, ()) if row.id != wanted.nudge_id]
    them = _person(reference, veil)
    last = _last(reference, timeline, veil)
    return DraftFacts(
        me=make_me(user, shelf.shared),
        them=them,
        today=today,
        job=_job(opportunity, veil, hidden=hidden, kept_out=kept_out),
        event=EventView() if kept_out and starting and starting.opportunity_id else _event(starting, veil),
        last=last,
        silence=_silence(reference, last, today),
        asks=asks_since_gift(timeline, today),
        uses=_uses(timeline, today),
        approach=wanted.approach,
        stage="" if hidden else stage,
        agreed=consent == "agreed",
        vouched=_vouched(timeline, job_id),
        followed_up=_followed_up(timeline, starting),
        heard="" if kept_out or opportunity is None else _heard(shelf, starting, timeline),
        posted=_posted(shelf.by_opportunity.get(job_id or 0, ()), today),
        alternates=_alternates(shelf, wanted, job_id, today),
        agreed_names=() if kept_out else tuple(one.first_name for one in crowd if one.agreed),
        points=_points(them.speaks_to),
        reasons=wanted.reasons,
        answer=veil.text(wanted.answer),
        variant=wanted.variant,
        used_variants=_used_variants(earlier),
        used_approaches=tuple(row.approach for row in earlier if row.approach),
        news=_news(timeline, today, veil),
        involved=tuple(crowd),
        people=_people(shelf, wanted, crowd, job_id, veil),
        hidden=hidden,
    )


def first_name_of(name: str, given: str | None) -> str:
    """The first name: as given, else the first word of the name that is no title."""
    if given and given.strip():
        return given.strip()
    after_comma = name.partition(",")[2].strip()
    words = (after_comma or name).split()
    while len(words) > 1 and words[0].rstrip(".").casefold() in _HONORIFICS:
        words = words[1:]
    return words[0] if words else ""


def make_me(user: User, shared: bool = False) -> Me:
    """What drafts say of the user; ``shared`` where others use the database too."""
    return Me(
        id=user.id,
        name=user.name,
        first_name=first_name_of(user.name, None),
        email=user.email,
        phone=user.phone or "",
        zone=user.zone,
        language=language_of(user),
        hour=user.hour,
        full_texts=user.full_texts,
        shares=shared,
    )


def _person(reference: Reference | None, veil: Veil) -> Person:
    if reference is None:
        return Person()
    return Person(
        id=reference.id,
        name=reference.name,
        first_name=first_name_of(reference.name, reference.first_name),
        relation=veil.text(reference.relation),
        worked_at=reference.worked_at or "",
        role=reference.role or "",
        worked_from=reference.worked_from,
        worked_to=reference.worked_to,
        employer=reference.employer or "",
        title=reference.title or "",
        since=reference.since,
        speaks_to=veil.text(reference.speaks_to),
        via=reference.via or "",
        profile=reference.profile or "",
        address=reference.address or "",
        email=reference.email or "",
        phone=reference.phone or "",
    )


def _job(opportunity: Opportunity | None, veil: Veil, *, hidden: bool, kept_out: bool) -> Job:
    if opportunity is None or kept_out:
        return Job()
    return Job(
        id=opportunity.id,
        company="" if hidden else opportunity.company,
        role=veil.text(opportunity.role),
        starts_on=opportunity.starts_on,
        contact=veil.text(opportunity.contact),
        posting=veil.link(opportunity.posting),
        resume=veil.link(opportunity.resume),
    )


def _event(row: EventRow | None, veil: Veil) -> EventView:
    if row is None:
        return EventView()
    data = {key: _value(value, veil) for key, value in (row.data or {}).items()}
    return EventView(id=row.id, kind=row.kind, on=row.on, at=row.at, note=veil.text(row.note), data=data)


def _value(value: Any, veil: Veil) -> Any:
    if not isinstance(value, str):
        return value
    return dt.date.fromisoformat(value) if _ISO_DAY.fullmatch(value) else veil.text(value)


def _veil(shelf: Shelf, user: User, today: dt.date, *, everything: bool) -> Veil:
    mine = (opportunity for opportunity in shelf.opportunities.values() if opportunity.user_id == user.id)
    hidden = [job.company for job in mine if everything or is_hidden(shelf, job, today)]
    return Veil(hidden, language_of(user))


def _last(reference: Reference | None, timeline: Sequence[EventRow], veil: Veil) -> Last:
    touches = [event for event in timeline if event.kind in TOUCHES]
    said = reference.last_contact_on if reference else None
    if touches and (said is None or said <= touches[-1].on):
        return Last(kind=touches[-1].kind, on=touches[-1].on, note=veil.text(touches[-1].note))
    return Last(on=said)


def _silence(reference: Reference | None, last: Last, today: dt.date) -> Silence:
    since = last.on or (reference.worked_to if reference else None)
    if since is None:
        return Silence()
    return Silence(months=max(0, months_between(since, today)), known=True)


def _uses(timeline: Iterable[EventRow], today: dt.date) -> int:
    return sum(is_use(event, today) for event in timeline)


def _consent(timeline: Iterable[EventRow], job_id: int | None, today: dt.date) -> str | None:
    """Where the reference stands for the opportunity; an agreement whose time is over counts as asked."""
    found = last_word((event for event in timeline if job_id is not None and event.opportunity_id == job_id), today)
    if found is None or found.kind != "agreed":
        return found.kind if found is not None else None
    return "agreed" if holds(found, today) else "asked"


def _vouched(timeline: Iterable[EventRow], job_id: int | None) -> bool:
    """Whether they are to be thanked for it. A yes that is given as one asks is often recorded as the ask alone; an ask
    that was followed up has had no answer."""
    mine = [event for event in timeline if job_id is not None and event.opportunity_id == job_id]
    ask = next((event for event in mine if event.kind == "asked"), None)
    return any(event.kind in _VOUCHING for event in mine) or not _followed_up(timeline, ask)


def _followed_up(timeline: Iterable[EventRow], ask: EventRow | None) -> bool:
    """Whether a second message about the ask is recorded: one that a nudge about something else led to is none."""
    if ask is None or ask.kind != "asked":
        return False
    its_own = f"event:{ask.id}"
    for event in timeline:
        if event.kind in _MESSAGES and event.id != ask.id and event.on >= ask.on:
            led_to_by = None if event.kind == "asked" else (event.data or {}).get("occasion")
            if led_to_by == its_own or (led_to_by is None and event.opportunity_id == ask.opportunity_id):
                return True
    return False


def _involved(shelf: Shelf, job: Opportunity, today: dt.date) -> list[Involved]:
    """Who vouches for the opportunity and may hear by now of how it ended (the design's decision 6), and who of them
    knows."""
    job_id = job.id
    events = [event for event in shelf.by_opportunity.get(job_id, ()) if event.on <= today]
    outcome = next((event for event in reversed(events) if event.kind in OUTCOMES), None)
    waits = outcome is not None and outcome.kind == "accepted" and not _is_signed(job, events, today)
    dead = {event.reference_id for event in shelf.milestones.get(job.user_id, ()) if event.kind == "deceased"}
    people = dict.fromkeys(event.reference_id for event in events if event.kind in INVOLVING)
    found = []
    for reference_id in people:
        reference = shelf.references.get(reference_id)
        own = [event for event in events if event.reference_id == reference_id]
        consent = _consent(own, job_id, today)
        if reference is None or reference.status == "retired" or consent in ("declined", "no_answer"):
            continue
        if reference_id in dead or (waits and reference.present_employer):
            continue
        told = outcome is not None and any(_tells(event, outcome) for event in own)
        first = first_name_of(reference.name, reference.first_name)
        paused = reference.status == Status.PAUSED and is_still_paused(reference.paused_until, today)
        found.append(Involved(reference.id, reference.name, first, consent == "agreed", told, paused))
    return found


def _is_signed(job: Opportunity, events: Iterable[EventRow], today: dt.date) -> bool:
    """Whether the contract of a job is signed: as was said, or as the job began."""
    begun = job.starts_on is not None and job.starts_on <= today
    return begun or any(event.kind in ("signed", "started") for event in events)


def _tells(event: EventRow, outcome: EventRow) -> bool:
    """Whether an event tells the reference of the outcome; thanks for something else do not."""
    about = (event.data or {}).get("occasion")
    return event.kind in ("told", "thanked") and event.on >= outcome.on and about in (None, f"event:{outcome.id}")


def _heard(shelf: Shelf, outcome: EventRow | None, timeline: Sequence[EventRow]) -> str:
    """The outcome that the reference was last told of, where it is another one than the draft is about."""
    if outcome is None or outcome.kind not in OUTCOMES:
        return ""
    job_id = outcome.opportunity_id
    outcomes = [event for event in shelf.by_opportunity.get(job_id or 0, ()) if event.kind in OUTCOMES]
    told = ""
    for event in timeline:
        if event.kind in ("told", "thanked") and event.opportunity_id == job_id:
            told = next((one.kind for one in reversed(outcomes) if _tells(event, one)), told)
    return told if told != outcome.kind else ""


def _posted(events: Iterable[EventRow], today: dt.date) -> bool:
    """Whether the newest day that was named for a post about the job is past: it may be public by now."""
    days = [event.on for event in events if event.kind == "announcement"]
    return bool(days) and max(days) < today


def _alternates(shelf: Shelf, wanted: Wanted, job_id: int | None, today: dt.date) -> tuple[str, ...]:
    """Who could be asked instead: agreed before, in touch within a year, least used, not asked for this one."""
    if wanted.situation not in ALTERNATES_FOR:
        return ()
    ranked = []
    for reference in shelf.candidates.get(wanted.user_id, ()):
        events = [event for event in shelf.by_reference.get(reference.id, ()) if event.on <= today]
        here = any(
            event.opportunity_id == job_id and event.kind in ("asked", "declined", "no_answer") for event in events
        )
        if reference.id != wanted.reference_id and could_help(events, today) and not (here and job_id):
            ranked.append((_uses(events, today), reference.name))
    return tuple(name for _, name in sorted(ranked)[:3])


def _points(speaks_to: str) -> tuple[str, ...]:
    parts = (part.strip(" .") for part in re.split(r"[,;\n•]+|\s+and\s+(?=[^,;]+$)", speaks_to))
    return tuple(part for part in parts if part)[:3]


def _used_variants(earlier: Iterable[Any]) -> dict[str, tuple[int, ...]]:
    used: dict[str, tuple[int, ...]] = {}
    for row in earlier:
        used[row.draft] = (*used.get(row.draft, ()), row.variant)
    return used


def _news(timeline: Sequence[EventRow], today: dt.date, veil: Veil) -> EventView:
    """The newest promotion or new job within half a year, unless they were congratulated since."""
    for event in reversed(timeline):
        if event.kind == "congratulated":
            break
        if event.kind in _NEWS_KINDS and event.on > today - _NEWS_WINDOW:
            return _event(event, veil)
    return EventView()


def _people(
    shelf: Shelf, wanted: Wanted, crowd: Sequence[Involved], job_id: int | None, veil: Veil
) -> tuple[Person, ...]:
    if wanted.reference_id:
        return ()
    if wanted.situation == "look_in":
        mine = [one for one in shelf.references.values() if one.user_id == wanted.user_id and one.profile]
        return tuple(_person(one, veil) for one in mine[:3])
    if wanted.situation == "warm_up":  # it speaks of those who vouched
        events = shelf.by_opportunity.get(job_id or 0, ())
        crowd = [one for one in crowd if _vouched([own for own in events if own.reference_id == one.id], job_id)]
    people = (shelf.references[one.id] for one in crowd)
    return tuple(_person(one, veil) for one in people if not one.keep_from_knowing)
