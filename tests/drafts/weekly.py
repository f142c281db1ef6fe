"""The weekly mail, with everything in it."""

from __future__ import annotations

import datetime as dt

from reminderd.drafts.items import Bar, Digest
from reminderd.drafts.library import Library
from reminderd.drafts.mail import make_digest_mail
from reminderd.message import Mail
from tests.drafts.builders import NOW, draft, entry, facts, item, of_user


def weekly(language: str = "en") -> Mail:
    """What was done, what is open, two bars, and two drafts of which one has a comment."""
    known = of_user(facts(), language=language)
    days = tuple(NOW.date() - dt.timedelta(days=20 * place) for place in range(5))
    digest = Digest(
        ("Thanked Maria",), ("Write to Eve (12)",), (Bar("Ana Müller", days, days[0], 7), Bar("Ben Okafor"))
    )
    entries = (entry(7, known, draft=draft(social="Well done")), entry(8, known, position=2, late=True))
    return make_digest_mail(item(*entries, user=known.me), digest, Library())
