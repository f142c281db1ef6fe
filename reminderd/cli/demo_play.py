"""Plays the demo's story, or tells again what of it was played before. What was sent is never sent again."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import email.parser
import email.policy
import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import select

from reminderd import settings
from reminderd.cli import output
from reminderd.cli.demo_story import (
    CAST,
    DAYS,
    IN_FULL,
    LEFT_OPEN,
    SNOOZE,
    SNOOZED,
    ZONE,
    Calendar,
    Scene,
    Stage,
    make_scenes,
    set_up,
)
from reminderd.cli.timeline import WIDTH, Timeline
from reminderd.message import Channel, Mail, Message
from reminderd.rules.calendar import local_day
from reminderd.rules.states import State
from reminderd.simulation import Arrived, Simulation, load_arrived
from reminderd.store.lock import own
from reminderd.store.tables import Job, Nudge, User
from reminderd.transports.base import Receipt, Transport
from reminderd.transports.console import ConsoleTransport
from reminderd.transports.maildir import MaildirTransport
from reminderd.wiring import House, open_house

MARK = "demo"
"""The job whose last pass says how far the story was played."""
LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MARGIN = "  | "


@contextlib.contextmanager
def opened(folder: Path, days: Calendar) -> Iterator[Play]:
    """The story in its folder, set up where it is new. Reads no environment and no `.env`."""
    known = settings.load({}, Path(os.devnull), folder)
    house = dataclasses.replace(open_house(known, days.begins_at), ways=frozenset(channel.value for channel in Channel))
    try:
        with own(house.store):
            play = Play(house, days, _transports(known.maildir, known.home / "texts.log"))
            try:
                yield play
            finally:
                play.close()
    finally:
        house.store.dispose()


class Play:
    """One telling of the story."""

    def __init__(self, house: House, days: Calendar, transports: Mapping[Channel, Transport]) -> None:
        self._house, self._days = house, days
        with house.store.writing() as session:
            if session.scalar(select(User.id)) is None:
                set_up(Stage(house, session, days, days.begins_at))
        with house.store.reading() as session:
            mark = session.get(Job, MARK)
            self._played_until = mark.last_pass_at if mark else days.begins_at
            self._before = [one for _, one in load_arrived(session)]
        now = max([self._played_until, *(one.at for one in self._before)])
        self._simulation = Simulation(house, transports, now)
        self._timeline = Timeline(ZONE)
        self._told: list[Arrived] = []
        self._shown: set[str] = set()

    def close(self) -> None:
        """Let go of the transports."""
        self._simulation.close()

    def head(self) -> Iterator[str]:
        """What is to be seen, and who is in it."""
        first = self._days.first
        yield f"Half a year with reminderd, from {first:%A}, {first.day} {first:%B %Y}. The people are made up."
        yield ""
        yield from textwrap.wrap(
            "Ada Byron looks for a job; six people vouch for her. Ada records what happens, and reminderd tells her by"
            " mail or text whom to write to and when, with the message ready to send. Unless something else is said,"
            " she sends it the day it comes. Nothing leaves this machine.",
            WIDTH,
        )
        yield ""
        longest = max(len(name) for name, _ in CAST)
        yield from (f"  {name:<{longest}}  {who}" for name, who in CAST)

    def lines(self) -> Iterator[str]:
        """The story as a timeline, played as it is told."""
        for scene in make_scenes(self._days):
            yield from self._until(scene.moment)
            if scene.moment > self._played_until:
                self._act(scene)
            yield from self._timeline.line(scene.moment, "Ada", scene.text)
            if scene.command:
                yield from self._timeline.more(f"$ {scene.command}")
        yield from self._until(self._days.ends_at)

    @property
    def progress(self) -> str:
        """How far the half year is."""
        gone = (local_day(self._simulation.now, ZONE) - self._days.first).days
        return f"day {gone} of {DAYS}"

    def summary(self) -> Iterator[str]:
        """How much was sent, and how much of it in this run."""
        mails = sum(1 for one in self._told if one.channel is Channel.EMAIL)
        texts = [one.segments.count for one in self._told if one.segments is not None]
        both = f"{output.count(mails, 'mail')} and {output.count(len(texts), 'text')}"
        segments = output.count(sum(texts), "segment")
        before = len(self._before)
        if before == len(self._told):
            yield "Nothing was sent this time: all of this had arrived in an earlier run."
        elif before:
            yield f"The first {before} had arrived in an earlier run, and were not sent again."
        yield f"{both} ({segments}) in half a year:"

    # ---- time

    def _until(self, moment: dt.datetime) -> Iterator[str]:
        """What arrives up to a moment: what came before this run first, then what comes now."""
        while len(self._told) < len(self._before) and self._before[len(self._told)].at < moment:
            yield from self._tell(self._before[len(self._told)])
        if moment > self._simulation.now:
            for arrived in self._simulation.advance(moment):
                yield from self._tell(arrived)

    def _tell(self, arrived: Arrived) -> Iterator[str]:
        self._told.append(arrived)
        yield from self._timeline.arrived(arrived)
        yield from self._draft(arrived)
        reaction = self._react(arrived)
        if reaction:
            yield from self._timeline.line(arrived.at, "Ada", reaction)

    def _act(self, scene: Scene) -> None:
        with self._house.store.writing() as session:
            scene.act(Stage(self._house, session, self._days, scene.moment))
            session.merge(Job(name=MARK, last_pass_at=scene.moment))

    # ---- Ada

    def _react(self, arrived: Arrived) -> str:
        """Ada does what a message is about, or not yet; what is unusual comes back in words. Again changes nothing."""
        rest = [one for one in arrived.nudges if (one.rule, one.reference) == LEFT_OPEN]
        snoozed = [one for one in arrived.nudges if one.rule == SNOOZED and one.reminder == 1]
        keeps = rest if arrived.channel is Channel.EMAIL else []
        words = ""
        if keeps and len(arrived.nudges) > 1:
            sent, name = len(arrived.nudges) - 1, _first(LEFT_OPEN[1])
            words = f"Sends {sent} of the {len(arrived.nudges)}, and does not get round to {name}."
        elif rest and not keeps:
            words = f"Thanks {_first(LEFT_OPEN[1])} too: all six have heard it from her."
        elif snoozed:
            words = f"Snoozes the cards and gifts for {output.count(SNOOZE.days, 'day')}."
        self._do(arrived, {one.nudge_id for one in keeps}, {one.nudge_id for one in snoozed})
        return words

    def _do(self, arrived: Arrived, kept: set[int], snoozed: set[int]) -> None:
        actions = self._house.actions
        ids = [one.nudge_id for one in arrived.nudges if one.nudge_id not in kept]
        with self._house.store.writing() as session:
            user = session.scalars(select(User)).one()
            query = select(Nudge).where(Nudge.id.in_(ids), Nudge.state == State.OPEN).order_by(Nudge.number)
            nudges = list(session.scalars(query))
            for nudge in nudges:
                if nudge.id in snoozed and nudge.snoozed_until is None:
                    actions.snooze(session, user, nudge, SNOOZE, arrived.at)
            actions.done(session, user, [one for one in nudges if one.id not in snoozed], arrived.at)

    # ---- drafts

    def _draft(self, arrived: Arrived) -> Iterator[str]:
        """The first draft of the mail in full, for the first mail of some rules."""
        rules = {one.rule for one in arrived.nudges} & set(IN_FULL) - self._shown
        if not rules or not isinstance(arrived.message, Mail):
            return
        self._shown |= rules
        yield ""
        for line in first_draft(arrived.message):
            yield from textwrap.wrap(line, WIDTH - 10, initial_indent=MARGIN, subsequent_indent=MARGIN) or [
                MARGIN.rstrip()
            ]
        yield ""


def first_draft(mail: Mail) -> list[str]:
    """The lines of the first draft in a mail to the user."""
    parsed = email.parser.BytesParser(policy=email.policy.default).parsebytes(mail.content)
    part = parsed.get_body(("plain",))
    lines = part.get_content().splitlines() if part is not None else []
    start = next((index for index, line in enumerate(lines) if line.startswith("To: ")), 0)
    rest = lines[start:]
    end = next((index for index, line in enumerate(rest) if line.startswith("When it is done:")), len(rest))
    return "\n".join(rest[:end]).strip().splitlines()


def _transports(maildir: Path, texts: Path) -> dict[Channel, Transport]:
    return {Channel.EMAIL: _DemoMaildir(maildir), Channel.SMS: ConsoleTransport(path=texts)}


class _DemoMaildir(MaildirTransport):
    """The times of its files are real while the demo's are not: a lost mail is looked for in all of it."""

    def find(self, message: Message, since: dt.datetime) -> Receipt | None:
        return super().find(message, LONG_AGO)


def _first(name: str) -> str:
    return name.split()[0]
