"""facts -> plan -> nudge rows. Planning twice changes nothing; what is planned again keeps its number."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateParameter

from reminderd.errors import ReminderdError
from reminderd.nudge_rows import BATCH, Applier, Changes, Written
from reminderd.rules.cadence import plan
from reminderd.rules.calendar import local_day
from reminderd.rules.facts import Facts
from reminderd.rules.rule import Book
from reminderd.rules.states import State, Status, is_still_paused
from reminderd.rules.timeline import Timeline
from reminderd.store import marks, outbox
from reminderd.store.facts import load_references, load_taken_back, load_user_subjects, load_users, today_of
from reminderd.store.tables import BY_ITSELF, Event, Nudge, Reference, User

log = logging.getLogger(__name__)

Due = TypeVar("Due")
PUT_OFF_FOR = dt.timedelta(hours=1)
"""How long what cannot be planned waits."""
_NO_KEY: ForUpdateParameter = {"key_share": True}
"""A lock that rows which point to the locked one do not wait for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Planner:
    """Plans by one book, for an installation that has the channels ``ways``."""

    book: Book
    ways: frozenset[str]

    def settings_mark(self, user: User) -> str:
        """What, besides events, a user's plans depend on: when it changes, everything of that user is due."""
        return marks.make_mark(user, self.book.mark, self.ways)

    def plan_references(self, session: Session, user: User, ids: Sequence[int], now: dt.datetime) -> Changes:
        """Plan these references of one user anew, in the caller's transaction."""
        self.lock(session, user)
        return self._plan_references(session, {user.id: user}, ids, now).loaded(session)

    def plan_user(self, session: Session, user: User, now: dt.datetime) -> Changes:
        """Plan what concerns no single reference anew, in the caller's transaction."""
        self.lock(session, user)
        return self._plan_users(session, {user.id: user}, now).loaded(session)

    def plan_all(self, session: Session, user: User, now: dt.datetime) -> Changes:
        """Plan everything of one user anew."""
        self.lock(session, user)
        return self._plan_all(session, {user.id: user}, now).loaded(session)

    def plan_due(self, session: Session, now: dt.datetime, batch: int = BATCH) -> int:
        """Plan a batch of what is due: changed, or come to a moment at which time changes its plan; of many users with
        as many statements as of one. What cannot be planned is put off and stops nothing else; what another daemon has
        is left to it."""
        users = self._users_due(session, now, batch)
        self._plan_due_users(session, users, now)
        due = self._references_due(session, now, batch)
        self._plan_due_references(session, due, now)
        return len(users) + len(due)

    def lock(self, session: Session, user: User) -> None:
        """Be the only one who plans for this user until the transaction ends; its last number is read anew."""
        session.flush()
        session.refresh(user, ["last_number"], with_for_update=_NO_KEY)

    def _plan_due_users(self, session: Session, users: Sequence[User], now: dt.datetime) -> None:
        def plan_them(some: Sequence[User]) -> None:
            changed = {user.id: user for user in some if user.settings_mark != self.settings_mark(user)}
            self._plan_users(session, {user.id: user for user in some if user.id not in changed}, now)
            self._plan_all(session, changed, now)

        for user, error in _in_halves(session, users, plan_them):
            log.error("plan_broke user=%s", user.id, exc_info=error)
            user.plan_again_at = now + PUT_OFF_FOR
            if user.settings_mark != self.settings_mark(user):  # a reference may be the cause: each by itself then
                session.execute(update(Reference).where(Reference.user_id == user.id).values(plan_again_at=now))

    def _plan_due_references(self, session: Session, due: Sequence[tuple[int, User]], now: dt.datetime) -> None:
        def plan_them(some: Sequence[tuple[int, User]]) -> None:
            users = {user.id: user for _, user in some}
            self._plan_references(session, users, [reference_id for reference_id, _ in some], now)

        for (reference_id, _), error in _in_halves(session, due, plan_them):
            log.error("plan_broke reference=%s", reference_id, exc_info=error)
            session.get_one(Reference, reference_id).plan_again_at = now + PUT_OFF_FOR

    def _users_due(self, session: Session, now: dt.datetime, batch: int) -> list[User]:
        query = select(User).where(User.plan_again_at <= now).order_by(User.plan_again_at).limit(batch)
        return list(session.scalars(query.with_for_update(skip_locked=True, key_share=True)))

    def _references_due(self, session: Session, now: dt.datetime, batch: int) -> list[tuple[int, User]]:
        """References that are due, with their users, where no other has those. Not they are locked but the users,
        first, as every action does."""
        query = select(Reference.id, User).join(User, User.id == Reference.user_id)
        query = query.where(Reference.plan_again_at <= now).order_by(Reference.plan_again_at).limit(batch)
        rows = session.execute(query.with_for_update(of=User, skip_locked=True, key_share=True))
        return [(reference_id, user) for reference_id, user in rows]

    def _plan_references(
        self, session: Session, users: Mapping[int, User], ids: Sequence[int], now: dt.datetime
    ) -> Written:
        outbox.withdraw_ahead(session, now, list(users))
        references = list(session.scalars(select(Reference).where(Reference.id.in_(ids)).order_by(Reference.id)))
        for reference in references:
            today = today_of(users[reference.user_id], now)
            if reference.status == Status.PAUSED and not is_still_paused(reference.paused_until, today):
                reference.status, reference.paused_until = Status.ACTIVE, None
        facts = load_users(session, users.values(), self.ways)
        subjects = list(load_references(session, facts, references).values())
        written, again = self._plan_many(session, users, subjects, now)
        for reference, again_at in zip(references, again, strict=True):
            reference.planned_version = reference.change_version
            reference.plan_again_at = again_at
        return written

    def _plan_users(self, session: Session, users: Mapping[int, User], now: dt.datetime) -> Written:
        if not users:
            return Written()
        outbox.withdraw_ahead(session, now, list(users))
        for user in users.values():
            if user.paused and not is_still_paused(user.paused_until, today_of(user, now)):
                user.paused, user.paused_until, user.pause_all = False, None, False
        facts = load_users(session, users.values(), self.ways)
        subjects = load_user_subjects(session, list(facts.values()))
        written, again = self._plan_many(session, users, subjects, now)
        for user, again_at in zip(users.values(), again, strict=True):
            user.planned_version = user.change_version
            user.plan_again_at = again_at
        return written

    def _plan_all(self, session: Session, users: Mapping[int, User], now: dt.datetime) -> Written:
        if not users:
            return Written()
        query = select(Reference.id, Reference.user_id).where(Reference.user_id.in_(list(users)))
        rows = session.execute(query.order_by(Reference.user_id, Reference.id)).all()
        written = self._plan_users(session, users, now)
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            theirs = {user_id: users[user_id] for _, user_id in part}
            written.add(self._plan_references(session, theirs, [reference_id for reference_id, _ in part], now))
        for user in users.values():
            user.settings_mark = self.settings_mark(user)
        return written

    def _plan_many(
        self, session: Session, users: Mapping[int, User], subjects: Sequence[Facts], now: dt.datetime
    ) -> tuple[Written, list[dt.datetime | None]]:
        """Plan subjects with as many statements as for one; for each, when it is to be planned again."""
        subjects = _put_right(session, subjects, now)
        plans = [plan(facts, self.book, now) for facts in subjects]
        applier = Applier(session, users, now)
        written = applier.apply(subjects, plans)
        lapsed = {
            nudge.reference_id
            for nudge in written.changes.ended
            if self._records_on_expiry(session, users[nudge.user_id], nudge, now)
        }
        late = [index for index, one in enumerate(subjects) if one.reference and one.reference.id in lapsed]
        if late:
            again = [_loaded_again(session, subjects[index]) for index in late]
            plans_again = [plan(facts, self.book, now) for facts in again]
            written.add(applier.apply(again, plans_again))
            for index, one in zip(late, plans_again, strict=True):
                plans[index] = one
        return written, [one.again_at for one in plans]

    def _records_on_expiry(self, session: Session, user: User, nudge: Nudge, now: dt.datetime) -> bool:
        rule = self.book.rules.get(nudge.rule)
        if rule is None or rule.on_expiry is None or nudge.state != State.EXPIRED:
            return False
        session.add(
            Event(
                user_id=user.id,
                kind=rule.on_expiry,
                reference_id=nudge.reference_id,
                opportunity_id=nudge.opportunity_id,
                on=today_of(user, nudge.expires_at),
                data={"rule": nudge.rule, "occasion": nudge.occasion, "subject": nudge.subject, "by_itself": True},
                batch=f"{BY_ITSELF}{nudge.id}",
                recorded_at=now,
            )
        )
        session.flush()
        return True


def _in_halves(
    session: Session, due: Sequence[Due], plan_them: Callable[[Sequence[Due]], None]
) -> list[tuple[Due, Exception]]:
    """Plan all together, or, where that fails, in halves: what is wrong with one's rows must not stop the others.
    Returns those that cannot be planned even alone, and why."""
    if not due:
        return []
    try:
        with session.begin_nested():
            plan_them(due)
        return []
    except (DBAPIError, ReminderdError):
        raise
    except Exception as error:
        broken = error
    session.expire_all()
    if len(due) == 1:
        return [(due[0], broken)]
    half = len(due) // 2
    return [*_in_halves(session, due[:half], plan_them), *_in_halves(session, due[half:], plan_them)]


def _put_right(session: Session, subjects: Sequence[Facts], now: dt.datetime) -> list[Facts]:
    """Retract each `no_answer` of the program's own that turned out wrong, as they had answered, or were never asked;
    and let those stand again that turned out right after all, as that was undone."""
    asked = {facts.reference.id for facts in subjects if facts.reference and _was_asked(facts)}
    taken_back = load_taken_back(session, asked)
    found = []
    for facts in subjects:
        back = taken_back.get(_reference_id(facts) or 0, ())
        found.append(facts)
        if back or (facts.reference is not None and any(event.data.get("by_itself") for event in facts.events)):
            line = Timeline.of(facts, local_day(now, facts.user.zone))
            wrong, right = line.given_up_in_vain(), line.given_up_after_all(back)
            for event in (*wrong, *right):
                session.get_one(Event, event.id).retracted_at = now if event in wrong else None
            session.flush()
            if wrong or right:
                found[-1] = _loaded_again(session, facts)
    return found


def _was_asked(facts: Facts) -> bool:
    return any(event.kind == "asked" for event in facts.events)


def _loaded_again(session: Session, facts: Facts) -> Facts:
    assert facts.reference is not None
    again = load_references(session, {facts.user.id: facts.user}, [session.get_one(Reference, facts.reference.id)])
    return again[facts.reference.id]


def _reference_id(facts: Facts) -> int | None:
    return facts.reference.id if facts.reference is not None else None
