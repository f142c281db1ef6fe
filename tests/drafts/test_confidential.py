"""An embargoed name, from the tables to the bytes that leave: in no draft, mail, text, title or calendar."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
from collections.abc import Iterator

import pytest

from reminderd.drafts import words
from reminderd.drafts.draft import LENGTHS, WARMTHS
from reminderd.drafts.items import Bar, Digest, Entry, MailItem, TextItem
from reminderd.drafts.library import Library
from reminderd.drafts.mail import make_digest_mail, make_mail
from reminderd.drafts.text import make_draft_text, make_text
from reminderd.message import Mail
from reminderd.store.database import Store
from reminderd.store.draft_facts import DraftFacts, load_for
from reminderd.store.tables import Event, Opportunity, Reference
from tests.store.rows import NOW, make_user

CANARY = "Zyxcanary"
DUE = NOW + dt.timedelta(days=2)
LIBRARY = Library()


@pytest.fixture
def known(sqlite_store: Store) -> DraftFacts:
    """Facts of an opportunity whose name is kept out of sight, with the name in every field that could carry it."""
    with sqlite_store.writing() as session:
        user = make_user()
        session.add(user)
        session.flush()
        made = {"user_id": user.id, "created_at": NOW}
        ana = Reference(
            name="Ana Müller",
            email="ana@example.org",
            phone="+4930123",
            speaks_to=f"why {CANARY}, the move to {CANARY}",
            relation=f"sat next to {CANARY}",
            created_on=NOW.date(),
            **made,
        )
        link = f"https://{CANARY.lower()}.example/"
        job = Opportunity(
            company=f"{CANARY} Inc",
            role=f"{CANARY} lead",
            contact=f"Jo@{CANARY}.example of {CANARY}",
            posting=link,
            resume=link,
            embargo_until_signed=True,
            **made,
        )
        session.add_all((ana, job))
        session.flush()
        told = {
            "user_id": user.id,
            "opportunity_id": job.id,
            "batch": "b",
            "recorded_at": NOW,
            "note": f"from {CANARY}",
        }
        data = {"subject": f"pricing at {CANARY}", "kind": "call", "title": CANARY}
        asked = Event(kind="agreed", reference_id=ana.id, on=NOW.date(), data=data, **told)
        offer = Event(kind="accepted", on=NOW.date(), data=data, **told)
        session.add_all((asked, offer))
        session.flush()
        return load_for(session, ana, job, NOW, offer)


def hidden_from(text: str) -> bool:
    return CANARY.lower() not in text.lower()


def parts(mail: Mail) -> Iterator[str]:
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    yield from (f"{name}: {value}" for name, value in message.items())
    for part in message.walk():
        if not part.is_multipart():
            yield part.get_content()


@pytest.mark.parametrize("name", LIBRARY.names())
def test_no_draft_mail_or_text_names_an_embargoed_company(known: DraftFacts, name: str) -> None:
    for variant in range(1, LIBRARY.variants(name) + 1):
        for length in LENGTHS:
            for warmth in WARMTHS:
                made = LIBRARY.draft(name, known, variant=variant, length=length, warmth=warmth)
                assert all(hidden_from(str(value)) for value in dataclasses.astuple(made))
        title = words.title(name, known)
        entry = Entry(variant, LIBRARY.draft(name, known, variant=variant), known, title, DUE)
        subject = words.subject(name, [known, known], DUE)
        item = MailItem(
            known.me, "r@example.org", subject, "<a@b>", NOW, entries=(entry,), reply_address="r@example.org"
        )
        for mail in (make_mail(item, LIBRARY), make_digest_mail(item, Digest(people=(Bar("Ana"),)), LIBRARY)):
            assert all(hidden_from(part) for part in parts(mail))
        for full in (False, True):
            user = dataclasses.replace(known.me, full_texts=full)
            text = TextItem(user, (entry,))
            assert hidden_from(make_text(text).body + make_draft_text(text, entry).body)
        for said in (title, words.short_title(name, known), words.lock_screen_title(name, known)):
            assert hidden_from(said)
