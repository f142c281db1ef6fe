"""What drafts may say: consent, silence, alternates, and nothing that is embargoed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from reminderd.store.database import Store
from reminderd.store.draft_facts import DraftFacts, company_label, load, load_each, load_for, load_many, touch_days
from reminderd.store.draft_records import Silence
from reminderd.store.embargo import Veil
from reminderd.store.tables import Event, Nudge, Opportunity, Reference, User
from tests.store.rows import NOW, make_nudge, make_user

TODAY = dt.date(2026, 11, 24)
CANARY = "Zyxcanary"


def days(count: int) -> dt.date:
    return TODAY - dt.timedelta(days=count)


class World:
    """One user with references, opportunities and events, written straight into the tables."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.numbers = 0
        with store.writing() as session:
            self.user = make_user()
            session.add(self.user)
        self.user_id = self.user.id

    def add(self, row: Any) -> Any:
        with self.store.writing() as session:
            session.add(row)
        return row

    def reference(self, name: str = "Ana Müller", **values: Any) -> Reference:
        given: dict[str, Any] = {"created_on": TODAY, "created_at": NOW} | values
        return self.add(Reference(user_id=self.user_id, name=name, **given))  # type: ignore[no-any-return]

    def opportunity(self, company: str = "Acme", **values: Any) -> Opportunity:
        return self.add(Opportunity(user_id=self.user_id, company=company, created_at=NOW, **values))  # type: ignore[no-any-return]

    def event(
        self, kind: str, on: dt.date, who: Reference | None = None, what: Opportunity | None = None, **values: Any
    ) -> Event:
        self.numbers += 1
        given: dict[str, Any] = {"batch": str(self.numbers), "recorded_at": NOW, "ordinal": self.numbers} | values
        ids = {"reference_id": who.id if who else None, "opportunity_id": what.id if what else None}
        return self.add(Event(user_id=self.user_id, kind=kind, on=on, **ids, **given))  # type: ignore[no-any-return]

    def nudge(self, draft: str, who: Reference | None = None, what: Opportunity | None = None, **values: Any) -> Nudge:
        self.numbers += 1
        given: dict[str, Any] = {"number": self.numbers, "draft": draft, "occasion": f"event:{self.numbers}"} | values
        ids = {"reference_id": who.id if who else None, "opportunity_id": what.id if what else None}
        nudge = make_nudge(self.user, **ids, **given)
        return self.add(nudge)  # type: ignore[no-any-return]

    def facts(self, nudge: Nudge, now: dt.datetime = NOW) -> DraftFacts:
        with self.store.reading() as session:
            return load(session, nudge, now)


@pytest.fixture
def world(sqlite_store: Store) -> World:
    return World(sqlite_store)


def test_facts_of_an_accepted_offer(world: World) -> None:
    ana = world.reference(
        "Dr. Ana Müller", email="ana@example.org", speaks_to="the migration; leading, and calm under fire"
    )
    ben = world.reference("Ben Okafor")
    acme = world.opportunity(role="Engineer", starts_on=dt.date(2026, 12, 7))
    for who in (ana, ben):
        world.event("asked", days(20), who, acme)
        world.event("agreed", days(19), who, acme)
    offer = world.event("accepted", days(1), None, acme, data={"by": "2026-12-01"})
    world.event("told", days(0), ben, acme)
    reasons = [{"rule": "called", "occasion": "event:1", "draft": "called"}, {"rule": "x", "draft": "called"}]
    known = world.facts(world.nudge("accepted", ana, acme, event_id=offer.id, reasons=reasons, answer="you rang twice"))
    assert (known.them.first_name, known.them.email) == ("Ana", "ana@example.org")
    assert (known.job.company, known.job.role, known.job.starts_on) == ("Acme", "Engineer", dt.date(2026, 12, 7))
    assert (known.event.kind, known.event.data) == ("accepted", {"by": dt.date(2026, 12, 1)})
    assert known.points == ("the migration", "leading", "calm under fire")
    assert known.reasons == ("called",)
    assert (known.answer, known.agreed, known.agreed_names) == ("you rang twice", True, ("Ana", "Ben"))
    assert [(one.name, one.told) for one in known.involved] == [("Dr. Ana Müller", False), ("Ben Okafor", True)]
    assert known.today == TODAY
    assert known.me.first_name == "Mia"


@pytest.mark.parametrize(
    ("events", "agreed"),
    [
        ([("asked", 5, {}), ("agreed", 4, {})], True),
        ([("asked", 5, {})], False),
        ([("agreed", 5, {}), ("declined", 4, {})], False),
        ([("declined", 5, {}), ("agreed", 4, {})], True),
        ([("agreed", 5, {}), ("asked", 4, {})], True),
        ([("agreed", 5, {"until": "2026-11-23"})], False),
        ([("agreed", 5, {"until": "2026-11-24"})], True),
        ([("agreed", -1, {})], False),
    ],
)
def test_consent_is_of_this_opportunity_and_of_now(world: World, events: list[Any], agreed: bool) -> None:
    ana, acme, other = world.reference(), world.opportunity(), world.opportunity("Other")
    for kind, ago, data in events:
        world.event(kind, days(ago), ana, acme, data=data)
    assert world.facts(world.nudge("heads_up", ana, acme)).agreed is agreed
    assert world.facts(world.nudge("heads_up", ana, other)).agreed is False
    assert world.facts(world.nudge("check_in", ana)).agreed is False


@pytest.mark.parametrize(
    ("kinds", "vouched"),
    [
        (["asked"], True),
        (["asked", "asked"], False),
        (["asked", "contacted"], False),
        (["asked", "asked", "agreed"], True),
        (["asked", "asked", "briefed"], True),
        (["called"], True),
    ],
)
def test_who_did_not_answer_when_asked_once_more_did_not_vouch(world: World, kinds: list[str], vouched: bool) -> None:
    ana, acme = world.reference(), world.opportunity()
    for ago, kind in enumerate(reversed(kinds), 1):
        world.event(kind, days(ago), ana, acme)
    assert world.facts(world.nudge("accepted", ana, acme)).vouched is vouched


@pytest.mark.parametrize(
    ("kind", "ago", "job", "followed_up"),
    [
        ("contacted", 2, True, True),
        ("contacted", 2, False, False),
        ("contacted", 12, True, False),
        ("asked", 2, True, True),
        ("thanked", 2, True, False),
    ],
)
def test_an_ask_was_followed_up_where_a_second_message_is_recorded(
    world: World, kind: str, ago: int, job: bool, followed_up: bool
) -> None:
    ana, acme = world.reference(), world.opportunity()
    ask = world.event("asked", days(10), ana, acme)
    assert not world.facts(world.nudge("ask_unanswered", ana, acme, event_id=ask.id)).followed_up
    world.event(kind, days(ago), ana, acme if job else None)
    assert world.facts(world.nudge("ask_unanswered", ana, acme, event_id=ask.id)).followed_up is followed_up


@pytest.mark.parametrize(
    ("touched", "said", "worked_to", "silence"),
    [
        (dt.date(2026, 6, 24), None, None, Silence(5, True)),
        (dt.date(2026, 6, 25), None, None, Silence(4, True)),
        (None, dt.date(2025, 11, 24), dt.date(2020, 1, 1), Silence(12, True)),
        (dt.date(2025, 1, 1), dt.date(2026, 10, 1), None, Silence(1, True)),
        (None, None, dt.date(2022, 8, 31), Silence(50, True)),
        (None, None, dt.date(2027, 8, 31), Silence(0, True)),
        (None, None, None, Silence(0, False)),
    ],
)
def test_the_silence_is_counted_honestly(
    world: World, touched: dt.date | None, said: dt.date | None, worked_to: dt.date | None, silence: Silence
) -> None:
    ana = world.reference(last_contact_on=said, worked_to=worked_to)
    if touched:
        world.event("met", touched, ana)
    world.event("met", days(-3), ana)
    world.event("promoted", days(1), ana)
    world.event("met", days(2), ana, retracted_at=NOW)
    known = world.facts(world.nudge("check_in", ana))
    assert known.silence == silence
    assert known.silence.long is (silence.months >= 12)


def test_the_newest_touch_goes_by_day_and_rank_not_by_when_it_was_told(world: World) -> None:
    ana = world.reference()
    world.event("met", days(3), ana, note="her move")
    world.event("asked", days(3), ana)
    world.event("wrote", days(30), ana)
    last = world.facts(world.nudge("check_in", ana)).last
    assert (last.kind, last.on, last.note) == ("met", days(3), "her move")


def test_the_day_is_the_users_own(world: World) -> None:
    late = dt.datetime(2026, 11, 24, 23, 30, tzinfo=dt.UTC)
    assert world.facts(world.nudge("check_in", world.reference()), late).today == dt.date(2026, 11, 25)


def test_alternates_agreed_before_are_warm_and_least_used_come_first(world: World) -> None:
    acme, old = world.opportunity(), world.opportunity("Old")
    ana = world.reference()
    people = {name: world.reference(name) for name in ("Used", "Fresh", "Cold", "Asked", "Declined", "Gone", "Never")}
    for name, who in people.items():
        if name != "Never":
            world.event("agreed", days(500 if name == "Cold" else 200), who, old)
    world.event("called", days(10), people["Used"], old)
    world.event("asked", days(3), people["Asked"], acme)
    world.event("declined", days(3), people["Declined"], acme)
    world.event("deceased", days(2), people["Gone"])
    assert world.facts(world.nudge("ask_unanswered", ana, acme)).alternates == ("Fresh", "Used")
    assert world.facts(world.nudge("birthday", ana)).alternates == ()


def test_asks_uses_news_and_wordings(world: World) -> None:
    ana, acme = world.reference(), world.opportunity()
    for ago in (1, 100, 729, 800):
        world.event("asked", days(ago), ana, acme)
    world.event("called", days(20), ana, acme)
    world.event("promoted", days(40), ana, note="to VP")
    for number, variant in enumerate((3, 1, None), 1):
        world.nudge("birthday", ana, variant=variant, approach="note" if number == 1 else None)
    own = world.nudge("birthday", ana, variant=2)
    known = world.facts(own)
    assert (known.asks, known.uses) == (3, 2)
    assert (known.news.kind, known.news.note) == ("promoted", "to VP")
    assert (known.variant, known.used_variants, known.used_approaches) == (2, {"birthday": (3, 1)}, ("note",))
    world.event("congratulated", days(39), ana)
    assert world.facts(own).news.kind == ""


@pytest.mark.parametrize(("ago", "stage"), [(10, ""), (90, "ninety_days"), (140, ""), (183, "half_year"), (400, "")])
def test_a_new_job_is_mentioned_around_ninety_days_and_half_a_year(world: World, ago: int, stage: str) -> None:
    ana, acme = world.reference(), world.opportunity()
    world.event("started", days(ago), None, acme)
    known = world.facts(world.nudge("check_in", ana))
    assert (known.stage, known.job.company) == (stage, "Acme" if stage else "")


def test_a_start_date_counts_as_a_start_unless_the_offer_was_turned_down_after_all(world: World) -> None:
    ana, acme = world.reference(), world.opportunity(starts_on=days(90))
    world.event("accepted", days(120), None, acme)
    assert world.facts(world.nudge("check_in", ana)).stage == "ninety_days"
    world.event("turned_down", days(110), None, acme)
    assert world.facts(world.nudge("check_in", ana)).stage == ""


@pytest.mark.parametrize(
    ("ago", "posted"), [((), False), ((1,), True), ((0,), False), ((-2,), False), ((5, -2), False), ((5, 1), True)]
)
def test_the_news_may_be_public_once_the_newest_day_for_its_post_is_past(
    world: World, ago: tuple[int, ...], posted: bool
) -> None:
    ana, acme, other = world.reference(), world.opportunity(), world.opportunity("Globex")
    world.event("announcement", days(9), None, other)
    started = world.event("accepted", days(10), None, acme)
    for one in ago:
        world.event("announcement", days(one), None, acme)
    assert world.facts(world.nudge("accepted", ana, acme, event_id=started.id)).posted is posted


def secret(world: World, **embargo: Any) -> tuple[Reference, Opportunity, Event]:
    ana = world.reference(speaks_to=f"why I fit {CANARY}", relation=f"knows {CANARY} people")
    job = world.opportunity(
        f"{CANARY} Inc.",
        role=f"Engineer at {CANARY.upper()}",
        contact=f"Jo of {CANARY} inc, jo@{CANARY.lower()}.example",
        posting=f"https://{CANARY.lower()}.example/1",
        resume=f"https://mia.example/for-{CANARY.lower()}-inc.pdf",
        starts_on=dt.date(2027, 1, 4),
        **embargo,
    )
    world.event("asked", days(5), ana, job, note=f"{CANARY} asked. The {CANARY}'s form")
    started = world.event("accepted", days(1), None, job, note=f"{CANARY}!", data={"title": f"Lead, {CANARY}"})
    return ana, job, started


@pytest.mark.parametrize("embargo", [{"embargo_until": days(-1)}, {"embargo_until_signed": True}])
def test_an_embargoed_name_is_nowhere_in_the_facts(world: World, embargo: dict[str, Any]) -> None:
    ana, job, started = secret(world, **embargo)
    for nudge in (
        world.nudge("accepted", ana, job, event_id=started.id, answer=f"you praised {CANARY}"),
        world.nudge("check_in", ana),
        world.nudge("announcement", None, job, event_id=started.id),
    ):
        known = world.facts(nudge)
        assert CANARY.lower() not in str(dataclasses.asdict(known)).lower()
    known = world.facts(world.nudge("accepted", ana, job, event_id=started.id))
    assert known.hidden
    assert (known.job.company, known.job.role, known.job.contact) == (
        "",
        "Engineer at the company",
        "Jo of the company,",
    )
    assert (known.job.posting, known.job.resume) == ("", "")
    assert known.job.starts_on == dt.date(2027, 1, 4)
    assert known.last.note == "The company asked. The company's form"


@pytest.mark.parametrize(("ago", "named"), [(0, True), (-1, False)])
def test_an_embargo_ends_when_the_contract_is_signed(world: World, ago: int, named: bool) -> None:
    ana, job, started = secret(world, embargo_until_signed=True)
    signed = world.event("signed", days(ago), None, job)
    known = world.facts(world.nudge("accepted", ana, job, event_id=started.id))
    assert bool(known.job.company) is named
    assert bool(company_label(job, [signed], TODAY)) is named


def test_an_embargo_ends_on_its_day(world: World) -> None:
    ana, job, _ = secret(world, embargo_until=TODAY)
    assert world.facts(world.nudge("accepted", ana, job)).job.company == f"{CANARY} Inc."


def test_who_must_not_know_is_told_nothing_about_any_job(world: World) -> None:
    _, job, started = secret(world)
    boss = world.reference("Boss", keep_from_knowing=True, note=CANARY)
    world.event("met", days(2), boss, note=f"talked about {CANARY} inc")
    for nudge in (world.nudge("accepted", boss, job, event_id=started.id), world.nudge("check_in", boss)):
        known = world.facts(nudge)
        assert (known.job.id, known.event.kind, known.stage, known.hidden) == (0, "", "", True)
        assert known.last.note == "talked about the company"
        assert CANARY.lower() not in str(dataclasses.asdict(known)).lower()


def test_words_that_only_contain_the_name_stay() -> None:
    veil = Veil(["Apple Inc", "SAP SE"])
    assert veil.text("A pineapple for Apple and apple inc. ASAP") == "A pineapple for the company and the company. ASAP"
    assert veil.text("Apple, Inc. called. Apple Inc. did") == "The company called. The company did"
    assert veil.text("At the SAP office") == "At the company office"
    assert Veil(["SAP"], "de").text("Bei SAP") == "Bei die Firma"
    assert veil.text(None) == ""
    assert not Veil([])
    assert Veil(["The Co."]).text("the end at The Co. now") == "the end at the company now"


def test_a_draft_on_demand_needs_no_nudge(world: World) -> None:
    ana, acme = world.reference(), world.opportunity()
    world.event("agreed", days(1), ana, acme)
    helped = world.event("helped", days(2), ana)
    with world.store.reading() as session:
        known = load_for(session, ana, acme, NOW)
        alone = load_for(session, ana, None, NOW, helped, "helped")
    assert (known.job.company, known.agreed, known.variant) == ("Acme", True, None)
    assert (alone.job.company, alone.event.kind) == ("", "helped")


def test_a_nudge_about_an_opportunity_gives_facts_for_everyone_involved(world: World) -> None:
    acme = world.opportunity()
    for name in ("Ana", "Ben", "No"):
        world.event("asked", days(9), world.reference(name), acme)
    world.event("agreed", days(8), world.reference("Retired", status="retired"), acme)
    with world.store.reading() as session:
        no = session.query(Reference).filter_by(name="No").one()
    world.event("declined", days(7), no, acme)
    gift = world.nudge("gift", None, acme, variant=2)
    with world.store.reading() as session:
        each = load_each(session, gift, NOW)
        alone = load_each(session, world.nudge("check_in", no), NOW)
    assert [(known.them.name, known.variant) for known in each] == [("Ana", None), ("Ben", None)]
    assert [known.them.name for known in alone] == ["No"]
    assert [one.name for one in world.facts(gift).people] == ["Ana", "Ben"]


def test_a_look_in_names_up_to_three_with_a_profile(world: World) -> None:
    for number in range(5):
        world.reference(f"P{number}", profile=f"https://p.example/{number}" if number else None)
    assert [one.name for one in world.facts(world.nudge("look_in")).people] == ["P1", "P2", "P3"]


def test_users_never_see_each_others(world: World) -> None:
    other = world.add(make_user("other@example.com"))
    stranger = world.add(Reference(user_id=other.id, name="Stranger", created_on=TODAY, created_at=NOW))
    hidden = world.add(Opportunity(user_id=other.id, company="Acme", created_at=NOW, embargo_until_signed=True))
    world.add(Event(user_id=other.id, kind="agreed", reference_id=stranger.id, opportunity_id=hidden.id, on=days(3),
                    batch="x", recorded_at=NOW))  # fmt: skip
    ana, acme = world.reference(), world.opportunity()
    known = world.facts(world.nudge("ask", ana, acme))
    assert (known.alternates, known.involved, known.job.company) == ((), (), "Acme")


def test_many_nudges_take_as_few_queries_as_one(store: Store) -> None:
    world = World(store)
    acme = world.opportunity()
    offer = world.event("accepted", days(1), None, acme)
    nudges = []
    for number in range(12):
        who = world.reference(f"P{number}")
        world.event("asked", days(number + 2), who, acme)
        nudges.append(world.nudge("accepted", who, acme, event_id=offer.id))
    seen: list[str] = []
    sqlalchemy_event.listen(store.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    with store.reading() as session:
        found = load_many(session, nudges, NOW)
    selects = [statement for statement in seen if statement.lstrip().upper().startswith("SELECT")]
    assert [known.them.name for known in found] == [f"P{number}" for number in range(12)]
    assert len(selects) <= 11
    with store.reading() as session:
        assert load_many(session, [], NOW) == []


def test_a_hello_to_those_who_vouched_is_for_nobody_whose_ask_was_followed_up_in_vain(world: World) -> None:
    acme = world.opportunity()
    people = {name: world.reference(name) for name in ("Agreed", "Asked", "Silent", "Late")}
    for who in people.values():
        world.event("asked", days(600), who, acme)
    world.event("agreed", days(599), people["Agreed"], acme)
    for name in ("Silent", "Late"):
        world.event("wrote", days(590), people[name], acme)
    world.event("agreed", days(585), people["Late"], acme)
    started = world.event("started", days(550), None, acme)
    hello = world.facts(world.nudge("warm_up", None, acme, event_id=started.id))
    assert [one.name for one in hello.people] == ["Agreed", "Asked", "Late"]


def test_the_facts_say_whether_others_share_the_database(world: World) -> None:
    nudge = world.nudge("warm_up")
    assert not world.facts(nudge).me.shares
    world.add(make_user("bob@example.org"))
    assert world.facts(nudge).me.shares


def test_days_of_contact_for_the_bar(world: World) -> None:
    ana, ben = world.reference(), world.reference("Ben")
    for ago in (3, 40, 400):
        world.event("met", days(ago), ana)
    world.event("promoted", days(1), ana)
    with world.store.reading() as session:
        assert touch_days(session, [ana.id, ben.id], days(365)) == {ana.id: (days(40), days(3)), ben.id: ()}
        assert touch_days(session, [], TODAY) == {}


def test_a_user_without_anything_makes_facts_too(world: World) -> None:
    known = world.facts(world.nudge("warm_up"))
    assert isinstance(world.user, User)
    assert (known.them.id, known.job.id, known.people) == (0, 0, ())
