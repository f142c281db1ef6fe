"""Settings to built objects: the sole assembler.

What is built is imported where it is built, so that a command pays only for what it uses.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reminderd.errors import ConfigError
from reminderd.message import Channel
from reminderd.settings import Settings
from reminderd.store import migrate
from reminderd.store.database import Store, Transaction

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.actions import Actions
    from reminderd.composer import Composer, Sender
    from reminderd.dispatcher import Dispatcher, Timing
    from reminderd.drafts.library import Library
    from reminderd.planner import Planner
    from reminderd.replies.desk import Desk, Way
    from reminderd.replies.door import Door
    from reminderd.rules.rule import Book
    from reminderd.signing import Site
    from reminderd.store.outbox import Claim, Standing
    from reminderd.transports.base import Transport

log = logging.getLogger(__name__)

BOOK_FILE = "rules.toml"


@dataclasses.dataclass(frozen=True)
class House:
    """Everything that an installation is made of. What is heavy is built when first asked for."""

    settings: Settings
    store: Store
    own_book: Book | None
    """``None`` for the default rules."""
    ways: frozenset[str]

    @functools.cached_property
    def book(self) -> Book:
        return self.own_book or _default_book()

    @functools.cached_property
    def book_mark(self) -> str:
        """The book's mark. The default book is not read for it: until something is to be planned nobody needs more."""
        from reminderd.rules.shipped import default_mark

        return self.own_book.mark if self.own_book is not None else default_mark()

    def refresh_marks(self, session: Session, now: dt.datetime) -> int:
        """Make due every user whose book, zone, hours or channels are others than at the last plan. Returns how
        many."""
        from reminderd.store import marks

        return marks.refresh(session, self.book_mark, self.ways, now)

    @functools.cached_property
    def planner(self) -> Planner:
        from reminderd.planner import Planner

        return Planner(self.book, self.ways)

    @functools.cached_property
    def actions(self) -> Actions:
        from reminderd.actions import Actions

        return Actions(self.planner)

    @functools.cached_property
    def library(self) -> Library:
        from reminderd.drafts.library import Library

        return Library(self.settings.config_dir / "templates")

    @functools.cached_property
    def sender(self) -> Sender:
        return make_sender(self.settings)

    @functools.cached_property
    def composer(self) -> Composer:
        from reminderd.composer import Composer
        from reminderd.transports.segments import fit

        settings = self.settings
        return Composer(
            library=self.library,
            planner=self.planner,
            sender=self.sender,
            fit=fit,
            most_segments=settings.sms_segments,
            messages_per_day=settings.messages_per_day,
            keep_in_touch_per_week=settings.keep_in_touch_per_week,
        )

    def desk(self, *, threads: bool = True) -> Desk | None:
        """The ways back that are set up, read in threads of their own or in the calling one; ``None`` without any.
        Nothing of them is imported unless it is set up."""
        ways = [
            *([self._texts(threads)] if self.settings.twilio_account_sid else []),
            *([self._mails(threads)] if self.settings.imap_host else []),
        ]
        if not ways:
            return None
        from reminderd.replies.desk import Desk

        return Desk(ways)

    @functools.cached_property
    def door(self) -> Door:
        from reminderd.replies.door import Door

        return Door(self.actions, self.composer.carrier)

    def _texts(self, threads: bool) -> Way:
        from reminderd.replies.sms import Texts
        from reminderd.transports import registry

        every = dt.timedelta(seconds=self.settings.twilio_poll_seconds)
        reader = registry.make_text_reader(self.settings)
        return Texts(self.store, self.door, self.composer, reader, every, threads=threads)

    def _mails(self, threads: bool) -> Way:
        from reminderd.replies.mailbox import account_of
        from reminderd.replies.mails import Mails
        from reminderd.transports import registry

        settings = self.settings
        account = account_of(settings, None if settings.imap_password else registry.make_tokens(settings))
        every = dt.timedelta(seconds=settings.imap_poll_seconds)
        return Mails(self.store, self.door, self.composer, account, self.sender.key, every, threads=threads)

    def dispatcher(self, transports: Mapping[Channel, Transport] | None = None) -> Dispatcher:
        """As `dispatcher_to_be`, made at once."""
        return self.dispatcher_to_be(transports)()

    def dispatcher_to_be(self, transports: Mapping[Channel, Transport] | None = None) -> Callable[[], Dispatcher]:
        """What makes a dispatcher of its own for each daemon or pass, which closes its transports; nothing of it is
        imported before. Raises `ConfigError` at once for what otherwise only the first message would find out: a key
        that cannot be read, a transport that is set up by half."""
        from reminderd.secret import load_key

        load_key(self.settings)
        if transports is None and _has_transport_set_up(self.settings):
            transports = make_transports(self.settings)
        return functools.partial(self._make_dispatcher, transports)

    def _make_dispatcher(self, transports: Mapping[Channel, Transport] | None) -> Dispatcher:
        from reminderd.dispatcher import Dispatcher

        return Dispatcher(
            self.store,
            _Recheck(self),
            transports if transports is not None else make_transports(self.settings),
            make_timing(self.settings),
            senders=self.settings.senders,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Recheck:
    """Asks the composer, which, with all templates, is imported and built for the first message."""

    house: House

    def standing(self, transaction: Transaction, claim: Claim, now: dt.datetime) -> Standing:
        return self.house.composer.standing(transaction, claim, now)

    def quiet_until(self, session: Session, claim: Claim, now: dt.datetime) -> dt.datetime | None:
        return self.house.composer.quiet_until(session, claim, now)

    def other_channel(self, session: Session, claim: Claim, now: dt.datetime) -> str | None:
        return self.house.composer.other_channel(session, claim, now)


def open_house(settings: Settings, now: dt.datetime, *, create: bool = True, own_rules: bool = True) -> House:
    """Open what ``settings`` describe: the rule book is read (without ``own_rules`` the default one holds) and the
    database brought up to date where that is allowed. Raises `ConfigError` for a wrong book or schema, `StoreBusy` for
    a database that does not answer."""
    book = _load_own_book(settings) if own_rules else None
    path = settings.database_path
    if path is not None and not path.exists() and not create:
        raise ConfigError(f"{path}: there is no database yet. Start with: reminderd init")
    return furnish(settings, book, Store(settings.database_url), now)


def furnish(settings: Settings, own_book: Book | None, store: Store, now: dt.datetime) -> House:
    """A house around an open store, which is brought up to date, and closed again where that fails."""
    try:
        migrate.ensure_ready(store, now=now)
    except BaseException:
        store.dispose()
        raise
    return House(settings, store, own_book, ways_of(settings))


def refurnish(house: House, settings: Settings) -> House:
    """A house of new settings and of the rule book as it is now, around the store that ``house`` has open. Raises
    `ConfigError` for a wrong book."""
    return House(settings, house.store, _load_own_book(settings), ways_of(settings))


def load_book(settings: Settings) -> Book:
    """The default book, changed by the user's ``rules.toml`` where there is one. Raises `BookError`."""
    return _load_own_book(settings) or _default_book()


def _load_own_book(settings: Settings) -> Book | None:
    path = settings.config_dir / BOOK_FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    from reminderd.rules import conditions
    from reminderd.rules.book import parse_with_default

    conditions.tell_of_faults(_tell_of_condition)
    return parse_with_default(text, str(path))


def _tell_of_condition(rule: str, why: str) -> None:
    log.error("condition_failed rule=%s error=%s", rule, repr(why))


def _default_book() -> Book:
    from reminderd.rules.book import default_book

    return default_book()


def ways_of(settings: Settings) -> frozenset[str]:
    """The channels that there is a transport for: e-mail always, as it falls back to the Maildir."""
    return frozenset({Channel.EMAIL.value, *([Channel.SMS.value] if settings.twilio_account_sid else [])})


def _has_transport_set_up(settings: Settings) -> bool:
    """Whether any is, rightly or by half. Where none is, mail goes to the Maildir, of which nothing can be wrong before
    it is used."""
    return bool(settings.smtp_host or settings.twilio_account_sid or settings.twilio_auth_token)


def make_sender(settings: Settings) -> Sender:
    """Who the messages come from and how the user can answer."""
    from reminderd.composer import Sender
    from reminderd.secret import load_key

    reads_mail = settings.imap_host is not None
    return Sender(
        address=settings.smtp_from or "reminderd@localhost",
        name=settings.smtp_from_name,
        texts_read=bool(settings.twilio_account_sid),
        reply_to=settings.imap_address if reads_mail else None,
        plus=reads_mail and settings.imap_plus == "on",
        copies=reads_mail and settings.imap_bcc == "on",
        key=load_key(settings),
        site=make_site(settings),
    )


def make_site(settings: Settings) -> Site | None:
    """Where links lead; ``None`` without a public address."""
    from reminderd.secret import load_key
    from reminderd.signing import Signer, Site

    root = settings.public_root
    return Site(root, Signer(load_key(settings))) if root is not None else None


def make_transports(settings: Settings) -> dict[Channel, Transport]:
    """A transport for each channel that is set up."""
    from reminderd.transports import registry

    transports: dict[Channel, Transport] = {Channel.EMAIL: registry.make_email(settings)}
    sms = registry.make_sms(settings)
    if sms is not None:
        transports[Channel.SMS] = sms
    return transports


def make_timing(settings: Settings) -> Timing:
    """The dispatcher's waits."""
    from reminderd.dispatcher import Timing

    return Timing(
        lease=dt.timedelta(seconds=settings.lease_seconds),
        reconcile=dt.timedelta(seconds=settings.reconcile_seconds),
        backoff=tuple(dt.timedelta(seconds=seconds) for seconds in settings.backoff_seconds),
        stop=dt.timedelta(seconds=settings.stop_seconds),
    )
