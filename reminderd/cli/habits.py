"""The flags of a user: who they are and how they want to hear. One table for `init` and `user`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reminderd.cli import dates, values
from reminderd.cli.context import Ctx
from reminderd.rules.states import Digest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.tables import User

Command = TypeVar("Command", bound=Callable[..., Any])

FLAGS: tuple[tuple[str, str, str], ...] = (
    ("--name", "NAME", "Your name, as drafts sign it."),
    ("--email", "EMAIL", "Where the reminders go; it also names you among several users."),
    ("--phone", "PHONE", 'For texts, with its country\'s prefix; "" for none.'),
    ("--timezone", "ZONE", "Such as Europe/Berlin; the system's where not given."),
    ("--hour", "HH:MM", "When you have five quiet minutes (09:00)."),
    ("--quiet", "21:00-08:00", "Hours in which nothing is sent; none for none."),
    ("--digest", "weekly|daily|off", "How what can wait comes; off: one by one."),
    ("--language", "en|de", "The language of drafts and messages."),
    ("--texts", "short|full", "What texts show: initials, or full names and the matter."),
)
DEFAULT_HOUR = dt.time(9)
NOTHING = ("", "-", "none")
LANGUAGES = ("en", "de")
TEXTS = {"short": False, "full": True}


def with_habits(command: Command) -> Command:
    """Adds the flags of the table; `None` where not given."""
    for flag, metavar, help in reversed(FLAGS):
        command = click.option(flag, metavar=metavar, help=help)(command)
    return command


def columns_of(flags: Mapping[str, str | None], region: str | None) -> dict[str, Any]:
    """The columns that the given flags set. Raises `UsageError` for the first that cannot be read."""
    found: dict[str, Any] = {}
    for flag, text in flags.items():
        if text is not None:
            found |= read(flag, text, region)
    return found


def read(flag: str, text: str, region: str | None) -> dict[str, Any]:
    """The columns that one flag sets."""
    match flag:
        case "name":
            return {"name": values.name(text)}
        case "email":
            return {"email": values.email(text)}
        case "phone":
            return {"phone": None if text.strip() in NOTHING else values.phone(text, region)}
        case "timezone":
            return {"zone": values.zone(text)}
        case "hour":
            return {"hour": dates.parse_clock(text)}
        case "quiet":
            quiet = dates.parse_quiet(text) if text.strip() else None
            return {"quiet_begins": quiet.begins if quiet else None, "quiet_ends": quiet.ends if quiet else None}
        case "language":
            return {"language": values.choice("--language", text, LANGUAGES)}
        case "texts":
            return {"full_texts": TEXTS[values.choice("--texts", text, tuple(TEXTS))]}
        case _:
            return {"digest": values.choice("--digest", text, tuple(Digest))}


def find_by_email(session: Session, email: str) -> User | None:
    """The user with this address, whatever the case."""
    from sqlalchemy import select

    from reminderd.store.tables import User

    return next((u for u in session.scalars(select(User)) if u.email.casefold() == email.casefold()), None)


def save(ctx: Ctx, session: Session, columns: Mapping[str, Any], row: User | None) -> User:
    """Change ``row``, or add a user, in the caller's transaction, and plan everything of theirs anew."""
    from reminderd.store.tables import User

    now = ctx.now()
    if row is None:
        defaults = {"zone": values.guessed_zone(ctx.environ), "hour": DEFAULT_HOUR, "digest": Digest.WEEKLY}
        row = User(**(defaults | dict(columns)), created_at=now)
        session.add(row)
        session.flush()
    else:
        session.refresh(row, with_for_update=True)
        for column, value in columns.items():
            setattr(row, column, value)
    ctx.house(create=True).actions.changed_user(session, row, now)
    return row


def words(row: User) -> str:
    """One line: how the user hears."""
    quiet = ""
    if row.quiet_begins is not None and row.quiet_ends is not None:
        quiet = f", quiet {row.quiet_begins:%H:%M}-{row.quiet_ends:%H:%M}"
    digest = {"weekly": "the rest weekly", "daily": "the rest daily", "off": "no digest"}[row.digest]
    phone = f", phone {row.phone}{' (full texts)' if row.full_texts else ''}" if row.phone else ""
    language = "" if row.language == "en" else f", language {row.language}"
    return f"{row.hour:%H:%M} {row.zone}{quiet}, {digest}{phone}{language}"
