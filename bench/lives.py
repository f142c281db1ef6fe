"""References with ten events each, as a search for work leaves them: what the pure rules are measured on."""

from __future__ import annotations

import datetime as dt
import random

from bench.stock import NOW
from reminderd.rules.calendar import local_moment
from reminderd.rules.facts import EventFact, Facts, OpportunityFact, ReferenceFact, UserFact
from reminderd.rules.kinds import KINDS, Scope
from reminderd.rules.states import Digest, Status, Tier

ZONE = "Europe/Berlin"
EVENTS = 10
HAPPENS = (
    "needed", "asked", "agreed", "declined", "no_answer", "briefed", "interview", "references_requested", "called",
    "accepted", "turned_down", "rejected", "withdrawn", "started", "told", "thanked", "promoted", "changed_job",
    "helped", "reached_out", "advised", "planned", "met", "wrote", "contacted", "congratulated", "gift_sent",
)  # fmt: skip
USER = UserFact(
    id=1,
    zone=ZONE,
    hour=dt.time(9),
    quiet=None,
    digest=Digest.WEEKLY,
    digest_weekday=0,
    channels=("email", "sms"),
    created_on=dt.date(2024, 1, 1),
)


def live(count: int) -> list[Facts]:
    """So many references; always the same."""
    return [_life(number) for number in range(1, count + 1)]


def _life(number: int) -> Facts:
    chance = random.Random(number)
    today = NOW.date()
    reference = ReferenceFact(
        id=number,
        name=f"Person {number}",
        status=Status.ACTIVE,
        tier=chance.choices((Tier.INNER, Tier.NETWORK, Tier.DORMANT), (6, 3, 1))[0],
        created_on=today - dt.timedelta(days=chance.randint(100, 600)),
        birthday=(None, chance.randint(1, 12), chance.randint(1, 28)) if chance.random() < 0.7 else None,
    )
    jobs = {job: OpportunityFact(job, f"Company {job}") for job in (1, 2)}
    ago = sorted(chance.randint(-20, 400) if chance.random() < 0.5 else chance.randint(-5, 30) for _ in range(EVENTS))
    events = [_event(number, place, chance, today - dt.timedelta(days=days)) for place, days in enumerate(ago)]
    return Facts(user=USER, reference=reference, opportunities=jobs, events=tuple(events))


def _event(number: int, place: int, chance: random.Random, day: dt.date) -> EventFact:
    kind = chance.choice(HAPPENS)
    scope = KINDS[kind].scope
    about_it = scope in (Scope.OPPORTUNITY, Scope.BOTH) or kind in ("told", "thanked")
    return EventFact(
        id=number * 100 + place,
        kind=kind,
        on=day,
        recorded_at=local_moment(min(day, NOW.date()), dt.time(11), ZONE),
        reference_id=None if scope is Scope.OPPORTUNITY else number,
        opportunity_id=chance.choice((1, 2)) if about_it else None,
        ordinal=place + 1,
        data={"final": True} if kind == "interview" and chance.random() < 0.5 else {},
    )
