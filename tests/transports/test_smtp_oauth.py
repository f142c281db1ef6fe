"""SMTP with access tokens, against a real server and a token server on loopback."""

from __future__ import annotations

import datetime as dt

import pytest

from reminderd.oauth import Account, Tokens
from reminderd.rules.retry import Verdict
from reminderd.transports.base import SendFailed
from reminderd.transports.smtp import SmtpTransport
from tests.servers.certificates import Certificates
from tests.servers.oauth import CLIENT, REFRESH, FakeProvider
from tests.servers.smtp import SmtpServer
from tests.transports.samples import NOW, make_mail

ADA = "ada@example.org"


def transport(server: SmtpServer, provider: FakeProvider, certificates: Certificates) -> SmtpTransport:
    tokens = Tokens(Account(f"{provider.url}/token", CLIENT, REFRESH), lambda: NOW)
    return SmtpTransport(
        server.host, server.port, "starttls", ADA, None, certificates.ca_file, tokens=tokens, step_timeout=5
    )


def serving(provider: FakeProvider, certificates: Certificates, good: object = None) -> SmtpServer:
    return SmtpServer(
        security="starttls",
        context=certificates.server_context,
        accounts={},
        access_tokens=lambda: provider.issued if good is None else good,  # type: ignore[arg-type,return-value]
    )


def test_an_access_token_signs_in_and_serves_for_the_next_mail(certificates: Certificates) -> None:
    with FakeProvider() as provider, serving(provider, certificates) as server:
        sending = transport(server, provider, certificates)
        sending.send(make_mail())
        sending.close()
        sending.send(make_mail())
        sending.close()
    assert server.logins == [f"XOAUTH2 {ADA}"] * 2
    assert len(server.received) == 2
    assert len(provider.issued) == 1


def test_a_token_revoked_before_its_time_is_replaced_once(certificates: Certificates) -> None:
    with FakeProvider() as provider, serving(provider, certificates, ("access-2",)) as server:
        sending = transport(server, provider, certificates)
        sending.send(make_mail())
        sending.close()
    assert len(server.received) == 1
    assert provider.issued == ["access-1", "access-2"]


def test_a_server_that_wants_none_of_it_pauses_the_channel(certificates: Certificates) -> None:
    with FakeProvider() as provider, serving(provider, certificates, ()) as server:
        sending = transport(server, provider, certificates)
        with pytest.raises(SendFailed) as failed:
            sending.send(make_mail())
    assert failed.value.fault.verdict is Verdict.PAUSE
    assert len(provider.issued) == 2
    assert server.received == []


def test_a_sign_in_that_ended_pauses_the_channel_and_says_how_to_mend_it(certificates: Certificates) -> None:
    with FakeProvider() as provider, serving(provider, certificates) as server:
        provider.refused = "invalid_grant"
        with pytest.raises(SendFailed) as failed:
            transport(server, provider, certificates).send(make_mail())
    assert failed.value.fault.verdict is Verdict.PAUSE
    assert "reminderd login" in failed.value.fault.words


def test_a_provider_that_is_away_means_again(certificates: Certificates) -> None:
    with FakeProvider() as provider:
        pass
    with serving(provider, certificates) as server, pytest.raises(SendFailed) as failed:
        transport(server, provider, certificates).send(make_mail())
    assert failed.value.fault.verdict is Verdict.AGAIN


def test_a_server_without_xoauth2_is_told_apart(certificates: Certificates) -> None:
    with (
        FakeProvider() as provider,
        SmtpServer(security="starttls", context=certificates.server_context, accounts={}) as server,
        pytest.raises(SendFailed) as failed,
    ):
        transport(server, provider, certificates).send(make_mail())
    assert failed.value.fault.code == "no xoauth2"
    assert provider.issued == []


def test_probe_signs_in_with_a_token(certificates: Certificates) -> None:
    assert NOW.tzinfo is dt.UTC
    with FakeProvider() as provider, serving(provider, certificates) as server:
        assert "signed in" in transport(server, provider, certificates).probe()
