"""The mailbox with access tokens, against a server that speaks the few lines of IMAP that a sign-in needs."""

from __future__ import annotations

import base64
import datetime as dt
import socketserver
import threading
from collections.abc import Container, Iterator
from contextlib import contextmanager

import pytest

from reminderd.oauth import Account as Consent
from reminderd.oauth import Tokens, xoauth2
from reminderd.replies.mailbox import Account, Mailbox, MailboxFault
from tests.servers.oauth import CLIENT, REFRESH, FakeProvider

ADA = "ada@example.org"
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@contextmanager
def imap(good: Container[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Takes the access tokens in ``good``; yields its port and what it was shown."""
    shown: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

        def handle(self) -> None:
            self.say(b"* OK ready")
            while line := self.rfile.readline():
                tag, _, rest = line.strip().partition(b" ")
                word = rest.partition(b" ")[0].upper()
                if word == b"CAPABILITY":
                    self.say(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2")
                elif word == b"AUTHENTICATE":
                    self.say(b"+ ")
                    shown.append(base64.b64decode(self.rfile.readline()))
                    if shown[-1] not in good:
                        self.say(b"+ " + base64.b64encode(b'{"status":"400"}'))
                        assert self.rfile.readline() == b"\r\n"
                        self.say(tag + b" NO [AUTHENTICATIONFAILED] Invalid credentials")
                        continue
                elif word in (b"EXAMINE", b"SELECT"):
                    self.say(b"* 0 EXISTS")
                    self.say(b"* OK [UIDVALIDITY 1] valid")
                self.say(tag + b" OK done")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_address[1], shown
        server.shutdown()


def mailbox(port: int, provider: FakeProvider) -> Mailbox:
    tokens = Tokens(Consent(f"{provider.url}/token", CLIENT, REFRESH), lambda: NOW)
    return Mailbox(Account("127.0.0.1", port, "off", ADA, "", timeout=5, tokens=tokens))


def test_an_access_token_opens_the_mailbox() -> None:
    with FakeProvider() as provider, imap((xoauth2(ADA, "access-1"),)) as (port, shown):
        box = mailbox(port, provider)
        box.probe()
        box.close()
    assert shown == [xoauth2(ADA, "access-1")]


def test_a_token_that_is_refused_is_replaced_once() -> None:
    with FakeProvider() as provider, imap((xoauth2(ADA, "access-2"),)) as (port, shown):
        box = mailbox(port, provider)
        box.probe()
        box.close()
    assert len(shown) == 2


def test_a_mailbox_that_takes_none_is_told_with_what_mends_it() -> None:
    with (
        FakeProvider() as provider,
        imap(()) as (port, shown),
        pytest.raises(MailboxFault, match="reminderd login") as failed,
    ):
        mailbox(port, provider).probe()
    assert failed.value.refused
    assert len(shown) == 2


def test_a_sign_in_that_ended_is_told() -> None:
    with FakeProvider() as provider, imap(()) as (port, shown):
        provider.refused = "invalid_grant"
        with pytest.raises(MailboxFault, match="new sign-in") as failed:
            mailbox(port, provider).probe()
    assert failed.value.refused
    assert shown == []
