"""100 reminders of 100 users made into mails among many: due steps to stored deliveries, and the whole way until they
are sent to nobody. In turns with jobs that read a user and a reference and render the same mails byte for byte."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from unittest import mock

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from bench.databases import durable_postgres, sqlite_urls
from bench.people import remind, reminded
from bench.render import Floor, Offer
from bench.rivals import DUE, apscheduler, huey
from bench.stock import NOW
from bench.table import Report, Row, Verdict
from bench.tick import in_turns, make_dispatcher
from reminderd import carrier as carrying
from reminderd.drafts.mail import make_mail
from reminderd.passes import Passes
from reminderd.store import draft_facts
from reminderd.store.draft_assembly import make_me
from reminderd.store.draft_records import Person
from reminderd.store.tables import Nudge, Reference, Step, StoredMessage, User
from reminderd.wiring import House

PLACES = {"sqlite": "SQLite FULL", "postgres": "PostgreSQL"}
COMPOSED, WHOLE = "composed", "composed and sent"
RIVALS = ("APScheduler", "huey")
FEW, MANY, MOST = 10_000, 100_000, 1_000_000
BOUND = 1.3


def run(quick: bool) -> Report:
    stocks = (FEW,) if quick else (FEW, MANY, MOST)
    repeats = 3 if quick else 5
    runs: dict[tuple[str, str, int], Iterator[float]] = {}
    with sqlite_urls() as folder, durable_postgres() as server:
        houses = []
        for stock in stocks:
            for place in PLACES if server is not None else ("sqlite",):
                url = server.create() if server and place == "postgres" else f"sqlite:///{folder}/ours-{stock}.db"
                house = reminded(url, stock)
                houses.append(house)
                rounds = iter(range(1, 2 * (repeats + 1) + 1))  # no reminder comes due twice
                if place == "sqlite" and stock == FEW:
                    learn(house, url)
                runs[place, COMPOSED, stock] = reminders(house, stock, rounds)
                runs[place, WHOLE, stock] = reminders(house, stock, rounds, send=True)
            if stock < MOST:
                runs["", "APScheduler", stock] = apscheduler(f"sqlite:///{folder}/jobs-{stock}.db", stock, write)
                runs["", "huey", stock] = huey(folder / f"huey-{stock}.db", stock, write)
        taken = in_turns(runs, repeats)
        for house in houses:
            house.store.dispose()
    rows = {key: Row(_name(*key), tuple(values)) for key, values in taken.items()}
    return Report("compose", list(rows.values()), _verdicts(rows))


def reminders(house: House, stock: int, rounds: Iterator[int], *, send: bool = False) -> Iterator[float]:
    """Milliseconds for each hundred; with ``send`` until they have been sent."""
    dispatcher = make_dispatcher(house)
    passes = Passes(house, lambda: dispatcher)
    for number in rounds:
        with house.store.writing() as session:
            remind(session, stock, DUE, number)
        begun = time.perf_counter()
        composed = passes.compose(NOW)
        sent = dispatcher.run_once(lambda: NOW).sent if send else DUE
        took = (time.perf_counter() - begun) * 1000
        if not send:
            sent = dispatcher.run_once(lambda: NOW).sent
        if (composed, sent) != (DUE, DUE):
            raise RuntimeError(f"{composed} of {DUE} were composed and {sent} sent")
        yield took


# ---- what the rivals' job does


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    """All that a job needs beside the rows that it reads: compiled templates, and the mails but for their words."""

    engine: Engine
    floors: list[Floor]
    references: list[int]

    def write(self, number: int) -> bytes:
        """The mail of one reminder, the quickest way: two rows read, the draft and the mail around it rendered, and
        put together."""
        with Session(self.engine) as session:
            query = select(User, Reference).join(Reference, Reference.user_id == User.id)
            user, reference = session.execute(query.where(Reference.id == self.references[number])).one()
            read = {"me": make_me(user), "them": make_person(reference)}
        floor = self.floors[number]
        drafts = tuple((template, names | read, blocks) for template, names, blocks in floor.drafts)
        return dataclasses.replace(floor, drafts=drafts).mail()


_desk: Desk | None = None


def write(number: int) -> None:
    """The job. It stands here by itself since both rivals find it by its name."""
    assert _desk is not None
    _desk.write(number % DUE)


def learn(house: House, url: str) -> None:
    """Have the first hundred composed, and what a job needs for the same bytes made ready for `write`."""
    global _desk
    with house.store.writing() as session:
        due = set(remind(session, FEW, DUE, 0))
    dispatcher = make_dispatcher(house)
    with mock.patch.object(carrying, "make_mail", wraps=make_mail) as made:
        Passes(house, lambda: dispatcher).compose(NOW)
    dispatcher.run_once(lambda: NOW)
    items = {call.args[0].message_id: call.args[0] for call in made.call_args_list}
    query = (
        select(Nudge, StoredMessage.message_id)
        .join(Step, Step.nudge_id == Nudge.id)
        .join(StoredMessage, StoredMessage.delivery_id == Step.delivery_id)
    )
    with house.store.reading() as session:
        offers = [
            Offer(house.composer.carrier, (nudge,), (draft_facts.load(session, nudge, NOW),), items[message_id])
            for nudge, message_id in session.execute(query.where(Nudge.id.in_(due)))
        ]
    ids = [offer.nudges[0].reference_id or 0 for offer in offers]
    _desk = Desk(create_engine(url), [Floor.of(offer) for offer in offers], ids)
    if [_desk.write(number) for number in range(DUE)] != [offer.mail().content for offer in offers]:
        raise RuntimeError("what is measured beside each other is not the same mail")


def make_person(reference: Reference) -> Person:
    """What drafts say of the reference."""
    known = {field.name: getattr(reference, field.name) for field in dataclasses.fields(Person)}
    given = {name: value for name, value in known.items() if value is not None}
    return Person(**given | {"first_name": reference.first_name or reference.name.split()[0]})


def _name(place: str, what: str, stock: int) -> str:
    if what in RIVALS:
        return f"{what} and rendering, {stock:,}"
    return f"{what}, {PLACES[place]}, {stock:,}"


def _verdicts(rows: dict[tuple[str, str, int], Row]) -> list[Verdict]:
    found = []
    for place, name in PLACES.items():
        for what in (COMPOSED, WHOLE):
            mine = [stock for where, which, stock in rows if (where, which) == (place, what)]
            if len(mine) > 1:
                ratio = rows[place, what, max(mine)].median / rows[place, what, min(mine)].median
                found.append(Verdict(f"{what}, {name}: at {max(mine):,} / at {min(mine):,}", ratio, BOUND))
    for (_, what, stock), row in rows.items():
        if what in RIVALS:
            ours = rows["sqlite", WHOLE, stock]
            found.append(Verdict(f"{what} and rendering / ours at {stock:,}", row.median / ours.median))
    return found
