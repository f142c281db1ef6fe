"""The mailbox that answers arrive in, by IMAP. It is only looked at: nothing in it is marked, moved or removed.

The standard library's client does: what is asked here are five commands, and IDLE is two more lines. A package for it
would be one more thing to install before answers by mail work.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import imaplib
import re
import select
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reminderd.errors import ReminderdError
from reminderd.oauth import TokenDelayed, TokenRefused, Tokens, xoauth2
from reminderd.replies.letters import is_candidate
from reminderd.settings import Settings

FOLDER = "INBOX"
LARGEST = 400_000
"""Bytes of a mail that are fetched."""
AT_A_TIME = 100
IDLE_FOR = 540.0
"""Seconds; routers and servers forget longer ones (RFC 2177 says 29 minutes)."""
_UID = re.compile(rb"\bUID ([0-9]+)")
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

imaplib._MAXLINE = 10_000_000  # type: ignore[attr-defined]  # its limit breaks on the answer to a search of a big mailbox


class MailboxFault(ReminderdError):
    """The mailbox could not be read. ``refused`` where the server took the connection and not the login."""

    def __init__(self, code: str, words: str, *, refused: bool = False) -> None:
        super().__init__(words)
        self.code, self.refused = code, refused


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """Where the mailbox is, and how to get in."""

    host: str
    port: int
    security: str
    username: str
    password: str = dataclasses.field(repr=False)
    ca_file: Path | None = None
    timeout: float = 30.0
    tokens: Tokens | None = dataclasses.field(default=None, repr=False)
    """Access tokens in place of the password (XOAUTH2)."""


def account_of(settings: Settings, tokens: Tokens | None = None) -> Account:
    """The mailbox that the settings name; ``tokens`` where there is no password."""
    return Account(
        host=settings.imap_host or "",
        port=settings.imap_port,
        security=settings.imap_security,
        username=settings.imap_username or "",
        password=settings.imap_password or "",
        ca_file=settings.imap_ca_file,
        tokens=tokens,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Fetched:
    """One mail, and when the server received it."""

    uid: int
    received_at: dt.datetime
    content: bytes


class Mailbox:
    """One connection to the mailbox. For one thread."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client: imaplib.IMAP4 | None = None
        self._seen: set[int] = set()
        self._validity: bytes | None = None

    def fetch(self, since: dt.date) -> list[Fetched]:
        """Mails that could concern us, received on that day or later and not fetched before. Connects where it is
        not connected. Raises `MailboxFault`."""
        with self._explained():
            client = self._connected()
            client.noop()
            day = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
            uids = {int(uid) for uid in _data(client.uid("SEARCH", "SINCE", day))[0].split()}
            fresh = sorted(uids - self._seen)
            wanted: list[int] = []
            for start in range(0, len(fresh), AT_A_TIME):
                wanted += self._candidates(client, fresh[start : start + AT_A_TIME])
            fetched = [mail for uid in wanted for mail in self._whole(client, uid)]
            self._seen = uids
            return fetched

    def probe(self) -> str:
        """Log in and out: one line of what was found. Raises `MailboxFault`."""
        with self._explained():
            self._connected()
        found = "tells of new mail by itself" if self.idles() else "is looked at every so often"
        self.close()
        return f"the mailbox at {self._account.host} takes the login and {found}"

    def idles(self) -> bool:
        """Whether the server tells of new mail by itself."""
        return self._client is not None and "IDLE" in self._client.capabilities

    def wait(self, waker: socket.socket, seconds: float) -> None:
        """Until the server tells of new mail, ``waker`` has something to read, or that time is over. Raises
        `MailboxFault`."""
        with self._explained():
            client = self._connected()
            tag = client._new_tag()  # IDLE came into the library only with 3.14
            client.send(tag + b" IDLE\r\n")
            if not _line(client).startswith(b"+"):
                raise imaplib.IMAP4.error("IDLE refused")
            self._until_news(client, waker, min(seconds, IDLE_FOR))
            client.send(b"DONE\r\n")
            while not _line(client).startswith(tag):
                pass

    def forget(self) -> None:
        """Let go of the connection without a word: it may be broken."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.shutdown()

    def close(self) -> None:
        """Log out."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    # ---- commands

    def _candidates(self, client: imaplib.IMAP4, uids: list[int]) -> list[int]:
        answer = _data(client.uid("FETCH", ",".join(map(str, uids)), "(UID BODY.PEEK[HEADER])"))
        found = []
        for head, literal in _literals(answer):
            uid = _UID.search(head)
            if uid is not None and is_candidate(literal):
                found.append(int(uid.group(1)))
        return found

    def _whole(self, client: imaplib.IMAP4, uid: int) -> list[Fetched]:
        answer = _data(client.uid("FETCH", str(uid), f"(UID INTERNALDATE BODY.PEEK[]<0.{LARGEST}>)"))
        for head, literal in _literals(answer):
            date = _DATE.search(head)
            if date is not None:
                received_at = dt.datetime.strptime(date.group(1).decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
                return [Fetched(uid, received_at.astimezone(dt.UTC), literal)]
        return []

    def _until_news(self, client: imaplib.IMAP4, waker: socket.socket, seconds: float) -> None:
        while True:
            if _has_line(client, self._account.timeout):
                if b"EXISTS" in _line(client):
                    return
                continue
            ready, _, _ = select.select([client.sock, waker], [], [], seconds)
            if waker in ready or not ready:
                return
            if b"EXISTS" in _line(client):
                return

    # ---- the connection

    def _connected(self) -> imaplib.IMAP4:
        if self._client is not None:
            return self._client
        client = self._dialled()
        try:
            try:
                self._sign_in(client)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                words = "The mailbox does not accept the login: check IMAP_USERNAME and IMAP_PASSWORD."
                if self._account.tokens is not None:
                    words = "The mailbox does not accept the sign-in: reminderd login gmail, or microsoft."
                raise MailboxFault("login", words, refused=True) from error
            client.capability()
            _, capabilities = client.response("CAPABILITY")
            if capabilities and capabilities[-1]:
                client.capabilities = tuple(capabilities[-1].decode("ascii", "replace").upper().split())
            _data(client.select(FOLDER, readonly=True))
            validity = client.response("UIDVALIDITY")[1][-1]
        except BaseException:
            with contextlib.suppress(OSError):
                client.shutdown()
            raise
        if validity != self._validity:
            self._validity, self._seen = validity, set()
        self._client = client
        return client

    def _sign_in(self, client: imaplib.IMAP4) -> None:
        account = self._account
        if account.tokens is None:
            client.login(account.username, account.password)
            return
        token = ""
        for last in (False, True):
            token = self._token(account.tokens, not_this=token)
            # A refusal comes as a challenge with its reasons, which nothing is answered to.
            answers = iter([xoauth2(account.username, token)])
            try:
                client.authenticate("XOAUTH2", lambda _, answers=answers: next(answers, b""))  # type: ignore[misc]
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                if last:
                    raise
            else:
                return

    def _token(self, tokens: Tokens, *, not_this: str) -> str:
        try:
            return tokens.access(not_this=not_this)
        except TokenRefused as error:
            raise MailboxFault("oauth refused", str(error), refused=True) from error
        except TokenDelayed as error:
            raise MailboxFault("oauth delayed", str(error)) from error

    def _dialled(self) -> imaplib.IMAP4:
        account = self._account
        if account.security == "off":
            return imaplib.IMAP4(account.host, account.port, timeout=account.timeout)
        context = ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file else None)
        if account.security == "force_tls":
            return imaplib.IMAP4_SSL(account.host, account.port, ssl_context=context, timeout=account.timeout)
        client = imaplib.IMAP4(account.host, account.port, timeout=account.timeout)
        try:
            client.starttls(ssl_context=context)
        except BaseException:
            with contextlib.suppress(OSError):
                client.shutdown()
            raise
        return client

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except MailboxFault:
            self.forget()
            raise
        except ssl.SSLCertVerificationError as error:
            self.forget()
            raise MailboxFault("certificate", "The mailbox's certificate is not trusted.") from error
        except (OSError, EOFError) as error:
            self.forget()
            raise MailboxFault("unreachable", "The mailbox cannot be reached.") from error
        except (imaplib.IMAP4.error, ValueError) as error:
            self.forget()
            raise MailboxFault("protocol", "The mailbox answered something that was not expected.") from error


def _data(answer: tuple[str, list[Any]]) -> list[Any]:
    """The parts of an answer: bytes, or a pair of what stood before a literal and the literal."""
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error("refused")
    return [part for part in data if part is not None]


def _literals(answer: list[Any]) -> list[tuple[bytes, bytes]]:
    """What was said around each literal, and the literal."""
    found: list[tuple[bytes, bytes]] = []
    for part in answer:
        if isinstance(part, tuple):
            found.append((part[0], part[1]))
        elif found:
            found[-1] = (found[-1][0] + b" " + part, found[-1][1])
    return found


def _line(client: imaplib.IMAP4) -> bytes:
    line: bytes = client.readline()
    if not line:
        raise imaplib.IMAP4.abort("closed")
    return line


def _has_line(client: imaplib.IMAP4, timeout: float) -> bool:
    """Whether something was read already that `select` would not tell of."""
    client.sock.settimeout(0)
    try:
        buffered: Any = client.file
        return bool(buffered.peek(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        client.sock.settimeout(timeout)
