"""The event kinds: one declared table. Ranks order the events of one day; nothing else does."""

from __future__ import annotations

import dataclasses
import enum


class Scope(enum.StrEnum):
    """Whom an event of a kind is about."""

    REFERENCE = "reference"
    """One reference; an opportunity may be named."""
    BOTH = "both"
    """One reference, for one opportunity."""
    OPPORTUNITY = "opportunity"
    """One opportunity."""
    NUDGE = "nudge"
    """Written by the program when a nudge is done that no other kind describes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event. ``stage`` is the opportunity's stage that it begins, 0 where it begins none."""

    name: str
    scope: Scope
    rank: int
    help: str
    touch: bool = False
    stage: int = 0


_R, _B, _O = Scope.REFERENCE, Scope.BOTH, Scope.OPPORTUNITY

TABLE: tuple[Kind, ...] = (
    Kind("applied", _O, 10, "you applied", stage=10),
    Kind("needed", _B, 12, "you need this reference by a date (written by `need`)"),
    Kind("asked", _B, 14, "you asked them to be a reference", touch=True),
    Kind("agreed", _B, 16, "they agreed to be a reference", touch=True),
    Kind("declined", _B, 18, "they said no", touch=True),
    Kind("no_answer", _R, 19, "they never answered"),
    Kind("briefed", _B, 20, "you told them what to share", touch=True),
    Kind("interview", _O, 22, "an interview (--final for the last one)", stage=20),
    Kind("references_requested", _O, 24, "the employer asked for references", stage=30),
    Kind("called", _B, 26, "the employer called them"),
    Kind("offer", _O, 28, "an offer came, not yet answered", stage=40),
    Kind("accepted", _O, 30, "you accepted the offer", stage=50),
    Kind("signed", _O, 31, "the contract is signed (ends an embargo until signed)"),
    Kind("turned_down", _O, 32, "you turned the offer down", stage=60),
    Kind("rejected", _O, 34, "they turned you down", stage=60),
    Kind("withdrawn", _O, 36, "you withdrew", stage=60),
    Kind("started", _O, 38, "you started the job", stage=70),
    Kind("announcement", _O, 40, "you plan to post the news"),
    Kind("promoted", _R, 42, "they were promoted"),
    Kind("changed_job", _R, 44, "they have a new job"),
    Kind("left_work", _R, 46, "they left work"),
    Kind("helped", _R, 48, "they helped you", touch=True),
    Kind("advised", _R, 50, "they gave you advice", touch=True),
    Kind("reached_out", _R, 52, "they got in touch of their own accord", touch=True),
    Kind("planned", _R, 54, "you made a date with them"),
    Kind("contacted", _R, 56, "you were in touch", touch=True),
    Kind("wrote", _R, 58, "you wrote to them", touch=True),
    Kind("met", _R, 60, "you met", touch=True),
    Kind("congratulated", _R, 62, "you congratulated them", touch=True),
    Kind("told", _R, 64, "you told them the news", touch=True),
    Kind("thanked", _R, 66, "you thanked them", touch=True),
    Kind("gift_sent", _R, 68, "you sent a card or a gift", touch=True),
    Kind("done", Scope.NUDGE, 70, "a nudge was done"),
    Kind("deceased", _R, 90, "they died"),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in TABLE}
TOUCHES: frozenset[str] = frozenset(kind.name for kind in TABLE if kind.touch)
OUTCOMES: frozenset[str] = frozenset({"accepted", "turned_down", "rejected", "withdrawn"})
CONSENT: frozenset[str] = frozenset({"asked", "agreed", "declined", "no_answer"})
INVOLVING: frozenset[str] = frozenset({"asked", "agreed", "briefed", "called"})

ALIASES: dict[str, str] = {
    "phoned": "contacted",
    "texted": "contacted",
    "emailed": "contacted",
    "coffee": "met",
    "lunch": "met",
    "no": "declined",
    "landed": "accepted",
}
RECORDABLE: tuple[str, ...] = tuple(kind.name for kind in TABLE if kind.scope is not Scope.NUDGE)
