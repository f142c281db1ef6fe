from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.errors import ConfigError
from reminderd.message import Mail, Text
from reminderd.rules.retry import Verdict
from reminderd.transports import smtp_wire
from reminderd.transports.base import SendFailed
from reminderd.transports.smtp import SmtpTransport, is_loopback
from reminderd.transports.smtp_session import Session
from reminderd.transports.smtp_wire import wire_form
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.scripted_smtp import DROP, PIPELINING, SILENT, ScriptedSmtp
from tests.servers.smtp import SmtpServer
from tests.transports.samples import NOW, make_mail

LONG = b"x" * 70 + b"\r\n"


def plain(port: int, **more: object) -> SmtpTransport:
    return SmtpTransport("127.0.0.1", port, "off", **{"step_timeout": 5.0, "answer_timeout": 5.0, **more})  # type: ignore[arg-type]


def failure(transport: SmtpTransport, mail: Mail | None = None) -> SendFailed:
    with pytest.raises(SendFailed) as failed:
        transport.send(mail or make_mail())
    transport.close()
    return failed.value


@pytest.fixture(params=["the system", "Python"])
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who limits the calls of a socket in the clear: Python does where the system does not take our word for it."""
    if request.param == "Python":
        monkeypatch.setattr(smtp_wire, "_limit_by_system", lambda *_: False)


# --- where the conversation breaks ---


@pytest.mark.parametrize("how", [DROP, SILENT])
@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("server_is", [{}, PIPELINING], ids=["one by one", "at once"])
def test_a_break_before_the_dot_means_again(stage: str, how: str, server_is: dict[str, str]) -> None:
    with ScriptedSmtp(server_is | {stage: how}) as server:
        fault = failure(plain(server.port, step_timeout=5.0 if how == DROP else 0.1)).fault
    assert fault.verdict is Verdict.AGAIN
    assert server.contents == []


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("how", [DROP, SILENT])
def test_a_break_amid_the_content_means_again(how: str) -> None:
    with ScriptedSmtp({"CONTENT": how}) as server:
        transport = plain(server.port, step_timeout=5.0 if how == DROP else 0.2)
        fault = failure(transport, make_mail(body=LONG * 200_000)).fault
        if how == SILENT:
            assert not server.closed.acquire(blocking=False)  # it is we who gave up
    assert fault.verdict is Verdict.AGAIN


@pytest.mark.usefixtures("limits")
def test_a_long_content_arrives_whole() -> None:
    mail = make_mail(body=b"".join(b"line %d\r\n" % number for number in range(500_000)))
    with ScriptedSmtp({}) as server:
        transport = plain(server.port)
        transport.send(mail)
        transport.close()
    assert server.contents == [wire_form(mail.content) + b".\r\n"]


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("how", [DROP, SILENT, "nonsense", "150 whatever"])
def test_a_break_after_the_dot_means_that_it_may_have_been_sent(how: str) -> None:
    with ScriptedSmtp({"DOT": how}) as server:
        fault = failure(plain(server.port, answer_timeout=5.0 if how != SILENT else 0.1)).fault
    assert fault.verdict is Verdict.RECONCILE
    assert len(server.contents) == 1


def test_after_the_dot_the_server_has_longer_than_elsewhere() -> None:
    transport = SmtpTransport("smtp.example.org")
    assert transport.deadline_for.total_seconds() >= 600
    with ScriptedSmtp({"DOT": SILENT}) as server:
        fault = failure(plain(server.port, step_timeout=60.0, answer_timeout=0.1)).fault
    assert fault.verdict is Verdict.RECONCILE


@pytest.mark.usefixtures("limits")
def test_a_server_that_trickles_does_not_hold_us_past_the_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:

        def trickle() -> int:
            connection, _ = listener.accept()
            sent = 0
            with connection:
                connection.settimeout(0.02)
                while True:
                    try:
                        connection.sendall(b"2")
                        sent += 1
                        if not connection.recv(100):
                            return sent
                    except TimeoutError:
                        continue
                    except OSError:
                        return sent

        sent = threads.submit(trickle)
        fault = failure(plain(listener.getsockname()[1], step_timeout=0.3)).fault
        assert fault.verdict is Verdict.AGAIN
        assert sent.result() > 1


def test_nobody_there_means_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(plain(port)).fault.verdict is Verdict.AGAIN


def test_a_host_without_an_address_means_again() -> None:
    transport = SmtpTransport("no-such-host.invalid", 25, "off_forced")
    assert failure(transport).fault.verdict is Verdict.AGAIN


# --- what the server answers ---

REPLIES = [
    ("GREETING", "421 4.3.2 Shutting down", Verdict.AGAIN, "421 4.3.2"),
    ("GREETING", "554 5.7.1 You are blocked", Verdict.GIVE_UP, "554 5.7.1"),
    ("EHLO", "421 4.3.2 Too busy", Verdict.AGAIN, "421 4.3.2"),
    ("EHLO", "451 Try later", Verdict.AGAIN, "451"),
    ("MAIL", "450 4.7.1 Greylisted", Verdict.AGAIN, "450 4.7.1"),
    ("MAIL", "452 4.3.1 Out of space", Verdict.AGAIN, "452 4.3.1"),
    ("MAIL", "530 5.7.0 Authentication required", Verdict.PAUSE, "530 5.7.0"),
    ("MAIL", "550 5.1.8 Sender's domain unknown", Verdict.PAUSE, "550 5.1.8"),
    ("MAIL", "553 5.1.0 Sender rejected", Verdict.PAUSE, "553 5.1.0"),
    ("MAIL", "552 5.3.4 Too large", Verdict.GIVE_UP, "552 5.3.4"),
    ("MAIL", "555 5.5.4 Unknown option", Verdict.GIVE_UP, "555 5.5.4"),
    ("RCPT", "450 4.2.1 Mailbox busy", Verdict.AGAIN, "450 4.2.1"),
    ("RCPT", "451 4.3.0 Local error", Verdict.AGAIN, "451 4.3.0"),
    ("RCPT", "550 5.1.1 No such user", Verdict.BAD_ADDRESS, "550 5.1.1"),
    ("RCPT", "553 5.1.3 Bad syntax", Verdict.BAD_ADDRESS, "553 5.1.3"),
    ("RCPT", "550 No such user", Verdict.BAD_ADDRESS, "550"),
    ("RCPT", "550 5.1.8 Sender's domain unknown", Verdict.PAUSE, "550 5.1.8"),
    ("RCPT", "553 5.7.1 Sender not owned by user", Verdict.GIVE_UP, "553 5.7.1"),
    ("RCPT", "554 5.7.1 Relay access denied", Verdict.GIVE_UP, "554 5.7.1"),
    ("RCPT", "552 5.2.2 Mailbox full", Verdict.GIVE_UP, "552 5.2.2"),
    ("RCPT", "501 Syntax", Verdict.GIVE_UP, "501"),
    ("DATA", "451 4.3.0 Later", Verdict.AGAIN, "451 4.3.0"),
    ("DATA", "503 5.5.1 Bad sequence", Verdict.GIVE_UP, "503 5.5.1"),
    ("DATA", "554 No valid recipients", Verdict.GIVE_UP, "554"),
    ("DOT", "421 4.4.2 Closing", Verdict.AGAIN, "421 4.4.2"),
    ("DOT", "452 4.3.1 Out of space", Verdict.AGAIN, "452 4.3.1"),
    ("DOT", "550 5.7.1 Spam", Verdict.GIVE_UP, "550 5.7.1"),
    ("DOT", "554 5.7.1 Policy", Verdict.GIVE_UP, "554 5.7.1"),
    ("DOT", "552 Too large", Verdict.GIVE_UP, "552"),
    ("DOT", "550 5.1.1 No such user", Verdict.BAD_ADDRESS, "550 5.1.1"),
    ("DOT", "550 Refused", Verdict.GIVE_UP, "550"),
    ("DOT", "554 4.7.0 Later, in truth", Verdict.AGAIN, "554 4.7.0"),
]


@pytest.mark.parametrize(("stage", "reply", "verdict", "code"), REPLIES)
@pytest.mark.parametrize("server_is", [{}, PIPELINING], ids=["one by one", "at once"])
@pytest.mark.parametrize("form", ["{0}", "{1}-{2}\r\n{0}"], ids=["one line", "two lines"])
def test_each_reply_has_its_verdict(
    stage: str, reply: str, verdict: Verdict, code: str, server_is: dict[str, str], form: str
) -> None:
    with ScriptedSmtp(server_is | {stage: form.format(reply, reply[:3], reply[4:])}) as server:
        failed = failure(plain(server.port))
    assert server.contents == [] or stage == "DOT"
    assert (failed.fault.verdict, failed.fault.code) == (verdict, code)
    assert failed.fault.words
    assert reply[4:] not in str(failed)


def test_a_server_that_takes_several_commands_at_once_is_told_all_before_it_answers() -> None:
    with talking(b"250 2.0.0 Ok: queued as 1\r\n") as (port, heard):
        transport = plain(port)
        assert transport.send(make_mail()).reference == "2.0.0 Ok: queued as 1"
        transport.close()
        taken = heard.result()
    assert taken == wire_form(make_mail().content) + b".\r\n"


@contextlib.contextmanager
def talking(last: bytes) -> Iterator[tuple[int, Future[bytes]]]:
    """A server's port, and the content that it hears; at the end of that it says ``last``, and goes."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:

        def talk() -> bytes:
            connection, _ = listener.accept()
            connection.settimeout(10)
            with connection:
                for answer, end in (
                    ("220 mail.test", b"\r\n"),
                    (PIPELINING["EHLO"], b"\r\nDATA\r\n"),
                    ("250 Ok\r\n250 Ok\r\n354 Go on", b"\r\n.\r\n"),
                ):
                    connection.sendall(answer.encode() + b"\r\n")
                    heard = b""
                    while not heard.endswith(end):
                        heard += connection.recv(4096)
                connection.sendall(last)
            return heard

        yield listener.getsockname()[1], threads.submit(talk)


@pytest.mark.parametrize(
    ("last", "reference"),
    [
        (b"250\r\n", ""),
        (b"250 2.0.0 Ok\n", "2.0.0 Ok"),
        (b"250-2.0.0 Ok\r\n250 queued as 1\r\n", "2.0.0 Ok queued as 1"),
        (b"250 " + b"x" * 3000 + b"\r\n", "x" * 200),
    ],
    ids=["no text", "no CR", "two lines", "a long one"],
)
def test_a_reply_of_another_form_is_understood(last: bytes, reference: str) -> None:
    with talking(last) as (port, _):
        transport = plain(port)
        assert transport.send(make_mail()).reference == reference
        transport.close()


@pytest.mark.parametrize("last", [b"", b"25", b"250-2.0.0 Ok\r\n"], ids=["at once", "in its code", "in its lines"])
def test_a_reply_that_breaks_off_after_the_dot_leaves_the_outcome_open(last: bytes) -> None:
    with talking(last) as (port, _):
        assert failure(plain(port)).fault.verdict is Verdict.RECONCILE


def test_content_that_a_refused_recipient_leaves_open_stays_without_an_end() -> None:
    with ScriptedSmtp(PIPELINING | {"RCPT": "550 5.1.1 No such user"}) as server:
        failure(plain(server.port))
        assert server.closed.acquire(timeout=10)
    assert server.contents == []
    assert [command.partition(" ")[0] for command in server.commands[0]] == ["ehlo", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("454 4.7.0 Temporary authentication failure", Verdict.AGAIN),
        ("421 4.7.0 Too many logins", Verdict.AGAIN),
        ("530 5.7.0 Encrypt first", Verdict.PAUSE),
        ("534 5.7.9 Application-specific password required", Verdict.PAUSE),
        ("535 5.7.8 Wrong", Verdict.PAUSE),
        ("538 5.7.11 Encryption required", Verdict.PAUSE),
        ("550 5.7.1 Disabled", Verdict.PAUSE),
    ],
)
def test_a_refused_login_pauses_the_channel_and_a_throttled_one_waits(reply: str, verdict: Verdict) -> None:
    with ScriptedSmtp({"EHLO": "250-mail.test\r\n250 AUTH PLAIN", "AUTH": reply}) as server:
        failed = failure(plain(server.port, username="ana", password="a-secret-word"))
    assert failed.fault.verdict is verdict
    assert (failed.fault.spacing is not None) == reply.startswith("454")
    assert "a-secret-word" not in f"{failed} {failed.fault}"


def test_a_wrong_password_is_tried_once_only() -> None:
    script = {"EHLO": "250-mail.test\r\n250 AUTH PLAIN LOGIN CRAM-MD5", "AUTH": "535 5.7.8 Wrong"}
    with ScriptedSmtp(script) as server:
        failure(plain(server.port, username="ana", password="x"))
    assert sum(command.startswith("AUTH") for command in server.commands[0]) == 1


def test_a_server_without_a_login_pauses_a_channel_that_has_a_user_name() -> None:
    with SmtpServer() as server:
        fault = failure(plain(server.port, username="ana", password="x")).fault
    assert fault.verdict is Verdict.PAUSE
    assert "login" in fault.words
    assert server.received == []


@pytest.mark.parametrize("code", [421, 450, 451])
def test_a_passing_fault_at_ehlo_is_no_reason_to_go_on_without_extensions(code: int) -> None:
    with ScriptedSmtp({"EHLO": f"{code} Later"}) as server:
        fault = failure(plain(server.port, username="ana", password="x")).fault
    assert fault.verdict is Verdict.AGAIN
    assert not any(command.upper().startswith("HELO") for command in server.commands[0])


def test_a_server_that_knows_no_ehlo_is_greeted_with_helo() -> None:
    with ScriptedSmtp({"EHLO": "502 5.5.1 Unknown"}) as server:
        transport = plain(server.port)
        assert transport.send(make_mail()).reference == "2.0.0 Ok: queued as 1"
        transport.close()
    assert [command.split()[0].upper() for command in server.commands[0]] == [
        "EHLO",
        "HELO",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    ]


@pytest.mark.parametrize("exclude", [("LOGIN",), ("PLAIN",)])
def test_both_usual_logins_work_with_letters_outside_ascii(exclude: tuple[str, ...]) -> None:
    with SmtpServer(accounts={"ana": "pä55 wörd"}, auth_exclude=exclude) as server:
        transport = plain(server.port, username="ana", password="pä55 wörd")
        transport.send(make_mail())
        transport.close()
    assert len(server.received) == 1


def test_cram_md5_is_answered_as_its_rfc_says() -> None:
    # The example of RFC 2195, section 2.
    challenge = "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
    with ScriptedSmtp({"EHLO": "250-mail.test\r\n250 AUTH CRAM-MD5", "AUTH": f"334 {challenge}"}) as server:
        failure(plain(server.port, username="tim", password="tanstaaftanstaaf"))
    assert server.commands[0][2] == "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"


# --- encryption ---


@pytest.mark.parametrize("security", ["starttls", "force_tls"])
def test_a_certificate_of_an_unknown_authority_is_not_trusted(
    security: str, certificates: Certificates, tmp_path: Path
) -> None:
    stranger = make_certificates(tmp_path)
    with SmtpServer(security=security, context=stranger.server_context) as server:
        transport = SmtpTransport("127.0.0.1", server.port, security, ca_file=certificates.ca_file)
        fault = failure(transport).fault
    assert fault.verdict is Verdict.AGAIN
    assert "certificate" in fault.words
    assert server.received == []


def test_a_server_without_starttls_gets_nothing() -> None:
    with SmtpServer(accounts={"ana": "x"}) as server:
        fault = failure(SmtpTransport("127.0.0.1", server.port, "starttls", "ana", "x")).fault
    assert fault.verdict is Verdict.PAUSE
    assert server.logins == server.received == []


@pytest.mark.parametrize(
    ("reply", "verdict"), [("454 4.7.0 TLS not available", Verdict.AGAIN), ("501 5.5.4 No", Verdict.PAUSE)]
)
def test_a_refused_starttls_is_not_gone_around(reply: str, verdict: Verdict) -> None:
    with ScriptedSmtp({"EHLO": "250-mail.test\r\n250 STARTTLS", "STARTTLS": reply}) as server:
        assert failure(SmtpTransport("127.0.0.1", server.port, "starttls")).fault.verdict is verdict
    assert not any(command.startswith("MAIL") for command in server.commands[0])


@pytest.mark.parametrize(
    ("security", "script"),
    [
        ("starttls", {"EHLO": "250-mail.test\r\n250 STARTTLS", "STARTTLS": SILENT}),
        ("starttls", {"EHLO": "250-mail.test\r\n250 STARTTLS", "STARTTLS": "220 Go ahead"}),
        ("force_tls", {"GREETING": SILENT}),
        ("off", {"EHLO": "250-mail.test\r\n250 AUTH PLAIN", "AUTH": SILENT}),
    ],
)
def test_a_server_that_hangs_in_the_handshake_or_the_login_costs_a_while(security: str, script: dict[str, str]) -> None:
    with ScriptedSmtp(script) as server:
        transport = SmtpTransport("127.0.0.1", server.port, security, "ana", "x", step_timeout=0.3)
        assert failure(transport).fault.verdict is Verdict.AGAIN
    assert server.contents == []


def test_what_follows_the_answer_to_starttls_in_the_clear_is_not_believed(certificates: Certificates) -> None:
    injected = "220 Go ahead\r\n250-evil.test\r\n250 AUTH PLAIN"
    with ScriptedSmtp({"EHLO": "250-mail.test\r\n250 STARTTLS", "STARTTLS": injected}) as server:
        transport = SmtpTransport(
            "127.0.0.1", server.port, "starttls", "ana", "x", certificates.ca_file, step_timeout=0.3
        )
        assert failure(transport).fault.verdict is Verdict.AGAIN
    assert not any(command.startswith("AUTH") for command in server.commands[0])


def test_implicit_tls_against_a_plain_server_fails_softly() -> None:
    with ScriptedSmtp({}) as server:
        fault = failure(SmtpTransport("127.0.0.1", server.port, "force_tls", step_timeout=2)).fault
    assert fault.verdict is Verdict.AGAIN


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("smtp.example.org", False),
    ],
)
def test_unencrypted_mail_stays_on_this_machine(host: str, local: bool) -> None:
    assert is_loopback(host) is local
    if local:
        SmtpTransport(host, 25, "off")
    else:
        with pytest.raises(ConfigError, match=r"^SMTP_SECURITY: [^\n]+$"):
            SmtpTransport(host, 25, "off")
    SmtpTransport(host, 25, "off_forced")


def test_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SMTP_SECURITY"):
        SmtpTransport("smtp.example.org", security="ssl")
    with pytest.raises(ConfigError, match="SMTP_CA_FILE"):
        SmtpTransport("smtp.example.org", ca_file=tmp_path / "missing.pem")
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="SMTP_CA_FILE"):
        SmtpTransport("smtp.example.org", ca_file=tmp_path / "bad.pem")


# --- connections ---


def test_a_connection_carries_several_messages() -> None:
    with SmtpServer() as server:
        transport = plain(server.port)
        for number in range(5):
            transport.send(make_mail(number))
        assert server.connections == 1
        transport.close()
        transport.send(make_mail(6))
        assert server.connections == 2
        transport.close()
    assert len(server.received) == 6


@pytest.mark.parametrize("first", [{"IDLE": DROP}, {"MAIL2": "421 4.4.2 Idle too long"}])
def test_a_kept_connection_that_died_is_opened_anew_once(first: dict[str, str]) -> None:
    with ScriptedSmtp(first, {}) as server:
        transport = plain(server.port)
        transport.send(make_mail(1))
        if "IDLE" in first:
            assert server.closed.acquire(timeout=5)
        transport.send(make_mail(2))
        transport.close()
    assert len(server.contents) == 2
    assert len(server.commands) == 2


def test_a_dead_server_is_not_tried_for_ever() -> None:
    with ScriptedSmtp({"IDLE": DROP}, {"MAIL": DROP}, {}) as server:
        transport = plain(server.port)
        transport.send(make_mail(1))
        assert server.closed.acquire(timeout=5)
        assert failure(transport, make_mail(2)).fault.verdict is Verdict.AGAIN
        assert len(server.commands) == 2


def test_a_drop_later_than_mail_is_not_gone_around() -> None:
    with ScriptedSmtp({"RCPT2": DROP}, {}) as server:
        transport = plain(server.port)
        transport.send(make_mail(1))
        assert failure(transport, make_mail(2)).fault.verdict is Verdict.AGAIN
        assert len(server.commands) == 1


def test_as_many_connections_are_kept_as_were_in_use_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    all_here, deliver = threading.Barrier(8, timeout=5), Session.deliver

    def together(*args: Any, **more: Any) -> str:
        all_here.wait()
        return deliver(*args, **more)

    monkeypatch.setattr(Session, "deliver", together)
    with SmtpServer() as server, ThreadPoolExecutor(8) as pool:
        transport = plain(server.port)
        for start in (0, 8):
            list(pool.map(transport.send, [make_mail(number) for number in range(start, start + 8)]))
        assert len(server.received) == 16
        assert server.connections == 8
        transport.close()


@pytest.mark.parametrize("address", ["ada@example.org>", "<ada@example.org", "ada@example.org SIZE=1", "a\r\nb@x.org"])
def test_an_address_can_say_nothing_but_itself(address: str) -> None:
    with SmtpServer() as server:
        mail = dataclasses.replace(make_mail(), recipient=address)
        assert failure(plain(server.port), mail).fault.verdict is Verdict.GIVE_UP
        assert server.received == []


def test_a_connection_too_long_idle_is_not_used_again() -> None:
    with SmtpServer() as server:
        transport = plain(server.port, idle_timeout=0.0)
        transport.send(make_mail(1))
        transport.send(make_mail(2))
        assert server.connections == 2
        transport.close()


def test_after_a_refusal_the_next_message_is_not_harmed() -> None:
    with SmtpServer() as server:
        transport = plain(server.port)
        transport.send(make_mail(1))
        server.refuse("RCPT", "550 5.1.1 No such user")
        with pytest.raises(SendFailed):
            transport.send(make_mail(2))
        server.relent()
        transport.send(make_mail(3))
        transport.close()
    assert [b"Nudge 3" in received.content for received in server.received] == [False, True]


def test_a_connection_in_use_during_close_is_not_kept() -> None:
    class ClosesMeanwhile(SmtpServer):
        async def handle_DATA(self, *args: Any) -> str:  # noqa: N802
            transport.close()
            return await super().handle_DATA(*args)

    with ClosesMeanwhile() as server:
        transport = plain(server.port)
        transport.send(make_mail(1))
        transport.send(make_mail(2))
        assert server.connections == 2
    assert len(server.received) == 2


def test_it_leaves_with_quit() -> None:
    with ScriptedSmtp({}) as server:
        transport = plain(server.port)
        transport.send(make_mail())
        transport.close()
    assert server.commands[0][-1].upper() == "QUIT"


# --- envelope and content ---


def test_the_envelope_is_the_message_s_own() -> None:
    with SmtpServer() as server:
        transport = plain(server.port)
        transport.send(make_mail(recipient="user+tag@example.org"))
        transport.close()
    assert server.received[0].sender == "reminderd@example.org"
    assert server.received[0].recipients == ("user+tag@example.org",)


def test_an_address_outside_ascii_needs_a_server_that_takes_it() -> None:
    mail = make_mail(recipient="müller@example.org")
    with SmtpServer() as server:
        transport = plain(server.port)
        transport.send(mail)
        transport.send(make_mail(2))
        transport.close()
    assert server.received[0].recipients == ("müller@example.org",)
    assert [received.utf8 for received in server.received] == [True, False]
    with SmtpServer(utf8=False) as server:
        failed = failure(plain(server.port), mail)
    assert failed.fault.verdict is Verdict.GIVE_UP
    assert "SMTPUTF8" in failed.fault.words
    assert "müller" not in str(failed)


@pytest.mark.parametrize("address", ["a@b.org\r\nRCPT TO:<eve@example.org>", "a b@example.org", "a@b.org\x00"])
def test_an_address_cannot_carry_a_command(address: str) -> None:
    with SmtpServer() as server:
        assert failure(plain(server.port), make_mail(recipient=address)).fault.verdict is Verdict.GIVE_UP
    assert server.received == []


def test_eight_bit_content_is_announced_where_the_server_knows_it() -> None:
    with ScriptedSmtp({}, {"EHLO": "250 mail.test"}) as server:
        transport = plain(server.port)
        for _ in range(2):
            transport.send(make_mail(body="Grüße\r\n".encode()))
            transport.close()
    mails = [command for told in server.commands for command in told if command.upper().startswith("MAIL")]
    assert "BODY=8BITMIME" in mails[0]
    assert "SIZE=" in mails[0]
    assert mails[1].endswith("<reminderd@example.org>")


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"a\r\n", b"a\r\n"),
        (b"a", b"a\r\n"),
        (b"", b"\r\n"),
        (b"a\nb\rc\r\n", b"a\r\nb\r\nc\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"a\n.\nb\n", b"a\r\n..\r\nb\r\n"),
        (b"..a\r\n", b"...a\r\n"),
        (b"a.b\r\n", b"a.b\r\n"),
    ],
)
def test_content_travels_with_crlf_and_doubled_dots(content: bytes, wire: bytes) -> None:
    assert wire_form(content) == wire


@given(st.lists(st.sampled_from([b".", b"a", b"\r\n", b"\n", b"\r", b"\xc3\xbc"]), max_size=30).map(b"".join))
def test_no_content_can_end_itself_early(content: bytes) -> None:
    wire = b"\r\n" + wire_form(content)
    lines = re.split(rb"\r\n|\r|\n", content)
    if len(lines) > 1 and lines[-1] == b"":  # the end of the last line is no line
        lines.pop()
    assert [line.removeprefix(b".") for line in wire.split(b"\r\n")[1:-1]] == lines
    assert b"\r\n.\r\n" not in wire
    assert wire.endswith(b"\r\n")
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")


def test_it_carries_no_texts_and_cannot_find() -> None:
    transport = SmtpTransport("smtp.example.org")
    with pytest.raises(TypeError):
        transport.send(Text("+14155550101", "x"))
    assert transport.find(make_mail(), NOW) is None


@pytest.mark.parametrize("security", ["starttls", "force_tls"])
def test_under_tls_it_is_python_that_limits(
    security: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it would go on by itself where the system ends a call."""
    limited: list[socket.socket] = []
    monkeypatch.setattr(smtp_wire, "_limit_by_system", lambda sock, _: bool(limited.append(sock)))
    with SmtpServer(security=security, context=certificates.server_context) as server:
        SmtpTransport("localhost", server.port, security, ca_file=certificates.ca_file).probe()
    assert limited == []


def test_probe_tells_how_the_connection_is_protected(certificates: Certificates) -> None:
    with SmtpServer(security="starttls", context=certificates.server_context, accounts={"ana": "x"}) as server:
        line = SmtpTransport("localhost", server.port, "starttls", "ana", "x", certificates.ca_file).probe()
        assert "TLSv1" in line
        assert "signed in" in line
        with pytest.raises(SendFailed):
            SmtpTransport("localhost", server.port, "starttls", "ana", "y", certificates.ca_file).probe()
