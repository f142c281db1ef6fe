"""What one user hears in a year, by the production planner and composer on a clock moved by hand."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import event

from reminderd.message import Channel
from reminderd.simulation import Simulation, act_on, null_transports
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import Reference, User
from tests.flow.parts import NOON, Story, make_house, recorders

YEAR = dt.timedelta(days=365)


@dataclasses.dataclass(frozen=True, slots=True)
class Year:
    """Counts of one year."""

    mails: int
    texts: int
    segments: int
    """What the texts are billed as."""
    busy_mondays: int
    """Mondays with a message at nine."""
    planned: int
    """How often a reference, or what concerns none alone, was planned anew: as time had come, or the user did
    something."""

    @property
    def messages(self) -> int:
        return self.mails + self.texts


def live_a_year(*, acts: bool) -> Year:
    """Six references; all are asked for a job, which is accepted. Whoever ``acts`` does each nudge on the day of its
    first reminder; else nothing is ever done. The same at each call."""
    store = Store.memory()
    migrate.create(store)
    story = Story.begin(make_house(store, Path("/nonexistent")), recorders())
    story.land(NOON)
    simulation = Simulation(story.house, null_transports([Channel.EMAIL, Channel.SMS]), NOON)
    count: Counter[Channel] = Counter()
    segments, mondays = 0, set()
    with _planned() as planned:
        for arrived in simulation.advance(NOON + YEAR):
            count[arrived.channel] += 1
            segments += arrived.segments.count if arrived.segments else 0
            if arrived.at.weekday() == 0:
                mondays.add(arrived.at.date())
            if acts:
                act_on(story.house, arrived, simulation.now)
    simulation.close()
    story.stop()
    store.dispose()
    return Year(count[Channel.EMAIL], count[Channel.SMS], segments, len(mondays), planned.total())


@contextlib.contextmanager
def _planned() -> Iterator[Counter[str]]:
    """Counts each time that something is planned: that sets when it is to be planned again."""
    found: Counter[str] = Counter()

    def note(row: object, *_: object) -> None:
        found[type(row).__name__] += 1

    for entity in (User, Reference):
        event.listen(entity.plan_again_at, "set", note)
    try:
        yield found
    finally:
        for entity in (User, Reference):
            event.remove(entity.plan_again_at, "set", note)
