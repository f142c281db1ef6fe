"""The questions of `init` on a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from reminderd.cli import habits, people, providers, setup, trial, values
from reminderd.cli.context import Ctx
from reminderd.errors import ReminderdError
from reminderd.settings import write_env

if TYPE_CHECKING:
    from reminderd.store.tables import User

TRIES = 3


class Interview:
    """Asks what no flag said, saves each part as it is known, and ends with a test message."""

    def __init__(self, ctx: Ctx, flags: Mapping[str, str | None]) -> None:
        self.ctx = ctx
        self.flags = flags
        self.env_file = ctx.settings.env_file

    def hold(self) -> None:
        row = self._who()
        self._mail(row)
        self._vouchers()
        self._test()
        self.ctx.tell("That is all. Next: reminderd   (what is due), and for the daemon: reminderd run")
        self.ctx.tell_local()

    # ---- who and when

    def _who(self) -> User:
        email = self._ask("email", "Your e-mail address")
        known = self._known(email)
        if known is not None:
            self.ctx.tell(f"Welcome back, {known.name}. Enter keeps what was.")
        columns: dict[str, Any] = {"email": email}
        zone = known.zone if known else values.guessed_zone(self.ctx.environ)
        hour = f"{known.hour:%H:%M}" if known else "09:00"
        columns |= self._columns("name", "Your name", known.name if known else None)
        columns |= self._columns("timezone", "Your time zone", zone)
        columns |= self._columns("hour", "When do you have five quiet minutes?", hour)
        columns |= self._columns("phone", "Phone number for texts (empty: none)", known.phone or "" if known else "")
        columns |= self._columns("quiet", "Hours in which nothing may come, such as 21:00-08:00", _quiet(known))
        for flag in ("digest", "language", "texts"):
            if (given := self.flags[flag]) is not None:
                columns |= habits.read(flag, given, None)
        row, is_new = setup.save(self.ctx, columns)
        self.ctx.user = row.email
        self.ctx.tell(setup.summary(row, is_new).partition(" Next:")[0])
        return row

    def _known(self, email: str) -> User | None:
        with self.ctx.house(create=True).store.reading() as session:
            return habits.find_by_email(session, email)

    def _columns(self, flag: str, question: str, default: str | None) -> dict[str, Any]:
        region = self.ctx.settings.default_region
        given = self.flags[flag]
        if given is not None:
            return habits.read(flag, given, region)
        found: dict[str, Any] = prompted(question, lambda text: habits.read(flag, text, region), default)
        return found

    def _ask(self, flag: str, question: str) -> str:
        given = self.flags[flag]
        found: str = values.email(given) if given is not None else prompted(question, values.email, None)
        return found

    # ---- the way out

    def _mail(self, row: User) -> None:
        if self.ctx.settings.smtp_host is not None:
            return
        provider = providers.provider_of(row.email)
        for _ in range(TRIES):
            found = self._with_provider(row, provider) if provider else self._with_server(row)
            if not found:
                self.ctx.tell("Mail stays on this machine for now; later: reminderd init, or SMTP_HOST in .env")
                return
            write_env(self.env_file, found)
            self.ctx.forget_settings()
            if self._is_answered(sure=provider is not None):
                return

    def _with_provider(self, row: User, provider: providers.Provider) -> dict[str, str | None]:
        self.ctx.tell(f"Mail goes out by {provider.name}. It wants an app password, made at {provider.password_at}.")
        if provider.warning:
            self.ctx.tell(provider.warning)
        password = _secret("App password (empty: later)")
        return provider.settings(row.email, password) if password else {}

    def _with_server(self, row: User) -> dict[str, str | None]:
        question = "Your outgoing mail server (empty: later)"
        place = click.prompt(question, default="", show_default=False, err=True).strip()
        if not place:
            return {}
        host, port = host_and_port(place)
        security = click.prompt(
            "Its security", type=click.Choice(("starttls", "force_tls", "off")), default="starttls", err=True
        )
        username = click.prompt("User name (- for none)", default=row.email, err=True).strip()
        login = username not in ("-", "")
        return {
            "SMTP_HOST": host,
            "SMTP_PORT": port,
            "SMTP_SECURITY": security,
            "SMTP_USERNAME": username if login else None,
            "SMTP_PASSWORD": _secret("Password") if login else None,
            "SMTP_FROM": row.email,
        }

    def _is_answered(self, *, sure: bool) -> bool:
        """Whether the server lets us in. Where its name is ``sure``, one that is away does not undo the settings."""
        from reminderd.rules.retry import Verdict
        from reminderd.transports import registry
        from reminderd.transports.base import SendFailed

        try:
            transport = registry.make_email(self.ctx.settings)
            try:
                self.ctx.tell(f"{transport.probe()}.")
            finally:
                transport.close()
        except ReminderdError as error:
            if sure and isinstance(error, SendFailed) and error.fault.verdict is Verdict.AGAIN:
                self.ctx.tell(f"Not tried yet: {error} The settings are kept; later: reminderd check")
                return True
            self.ctx.tell(f"That did not work: {error}")
            self._take_back()
            return False
        return True

    def _take_back(self) -> None:
        """Settings that do not work must not stay, or every message would fail."""
        names = ("SMTP_HOST", "SMTP_PORT", "SMTP_SECURITY", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_FROM")
        write_env(self.env_file, dict.fromkeys(names))
        self.ctx.forget_settings()

    # ---- who vouches

    def _vouchers(self) -> None:
        self.ctx.tell("Who would vouch for you? One `Name, e-mail` a line; an empty line ends.")
        while line := click.prompt("", prompt_suffix="> ", default="", show_default=False, err=True).strip():
            try:
                self.ctx.tell(f"{self._add(line)} is added.")
            except ReminderdError as error:
                self.ctx.tell(str(error))

    def _add(self, line: str) -> str:
        name, contact = people.told_apart(words_of(line))
        columns: dict[str, Any] = {}
        if "email" in contact:
            columns["email"] = values.email(contact["email"])
        if "phone" in contact:
            columns["phone"] = values.phone(contact["phone"], self.ctx.settings.default_region)
        with self.ctx.writing() as (session, user):
            return people.add_reference(self.ctx, session, user, name, columns).name

    # ---- the test

    def _test(self) -> None:
        try:
            found = trial.send_trial(self.ctx, None)
        except ReminderdError as error:
            self.ctx.tell(f"The test message could not be sent: {error}")
            return
        self.ctx.tell(trial.told(found, self.ctx))
        if not found.is_sent or self.ctx.settings.smtp_host is None:
            return
        if not click.confirm("Did it arrive?", default=True, err=True):
            self.ctx.tell("Look among the spam, and mark it as wanted. Then: reminderd send-test, reminderd check")


def prompted(question: str, read: Callable[[str], Any], default: str | None) -> Any:
    """Ask until ``read`` takes the answer."""

    def checked(text: str) -> Any:
        try:
            return read(text)
        except ReminderdError as error:
            raise click.UsageError(str(error)) from error

    return click.prompt(question, default=default, value_proc=checked, show_default=bool(default), err=True)


def words_of(line: str) -> tuple[str, ...]:
    """`Name, e-mail`, `Name <e-mail>`, or the two parted by a space or a tab."""
    parts = [part.strip(" <>") for part in re.split(r"[,;\t]|(?=<)", line)]
    found = [part for part in parts if part]
    return tuple(found) if len(found) > 1 else tuple(line.split())


def host_and_port(place: str) -> tuple[str, str | None]:
    """``mail.example.org:2525`` in two parts; without a port the security's own is used."""
    match = re.fullmatch(r"([^:]+|\[.+\]):([0-9]+)", place)
    return (match[1], match[2]) if match else (place, None)


def _quiet(known: User | None) -> str:
    if known is None or known.quiet_begins is None or known.quiet_ends is None:
        return "none"
    return f"{known.quiet_begins:%H:%M}-{known.quiet_ends:%H:%M}"


def _secret(question: str) -> str:
    found: str = click.prompt(question, default="", hide_input=True, show_default=False, err=True)
    return found.strip()
