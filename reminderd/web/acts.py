"""What a link does: said before, done once, said again afterwards. Everything goes through the one door."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.actions import Actions
from reminderd.drafts import words as draft_words
from reminderd.drafts.dates import day_short, listing
from reminderd.rules.calendar import Span, local_day, local_time
from reminderd.rules.states import State
from reminderd.signing import Grant, Purpose
from reminderd.store import draft_facts
from reminderd.store.facts import load_user
from reminderd.store.tables import Nudge, User
from reminderd.web.words import words

SNOOZE_FOR = Span(days=3)


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """A small page: what it is about, what is said, and the button, if one is left."""

    heading: str
    lines: tuple[str, ...] = ()
    command: str = ""
    """What to type to take it back."""
    button: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """What the button sends along."""
    is_done: bool = False
    """Whether this tells of something that was done just now or before."""


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """One link's deed, for its user. ``ways`` are the channels that this installation has."""

    actions: Actions
    ways: frozenset[str]
    session: Session
    user: User
    now: dt.datetime

    @property
    def say(self) -> dict[str, str]:
        return words(self.user.language)

    def ask(self, grant: Grant) -> View | None:
        """What the link will do; ``None`` where there is no such nudge. Changes nothing."""
        if grant.purpose is Purpose.STOP:
            return self._ask_stop()
        nudges = self._nudges(grant)
        if not nudges:
            return None
        over = self._over(grant.purpose, nudges)
        if over is not None:
            return over
        return View(
            heading=self.say[f"ask_{grant.purpose}"],
            lines=tuple(self.lines(nudges)),
            button=self.say[f"do_{grant.purpose}"],
            fields=tuple(("n", str(nudge.number)) for nudge in nudges) if grant.purpose is Purpose.ALL else (),
        )

    def act(self, grant: Grant, chosen: Sequence[int] = ()) -> View | None:
        """Do it. Of a group only those in ``chosen`` are done: what the page listed."""
        if grant.purpose is Purpose.STOP:
            return self._stop()
        nudges = self._nudges(grant)
        if grant.purpose is Purpose.ALL and chosen:
            nudges = [nudge for nudge in nudges if nudge.number in chosen]
        if not nudges:
            return None
        return self._over(grant.purpose, nudges) or self._made(grant.purpose, nudges)

    def done(self, nudges: Sequence[Nudge], *, heading: str = "did_done") -> View:
        """These are done."""
        lines = self.lines(nudges)
        self.actions.done(self.session, self.user, nudges, self.now)
        standing = self.actions.standing(self.session, nudges[0], self.now)
        if standing is not None:
            language = self.user.language
            lines.append(f"{draft_words.knows(standing.told, standing.total, language, post=standing.is_news)}.")
            left = [*standing.left, *(draft_words.marked(name, True, language) for name in standing.paused)]
            if left:
                lines.append(self.say["left"].format(names=listing(left, language)))
        return View(self.say[heading], tuple(lines), is_done=True)

    def skip(self, nudge: Nudge) -> View:
        """This is let go."""
        self.actions.skip(self.session, self.user, [nudge], self.now)
        return View(self.say["did_skip"], tuple(self.lines([nudge])), is_done=True)

    def snooze(self, nudge: Nudge, span: Span) -> View:
        """Nothing of this for a while."""
        until = self.actions.snooze(self.session, self.user, nudge, span, self.now)
        lines = self.lines([nudge])
        if until >= nudge.expires_at:
            lines.append(self.say["ends_then"])
        elif until > nudge.due_at:
            lines.append(self.say["past_due"].format(when=self.day(nudge.due_at)))
        return View(self.say["did_snooze"].format(when=self.moment(until)), tuple(lines), is_done=True)

    def over(self, purpose: Purpose, nudge: Nudge) -> View | None:
        """Why nothing is left to do for ``purpose``, if that is so."""
        return self._over(purpose, [nudge])

    # ---- words

    def lines(self, nudges: Sequence[Nudge]) -> list[str]:
        """ "7 Thank Maria Lopez by Wed 25 Nov"; a company that is not to be named yet is not."""
        loaded = draft_facts.load_many(self.session, list(nudges), self.now)
        return [
            f"{nudge.number} {draft_words.title(nudge.draft, facts)}"
            f" {draft_words.by(nudge.due_at, self.user.zone, self.user.language)}"
            for nudge, facts in zip(nudges, loaded, strict=True)
        ]

    def day(self, at: dt.datetime) -> str:
        return draft_words.when(at, self.user.zone, self.user.language)

    def moment(self, at: dt.datetime) -> str:
        on = day_short(local_day(at, self.user.zone), self.user.language)
        return f"{on}, {local_time(at, self.user.zone):%H:%M}"

    # ---- nudges

    def _nudges(self, grant: Grant) -> list[Nudge]:
        nudge = self.session.scalar(select(Nudge).where(Nudge.user_id == self.user.id, Nudge.number == grant.number))
        if nudge is None or grant.purpose is not Purpose.ALL or nudge.opportunity_id is None:
            return [nudge] if nudge is not None else []
        query = select(Nudge).where(
            Nudge.user_id == self.user.id,
            Nudge.rule == nudge.rule,
            Nudge.opportunity_id == nudge.opportunity_id,
            Nudge.starts_at <= self.now,
            Nudge.state == State.OPEN,
        )
        return list(self.session.scalars(query.order_by(Nudge.number))) or [nudge]

    def _over(self, purpose: Purpose, nudges: Sequence[Nudge]) -> View | None:
        states = {State(nudge.state) for nudge in nudges}
        if purpose in (Purpose.DONE, Purpose.ALL):
            # What expired, was withdrawn or let go may have been done all the same.
            said = "was_done" if states == {State.DONE} else ""
        elif states != {State.OPEN}:
            said = f"was_{nudges[0].state}"
        elif purpose is Purpose.SNOOZE and nudges[0].snoozed_until and nudges[0].snoozed_until > self.now:
            said = "was_quiet"
        else:
            said = ""
        if not said:
            return None
        until = nudges[0].snoozed_until or self.now
        return View(self.say[said].format(when=self.moment(until)), tuple(self.lines(nudges)), is_done=True)

    def _made(self, purpose: Purpose, nudges: list[Nudge]) -> View:
        deeds: dict[Purpose, Callable[[], View]] = {
            Purpose.DONE: lambda: self.done(nudges),
            Purpose.ALL: lambda: self.done(nudges, heading="did_all" if len(nudges) > 1 else "did_done"),
            Purpose.SNOOZE: lambda: self.snooze(nudges[0], SNOOZE_FOR),
            Purpose.SKIP: lambda: self.skip(nudges[0]),
        }
        return deeds[purpose]()

    # ---- all mail

    def _ask_stop(self) -> View:
        if not self.user.email_enabled:
            return self._stopped("was_stopped")
        return View(self.say["ask_stop"], (self._remaining(),), button=self.say["do_stop"])

    def _stop(self) -> View:
        stopped = self.actions.stop_channel(self.session, self.user, "email")
        return self._stopped("did_stop" if stopped else "was_stopped")

    def _stopped(self, said: str) -> View:
        lines = (self._remaining(), self.say["start_again"])
        return View(self.say[said], lines, command="reminderd resume --channel email", is_done=True)

    def _remaining(self) -> str:
        others = set(load_user(self.session, self.user, self.ways).channels) - {"email"}
        return self.say["still_texts" if others else "no_way"]
