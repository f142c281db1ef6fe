"""Makes the pictures in docs/images: the offer mail and the weekly mail in light, dark and 360 px wide.

python docs/screenshots.py [CHROMIUM]
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import pathlib
import subprocess
import sys
import tempfile

from reminderd.drafts import samples, words
from reminderd.drafts.items import Bar, Digest, Entry, MailItem
from reminderd.drafts.library import Library
from reminderd.drafts.mail import make_digest_mail, make_mail
from reminderd.message import Mail
from reminderd.store.draft_records import DraftFacts, EventView, Involved

IMAGES = pathlib.Path(__file__).parent / "images"
NOW = dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC)
DUE = dt.datetime(2026, 11, 26, 4, 59, 59, tzinfo=dt.UTC)
PEOPLE = (
    ("Maria Lopez", "email"),
    ("Ben Okafor", "text"),
    ("Ana Müller", "email"),
    ("Sam Ortiz", "call"),
    ("Chen Wei", "linkedin"),
    ("Dana Novak", "letter"),
)
LIBRARY = Library()


def people(event: EventView) -> list[DraftFacts]:
    known = samples.full()
    me = dataclasses.replace(known.me, zone="America/New_York")
    involved = tuple(Involved(number, name, name.split()[0]) for number, (name, _) in enumerate(PEOPLE, 1))
    found = []
    for number, (name, via) in enumerate(PEOPLE, 1):
        first = name.split()[0]
        ways = {
            "email": f"{first.lower()}@example.org",
            "profile": f"https://www.linkedin.com/in/example-{first.lower()}",
        }
        them = dataclasses.replace(known.them, id=number, name=name, first_name=first, via=via, **ways)
        found.append(dataclasses.replace(known, me=me, them=them, event=event, involved=involved))
    return found


def entries(situations: list[str], group: list[DraftFacts], first: int, about: str) -> tuple[Entry, ...]:
    variants = LIBRARY.assign_variants("accepted", group)
    return tuple(
        Entry(
            first + place,
            LIBRARY.draft(name, known, variant=variant),
            known,
            words.title(name, known),
            DUE,
            about=about,
        )
        for place, (name, known, variant) in enumerate(zip(situations, group, variants, strict=True))
    )


def offer() -> Mail:
    group = people(EventView(id=1, kind="accepted", on=NOW.date()))
    about = "Tell everyone you asked that you got it: the news, the start date, thanks"
    made = entries(["accepted"] * len(group), group, 7, about)
    subject = words.subject("accepted", group, DUE)
    return make_mail(
        MailItem(group[0].me, "r@example.org", subject, "<1@x>", NOW, entries=made, reply_address="r@example.org"),
        LIBRARY,
    )


def week() -> Mail:
    group = people(EventView())[:2]
    days = tuple(NOW.date() - dt.timedelta(days=3 + 37 * place) for place in range(9))
    bars = (
        Bar("Maria Lopez", days[4:], days[4], 20),
        Bar("Ben Okafor", days[2:], days[2], 21),
        Bar("Chen Wei", days, days[0]),
    )
    digest = Digest(
        done=("Thank Ana Müller for Acme", "Send Sam Ortiz a card or a small gift for Acme"),
        open=("Thank Dana Novak for Acme by Wed 25 Nov (12)",),
        people=bars,
    )
    made = entries(["check_in", "birthday"], group, 20, "Keep in touch")
    item = MailItem(group[0].me, "r@example.org", words.digest_subject(["Maria", "Ben"]), "<2@x>", NOW, entries=made)
    return make_digest_mail(item, digest, LIBRARY)


def shoot(chromium: str, page: pathlib.Path, name: str, size: str, *more: str) -> None:
    target = IMAGES / f"{name}.png"
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files",
        f"--user-data-dir={page.parent / 'profile'}", f"--window-size={size}", f"--screenshot={target}", *more,
    ]  # fmt: skip
    subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=120)
    print(target)


def on_phones(page: str, height: int) -> str:
    """The page's beginning and what follows, as two phones of 360 px side by side; a window cannot be so narrow."""
    frame = f'<iframe src="{page}" style="border:0;width:360px;height:{2 * height}px'
    box = f'<div style="float:left;width:360px;height:{height}px;overflow:hidden;margin-right:16px">'
    second = f'{frame};margin-top:-{height}px"></iframe>'
    return f'<body style="margin:0;width:752px">{box}{frame}"></iframe></div>{box}{second}</div>'


def main() -> None:
    chromium = sys.argv[1] if len(sys.argv) > 1 else "chromium"
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, mail, height in (("offer-mail", offer(), 1250), ("weekly-mail", week(), 1250)):
            body = email.message_from_bytes(mail.content, policy=email.policy.default).get_body(("html",))
            page = pathlib.Path(folder) / f"{name}.html"
            page.write_text(body.get_content(), encoding="utf-8")
            phone = page.with_name(f"{name}-phone.html")
            phone.write_text(on_phones(page.name, height), encoding="utf-8")
            shoot(chromium, page, f"{name}-light", f"680,{height}")
            shoot(chromium, page, f"{name}-dark", f"680,{height}", "--blink-settings=preferredColorScheme=0")
            shoot(chromium, phone, f"{name}-360px", f"736,{height}")


if __name__ == "__main__":
    main()
