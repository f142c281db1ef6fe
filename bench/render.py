"""From the six nudges of an offer to the finished mail, beside bare Jinja and the quickest MIME of the same bytes.

CPU time: nothing here waits. The bare templates run in the same sandbox, which users' templates need.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import jinja2
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.table import Report, Row, Verdict
from reminderd import carrier as carrying
from reminderd.carrier import Bundle, Carrier, Letter
from reminderd.drafts import views
from reminderd.drafts.context import context
from reminderd.drafts.environment import Environment
from reminderd.drafts.items import MailItem
from reminderd.drafts.mail import make_mail
from reminderd.drafts.sturdy import Sturdy
from reminderd.message import Channel, Mail
from reminderd.store import draft_facts
from reminderd.store.database import Store
from reminderd.store.draft_records import DraftFacts
from reminderd.store.tables import Base, DeliveryKind, Nudge, User
from tests.flow.parts import NOON, SIX, Story, make_house, recorders


def run(quick: bool) -> Report:
    repeats, times = (5, 10) if quick else (15, 30)
    story = landed()
    with story.house.store.writing() as session:
        offer = make_offer(session, story)
        floor = Floor.of(offer)
        ways: dict[str, Callable[[], Any]] = {
            "facts to mail": offer.mail,
            "bare Jinja and bare MIME": floor.mail,
            "of it, bare Jinja": floor.render,
            "rows to mail, loading included": functools.partial(whole, session, story),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for repeat in range(repeats + 1):
            for name, way in ways.items():
                begun = time.process_time()
                for _ in range(times):
                    way()
                if repeat:
                    taken[name].append((time.process_time() - begun) * 1000 / times)
    story.stop()
    story.house.store.dispose()
    rows = [Row(name, tuple(values)) for name, values in taken.items()]
    ours, bare = rows[0].median, rows[1].median
    return Report("render", rows, [Verdict("bare / ours, facts to mail", bare / ours, at_least=0.6)])


def landed() -> Story:
    """Somebody with six references who has just got the job."""
    store = Store.memory()
    Base.metadata.create_all(store.engine)
    story = Story.begin(make_house(store, Path("/nonexistent")), recorders(), SIX)
    story.land(NOON)
    return story


def whole(session: Session, story: Story) -> list[Letter]:
    """The mail by production's one call, from the rows."""
    nudges = tuple(session.scalars(select(Nudge).where(Nudge.rule == "accepted").order_by(Nudge.number)))
    bundle = Bundle(DeliveryKind.NUDGE, Channel.EMAIL, nudges, (1,) * len(nudges))
    return story.house.composer.carrier.make(session, session.get_one(User, story.user_id), bundle, "1.1:0", NOON)


def make_offer(session: Session, story: Story) -> Offer:
    """What that call makes the mail from, caught on its way."""
    with mock.patch.object(carrying, "make_mail", wraps=make_mail) as made:
        whole(session, story)
    nudges = tuple(session.scalars(select(Nudge).where(Nudge.rule == "accepted").order_by(Nudge.number)))
    facts = draft_facts.load_many(session, list(nudges), NOON)
    return Offer(story.house.composer.carrier, nudges, tuple(facts), made.call_args.args[0])


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """One mail, by production's own parts; what it is made from is loaded."""

    carrier: Carrier
    nudges: tuple[Nudge, ...]
    facts: tuple[DraftFacts, ...]
    item: MailItem

    def mail(self) -> Mail:
        """The finished mail: choosing wordings, six drafts, titles, layout, text, HTML, calendar and MIME."""
        sturdy = dataclasses.replace(self.carrier, library=Sturdy(self.carrier.library))
        drafts = sturdy._drafts(self.nudges, self.facts)
        entries = [
            sturdy._entry(nudge, draft, facts, 1, entry.alarms, self.item.now)
            for nudge, draft, facts, entry in zip(self.nudges, drafts, self.facts, self.item.entries, strict=True)
        ]
        return make_mail(dataclasses.replace(self.item, entries=tuple(entries)), sturdy.library)


@dataclasses.dataclass(frozen=True, slots=True)
class Floor:
    """The least that gives the same bytes: compiled templates over names that are ready, and encoded parts joined
    with headers and boundaries that are ready."""

    drafts: tuple[tuple[jinja2.Template, dict[str, Any], tuple[str, ...]], ...]
    layouts: tuple[tuple[jinja2.Template, dict[str, Any]], ...]
    calendar: bytes
    fixed: tuple[bytes, ...]
    """What stands before, between and after the three encoded parts."""

    @classmethod
    def of(cls, offer: Offer) -> Floor:
        """Everything that is not rendering or encoding, done beforehand."""
        environment = _environment()
        names = views.names(offer.item)
        layouts = tuple((environment.get_template(f"email/nudge.{kind}.j2"), names) for kind in ("txt", "html"))
        drafts = []
        for nudge, facts, entry in zip(offer.nudges, offer.facts, offer.item.entries, strict=True):
            template = environment.get_template(f"drafts/{nudge.draft}.j2")
            number = entry.draft.variant
            blocks = (f"subject_{number}", f"mail_{number}", f"short_{number}", f"social_{number}", "question")
            used = tuple(block for block in blocks if block in template.blocks)
            drafts.append((template, context(facts, "normal"), used))
        floor = cls(tuple(drafts), layouts, b"", ())
        content = offer.mail().content
        calendar = base64.decodebytes(content.rpartition(b"filename=reminderd.ics")[2].split(b"--=_")[0])
        fixed, rest = [], content
        for part in (*map(_quoted, floor.render()), _base64(calendar)):
            before, found, rest = rest.partition(part)
            if not found:
                raise RuntimeError("what is measured beside each other is not the same mail")
            fixed.append(before)
        return dataclasses.replace(floor, calendar=calendar, fixed=(*fixed, rest))

    def render(self) -> tuple[str, str]:
        """The blocks of the drafts, then the text and the HTML around them."""
        for template, names, blocks in self.drafts:
            page = template.new_context(names)
            page.blocks = {block: [_nothing] for block in page.blocks}
            for _ in template.root_render_func(page):  # defines the macros that the blocks call
                pass
            for block in blocks:
                "".join(template.blocks[block](page))
        text, html = (template.render(names) for template, names in self.layouts)
        return text.strip() + "\n", html

    def mail(self) -> bytes:
        """The finished bytes."""
        text, html = self.render()
        parts = (_quoted(text), _quoted(html), _base64(self.calendar), b"")
        return b"".join(piece for pair in zip(self.fixed, parts, strict=True) for piece in pair)


@functools.cache
def _environment() -> Environment:
    return Environment(None, "en")


def _nothing(_: Any) -> Iterator[str]:
    return iter(())


def _quoted(text: str) -> bytes:
    encoded = binascii.b2a_qp(text.encode(), istext=True)
    return encoded.replace(b"\nFrom ", b"\n=46rom ").replace(b"\n", b"\r\n")


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")
