"""One voice: a reference hears one planned message at a time. Firmer ones take in softer ones; near ones are merged."""

from __future__ import annotations

import dataclasses
import datetime as dt

from reminderd.rules.facts import Reason
from reminderd.rules.occasions import SPACING_FOR, Candidate
from reminderd.rules.rule import EXEMPT, Role

ABSORB_DAYS = 21
"""A planned contact takes in softer ones this near to it."""
THANKS_WAIT_FOR = dt.timedelta(days=7)
"""Thanks are put off for a planned contact, such as a birthday, by no more than this."""
_ABSORBABLE = frozenset({Role.KEEP, Role.THANKS})


@dataclasses.dataclass(slots=True)
class Voiced:
    """A candidate that stands, with what it took in."""

    candidate: Candidate
    reasons: list[Reason]


def one_voice(
    candidates: list[Candidate],
    *,
    never_absorbed: frozenset[str] = frozenset({"birthday"}),
    skipped: frozenset[tuple[str, str]] = frozenset(),
) -> list[Voiced]:
    """Who stands among the open candidates of one reference, firmest first. Depends on dates alone, never on now.
    One of the ``skipped`` (rule and occasion) takes what it was about with it, but no keeping in touch."""
    standing: list[Voiced] = []
    for candidate in sorted(candidates, key=_firmness):
        hosts = [voiced for voiced in standing if candidate.event is not None or _key(voiced.candidate) not in skipped]
        host = _host(candidate, hosts, never_absorbed)
        if host is None:
            standing.append(Voiced(candidate, []))
        else:
            host.reasons.append(_reason(candidate))
    return standing


def _key(candidate: Candidate) -> tuple[str, str]:
    return (candidate.rule.name, candidate.occasion)


def _firmness(candidate: Candidate) -> tuple[int, dt.date, str, str]:
    return (-candidate.rule.weight, candidate.due_on, candidate.rule.name, candidate.occasion)


def _host(candidate: Candidate, standing: list[Voiced], never_absorbed: frozenset[str]) -> Voiced | None:
    rule = candidate.rule
    if rule.role not in _ABSORBABLE or rule.name in never_absorbed:
        return None
    near = [voiced for voiced in standing if _takes_in(voiced.candidate, candidate)]
    if not near:
        return None
    return min(near, key=lambda voiced: abs(voiced.candidate.due_on - candidate.due_on))


def _takes_in(host: Candidate, guest: Candidate) -> bool:
    if host.rule.role is Role.TASK or host.rule.weight < guest.rule.weight:
        return False
    if guest.rule.role is Role.THANKS and host.opportunity_id != guest.opportunity_id and host.rule.role in EXEMPT:
        return False
    gap = abs((host.due_on - guest.due_on).days)
    if guest.rule.role is Role.THANKS and host.rule.role is Role.KEEP:
        return host.due_on <= guest.due_on + THANKS_WAIT_FOR and gap < SPACING_FOR.days
    if host.rule.weight > guest.rule.weight and host.rule.role is not Role.ASK:
        return gap <= max(ABSORB_DAYS, host.rule.takes_in.days if host.rule.takes_in else 0)
    return host.rule.role not in EXEMPT and gap < SPACING_FOR.days


def _reason(candidate: Candidate) -> Reason:
    return Reason(
        rule=candidate.rule.name,
        occasion=candidate.occasion,
        draft=candidate.draft,
        event_id=candidate.event.id if candidate.event else None,
        opportunity_id=candidate.opportunity_id,
    )
