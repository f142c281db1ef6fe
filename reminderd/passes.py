"""One pass of the daemon's work: plan, compose, dispatch. One look at the agenda says whether any of it is due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from reminderd import crash
from reminderd.clock import steady
from reminderd.store import backup, jumps, lock
from reminderd.store.agenda import Agenda, load_agenda
from reminderd.store.tables import CLAIMABLE, LEASED, Base, Delivery, Job, Reference, User
from reminderd.wiring import House

if TYPE_CHECKING:
    from reminderd.dispatcher import Dispatcher, Tally
    from reminderd.replies.desk import Desk

_JOBS = Base.metadata.tables[Job.__tablename__]
BURST_FOR = 0.25
"""Seconds that a pass goes on sending; then the other stages have their turn. Planning has as many while a message
waits: after an upgrade there may be hours of it."""


class Passes:
    """The stages, for one house, its dispatcher and the ways back that are read. One thread at a time."""

    def __init__(
        self,
        house: House,
        make_dispatcher: Callable[[], Dispatcher],
        desk: Desk | None = None,
        *,
        ahead: dt.timedelta = dt.timedelta(),
    ) -> None:
        """The dispatcher is made when something is to be done. Messages are made up to ``ahead`` before their moment,
        for whoever is still there then to send them."""
        self._house = house
        self._make_dispatcher = make_dispatcher
        self._dispatcher: Dispatcher | None = None
        self._on_landing: Callable[[], None] | None = None
        self._ahead = ahead
        self._stage_for = house.settings.lease_seconds / 6
        """Seconds after which planning and composing leave the rest to the next pass: meanwhile nobody renews the
        leases of what is in flight."""
        self.desk = desk
        self._last: dict[str, dt.datetime] = {}

    @property
    def dispatcher(self) -> Dispatcher:
        """Made when first asked for."""
        if self._dispatcher is None:
            self._dispatcher = self._make_dispatcher()
            if self._on_landing is not None:
                self._dispatcher.on_landing(self._on_landing)
        return self._dispatcher

    @property
    def in_flight(self) -> int:
        """How many sends are under way."""
        return self._dispatcher.in_flight if self._dispatcher is not None else 0

    def work(self, now: dt.datetime) -> dt.datetime | None:
        """What is due, without waiting for a slow network; what takes long is left to the next pass. Returns when the
        next thing is due."""
        began = steady()
        self.land(now)  # renews our own leases, however long this machine was asleep, before any rescue
        self.read_replies(now)
        agenda = self._agenda()
        if agenda.is_idle(now) and not self.in_flight:
            self._last |= {"plan": now, "compose": now, "dispatch": now}
            return self._next_at(agenda, now)
        self.dispatcher.rescue_if_any(now)
        waiting = agenda.delivery_at is not None and agenda.delivery_at <= now
        self.plan(now, BURST_FOR if waiting and not self.dispatcher.is_full else self._stage_for)
        self.compose(now, ahead=dt.timedelta() if waiting else self._ahead)  # what can go now is not to wait for that
        # In whole seconds, so that a quick pass has one moment; a lease must not begin when a slow one did.
        self.dispatcher.burst(lambda: now + dt.timedelta(seconds=int(steady() - began)), BURST_FOR)
        self._last["dispatch"] = now
        return self.next_at(now)

    def drain(self, clock: Callable[[], dt.datetime]) -> Tally:
        """Plan, compose and send until nothing that is due is left."""
        from reminderd.dispatcher import Tally

        total = Tally()
        while True:
            now = clock()
            self.read_replies(now)
            planned, composed = self.plan(now), self.compose(now)
            tally = self.dispatcher.run_once(clock)
            self._last["dispatch"] = now
            total.sent += tally.sent
            total.failed += tally.failed
            total.moved += tally.moved
            total.cancelled += tally.cancelled
            if not (planned or composed or tally.sent or tally.cancelled or tally.failed or tally.moved):
                return total

    def on_landing(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, from another thread, whenever a send ends or a reply is there."""
        self._on_landing = call
        if self._dispatcher is not None:
            self._dispatcher.on_landing(call)
        if self.desk is not None:
            self.desk.on_landing(call)

    def land(self, now: dt.datetime) -> None:
        """Settle what has landed and renew what flies, launching nothing."""
        if self._dispatcher is not None:
            self._dispatcher.land(now)

    def stop(self, now: Callable[[], dt.datetime]) -> int:
        """Let what is in flight land, as long as a stop may take; returns how many did not. Replies are left to
        `stop_reading`."""
        return self._dispatcher.stop(now) if self._dispatcher is not None else 0

    def read_replies(self, now: dt.datetime) -> int:
        """Apply what the user answered, and what became of texts."""
        return self.desk.step(now) if self.desk is not None else 0

    def stop_reading(self) -> None:
        """No more replies are read; returns at once."""
        if self.desk is not None:
            self.desk.close()

    def plan(self, now: dt.datetime, for_seconds: float | None = None) -> int:
        """Plan whatever changed or whose time came, for so long, or as long as a stage may take; a batch at least."""
        planned = 0
        end = steady() + (self._stage_for if for_seconds is None else for_seconds)
        while self._anything_to_plan(now):
            with self._house.store.writing() as session:
                made = self._house.planner.plan_due(session, now)
                crash.point("planning")
            crash.point("planned")
            planned += made
            if not made or steady() >= end:
                break  # another daemon is at it, or the next pass
        self._last["plan"] = now
        return planned

    def compose(self, now: dt.datetime, ahead: dt.timedelta = dt.timedelta()) -> int:
        """Turn steps that are due, or will be within ``ahead``, into deliveries."""
        composed = 0
        end = steady() + self._stage_for
        while self._anything_to_compose(now, ahead):
            with self._house.store.writing() as session:
                made = self._house.composer.compose(session, now, ahead)
                crash.point("composing")
            crash.point("composed")
            composed += made
            if not made or steady() >= end:
                break
        self._last["compose"] = now
        return composed

    def note(self) -> None:
        """Note when each stage last ran, for `status` and `health`; where another node is at it, that one does so."""
        with self._house.store.writing() as session:
            if lock.keep_house(session):
                self._note(session)

    def housekeeping(self, now: dt.datetime) -> None:
        """Note when each stage last ran, and make the copy of the day. Of several nodes one does so at a time; the
        others leave it to that one."""
        with self._house.store.writing() as session:
            if not lock.keep_house(session):
                return
            self._last["housekeeping"] = now
            self._note(session)
            jumps.pull_in(session, now)
        settings = self._house.settings
        backup.daily(self._house.store, settings.backup_dir, settings.backup_keep, now)

    def waiting(self, now: dt.datetime) -> int:
        """How many deliveries wait for another attempt."""
        waits = or_(Delivery.attempts > 0, Delivery.due_at <= now)
        with self._house.store.reading() as session:
            return sum(session.scalar(select(func.count()).where(part, waits)) or 0 for part in (CLAIMABLE, LEASED))

    def _note(self, session: Session) -> None:
        self._last |= self.desk.passed_at() if self.desk is not None else {}
        connection = session.connection()
        for name, at in self._last.items():
            noted = connection.execute(update(_JOBS).where(_JOBS.c.name == name).values(last_pass_at=at))
            if not noted.rowcount:
                connection.execute(insert(_JOBS).values(name=name, last_pass_at=at))

    def _anything_to_plan(self, now: dt.datetime) -> bool:
        with self._house.store.reading() as session:
            for table in (User, Reference):
                if session.scalar(select(table.id).where(table.plan_again_at <= now).limit(1)) is not None:
                    return True
        return False

    def _anything_to_compose(self, now: dt.datetime, ahead: dt.timedelta) -> bool:
        from reminderd.store import due

        with self._house.store.reading() as session:
            return due.anything_due(session, now + ahead) or self._house.composer.has_notices(session, now)

    def next_at(self, now: dt.datetime) -> dt.datetime | None:
        """When the next thing is due; may lie before ``now`` where something waits for its turn."""
        return self._next_at(self._agenda(), now)

    def _next_at(self, agenda: Agenda, now: dt.datetime) -> dt.datetime | None:
        moments = agenda.moments(sends=self._dispatcher is None or not self._dispatcher.is_full)
        replies_at = self.desk.next_at() if self.desk is not None else None
        if replies_at is not None:
            moments.append(replies_at)
        if self.in_flight:
            moments.append(now + self.dispatcher.renewal_for)
        return min(moments, default=None)

    def _agenda(self) -> Agenda:
        with self._house.store.reading() as session:
            agenda = load_agenda(session)
        return agenda if agenda.step_at is None else agenda._replace(step_at=agenda.step_at - self._ahead)
