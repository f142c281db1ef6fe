"""The clock jumps, the machine sleeps, summer time comes and goes: each reminder still comes once."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.faults.table import Row
from bench.faults.virtual import NOON
from reminderd.message import Channel
from reminderd.store import migrate
from reminderd.store.database import Store
from tests.flow.parts import Recorder, Story, make_house

DAY, WEEK, MONTH = dt.timedelta(days=1), dt.timedelta(days=7), dt.timedelta(days=31)
HOUR = dt.timedelta(hours=1)
# When the daemon looks, from the news on: the moments that its clock shows, in the order in which it looks.
JUMPS = {
    "clock jumps a day ahead and back": (HOUR, DAY + HOUR, 2 * HOUR, DAY, 2 * DAY, 4 * DAY),
    "clock jumps a month ahead and back": (HOUR, MONTH, 2 * HOUR, DAY, 2 * DAY, 4 * DAY),
    "clock jumps a day back and ahead": (HOUR, HOUR - DAY, 2 * HOUR, DAY, 2 * DAY, 4 * DAY),
    "clock jumps a month back and ahead": (HOUR, HOUR - MONTH, 2 * HOUR, DAY, 2 * DAY, 4 * DAY),
    "machine sleeps for a week": (WEEK, WEEK + HOUR, WEEK + DAY),
}
# A zone, one beside it whose clocks stay as they are, and noon or so of the day before.
CHANGES = {
    "summer time begins in Berlin": ("Europe/Berlin", "Etc/GMT-1", dt.datetime(2027, 3, 27, 12, tzinfo=dt.UTC)),
    "summer time ends in Berlin": ("Europe/Berlin", "Etc/GMT-1", dt.datetime(2026, 10, 24, 12, tzinfo=dt.UTC)),
    "summer time begins in New York": ("America/New_York", "Etc/GMT+5", dt.datetime(2027, 3, 13, 12, tzinfo=dt.UTC)),
    "summer time ends in New York": ("America/New_York", "Etc/GMT+5", dt.datetime(2026, 10, 31, 12, tzinfo=dt.UTC)),
    "summer time begins on Lord Howe": (
        "Australia/Lord_Howe",
        "Etc/GMT-10",
        dt.datetime(2026, 10, 3, 1, tzinfo=dt.UTC),
    ),
}


def time_faults(times: int) -> Iterator[Row]:
    """One reminder is due by e-mail at once, another on the next day, and one more on the day after."""
    half_hours = tuple(number * HOUR / 2 for number in range(200))
    begins = [NOON + number * DAY for number in range(times)]
    steady = [_live(begin, "UTC", half_hours) for begin in begins]
    for fault, looks in JUMPS.items():
        yield _row(fault, [_live(begin, "UTC", looks) for begin in begins], least=1, most=max(steady))
    for fault, (zone, beside, begin) in CHANGES.items():
        usual = _live(begin, beside, half_hours)
        yield _row(fault, [_live(begin, zone, half_hours) for _ in range(times)], least=usual, most=usual)


def _live(begin: dt.datetime, zone: str, looks: tuple[dt.timedelta, ...]) -> int:
    """How many messages came. A message that comes twice ends it with an error."""
    with tempfile.TemporaryDirectory(prefix="rf-") as folder:
        store = Store.memory()
        migrate.create(store)
        recorder = Recorder()
        house = make_house(store, Path(folder), ways=["email"])
        story = Story.begin(house, {Channel.EMAIL: recorder}, ["Ana Mueller"], begin, phone=None, zone=zone)
        story.land(begin)
        story.pass_at(begin)
        for look in looks:
            story.pass_at(begin + look)
        story.stop()
        store.dispose()
        keys = [mail.message_id for mail in recorder.taken]
        assert len(keys) == len(set(keys)), "a message came twice"
        return len(keys)


def _row(fault: str, results: list[int], *, least: int, most: int) -> Row:
    """One message at least has to come for each; more than on a steady clock would be the same reminder again."""
    wrong = tuple(f"{count} messages in place of {least} to {most}" for count in results if not least <= count <= most)
    count = len(results)
    return Row(fault, count, count, sum(found > 0 for found in results), wrong=wrong)
