"""A finished draft."""

from __future__ import annotations

import dataclasses

LENGTHS = ("short", "mail", "card", "call")
WARMTHS = ("plain", "normal", "warm")


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """One message for the user to send to a reference, or a note to the user where ``for_user``."""

    situation: str
    subject: str
    body: str
    to: str = ""
    """Address, number, profile or postal address: what ``via`` needs."""
    via: str = ""
    variant: int = 1
    length: str = "mail"
    short: str = ""
    """The same wording as a message for a phone."""
    question: str = ""
    intent: str = "none"
    social: str = ""
    missing: tuple[str, ...] = ()
    """Questions to the user about facts that the draft could not use."""
    approach: str = ""
    next_approach: str = ""
    for_user: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Situation:
    """One situation that there are templates for."""

    name: str
    about: str
    intent: str
    variants: int
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a template, and where."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"
