"""`simulate`: what would arrive until a date, on a private copy; nothing is sent or stored."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import click

from reminderd.cli import output
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.naming import find_last_day


@click.command("simulate")
@click.option("--until", required=True, metavar="DATE", help="The last day: 2027-03-31, 3 months, next friday.")
@click.option("--ignore", is_flag=True, help="As if you did nothing; else each nudge is done when it first comes.")
@output.json_option
@pass_ctx
def simulate(ctx: Ctx, until: str, ignore: bool) -> None:
    """What would arrive until DATE, and when.

    Works on a copy of your data in memory, with the same planner and composer as the daemon. Nothing is sent or
    stored. Unless told to --ignore, you do each nudge on the day of its first reminder.
    """
    from reminderd.rules.calendar import end_of_day
    from reminderd.simulation import Simulation, act_on, null_transports, private_copy

    with ctx.reading() as (_, user):
        today, zone = ctx.today(user), user.zone
    last_day = find_last_day(until, today)
    house = private_copy(ctx.house(), user.id, ctx.now())
    simulation = Simulation(house, null_transports(sorted(house.ways)), ctx.now())
    report = _Report(ctx, zone)
    try:
        for arrived in simulation.advance(end_of_day(last_day, zone) - dt.timedelta(seconds=1)):
            report.take(arrived)
            if not ignore:
                act_on(house, arrived, simulation.now)
    finally:
        simulation.close()
        house.store.dispose()
    report.end(last_day, today)


class _Report:
    """Says each arrival as it comes, or all at the end as JSON."""

    def __init__(self, ctx: Ctx, zone: str) -> None:
        from reminderd.cli.timeline import Timeline

        self._ctx, self._zone = ctx, zone
        self._timeline = Timeline(zone)
        self._entries: list[dict[str, Any]] = []
        self._counts: Counter[str] = Counter()

    def take(self, arrived: Any) -> None:
        self._counts[arrived.channel.value] += 1
        if self._ctx.json:
            self._entries.append(_entry(arrived, self._zone))
            return
        for line in self._timeline.arrived(arrived):
            self._ctx.say(line)

    def end(self, last_day: dt.date, today: dt.date) -> None:
        if self._ctx.json:
            self._ctx.say_json(self._entries)
        until = output.day(last_day, today)
        if not self._counts:
            self._ctx.tell(f"Nothing would arrive until {until}.")
            return
        mails, texts = self._counts["email"], self._counts["sms"]
        parts = [output.count(mails, "mail") if mails else "", output.count(texts, "text") if texts else ""]
        said = " and ".join(part for part in parts if part)
        self._ctx.tell(f"Until {until}: {said}. Nothing was sent or stored.")


def _entry(arrived: Any, zone: str) -> dict[str, Any]:
    segments = arrived.segments
    return {
        "at": output.local(arrived.at, zone),
        "channel": arrived.channel.value,
        "kind": arrived.kind,
        "subject": arrived.subject,
        "segments": segments.count if segments else None,
        "nudges": [
            {"rule": one.rule, "reference": one.reference, "nudge": one.number, "reminder": one.reminder}
            for one in arrived.nudges
        ],
    }
