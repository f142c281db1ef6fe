"""The flags of a reference: one table for `add` and `edit`. An empty value clears."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from reminderd.cli import dates, values
from reminderd.errors import UsageError
from reminderd.rules.calendar import parse_span

Command = TypeVar("Command", bound=Callable[..., Any])
Columns = dict[str, Any]

VIAS = ("email", "text", "call", "linkedin", "letter")
TIERS = ("inner", "network", "dormant")


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """What reading a value needs to know besides its text."""

    today: dt.date
    region: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One flag: its name, what it sets, and how its text is read. ``cleared`` is what an empty text sets."""

    flag: str
    metavar: str
    help: str
    read: Callable[[str, Given], Columns]
    cleared: Columns | None = None

    @property
    def parameter(self) -> str:
        return "v_" + self.flag.removeprefix("--").replace("-", "_")

    def columns(self, text: str, given: Given) -> Columns:
        if text.strip():
            return self.read(text, given)
        if self.cleared is None:
            raise UsageError(f"{self.flag}: expected a value.")
        return self.cleared


def with_fields(command: Command) -> Command:
    """Adds the flags of the table; they arrive as keyword arguments, `None` where not given."""
    for flag, help in reversed(list(SWITCHES.items())):
        bare = flag.removeprefix("--")
        command = click.option(f"{flag}/--no-{bare}", "v_" + bare.replace("-", "_"), default=None, help=help)(command)
    for field in reversed(FIELDS):
        option = click.option(field.flag, field.parameter, metavar=field.metavar, help=field.help)
        command = option(command)
    return command


def columns_of(flags: Mapping[str, Any], given: Given) -> Columns:
    """The columns that the given flags set. Raises `UsageError` for the first that cannot be read."""
    found: Columns = {}
    for field in FIELDS:
        if (text := flags.get(field.parameter)) is not None:
            found |= field.columns(text, given)
    for flag in SWITCHES:
        column = flag.removeprefix("--").replace("-", "_")
        if (value := flags.get(f"v_{column}")) is not None:
            found[column] = value
    return found


def check_order(begins: dt.date | None, ends: dt.date | None) -> None:
    """A time together ends after it began."""
    if begins is not None and ends is not None and ends < begins:
        raise UsageError(f"--to {ends:%Y-%m} lies before --from {begins:%Y-%m}.")


def check_pace(every: str | None, at_most: str | None) -> None:
    """The longest silence is no shorter than the pace that is aimed at."""
    if every and at_most and _days(at_most) < _days(every):
        raise UsageError(f"--at-most {at_most} is shorter than --every {every}: the limit lies beyond the target.")


def _days(text: str) -> float:
    """About how many days; a month and 30 days count as alike."""
    span = parse_span(text)
    return span.months * 30 + span.days + span.working_days * 7 / 5


def _plain(flag: str, column: str, metavar: str, help: str, most: int = 200) -> Field:
    return Field(flag, metavar, help, lambda text, _: {column: values.text(flag, text, most)}, {column: None})


def _span(flag: str, column: str, help: str) -> Field:
    return Field(flag, '"3 months"', help, lambda text, _: {column: values.span(flag, text)}, {column: None})


def _month(flag: str, column: str, help: str) -> Field:
    return Field(flag, "2019-03", help, lambda text, _: {column: dates.parse_month(text)}, {column: None})


def _one_of(flag: str, choices: tuple[str, ...], help: str, cleared: str | None = None) -> Field:
    column = flag.removeprefix("--")
    return Field(
        flag, "|".join(choices), help, lambda text, _: {column: values.choice(flag, text, choices)}, {column: cleared}
    )


def _birthday(text: str, given: Given) -> Columns:
    year, month, day = dates.parse_birthday(text)
    if year is not None and dt.date(year, month, day) > given.today:
        raise UsageError(f"--birthday: {text.strip()!r} lies in the future.")
    return {"birth_year": year, "birth_month": month, "birth_day": day}


def _last_contact(text: str, given: Given) -> Columns:
    day = dates.parse_day(text, given.today)
    if day > given.today:
        raise UsageError(f"--last-contact: {day} lies in the future; for a date to come: reminderd record planned")
    return {"last_contact_on": day}


def _since(text: str, given: Given) -> Columns:
    """A day where one is given, as anniversaries need it; else the first of the month."""
    try:
        return {"since": dt.date.fromisoformat(text.strip())}
    except ValueError:
        return {"since": dates.parse_month(text)}


def _leap_day(text: str, given: Given) -> Columns:
    return {"leap_day": int(values.choice("--leap-day", text, ("28", "1")))}


FIELDS: tuple[Field, ...] = (
    Field("--email", "E", "E-mail address.", lambda text, _: {"email": values.email(text)}, {"email": None}),
    Field(
        "--phone",
        "P",
        "Phone number, with its country's prefix.",
        lambda text, given: {"phone": values.phone(text, given.region)},
        {"phone": None},
    ),
    _plain("--first-name", "first_name", "N", "How you address them.", 100),
    _plain("--relation", "relation", "TEXT", 'How you know them: "managed me".'),
    _plain("--worked-at", "worked_at", "COMPANY", "Where you worked together."),
    _plain("--role", "role", "TEXT", "What they did there."),
    _month("--from", "worked_from", "When you began to work together."),
    _month("--to", "worked_to", "Until when."),
    _plain("--employer", "employer", "COMPANY", "Where they are now."),
    _plain("--title", "title", "TEXT", "As what."),
    Field("--since", "2024-05", "Since when they are there.", _since, {"since": None}),
    _plain("--speaks-to", "speaks_to", "TEXT", "What they can vouch for.", 500),
    _one_of("--via", VIAS, "How you write to them."),
    Field(
        "--profile",
        "URL",
        "Their public profile.",
        lambda text, _: {"profile": values.url("--profile", text)},
        {"profile": None},
    ),
    _plain("--address", "address", "TEXT", "Where a card goes.", 500),
    Field(
        "--birthday",
        "04-12|1980-04-12",
        "Month and day, with or without the year.",
        _birthday,
        {"birth_year": None, "birth_month": None, "birth_day": None},
    ),
    Field("--leap-day", "28|1", "29 February in other years: on the 28th, or 1 March.", _leap_day, {"leap_day": 28}),
    _span("--every", "every", "How often to be in touch, in place of the tier's."),
    _span("--at-most", "at_most", "The longest silence; then it does not wait for the digest."),
    _one_of("--tier", TIERS, "Inner circle (three months), network (twelve) or dormant.", "inner"),
    Field("--last-contact", "DATE", "When you were last in touch.", _last_contact, {"last_contact_on": None}),
    _plain("--note", "note", "TEXT", "For you alone.", 2000),
)
SWITCHES: Mapping[str, str] = {
    "--keep-from-knowing": "They must not learn of your search.",
    "--present-employer": "They work where you work now.",
}
