"""A small world for rule tests: facts with sensible defaults, and what a plan says in literals."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from reminderd.rules.book import default_book, parse_with_default
from reminderd.rules.cadence import plan
from reminderd.rules.facts import (
    Apart,
    EventFact,
    Facts,
    OpportunityFact,
    Plan,
    PlannedNudge,
    ReferenceFact,
    SettledFact,
    UserFact,
)
from reminderd.rules.kinds import KINDS, Scope
from reminderd.rules.states import Digest, State, Status, Tier

BOOK = default_book()
MARIA = 1
ACME = 1


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def local(text: str, zone: str = "Europe/Berlin") -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@dataclasses.dataclass
class World:
    """One user, one reference, one opportunity; events are added as they happen."""

    zone: str = "Europe/Berlin"
    user: UserFact = dataclasses.field(init=False)
    reference: ReferenceFact = dataclasses.field(init=False)
    events: list[EventFact] = dataclasses.field(default_factory=list)
    opportunities: dict[int, OpportunityFact] = dataclasses.field(default_factory=dict)
    settled: list[SettledFact] = dataclasses.field(default_factory=list)
    apart: Apart = dataclasses.field(default_factory=Apart)
    book: Any = BOOK

    def __post_init__(self) -> None:
        self.user = UserFact(
            id=1,
            zone=self.zone,
            hour=dt.time(9),
            quiet=None,
            digest=Digest.WEEKLY,
            digest_weekday=0,
            channels=("email", "sms"),
            created_on=day("2026-01-01"),
        )
        self.reference = ReferenceFact(
            id=MARIA, name="Maria Lopez", status=Status.ACTIVE, tier=Tier.INNER, created_on=day("2026-01-01")
        )
        self.opportunities = {ACME: OpportunityFact(ACME, "Acme")}

    def her(self, **changes: Any) -> World:
        self.reference = dataclasses.replace(self.reference, **changes)
        return self

    def me(self, **changes: Any) -> World:
        self.user = dataclasses.replace(self.user, **changes)
        return self

    def acme(self, **changes: Any) -> World:
        self.opportunities[ACME] = dataclasses.replace(self.opportunities[ACME], **changes)
        return self

    def but(self, **apart: frozenset[int]) -> World:
        """With whom a nudge about several is careful."""
        self.apart = dataclasses.replace(self.apart, **apart)
        return self

    def with_rules(self, text: str) -> World:
        self.book = parse_with_default(text, "rules.toml")
        return self

    def on(
        self,
        date: str,
        what: str,
        /,
        *,
        recorded: str | None = None,
        her: bool | None = None,
        acme: int | None = None,
        person: int = MARIA,
        at: str | None = None,
        ordinal: int = 1,
        **data: Any,
    ) -> World:
        scope = KINDS[what].scope
        reference = person if (scope is not Scope.OPPORTUNITY if her is None else her) else None
        needs = scope in (Scope.OPPORTUNITY, Scope.BOTH)
        opportunity = acme if acme is not None else (ACME if needs or what in ("told", "thanked") else None)
        self.events.append(
            EventFact(
                id=len(self.events) + 1,
                kind=what,
                on=day(date),
                recorded_at=local(recorded or f"{date}T12:00", self.zone),
                reference_id=reference,
                opportunity_id=opportunity,
                at=dt.time.fromisoformat(at) if at else None,
                ordinal=ordinal,
                data=data,
            )
        )
        return self

    def skipped(self, rule: str, occasion: str) -> World:
        self.settled.append(SettledFact(rule, occasion, State.SKIPPED))
        return self

    def facts(self, *, whole: bool = False) -> Facts:
        return Facts(
            user=self.user,
            reference=None if whole else self.reference,
            opportunities=self.opportunities,
            events=tuple(self.events),
            settled=tuple(self.settled),
            profiles=(None,) if self.reference.has_profile else (),
            apart=self.apart,
        )

    def plan(self, now: str, *, whole: bool = False) -> Plan:
        return plan(self.facts(whole=whole), self.book, local(now, self.zone))

    def open(self, now: str, *, whole: bool = False) -> dict[str, PlannedNudge]:
        """The open nudges by rule; a rule that is open twice fails."""
        found: dict[str, PlannedNudge] = {}
        for nudge in self.plan(now, whole=whole).nudges:
            if nudge.state is State.OPEN:
                assert nudge.rule not in found, f"{nudge.rule} twice"
                found[nudge.rule] = nudge
        return found

    def due(self, now: str, *, whole: bool = False) -> dict[str, str]:
        """The local due dates of the open nudges."""
        zone = ZoneInfo(self.zone)
        return {
            rule: nudge.due_at.astimezone(zone).date().isoformat()
            for rule, nudge in self.open(now, whole=whole).items()
        }

    def steps(self, now: str, rule: str, *, whole: bool = False) -> list[tuple[str, str, str]]:
        """One nudge's steps: local moment, channel, lane."""
        zone = ZoneInfo(self.zone)
        nudge = self.open(now, whole=whole)[rule]
        return [(f"{step.at.astimezone(zone):%Y-%m-%d %H:%M}", step.channel, step.lane) for step in nudge.steps]
