"""What a delivery says: nudges to drafts to one mail or text, with what the user must know around them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import itertools
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from reminderd import tokens
from reminderd.drafts import notices, words
from reminderd.drafts.draft import Draft
from reminderd.drafts.items import Bar, Digest, Entry, Links, MailItem, TextItem
from reminderd.drafts.library import Library
from reminderd.drafts.mail import make_mail
from reminderd.drafts.sturdy import Sturdy
from reminderd.drafts.text import Fit, make_draft_text, make_text
from reminderd.message import Channel, Mail, Message
from reminderd.rules.rule import Book, Role, Rule
from reminderd.signing import Site
from reminderd.store import draft_facts, due, followers
from reminderd.store.draft_assembly import make_me
from reminderd.store.draft_batch import Batch
from reminderd.store.draft_records import DraftFacts
from reminderd.store.tables import REMINDERS, ChannelHealth, Delivery, DeliveryKind, Nudge, StoredMessage, User

DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)
YEAR = dt.timedelta(days=365)
MINUTE = dt.timedelta(minutes=1)
MOST_DRAFTS = 5
"""Drafts that follow a text by themselves; `DRAFT 7` brings any other."""
DOMAIN = "reminderd.invalid"
"""Of Message-IDs where the sender's address has no domain of its own."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sender:
    """Who the messages come from, and which ways back are set up."""

    address: str
    name: str = "reminderd"
    texts_read: bool = False
    """Whether answers by text are read."""
    reply_to: str | None = None
    """The address whose mail is read."""
    plus: bool = False
    """Whether mail to that address with a plus and more arrives as well."""
    copies: bool = False
    """Whether a blind copy of what the user sends marks it done."""
    key: bytes = b""
    """What makes Message-IDs and addresses impossible to guess."""
    site: Site | None = None
    """Where the links of messages lead, where there is a public address."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bundle:
    """Nudges that go in one message; ``positions`` count their reminders from 1."""

    kind: DeliveryKind
    channel: Channel
    nudges: tuple[Nudge, ...]
    positions: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Letter:
    """A finished message, and what the store keeps beside it."""

    message: Message
    subject: str
    thread: str | None = None
    tells: tuple[int, ...] = ()
    """The nudges whose end it tells."""


@dataclasses.dataclass(frozen=True, slots=True)
class _News:
    """What ended since the user last heard: a line each, and which nudges those tell of."""

    lines: tuple[str, ...] = ()
    tells: tuple[int, ...] = ()


def enqueue(
    session: Session,
    user: User,
    kind: DeliveryKind,
    channel: Channel,
    key: str,
    letters: Sequence[Letter],
    now: dt.datetime,
    *,
    due_at: dt.datetime | None = None,
    useless_at: dt.datetime | None = None,
) -> list[Delivery]:
    """Letters as deliveries, due at ``due_at``, else now; ``key`` is the first one's dedupe key, others count on. What
    follows a reminder is due once the one before it was taken, and never where that does not come about."""
    follows = kind in REMINDERS and useless_at is not None
    deliveries = [
        Delivery(
            user_id=user.id,
            channel=channel,
            kind=kind,
            dedupe_key=followers.key_of(key, index),
            subject=letter.subject[:500],
            thread=letter.thread,
            tells=list(letter.tells),
            due_at=useless_at if index and follows else due_at or now,
            useless_at=useless_at,
            created_at=now,
        )
        for index, letter in enumerate(letters)
    ]
    session.add_all(deliveries)
    session.flush()
    session.add_all(
        StoredMessage.of(delivery, letter.message) for delivery, letter in zip(deliveries, letters, strict=True)
    )
    session.flush()
    return deliveries


@dataclasses.dataclass(frozen=True, slots=True)
class Carrier:
    """Makes messages by one library and book."""

    library: Library
    book: Book
    sender: Sender
    fit: Fit

    def make(
        self, session: Session, user: User, bundle: Bundle, key: str, now: dt.datetime, batch: Batch | None = None
    ) -> list[Letter]:
        """The message for a bundle; for a user who has texts only and wants them in full, its drafts follow one by one.
        Keeps on the nudges which wording they were given. A template of the user's that is broken is named and
        replaced by ours. What ``batch`` has is not read again."""
        sturdy = dataclasses.replace(self, library=Sturdy(self.library))
        entries = sturdy.entries(session, bundle, now, batch)
        if bundle.channel is Channel.SMS:
            return sturdy._texts(session, user, entries, bundle, now, batch)
        return [sturdy._mail(session, user, entries, bundle, key, now, batch)]

    def entries(self, session: Session, bundle: Bundle, now: dt.datetime, batch: Batch | None = None) -> list[Entry]:
        """The drafts of a bundle, no two of one group in the same words while wordings last."""
        ids = [nudge.id for nudge in bundle.nudges]
        shelf = batch.shelf if batch is not None and batch.shelved.issuperset(ids) else None
        facts = draft_facts.load_many(session, bundle.nudges, now, shelf)
        drafts = self._drafts(bundle.nudges, facts)
        rings = due.pending_moments(session, ids) if batch is None else batch.rings
        return [
            self._entry(nudge, draft, one, position, _after(now, rings.get(nudge.id, ())), now)
            for nudge, draft, one, position in zip(bundle.nudges, drafts, facts, bundle.positions, strict=True)
        ]

    def notice(self, user: User, channel: Channel, health: ChannelHealth, now: dt.datetime) -> Letter:
        """Word that another channel broke."""
        subject, line = notices.channel_broke(health.channel, health.words or "", user.language)
        return self._plain(user, channel, subject, [line], "notice", now)

    def answer(
        self,
        user: User,
        channel: Channel,
        lines: Sequence[str],
        now: dt.datetime,
        *,
        subject: str,
        key: str,
        answers: str = "",
        kind: DeliveryKind = DeliveryKind.ANSWER,
    ) -> Letter:
        """Words to what the user wrote; ``answers`` is the Message-ID of a mail that this goes below."""
        return self._plain(user, channel, subject, lines, kind.value, now, key=key, answers=answers)

    def drafts(
        self, session: Session, user: User, nudges: Sequence[Nudge], channel: Channel, key: str, now: dt.datetime
    ) -> list[Letter]:
        """The drafts that the user asked for: each as a short text, or all in one mail."""
        bundle = Bundle(DeliveryKind.ANSWER, channel, tuple(nudges), (1,) * len(nudges))
        sturdy = dataclasses.replace(self, library=Sturdy(self.library))
        entries = sturdy.entries(session, bundle, now)
        if channel is Channel.SMS:
            item = TextItem(user=entries[0].facts.me, useless_at=now + DAY)
            texts = [make_draft_text(item, entry, self.fit) for entry in entries]
            return [Letter(text, text.body) for text in texts]
        return [sturdy._mail(session, user, entries, bundle, key, now)]

    def test(self, user: User, channel: Channel, now: dt.datetime) -> Letter:
        """A message that shows that a channel works."""
        subject, line = notices.trial(user.language)
        return self._plain(user, channel, subject, [line], "test", now)

    # ---- drafts

    def _drafts(self, nudges: Sequence[Nudge], facts: Sequence[DraftFacts]) -> list[Draft]:
        chosen: dict[int, int] = {}
        fresh: dict[str, list[int]] = {}
        for index, nudge in enumerate(nudges):
            if nudge.variant is None:
                fresh.setdefault(nudge.draft, []).append(index)
            else:
                chosen[index] = nudge.variant
        for situation, group in fresh.items():
            numbers = self.library.assign_variants(situation, [facts[index] for index in group])
            chosen |= dict(zip(group, numbers, strict=True))
        drafts = []
        for index, nudge in enumerate(nudges):
            draft = self.library.draft(nudge.draft, facts[index], variant=chosen[index])
            nudge.variant = draft.variant
            nudge.approach = draft.approach or None
            drafts.append(draft)
        return drafts

    def _entry(
        self,
        nudge: Nudge,
        draft: Draft,
        facts: DraftFacts,
        position: int,
        rings: tuple[dt.datetime, ...],
        now: dt.datetime,
    ) -> Entry:
        rule = self.book.rules.get(nudge.rule)
        return Entry(
            number=nudge.number,
            draft=draft,
            facts=facts,
            title=words.title(nudge.draft, facts),
            due_at=nudge.due_at,
            position=position,
            total=max(position, len(rule.steps) if rule else 1),
            late=nudge.due_at < now,
            bcc=self._copy_address(nudge),
            about=self._about(rule, nudge.draft, facts.me.language),
            alarms=rings,
            sequence=max(0, (now - nudge.created_at) // MINUTE),  # rises, so that the newest calendar counts
        )

    def _about(self, rule: Rule | None, draft: str, language: str) -> str:
        """What the rule is for; rules speak English, so in another language what the draft is for."""
        if language.startswith("en"):
            return rule.about if rule else ""
        return self.library.about(draft, language)

    # ---- mails

    def _mail(
        self,
        session: Session,
        user: User,
        entries: list[Entry],
        bundle: Bundle,
        key: str,
        now: dt.datetime,
        batch: Batch | None = None,
    ) -> Letter:
        digest = self._digest(session, user, entries, now) if bundle.kind is DeliveryKind.DIGEST else None
        news = self._news(session, user, now, batch)
        hidden = any(entry.facts.hidden for entry in entries)  # an embargo may have begun after the thread
        thread, begun = (None, None) if digest else self._begun(session, user, entries, bundle.nudges[0], hidden)
        root = f"<{thread}@{self._domain()}>" if thread else None
        message_id = root if root and begun is None else f"<{self._hash(user.id, bundle.kind, key)}@{self._domain()}>"
        subject = begun if begun and not hidden else self._subject(entries, bundle, digest)
        item = MailItem(
            user=entries[0].facts.me,
            sender=self.sender.address,
            sender_name=self.sender.name,
            subject=subject,
            message_id=message_id,
            now=now,
            kind=bundle.kind.value,
            entries=tuple(entries),
            references_root=root,
            lines=news.lines,
            reply_address=self._reply_address(user),
            digest=digest,
            links=self._links(user, now),
            unsubscribe_url=self._unsubscribe_url(user, now),
        )
        return Letter(self._mailed(item), subject, thread, news.tells)

    def _begun(
        self, session: Session, user: User, entries: list[Entry], nudge: Nudge, hidden: bool
    ) -> tuple[str, str | None]:
        """The thread that a mail belongs to, and its subject where it has begun. One whose subject names somebody, or a
        day, that is not in the mail is left for the next."""
        group = [entry.facts for entry in entries]
        due_ats = [entry.due_at for entry in entries]
        for turn in itertools.count():
            thread = self._thread(user, nudge, turn)
            begun = due.thread_subject(session, user.id, thread)
            if begun is None or hidden or words.still_fits(begun, nudge.draft, group, due_ats):
                break
        return thread, begun

    def _mailed(self, item: MailItem) -> Mail:
        """The mail; once more where the user's templates were found broken, to say so at its top."""
        mail = make_mail(item, self.library)
        if not isinstance(self.library, Sturdy) or not self.library.wrong:
            return mail
        said = tuple(notices.template_broke(wrong, item.user.language) for wrong in self.library.wrong)
        return make_mail(dataclasses.replace(item, lines=(*said, *item.lines)), self.library)

    def _subject(self, entries: list[Entry], bundle: Bundle, digest: Digest | None) -> str:
        if digest is None:
            due_at = min(entry.due_at for entry in entries)
            return words.subject(bundle.nudges[0].draft, [entry.facts for entry in entries], due_at)
        language = entries[0].facts.me.language
        if all(self._keeps(nudge) for nudge in bundle.nudges):
            return words.digest_subject([entry.facts.them.name for entry in entries], language)
        firmest = max(range(len(entries)), key=lambda index: self._weight(bundle.nudges[index]))
        what = words.short_title(bundle.nudges[firmest].draft, entries[firmest].facts)
        return words.and_more(what, len(entries) - 1, language)

    def _keeps(self, nudge: Nudge) -> bool:
        rule = self.book.rules.get(nudge.rule)
        return rule is not None and rule.role is Role.KEEP and nudge.reference_id is not None

    def _weight(self, nudge: Nudge) -> int:
        rule = self.book.rules.get(nudge.rule)
        return rule.weight if rule else 0

    def _digest(self, session: Session, user: User, entries: list[Entry], now: dt.datetime) -> Digest:
        done = due.done_since(session, user.id, now - WEEK)
        others = {entry.number for entry in entries}
        still = [n for n in due.open_nudges(session, user.id, now + WEEK) if n.number not in others]
        loaded = draft_facts.load_many(session, [*done, *still], now)
        titles = [words.title(nudge.draft, facts) for nudge, facts in zip([*done, *still], loaded, strict=True)]
        return Digest(
            done=tuple(titles[: len(done)]),
            open=tuple(
                f"{title} {words.by(nudge.due_at, user.zone, user.language)} ({nudge.number})"
                for nudge, title in zip(still, titles[len(done) :], strict=True)
            ),
            people=self._bars(session, entries, now),
        )

    def _bars(self, session: Session, entries: list[Entry], now: dt.datetime) -> tuple[Bar, ...]:
        people = {entry.facts.them.id: entry for entry in entries if entry.facts.them.id}
        days = draft_facts.touch_days(session, list(people), (now - YEAR).date())
        return tuple(
            Bar(
                name=entry.facts.them.name,
                touched_on=tuple(days.get(key, ())),
                last_on=entry.facts.last.on,
                number=entry.number,
            )
            for key, entry in people.items()
        )

    def _news(self, session: Session, user: User, now: dt.datetime, batch: Batch | None) -> _News:
        """What ended unsaid, named once: withdrawn, or run out while nobody looked."""
        return self._ended(session, user, words.title, now, batch)

    def _ended(
        self,
        session: Session,
        user: User,
        name: Callable[[str, DraftFacts], str],
        now: dt.datetime,
        batch: Batch | None,
    ) -> _News:
        ended = (due.untold(session, [user.id]) if batch is None else batch.untold).get(user.id, ())
        facts = draft_facts.load_many(session, ended, now) if ended else []
        lines = []
        for nudge, one in zip(ended, facts, strict=True):
            lines.append(notices.ended(name(nudge.draft, one), nudge.state, user.language))
            nudge.end_told = True
        return _News(tuple(lines), tuple(nudge.id for nudge in ended))

    # ---- texts

    def _news_for_texts(self, session: Session, user: User, now: dt.datetime, batch: Batch | None) -> _News:
        """What ended, as a lock screen may show it; where mails come as well, the next of them tells it instead."""
        if user.full_texts:
            return self._news(session, user, now, batch)
        return _News() if user.email_enabled else self._ended(session, user, words.lock_screen_title, now, batch)

    def _texts(
        self,
        session: Session,
        user: User,
        entries: list[Entry],
        bundle: Bundle,
        now: dt.datetime,
        batch: Batch | None,
    ) -> list[Letter]:
        news = self._news_for_texts(session, user, now, batch)
        item = TextItem(
            user=entries[0].facts.me,
            entries=tuple(entries),
            lines=news.lines,
            answerable=self.sender.texts_read,
            links=self._links(user, now),
            useless_at=max(nudge.expires_at for nudge in bundle.nudges),
        )
        text = make_text(item, self.fit)
        letters = [Letter(text, text.body, tells=news.tells)]
        if user.full_texts and not user.email_enabled:
            meant = [entry for entry in entries if not entry.draft.for_user][:MOST_DRAFTS]
            drafts = [make_draft_text(item, entry, self.fit) for entry in meant]
            letters += [Letter(draft, draft.body) for draft in drafts]
        return letters

    def _plain(
        self,
        user: User,
        channel: Channel,
        subject: str,
        lines: Sequence[str],
        kind: str,
        now: dt.datetime,
        *,
        key: str = "",
        answers: str | None = None,
    ) -> Letter:
        me = make_me(user)
        if channel is Channel.SMS:
            text = make_text(TextItem(user=me, lines=tuple(lines), useless_at=now + DAY if answers else None), self.fit)
            return Letter(text, subject)
        message_id = f"<{self._hash(user.id, kind, now.isoformat(), *lines, key)}@{self._domain()}>"
        item = MailItem(
            user=me,
            sender=self.sender.address,
            sender_name=self.sender.name,
            subject=subject,
            message_id=message_id,
            now=now,
            kind=kind,
            lines=tuple(lines),
            references_root=answers or None,
            reply_address=self._reply_address(user),
            unsubscribe_url=self._unsubscribe_url(user, now),
        )
        return Letter(make_mail(item, Sturdy(self.library)), subject)

    # ---- names that nobody can guess

    def _reply_address(self, user: User) -> str | None:
        sender = self.sender
        if sender.reply_to is None or not sender.plus:
            return sender.reply_to
        return tokens.reply_address(sender.reply_to, sender.key, user.id)

    def _links(self, user: User, now: dt.datetime) -> Links | None:
        site = self.sender.site
        return None if site is None else lambda number, action: site.action(user.id, number, action, now)

    def _unsubscribe_url(self, user: User, now: dt.datetime) -> str | None:
        return None if self.sender.site is None else self.sender.site.stop(user.id, now)

    def _copy_address(self, nudge: Nudge) -> str:
        sender = self.sender
        if sender.reply_to is None or not (sender.plus and sender.copies):
            return ""
        return tokens.done_address(sender.reply_to, sender.key, nudge.user_id, nudge.number)

    def _thread(self, user: User, nudge: Nudge, turn: int) -> str:
        about = f"opportunity:{nudge.opportunity_id}" if nudge.opportunity_id else f"nudge:{nudge.number}"
        again = (turn,) if turn else ()
        occasion = nudge.occasion if nudge.opportunity_id else ""
        return self._hash(user.id, user.email, nudge.rule, about, occasion, *again)

    def _hash(self, *parts: object) -> str:
        text = "|".join(str(part) for part in parts)
        return hashlib.blake2b(text.encode(), key=self.sender.key[:64], digest_size=16).hexdigest()

    def _domain(self) -> str:
        domain = self.sender.address.rpartition("@")[2]
        return domain if "." in domain else DOMAIN


def _after(now: dt.datetime, moments: Sequence[dt.datetime]) -> tuple[dt.datetime, ...]:
    return tuple(moment for moment in moments if moment > now)
