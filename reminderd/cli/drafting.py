"""A nudge's draft as the message to the user will have it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli.words import Line
from reminderd.drafts.draft import Draft
from reminderd.drafts.library import Library
from reminderd.rules.states import State
from reminderd.store.draft_facts import load_many
from reminderd.store.tables import Nudge


def draft_of(
    library: Library,
    session: Session,
    line: Line,
    now: dt.datetime,
    *,
    variant: int | None = None,
    length: str | None = None,
    warmth: str = "normal",
) -> Draft:
    """The draft of a nudge; its wording is the one that it has among those it goes out with. Raises
    `TemplateBroken`."""
    assert line.nudge is not None
    assert line.facts is not None
    chosen = variant if variant is not None else _own_variant(library, session, line.nudge, now)
    return library.draft(line.nudge.draft, line.facts, variant=chosen, length=length, warmth=warmth)


def _own_variant(library: Library, session: Session, nudge: Nudge, now: dt.datetime) -> int | None:
    if nudge.variant is not None:
        return nudge.variant
    query = (
        select(Nudge)
        .where(Nudge.user_id == nudge.user_id, Nudge.rule == nudge.rule, Nudge.occasion == nudge.occasion)
        .where(Nudge.draft == nudge.draft, Nudge.variant.is_(None), Nudge.state == State.OPEN)
        .order_by(Nudge.id)
    )
    group = list(session.scalars(query))
    if len(group) < 2 or nudge not in group:
        return None
    return library.assign_variants(nudge.draft, load_many(session, group, now))[group.index(nudge)]
