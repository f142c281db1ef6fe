"""The open nudges as lines: every one of them, so that only what a line shows is read and imported."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli.words import Line, load_steps
from reminderd.drafts.words import title_of
from reminderd.rules.states import State
from reminderd.store.draft_matter import heading
from reminderd.store.draft_shelf import Wanted, gather_headings
from reminderd.store.tables import Nudge, User


def load_open_lines(session: Session, user: User, now: dt.datetime) -> list[Line]:
    """By number, in a fixed number of queries. The lines carry neither row nor facts."""
    rows = session.execute(
        select(
            Nudge.id,
            Nudge.number,
            Nudge.rule,
            Nudge.draft,
            Nudge.reference_id,
            Nudge.opportunity_id,
            Nudge.event_id,
            Nudge.starts_at,
            Nudge.due_at,
        )
        .where(Nudge.user_id == user.id, Nudge.state == State.OPEN)
        .order_by(Nudge.number)
    ).all()
    if not rows:
        return []
    wanted = [Wanted(user.id, row.reference_id, row.opportunity_id, row.event_id, row.draft) for row in rows]
    shelf = gather_headings(session, wanted, now)
    steps = load_steps(session, Nudge.user_id == user.id, Nudge.state == State.OPEN)
    lines = []
    for row, one in zip(rows, wanted, strict=True):
        who, company, language = heading(shelf, one)
        job = shelf.opportunities.get(row.opportunity_id or 0)
        lines.append(
            Line(
                number=row.number,
                rule=row.rule,
                reference=who or None,
                opportunity=job.company if job else None,
                title=title_of(row.draft, who, company, language),
                state=str(State.OPEN),
                starts_at=row.starts_at,
                due_at=row.due_at,
                steps=tuple(steps.get(row.id, ())),
            )
        )
    return lines
