"""One voice: a reference hears one planned message at a time. Firmer ones take in softer ones; near ones are merged."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from reminderd.rules.facts import Reason
from reminderd.rules.occasions import SPACING_FOR, Candidate
from reminderd.rules.rule import EXEMPT, Role

ABSORB_DAYS = 21
"""A planned contact takes in softer ones this near to it."""
THANKS_WAIT_FOR = dt.timedelta(days=7)
"""Thanks are put off for a planned contact, such as a birthday, by no more than this."""
HALF_A_DAY = dt.timedelta(hours=12)
"""What makes days of a span between two ends of days, whatever the clocks do."""
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
    lapsed: Sequence[Candidate] = (),
) -> list[Voiced]:
    """Who stands among the open candidates of one reference, firmest first. Depends on dates alone, never on now.
    One of the ``skipped`` (rule and occasion) takes what it was about with it, but no keeping in touch. What one of
    the ``lapsed`` had taken in comes back when that was let go, and keeps its distance from then on."""
    standing: list[Voiced] = []
    for candidate in sorted(candidates, key=_firmness):
        hosts = [voiced for voiced in standing if candidate.event is not None or _key(voiced.candidate) not in skipped]
        host = _host(candidate, hosts, never_absorbed, _comes_on(candidate, lapsed))
        if host is None:
            standing.append(Voiced(candidate, []))
        else:
            host.reasons.append(_reason(candidate))
    return standing


def _key(candidate: Candidate) -> tuple[str, str]:
    return (candidate.rule.name, candidate.occasion)


def _firmness(candidate: Candidate) -> tuple[int, dt.date, str, str]:
    return (-candidate.rule.weight, candidate.due_on, candidate.rule.name, candidate.occasion)


def _comes_on(candidate: Candidate, lapsed: Sequence[Candidate]) -> dt.date:
    """When it is due, or when the last that had taken it in was let go."""
    if candidate.rule.role is not Role.KEEP:
        return candidate.due_on
    taken_in = (host for host in lapsed if _takes_in(host, candidate, candidate.due_on))
    return max([candidate.due_on, *(host.due_on + (host.expires_at - host.due_at + HALF_A_DAY) for host in taken_in)])


def _host(
    candidate: Candidate, standing: list[Voiced], never_absorbed: frozenset[str], comes_on: dt.date
) -> Voiced | None:
    rule = candidate.rule
    if rule.role not in _ABSORBABLE or rule.name in never_absorbed:
        return None
    days = {candidate.due_on, comes_on}
    near = [voiced for voiced in standing if any(_takes_in(voiced.candidate, candidate, day) for day in days)]
    if not near:
        return None
    return min(near, key=lambda voiced: abs(voiced.candidate.due_on - comes_on))


def _takes_in(host: Candidate, guest: Candidate, comes_on: dt.date) -> bool:
    if host.rule.role is Role.TASK or host.rule.weight < guest.rule.weight:
        return False
    if guest.rule.role is Role.THANKS and host.opportunity_id != guest.opportunity_id and host.rule.role in EXEMPT:
        return False
    gap = abs((host.due_on - comes_on).days)
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
