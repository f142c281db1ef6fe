"""Why a nudge came, below each other: rule, cause, dates, what ends it, what comes next, what it took in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from reminderd.cli import output
from reminderd.cli.echo import event_lines
from reminderd.cli.words import STATE_WORDS, Line, due_words, steps_words
from reminderd.rules import wording
from reminderd.rules.calendar import local_day
from reminderd.rules.rule import Book, Rule
from reminderd.rules.states import State
from reminderd.store.tables import Event, Nudge, User


def reasons_of(session: Session, user: User, book: Book, line: Line, now: dt.datetime) -> list[tuple[str, str | None]]:
    """Names and texts. A rule that the book has no longer is named as it was."""
    row = line.nudge
    assert row is not None
    rule = book.rules.get(row.rule)
    about = rule.about if rule else "no longer in the rule book"
    return [
        ("Rule", f"{row.rule}: {about}"),
        ("Because", _because(session, user, rule, row, now)),
        ("Starts", output.moment(row.starts_at, user.zone, now)),
        ("Due", _due(user, rule, row, now)),
        ("Let go", f"{output.moment(row.expires_at, user.zone, now)} at the latest"),
        ("Ended by", "; ".join(_ended_by(rule, row))),
        ("Next", _next(user, line, now)),
        ("Took in", "; ".join(_took_in(session, user, book, row, now))),
        ("State", _state(session, user, row, now)),
    ]


def to_json(session: Session, user: User, book: Book, line: Line, now: dt.datetime) -> dict[str, Any]:
    """The same for programs."""
    row = line.nudge
    assert row is not None
    rule = book.rules.get(row.rule)
    return {
        **line.to_json(user.zone),
        "about": rule.about if rule else None,
        "because": _because(session, user, rule, row, now),
        "starts_at": output.local(row.starts_at, user.zone),
        "expires_at": output.local(row.expires_at, user.zone),
        "snoozed_until": output.local(row.snoozed_until, user.zone),
        "ended_by": _ended_by(rule, row),
        "took_in": _took_in(session, user, book, row, now),
        "state_at": output.local(row.state_at, user.zone),
        "ended_with": _ended_with(session, user, row, now),
    }


def _because(session: Session, user: User, rule: Rule | None, row: Nudge, now: dt.datetime) -> str | None:
    event = session.get(Event, row.event_id) if row.event_id else None
    if event is not None:
        what = event_lines(session, user, [event.id], now)[0]
        by = event.data.get("by") if event.kind == "needed" else None
        if by:
            what = f"{what}, by {output.day(dt.date.fromisoformat(by), local_day(now, user.zone))}"
        recorded = local_day(event.recorded_at, user.zone)
        late = f" (recorded {output.day(recorded, local_day(now, user.zone))})" if recorded != event.on else ""
        return what + late
    if rule is None:
        return None
    base = row.occasion.partition(":")[2].partition("#")[0] if row.occasion.startswith("since:") else ""
    touch = session.get(Event, int(base)) if base.isdigit() and int(base) else None
    since = f"; last contact: {event_lines(session, user, [touch.id], now)[0]}" if touch else ""
    return wording.starts(rule) + since


def _due(user: User, rule: Rule | None, row: Nudge, now: dt.datetime) -> str:
    span = f" ({rule.deadline} after it starts)" if rule is not None and rule.deadline is not None else ""
    return due_words(row.due_at, user, now) + span


def _ended_by(rule: Rule | None, row: Nudge) -> list[str]:
    how = [f"reminderd done {row.number}", f"reminderd skip {row.number}"]
    return [*(wording.ends(rule) if rule is not None else ()), *how]


def _next(user: User, line: Line, now: dt.datetime) -> str | None:
    if line.state != State.OPEN:
        return None
    text = steps_words(line.steps, user, now)
    row = line.nudge
    if row is not None and row.snoozed_until is not None and row.snoozed_until > now:
        return f"{text} (snoozed)" if row.snoozed_until < row.expires_at else f"{text} (snoozed until it ends)"
    return text


def _took_in(session: Session, user: User, book: Book, row: Nudge, now: dt.datetime) -> list[str]:
    taken = []
    for reason in row.reasons:
        rule = book.rules.get(str(reason.get("rule")))
        event = session.get(Event, reason["event_id"]) if reason.get("event_id") else None
        cause = event_lines(session, user, [event.id], now)[0] if event is not None else ""
        about = rule.about if rule is not None else str(reason.get("rule"))
        taken.append(f"{about} ({cause})" if cause else about)
    return taken


def _state(session: Session, user: User, row: Nudge, now: dt.datetime) -> str:
    text = STATE_WORDS[State(row.state)]
    if row.state == State.OPEN:
        return text
    what = _ended_with(session, user, row, now)
    return f"{text}, {output.moment(row.state_at, user.zone, now)}{f': {what}' if what else ''}"


def _ended_with(session: Session, user: User, row: Nudge, now: dt.datetime) -> str | None:
    event = session.get(Event, row.done_event_id) if row.done_event_id else None
    return event_lines(session, user, [event.id], now)[0] if event is not None else None
