"""What the page shows: whom the user owes, what comes, and how it stands with everybody."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.carrier import Bundle, Carrier
from reminderd.drafts import views
from reminderd.drafts import words as draft_words
from reminderd.drafts.dates import day_short
from reminderd.drafts.items import MailItem
from reminderd.drafts.telling import know_line
from reminderd.errors import TemplateBroken
from reminderd.message import Channel
from reminderd.rules.calendar import Span, add_span, local_day, local_time, parse_span
from reminderd.rules.kinds import TOUCHES
from reminderd.rules.occasions import TIER_EVERY
from reminderd.rules.rule import Role
from reminderd.rules.states import State, Status, Tier
from reminderd.store import draft_facts, due
from reminderd.store.lookup import list_references
from reminderd.store.tables import DeliveryKind, Event, Nudge, Reference, User
from reminderd.web import strip
from reminderd.web.words import words

WEEK = dt.timedelta(days=7)
YEAR = dt.timedelta(days=366)
MOST = 60
"""Nudges whose drafts are shown."""
MOST_COMING = 30
SPANS = {"1d": Span(days=1), "3d": Span(days=3), "1w": Span(days=7), "2w": Span(days=14)}
"""What the page offers to snooze for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """Gathers the page of one user, from one snapshot that nothing is flushed to."""

    session: Session
    user: User
    carrier: Carrier
    now: dt.datetime

    def names(self) -> dict[str, Any]:
        """The names for the page's template."""
        open_nudges = self._open()
        begun = [nudge for nudge in open_nudges if nudge.starts_at <= self.now]
        later = [nudge for nudge in open_nudges if nudge.starts_at > self.now][:MOST_COMING]
        people = self._people()
        say = words(self.user.language)
        return {
            "say": say,
            "name": self.user.name,
            "cards": self._cards(say, begun, open_nudges, people),
            "standings": self._standings(open_nudges),
            "owed": self.owed(begun[:MOST]),
            "coming": self._coming(later),
            "people": people,
            "spans": [{"value": name, "label": say[f"span_{name}"]} for name in SPANS],
        }

    def owed(self, nudges: Sequence[Nudge]) -> list[dict[str, Any]]:
        """Each with its draft and the links that send it; without them where its template is broken."""
        shown = self._entries(nudges)
        titles = self._titles(nudges)
        say = words(self.user.language)
        found = []
        for nudge, title in zip(nudges, titles, strict=True):
            quiet = nudge.snoozed_until is not None and nudge.snoozed_until > self.now
            found.append(
                {
                    "number": nudge.number,
                    "title": title,
                    "by": draft_words.by(nudge.due_at, self.user.zone, self.user.language),
                    "entry": shown.get(nudge.number),
                    "quiet": say["quiet"].format(when=self._moment(nudge.snoozed_until)) if quiet else "",
                    "notes": (nudge.note or "").splitlines(),
                }
            )
        return found

    # ---- nudges

    def _standings(self, nudges: Sequence[Nudge]) -> list[str]:
        """How many of those who are to hear of an outcome know, once for each outcome."""
        first: dict[tuple[str, str], Nudge] = {}
        for nudge in nudges:
            rule = self.carrier.book.rules.get(nudge.rule)
            if nudge.reference_id is not None and rule is not None and rule.role is Role.OUTCOME:
                first.setdefault((nudge.rule, nudge.occasion), nudge)
        german = self.user.language.startswith("de")
        rows = list(first.values())
        loaded = draft_facts.load_many(self.session, rows, self.now)
        return [
            know_line(facts, full=True, german=german, post=nudge.draft == "accepted")
            for nudge, facts in zip(rows, loaded, strict=True)
            if len(facts.involved) > 1
        ]

    def _open(self) -> list[Nudge]:
        query = select(Nudge).where(
            Nudge.user_id == self.user.id, Nudge.state == State.OPEN, Nudge.expires_at > self.now
        )
        return list(self.session.scalars(query.order_by(Nudge.due_at, Nudge.number)))

    def _entries(self, nudges: Sequence[Nudge]) -> dict[int, dict[str, Any]]:
        try:
            return self._rendered(nudges)
        except TemplateBroken:
            if len(nudges) < 2:
                return {}
            return {number: entry for nudge in nudges for number, entry in self._entries([nudge]).items()}

    def _rendered(self, nudges: Sequence[Nudge]) -> dict[int, dict[str, Any]]:
        """As the mail has them, made by what makes the mail."""
        if not nudges:
            return {}
        bundle = Bundle(DeliveryKind.NUDGE, Channel.EMAIL, tuple(nudges), (1,) * len(nudges))
        entries = self.carrier.entries(self.session, bundle, self.now)
        item = MailItem(
            user=entries[0].facts.me, sender="", subject="", message_id="", now=self.now, entries=tuple(entries)
        )
        return {entry["number"]: entry for entry in views.names(item)["entries"]}

    def _titles(self, nudges: Sequence[Nudge]) -> list[str]:
        loaded = draft_facts.load_many(self.session, list(nudges), self.now)
        return [draft_words.title(nudge.draft, facts) for nudge, facts in zip(nudges, loaded, strict=True)]

    def _coming(self, nudges: Sequence[Nudge]) -> list[dict[str, Any]]:
        return [
            {
                "number": nudge.number,
                "title": title,
                "starts": self._day(local_day(nudge.starts_at, self.user.zone)),
                "due": self._day(local_day(nudge.due_at, self.user.zone)),
            }
            for nudge, title in zip(nudges, self._titles(nudges), strict=True)
        ]

    # ---- people

    def _people(self) -> list[dict[str, Any]]:
        rows = [row for row in list_references(self.session, self.user) if row.status != Status.RETIRED]
        ids = [row.id for row in rows]
        today = local_day(self.now, self.user.zone)
        days = draft_facts.touch_days(self.session, ids, today - YEAR)
        last = self._last_touches(ids, today)
        open_numbers = {nudge.reference_id: nudge.number for nudge in self._open() if nudge.reference_id}
        return [
            self._person(row, days.get(row.id, ()), _newest(last.get(row.id), row.last_contact_on), today)
            | {"number": open_numbers.get(row.id)}
            for row in rows
        ]

    def _person(
        self, row: Reference, days: Sequence[dt.date], last_on: dt.date | None, today: dt.date
    ) -> dict[str, Any]:
        say = words(self.user.language)
        state = _state(row, last_on, today)
        drawn = strip.draw([*days, *([row.last_contact_on] if row.last_contact_on else [])], today)
        return {
            "name": row.name,
            "last": self._day(last_on) if last_on else "",
            "state": state,
            "said": say[f"state_{state}"],
            "strip": drawn,
            "strip_said": say["weeks"].format(count=drawn["count"]),
        }

    def _last_touches(self, ids: Sequence[int], today: dt.date) -> dict[int, dt.date]:
        query = (
            select(Event.reference_id, func.max(Event.on))
            .where(Event.reference_id.in_(ids), Event.retracted_at.is_(None), Event.on <= today)
            .where(Event.kind.in_(sorted(TOUCHES)))
            .group_by(Event.reference_id)
        )
        return {key: on for key, on in self.session.execute(query) if key is not None}

    def _cards(
        self, say: dict[str, str], begun: Sequence[Nudge], every: Sequence[Nudge], people: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        fine = sum(person["state"] == "fine" for person in people)
        soon = sum(nudge.due_at <= self.now + WEEK for nudge in every)
        done = len(due.done_since(self.session, self.user.id, self.now - WEEK))
        return [
            {"count": len(begun), "label": say["card_owed"]},
            {"count": soon, "label": say["card_week"]},
            {"count": done, "label": say["card_done"]},
            {"count": fine, "label": say["card_touch"].format(total=len(people))},
        ]

    # ---- words

    def _day(self, on: dt.date) -> str:
        short = day_short(on, self.user.language)
        return short if on.year == local_day(self.now, self.user.zone).year else f"{short} {on.year}"

    def _moment(self, at: dt.datetime | None) -> str:
        if at is None:
            return ""
        return f"{self._day(local_day(at, self.user.zone))}, {local_time(at, self.user.zone):%H:%M}"


def _state(row: Reference, last_on: dt.date | None, today: dt.date) -> str:
    """Whether the last contact lies within the interval that is wished for, or beyond the longest one."""
    if row.status == Status.PAUSED:
        return "paused"
    if last_on is None:
        return "unknown"
    wished = parse_span(row.every) if row.every else TIER_EVERY[Tier(row.tier)]
    if wished is None:
        return "fine"
    if today <= add_span(last_on, wished):
        return "fine"
    longest_on = (
        add_span(last_on, parse_span(row.at_most)) if row.at_most else add_span(add_span(last_on, wished), wished)
    )
    return "soon" if today <= longest_on else "long"


def _newest(*days: dt.date | None) -> dt.date | None:
    return max((day for day in days if day is not None), default=None)
