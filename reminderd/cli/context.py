"""What every command is handed: settings, the house, the clock, the user, and where to speak."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reminderd import clock
from reminderd.cli import output
from reminderd.settings import Settings, load

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.tables import User
    from reminderd.wiring import House


@dataclasses.dataclass
class Ctx:
    """One call of the program. What is heavy is loaded when first asked for."""

    home: Path | None = None
    env_file: Path | None = None
    user: str | None = None
    """The address of --user."""
    verbose: bool = False
    json: bool = False
    """Set by `json_option`."""
    environ: Mapping[str, str] = dataclasses.field(default_factory=lambda: os.environ)
    tells_faults: bool = True
    """Whether this command's end says what is wrong with the only channel; `status` and `check` say it themselves."""
    writes: bool = False
    """Whether this command changed data or settings; its end then says where they are not those of a running service.
    Set by `writing` and `house`, and by commands that write in other ways."""
    whose: str | None = None
    """The address that the commands in what is said must name, where several users share the database. Set by
    `reading`, `writing` and what adds a user."""
    _house: House | None = None
    _faults: list[str] = dataclasses.field(default_factory=list)

    # ---- what there is

    def load_settings(self) -> Settings:
        """Read the settings afresh. Raises `ConfigError`."""
        environ = {**self.environ, "LOG_LEVEL": "debug"} if self.verbose else self.environ
        return load(environ, self.env_file, self.home)

    @functools.cached_property
    def settings(self) -> Settings:
        return self.load_settings()

    def forget_settings(self) -> None:
        """They were changed: read them, and build what is made of them, again when next asked for."""
        self.__dict__.pop("settings", None)
        self.close_house()

    def house(self, *, create: bool = False, own_rules: bool = True) -> House:
        """The open house; only with ``create`` a missing database is made. Where it is not open yet, ``own_rules`` says
        whether the user's rule book, which may be wrong, is read. Raises `ConfigError`, `StoreBusy`."""
        self.writes |= create
        if self._house is None:
            from reminderd import logs
            from reminderd.wiring import open_house

            # What failed a command says itself; only what it would not say is worth a line of the log.
            logs.configure("debug" if self.verbose else "error", self.settings.log_format)
            self._house = open_house(self.settings, self.now(), create=create, own_rules=own_rules)
        return self._house

    def now(self) -> dt.datetime:
        return clock.utc_now()

    def today(self, user: User) -> dt.date:
        """The user's local day."""
        from reminderd.rules.calendar import local_day

        return local_day(self.now(), user.zone)

    # ---- transactions

    @contextlib.contextmanager
    def reading(self) -> Iterator[tuple[Session, User]]:
        """One snapshot, and whose it is."""
        from reminderd.store.lookup import find_user

        with self.house().store.reading() as session:
            user = find_user(session, self.user)
            self._note_whose(session, user)
            self._look_for_faults(session, user)
            yield session, user

    @contextlib.contextmanager
    def writing(self, *, wake: bool = True) -> Iterator[tuple[Session, User]]:
        """All or nothing, for one user, whose row is locked; ``wake`` then wakes the daemon."""
        from reminderd.store.lookup import find_user

        with self.house().store.writing(wake=wake) as session:
            user = find_user(session, self.user)
            session.refresh(user, with_for_update=True)
            self._note_whose(session, user)
            self._look_for_faults(session, user)
            yield session, user
        self.writes = True

    # ---- speaking

    def say(self, text: str = "") -> None:
        """Data, to stdout."""
        click.echo(self.addressed(text))

    def say_json(self, value: Any) -> None:
        """Data for programs, to stdout."""
        click.echo(output.to_json(value))

    def tell(self, text: str) -> None:
        """Everything that is no data, to stderr."""
        click.echo(self.addressed(text), err=True)

    def addressed(self, text: str) -> str:
        """``text`` with the commands in it as this user has to type them."""
        if self.whose is None or "reminderd " not in text:
            return text
        from reminderd.drafts.commands import with_user

        return with_user(text, self.whose)

    def tell_local(self) -> None:
        """Say, while it is so, that nothing leaves this machine."""
        if self.settings.smtp_host is None:
            self.tell(local_line(self.settings))

    def is_terminal(self) -> bool:
        """Whether somebody is there to be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def confirmed(self, question: str, yes: bool) -> bool:
        """Whether the user agrees: by ``yes``, or asked on a terminal. Off a terminal raises `UsageError`."""
        if yes:
            return True
        if not self.is_terminal():
            from reminderd.errors import UsageError

            raise UsageError(f"{question} Add --yes to confirm; there is no terminal to ask on.")
        return click.confirm(question, err=True)

    # ---- the end

    def close(self) -> None:
        """Tell what is wrong with the only channel, and let go of the database."""
        for line in dict.fromkeys(self._faults if self.tells_faults else ()):
            self.tell(line)
        self._faults.clear()
        self.close_house()
        self._tell_other_home()

    def close_house(self) -> None:
        if self._house is not None:
            self._house.store.dispose()
            self._house = None

    def _tell_other_home(self) -> None:
        if self.writes and "settings" in self.__dict__:
            from reminderd.cli import other_home

            for line in other_home.lines(self.settings, self.environ):
                self.tell(line)

    def _note_whose(self, session: Session, user: User) -> None:
        """Only who named themselves can be one of several."""
        if self.user is not None:
            from reminderd.store.draft_shelf import is_shared

            self.whose = user.email if is_shared(session) else None

    def _look_for_faults(self, session: Session, user: User) -> None:
        if self.tells_faults:
            from reminderd.cli.faults import lines_of_faults

            self._faults += lines_of_faults(session, user, self.house().ways)


pass_ctx = click.make_pass_decorator(Ctx)
"""Hands a command its `Ctx`."""


def local_line(settings: Settings) -> str:
    """That, or how far, nothing is sent while SMTP_HOST is unset."""
    if settings.twilio_account_sid:
        return f"While SMTP_HOST is unset only texts leave this machine; mail goes to {settings.maildir}."
    return f"Nothing leaves this machine while SMTP_HOST is unset; mail goes to {settings.maildir}."
