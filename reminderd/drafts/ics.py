"""The calendar that goes with a mail: deadlines with alarms, so that the phone reminds while this machine sleeps."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

_FOLD = 74


@dataclasses.dataclass(frozen=True, slots=True)
class Deadline:
    """One entry: the local day on which it is due, and when to ring (aware moments)."""

    uid: str
    summary: str
    description: str
    on: dt.date
    alarms: tuple[dt.datetime, ...]
    sequence: int = 0


def make_calendar(deadlines: Iterable[Deadline], now: dt.datetime) -> str:
    """An iCalendar text (RFC 5545) with METHOD:PUBLISH."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//reminderd//reminderd//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ]
    for deadline in deadlines:
        lines += _event(deadline, _moment(now))
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _event(deadline: Deadline, stamp: str) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{deadline.uid}",
        f"DTSTAMP:{stamp}",
        f"SEQUENCE:{deadline.sequence}",
        f"DTSTART;VALUE=DATE:{deadline.on:%Y%m%d}",
        f"DTEND;VALUE=DATE:{deadline.on + dt.timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(deadline.summary)}",
        f"DESCRIPTION:{_escaped(deadline.description)}",
        "TRANSP:TRANSPARENT",
        "CLASS:PRIVATE",
    ]
    for alarm in deadline.alarms:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{_escaped(deadline.summary)}",
            f"TRIGGER;VALUE=DATE-TIME:{_moment(alarm)}",
            "END:VALARM",
        ]
    return [*lines, "END:VEVENT"]


def _moment(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return plain.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """The line in pieces of at most 75 octets, never cutting through a character."""
    if len(line) <= _FOLD and line.isascii():
        return line
    pieces, piece, size = [], "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > _FOLD:
            pieces.append(piece)
            piece, size = "", 1
        piece += letter
        size += width
    return "\r\n ".join([*pieces, piece])
