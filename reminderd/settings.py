"""Frozen settings from the environment and `.env`. The fields of `Settings` are the one table of them:
names, defaults, checks, `.env.example` and the settings page of the docs all come from there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reminderd import setting_kinds as kinds
from reminderd.env_file import read_env, write_env
from reminderd.errors import ConfigError, SettingError

__all__ = ["Row", "Settings", "load", "places", "read_env", "rows", "suggestions", "write_env"]

SMTP_PORTS = {"starttls": 587, "force_tls": 465, "off": 25, "off_forced": 25}
IMAP_PORTS = {"force_tls": 993, "starttls": 143, "off": 143}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One setting. Its name is its attribute's in capitals; ``default`` is written as in `.env`."""

    kind: kinds.Kind
    section: str
    help: str
    default: str = ""
    unset: str = ""
    """What holds when there is no default and nothing is set, in words."""
    fallback: Callable[[Mapping[str, Any]], Any] | None = None
    """Gives that value from the others."""
    secret: bool = False
    name: str = ""


def _row(kind: kinds.Kind, section: str, help: str, **more: Any) -> Any:
    row = Row(kind, section, help, **more)
    return dataclasses.field(metadata={"row": row}, repr=not row.secret)


_STORE, _MAIL, _TEXTS, _REPLIES = "Store", "E-mail", "Texts (Twilio)", "Replies by e-mail (IMAP)"
_OAUTH = "E-mail without a password (OAuth2)"
_WEB, _PACE, _RUN = "Links and page", "How much and how often", "Running"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What the program was told. Made by `load`; nothing in it changes afterwards."""

    home: Path
    """State: database, Maildir, what the program generates for itself."""
    config_dir: Path
    """`rules.toml`, `templates/` and, unless named otherwise, `.env`."""
    env_file: Path
    """The `.env` that was read, or would have been were it there."""

    database_url: str = _row(
        kinds.DATABASE,
        _STORE,
        "The database: an SQLite file or a PostgreSQL database, `postgresql://user:password@host/name`.",
        unset="the SQLite file `reminderd.db` in the home",
        fallback=lambda known: f"sqlite:///{known['home'] / 'reminderd.db'}",
        secret=True,
    )
    maildir: Path = _row(
        kinds.PATH,
        _STORE,
        "Where mail is put while SMTP_HOST is unset; any mail program opens it.",
        unset="`Maildir` in the home",
        fallback=lambda known: known["home"] / "Maildir",
    )
    backup_dir: Path = _row(
        kinds.PATH,
        _STORE,
        "Where the daily copies of the SQLite file are put.",
        unset="`backups` in the home",
        fallback=lambda known: known["home"] / "backups",
    )
    backup_keep: int = _row(
        kinds.whole(0, 3650), _STORE, "How many daily copies are kept; with 0 none are made.", default="7"
    )

    smtp_host: str | None = _row(
        kinds.HOST, _MAIL, "Your provider's outgoing mail server.", unset="mail goes to the Maildir; nothing is sent"
    )
    smtp_port: int = _row(
        kinds.PORT,
        _MAIL,
        "Its port.",
        unset="587 with starttls, 465 with force_tls, 25 with off",
        fallback=lambda known: SMTP_PORTS[known["smtp_security"]],
    )
    smtp_security: str = _row(
        kinds.one_of("starttls", "force_tls", "off", "off_forced"),
        _MAIL,
        "How the connection is protected. `off` works with a server on this machine only;"
        " `off_forced` sends in the clear to any.",
        default="starttls",
    )
    smtp_username: str | None = _row(kinds.TEXT, _MAIL, "The account to log in with.", unset="no login")
    smtp_password: str | None = _row(
        kinds.SECRET, _MAIL, "Its password; with Gmail, iCloud and Fastmail an app password.", secret=True
    )
    smtp_from: str | None = _row(
        kinds.EMAIL,
        _MAIL,
        "The address that the reminders come from.",
        unset="SMTP_USERNAME, if that is an e-mail address",
        fallback=lambda known: kinds.address_or_none(known["smtp_username"]),
    )
    smtp_from_name: str = _row(kinds.TEXT, _MAIL, "The name beside it.", default="reminderd")
    smtp_ca_file: Path | None = _row(
        kinds.FILE, _MAIL, "Certificates to trust instead of the system's.", unset="the system's certificates"
    )

    oauth_client_id: str | None = _row(
        kinds.TEXT, _OAUTH, "The program that you registered with Google or Microsoft.", unset="log in with a password"
    )
    oauth_client_secret: str | None = _row(
        kinds.SECRET, _OAUTH, "Its secret, where it has one.", unset="none, as with Microsoft", secret=True
    )
    oauth_refresh_token: str | None = _row(
        kinds.SECRET,
        _OAUTH,
        "What `reminderd login` brought: takes the place of SMTP_PASSWORD and IMAP_PASSWORD.",
        secret=True,
    )
    oauth_token_url: str | None = _row(
        kinds.URL,
        _OAUTH,
        "Where access tokens come from.",
        unset="Google's or Microsoft's, by SMTP_HOST or IMAP_HOST",
        fallback=lambda known: kinds.token_url(known["smtp_host"] or known["imap_host"]),
    )

    twilio_account_sid: str | None = _row(
        kinds.sid("AC"), _TEXTS, "Your Twilio account.", unset="no texts; every step goes by e-mail"
    )
    twilio_auth_token: str | None = _row(kinds.SECRET, _TEXTS, "Its token.", secret=True)
    twilio_from: str | None = _row(kinds.PHONE, _TEXTS, "The number that texts come from, with its country's prefix.")
    twilio_messaging_service_sid: str | None = _row(
        kinds.sid("MG"), _TEXTS, "A messaging service that chooses the number, in place of TWILIO_FROM."
    )
    twilio_api_url: str = _row(
        kinds.URL, _TEXTS, "Twilio's address, for tests and proxies.", default="https://api.twilio.com"
    )
    twilio_poll_seconds: int = _row(
        kinds.whole(5, 3600),
        _TEXTS,
        "How often Twilio is asked for your answers and for what became of texts.",
        default="30",
    )
    sms_segments: int = _row(kinds.whole(1, 10), _TEXTS, "The most parts one text may be billed as.", default="2")
    default_region: str | None = _row(
        kinds.REGION,
        _TEXTS,
        "The country of numbers written without a prefix, in two letters (US).",
        unset="such numbers are refused",
    )

    imap_host: str | None = _row(
        kinds.HOST,
        _REPLIES,
        "The mailbox that your answers arrive in.",
        unset="answers by e-mail are not read",
    )
    imap_port: int = _row(
        kinds.PORT,
        _REPLIES,
        "Its port.",
        unset="993 with force_tls, 143 with starttls or off",
        fallback=lambda known: IMAP_PORTS[known["imap_security"]],
    )
    imap_security: str = _row(
        kinds.one_of("force_tls", "starttls", "off"),
        _REPLIES,
        "How the connection is protected. `off` works with a server on this machine only.",
        default="force_tls",
    )
    imap_username: str | None = _row(kinds.TEXT, _REPLIES, "The account to log in with.")
    imap_password: str | None = _row(kinds.SECRET, _REPLIES, "Its password.", secret=True)
    imap_address: str | None = _row(
        kinds.EMAIL,
        _REPLIES,
        "The address whose mail arrives there.",
        unset="IMAP_USERNAME, if that is an e-mail address, else SMTP_FROM",
        fallback=lambda known: kinds.address_or_none(known["imap_username"]) or known["smtp_from"],
    )
    imap_plus: str = _row(
        kinds.one_of("on", "off"),
        _REPLIES,
        "Whether mail to `you+something@…` arrives there too. With off, only direct answers to a reminder are read.",
        default="on",
    )
    imap_bcc: str = _row(
        kinds.one_of("on", "off"),
        _REPLIES,
        "Whether the drafts' mail links carry a blind copy to that mailbox, so that sending one marks it done."
        " Needs IMAP_PLUS.",
        default="on",
    )
    imap_ca_file: Path | None = _row(
        kinds.FILE, _REPLIES, "Certificates to trust instead of the system's.", unset="the system's certificates"
    )
    imap_poll_seconds: int = _row(
        kinds.whole(5, 3600), _REPLIES, "How often to look where the server does not tell of new mail.", default="60"
    )

    web: str = _row(
        kinds.one_of("auto", "on", "off"),
        _WEB,
        "Whether the daemon serves the page and the links; `auto` does where SITE_ROOT is set. Needs the extra `web`.",
        default="auto",
    )
    site_root: str | None = _row(
        kinds.URL,
        _WEB,
        "The address under which your phone reaches the page, such as `https://reminders.example.org`.",
        unset="messages carry no links; they name the word or command to answer with",
    )
    metrics: str = _row(
        kinds.one_of("on", "off"),
        _WEB,
        "Whether the page's server also answers `/healthz` and `/metrics`: counts only, open to whoever reaches it.",
        default="off",
    )
    listen_addr: str = _row(kinds.LISTEN, _WEB, "Where the page listens.", default="127.0.0.1:8025")
    secret_key: str | None = _row(
        kinds.SECRET,
        _WEB,
        "Signs the links in messages; whoever has or guesses it can act as you: `openssl rand -base64 32` makes one."
        " Changing it makes older links invalid.",
        unset="one is made and kept in the home",
        secret=True,
    )

    messages_per_day: int = _row(
        kinds.whole(1, 1000), _PACE, "The most messages to one user on one channel in a day.", default="20"
    )
    keep_in_touch_per_week: int = _row(
        kinds.whole(1, 100),
        _PACE,
        "The most people a week to write to for no reason but the time gone by.",
        default="3",
    )

    senders: int = _row(kinds.whole(1, 64), _RUN, "How many messages are sent at the same time.", default="4")
    lease_seconds: int = _row(
        kinds.whole(5, 3600), _RUN, "How long a sender's claim on a message lasts without renewal.", default="60"
    )
    reconcile_seconds: int = _row(
        kinds.whole(1, 3600), _RUN, "How long to wait before asking what became of an unanswered send.", default="60"
    )
    backoff_seconds: tuple[int, ...] = _row(
        kinds.SECONDS, _RUN, "The waits between attempts; the last one repeats.", default="60,300,900,1800,3600"
    )
    stop_seconds: int = _row(kinds.whole(0, 600), _RUN, "How long a stop waits for sends under way.", default="20")
    poll_seconds: float = _row(
        kinds.POLL, _RUN, "How often to look whether another process changed the database.", default="4.5"
    )
    log_level: str = _row(
        kinds.one_of("debug", "info", "warning", "error"), _RUN, "The least that is logged.", default="info"
    )
    log_format: str = _row(
        kinds.one_of("auto", "human", "journal", "json"),
        _RUN,
        "How; `auto` is the journal's fields under systemd, else lines for people.",
        default="auto",
    )
    health_ping_url: str | None = _row(
        kinds.PING_URL,
        _RUN,
        "Fetched after each good pass, so that a dead-man switch such as Healthchecks notices silence.",
        unset="nothing is fetched",
        secret=True,
    )

    @property
    def database_path(self) -> Path | None:
        """The SQLite file; ``None`` with PostgreSQL."""
        scheme, _, path = self.database_url.partition(":///")
        return Path(path) if scheme == "sqlite" else None

    @property
    def serves_page(self) -> bool:
        """Whether the page is served, so that links lead somewhere."""
        return self.web == "on" or (self.web == "auto" and self.site_root is not None)

    @property
    def public_root(self) -> str | None:
        """The address that links in messages begin with; ``None`` where they would lead nowhere."""
        return self.site_root if self.serves_page else None

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port of LISTEN_ADDR."""
        return kinds.host_and_port(self.listen_addr)


def load(environ: Mapping[str, str], env_file: Path | None = None, home: Path | None = None) -> Settings:
    """The settings of ``environ`` and, behind it, of ``env_file`` (else of the `.env` in the configuration folder,
    if there is one). Under ``home`` all lies in one folder. Raises `ConfigError`."""
    state, config = places(environ, home)
    path = env_file.absolute() if env_file else config / ".env"
    in_file = read_env(path) if env_file or path.is_file() else {}
    sources = [_Source(environ, Path.cwd()), _credentials(environ), _Source(in_file, path.parent)]
    known: dict[str, Any] = {"home": state, "config_dir": config, "env_file": path}
    known |= {row.name.lower(): _value(row, sources) for row in rows()}
    for row in rows():
        if known[row.name.lower()] is None and row.fallback:
            known[row.name.lower()] = row.fallback(known)
    settings = Settings(**known)
    _refuse_contradictions(settings)
    return settings


def rows() -> list[Row]:
    """The table, in its order."""
    fields = (field for field in dataclasses.fields(Settings) if "row" in field.metadata)
    return [dataclasses.replace(field.metadata["row"], name=field.name.upper()) for field in fields]


def places(environ: Mapping[str, str], home: Path | None = None) -> tuple[Path, Path]:
    """The folders of state and of configuration: ``home`` for both, else systemd's, else the XDG ones."""
    if home is not None:
        return home.expanduser().absolute(), home.expanduser().absolute()
    state = _place(environ, "STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state")
    return state, _place(environ, "CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME", ".config")


def suggestions(environ: Mapping[str, str]) -> list[str]:
    """One line for each name in ``environ`` that people try and that this program does not know."""
    lines = []
    names = [row.name for row in rows()]
    for name in sorted(environ):
        ours = _OTHER_NAMES.get(name) or _misspelt(name, names)
        if ours and not (environ.get(ours) or environ.get(f"{ours}_FILE")):
            lines.append(f"{name} is set, but reminderd reads {ours}.")
    return lines


# What other programs and older habits call them.
_OTHER_NAMES = {
    "DATABASE_URI": "DATABASE_URL",
    "DB_URL": "DATABASE_URL",
    "SQLALCHEMY_DATABASE_URI": "DATABASE_URL",
    "EMAIL_HOST": "SMTP_HOST",
    "EMAIL_PORT": "SMTP_PORT",
    "EMAIL_HOST_USER": "SMTP_USERNAME",
    "EMAIL_HOST_PASSWORD": "SMTP_PASSWORD",
    "EMAIL_USE_TLS": "SMTP_SECURITY",
    "EMAIL_USE_SSL": "SMTP_SECURITY",
    "DEFAULT_FROM_EMAIL": "SMTP_FROM",
    "EMAIL_FROM": "SMTP_FROM",
    "MAIL_SERVER": "SMTP_HOST",
    "MAIL_HOST": "SMTP_HOST",
    "MAIL_PORT": "SMTP_PORT",
    "MAIL_USERNAME": "SMTP_USERNAME",
    "MAIL_PASSWORD": "SMTP_PASSWORD",
    "MAIL_USE_TLS": "SMTP_SECURITY",
    "MAIL_USE_SSL": "SMTP_SECURITY",
    "MAIL_DEFAULT_SENDER": "SMTP_FROM",
    "MAIL_FROM": "SMTP_FROM",
    "SMTP_SERVER": "SMTP_HOST",
    "SMTP_USER": "SMTP_USERNAME",
    "SMTP_LOGIN": "SMTP_USERNAME",
    "SMTP_PASS": "SMTP_PASSWORD",
    "SMTP_TLS": "SMTP_SECURITY",
    "SMTP_SSL": "SMTP_SECURITY",
    "SMTP_USE_TLS": "SMTP_SECURITY",
    "SMTP_FROM_EMAIL": "SMTP_FROM",
    "SMTP_SENDER": "SMTP_FROM",
    "TWILIO_ACCOUNT": "TWILIO_ACCOUNT_SID",
    "TWILIO_SID": "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH": "TWILIO_AUTH_TOKEN",
    "TWILIO_TOKEN": "TWILIO_AUTH_TOKEN",
    "TWILIO_NUMBER": "TWILIO_FROM",
    "TWILIO_PHONE_NUMBER": "TWILIO_FROM",
    "TWILIO_FROM_NUMBER": "TWILIO_FROM",
    "TWILIO_MESSAGING_SERVICE": "TWILIO_MESSAGING_SERVICE_SID",
    "IMAP_SERVER": "IMAP_HOST",
    "IMAP_USER": "IMAP_USERNAME",
    "IMAP_PASS": "IMAP_PASSWORD",
    "SITE_URL": "SITE_ROOT",
    "LISTEN_ADDRESS": "LISTEN_ADDR",
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Source:
    values: Mapping[str, str]
    base: Path
    """Where its relative paths start."""


def _place(environ: Mapping[str, str], systemd: str, xdg: str, below_home: str) -> Path:
    if given := environ.get(systemd):
        return Path(given.split(":")[0])
    base = Path(environ.get(xdg, ""))
    if not base.is_absolute():  # the XDG specification has relative ones ignored
        try:
            base = Path(environ.get("HOME") or Path.home()) / below_home
        except RuntimeError as error:
            raise ConfigError("There is no home folder to keep data in: give --home or REMINDERD_HOME.") from error
    return base / "reminderd"


def _credentials(environ: Mapping[str, str]) -> _Source:
    """What systemd's LoadCredential= laid out: a file for each secret, named like it in capitals or small letters."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return _Source({}, Path("/"))
    folder = Path(directory)
    found = {}
    for row in rows():
        for path in (folder / row.name.lower(), folder / row.name):
            if row.secret and path.is_file():
                found[f"{row.name}_FILE"] = str(path)
    return _Source(found, folder)


def _value(row: Row, sources: list[_Source]) -> Any:
    """What the first source that has something says, checked; else the default; else ``None``."""
    for source in sources:
        if text := _text(row, source):
            return _parsed(row, text, source.base)
    return _parsed(row, row.default, Path("/")) if row.default else None


def _text(row: Row, source: _Source) -> str | None:
    text = source.values.get(row.name)
    if not row.secret:
        return text.strip() if text else None
    in_file = source.values.get(f"{row.name}_FILE")
    if text and in_file:
        raise SettingError(f"{row.name}_FILE", f"nothing, because {row.name} is set too", None)
    return _secret(row, source.base / Path(in_file).expanduser()) if in_file else text


def _secret(row: Row, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{row.name}_FILE", "a readable text file", str(path)) from error


def _parsed(row: Row, text: str, base: Path) -> Any:
    try:
        return row.kind.parse(text, base)
    except ValueError:
        # `from None`: the parser's own words may quote what it was given.
        raise SettingError(row.name, row.kind.expected, None if row.secret else text) from None


def _refuse_contradictions(settings: Settings) -> None:
    for name, because in _missing(settings):
        raise SettingError(name, f"a value, because {because} is set", None)
    _refuse_clear_text(
        "SMTP", settings.smtp_host, settings.smtp_security, " (off_forced sends in the clear all the same)"
    )
    _refuse_clear_text("IMAP", settings.imap_host, settings.imap_security, "")
    if settings.smtp_host and not settings.smtp_from:
        raise SettingError("SMTP_FROM", "the address to send from, because SMTP_HOST is set", None)


def _missing(settings: Settings) -> list[tuple[str, str]]:
    """Names that are unset though another, which means nothing without them, is set."""
    twilio_sender = settings.twilio_messaging_service_sid or settings.twilio_from
    token = settings.oauth_refresh_token
    needs = [
        ("SMTP_PASSWORD", settings.smtp_password or token, "SMTP_USERNAME", settings.smtp_username),
        ("SMTP_USERNAME", settings.smtp_username, "SMTP_PASSWORD", settings.smtp_password),
        ("TWILIO_AUTH_TOKEN", settings.twilio_auth_token, "TWILIO_ACCOUNT_SID", settings.twilio_account_sid),
        ("TWILIO_ACCOUNT_SID", settings.twilio_account_sid, "TWILIO_AUTH_TOKEN", settings.twilio_auth_token),
        (
            "TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID",
            twilio_sender,
            "TWILIO_ACCOUNT_SID",
            settings.twilio_account_sid,
        ),
        ("TWILIO_ACCOUNT_SID", settings.twilio_account_sid, "TWILIO_FROM", settings.twilio_from),
        ("IMAP_PASSWORD", settings.imap_password or token, "IMAP_USERNAME", settings.imap_username),
        ("IMAP_USERNAME", settings.imap_username, "IMAP_PASSWORD", settings.imap_password),
        ("IMAP_USERNAME", settings.imap_username, "IMAP_HOST", settings.imap_host),
        ("OAUTH_CLIENT_ID", settings.oauth_client_id, "OAUTH_REFRESH_TOKEN", token),
        ("OAUTH_TOKEN_URL", settings.oauth_token_url, "OAUTH_REFRESH_TOKEN", token),
    ]
    return [(name, because) for name, value, because, reason in needs if reason and not value]


def _refuse_clear_text(protocol: str, host: str | None, security: str, way_out: str) -> None:
    if host and security == "off" and not kinds.is_loopback(host):
        expected = f"starttls or force_tls for {host}; off is for a server on this machine{way_out}"
        raise SettingError(f"{protocol}_SECURITY", expected, "off")


def _misspelt(name: str, names: list[str]) -> str | None:
    """Ours, where ``name`` is one of a family of ours but for a slip."""
    if name in names or name.removesuffix("_FILE") in names or not name.startswith(("SMTP_", "TWILIO_", "IMAP_")):
        return None
    import difflib

    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.85)), None)
