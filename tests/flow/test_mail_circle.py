"""Mails, there and back, on a real Postfix and Dovecot: the nudge arrives, the answer is read, the nudge is done."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from reminderd.clock import utc_now
from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.replies.mailbox import Account, Mailbox, MailboxFault, account_of
from reminderd.rules.book import default_book
from reminderd.settings import load
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, DeliveryKind, DeliveryState, Event, Inbound, User
from reminderd.transports.registry import make_email
from reminderd.wiring import House
from tests.flow.parts import PATIENCE, Recorder, Story, words_of
from tests.servers.kept import Missing
from tests.servers.mail_host import ACCOUNTS, MailHost, await_that, running_mail_host

ADA, BOT, EVE = ACCOUNTS
SECURITIES = ("starttls", "force_tls")


@pytest.fixture(scope="session")
def mail_host() -> Iterator[MailHost]:
    try:
        with running_mail_host() as host:
            yield host
    except Missing as missing:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail(f"Postfix and Dovecot are required here, but {missing}.")
        pytest.skip(str(missing))


class Circle:
    """A user whose daemon sends through Postfix and reads its own mailbox in Dovecot."""

    def __init__(
        self, store: Store, home: Path, host: MailHost, *, security: str = "starttls", box: str = BOT, **more: str
    ) -> None:
        environ = {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(host.postfix.port),
            "SMTP_USERNAME": BOT,
            "SMTP_PASSWORD": ACCOUNTS[BOT],
            "SMTP_CA_FILE": str(host.certificates.ca_file),
            "IMAP_HOST": "127.0.0.1",
            "IMAP_PORT": str(host.dovecot.imap_port if security == "starttls" else host.dovecot.imaps_port),
            "IMAP_SECURITY": security,
            "IMAP_USERNAME": box,
            "IMAP_PASSWORD": ACCOUNTS[box],
            "IMAP_CA_FILE": str(host.certificates.ca_file),
            "IMAP_POLL_SECONDS": "5",
        }
        settings = load(environ | more, None, home)
        self.host = host
        self.now = utc_now() - dt.timedelta(hours=2)  # the servers stamp what they take with the real time
        self.house = House(settings, store, default_book(), frozenset({"email", "sms"}))
        self.texts = Recorder(Channel.SMS)
        transports: dict[Channel, Any] = {Channel.EMAIL: make_email(settings), Channel.SMS: self.texts}
        self.story = Story.begin(
            self.house, transports, ("Maria Lopez", "Ana Mueller"), self.now, created_at=self.now - dt.timedelta(1)
        )
        self.begin()

    def begin(self, *, threads: bool = False) -> None:
        """A new daemon's passes."""
        desk = self.house.desk(threads=threads)
        self.passes = Passes(self.house, lambda: self.story.passes.dispatcher, desk)

    def wait(self) -> None:
        """A minute goes by, and the daemon passes."""
        self.now += dt.timedelta(minutes=1)
        self.passes.drain(lambda: self.now)

    def land(self) -> EmailMessage:
        """The job is theirs; the mail that says so, from the user's mailbox."""
        self.story.land(self.now)
        self.wait()
        return self.host.await_mails(ADA, 1)[0]

    def reply(self, mail: EmailMessage, body: str, *, sender: str = ADA, **headers: str) -> None:
        """Answer a mail as a mail program does; the daemon reads it."""
        answer = EmailMessage()
        answer["From"] = f"Ada Byron <{sender}>"
        answer["To"] = str(mail["Reply-To"])
        answer["Subject"] = f"Re: {mail['Subject']}"
        answer["Message-ID"] = f"<{os.urandom(8).hex()}@phone.example.org>"
        answer["In-Reply-To"] = answer["References"] = str(mail["Message-ID"])
        for name, value in headers.items():
            del answer[name.replace("_", "-")]
            answer[name.replace("_", "-")] = value
        answer.set_content(f"{body}\n\nOn Tue, 24 Nov 2026 at 09:00, reminderd <{BOT}> wrote:\n> DONE 1\n> SKIP 2\n")
        self.post(answer, sender)

    def post(self, message: EmailMessage, sender: str, *recipients: str) -> None:
        before = len(self.host.mails(BOT))
        self.host.post(message, sender, *recipients)
        self.host.await_mails(BOT, before + 1)
        self.wait()

    def states(self) -> list[str]:
        return [nudge.state for nudge in self.story.nudges("accepted")]

    def numbers(self) -> list[int]:
        return [nudge.number for nudge in self.story.nudges("accepted")]

    def rows(self, table: type[Any]) -> list[Any]:
        with self.house.store.reading() as session:
            return list(session.scalars(select(table).order_by(table.id)))

    def user(self) -> User:
        with self.house.store.reading() as session:
            return session.get_one(User, self.story.user_id)

    def answer(self, count: int) -> str:
        """The words of the newest mail, once so many have come to the user."""
        return words_of(self.host.await_mails(ADA, count)[-1])

    def close(self) -> None:
        self.passes.stop_reading()
        self.story.stop()


Make = Callable[..., Circle]


@pytest.fixture
def make(sqlite_store: Store, tmp_path: Path, mail_host: MailHost) -> Iterator[Make]:
    made: list[Circle] = []
    mail_host.empty()

    def begin(**options: str) -> Circle:
        made.append(Circle(sqlite_store, tmp_path, mail_host, **options))
        return made[-1]

    yield begin
    for circle in made:
        circle.close()


@pytest.fixture
def circle(make: Make) -> Circle:
    return make()


@pytest.mark.parametrize("security", SECURITIES)
def test_a_nudge_arrives_and_a_reply_to_it_marks_it_done(make: Make, security: str) -> None:
    circle = make(security=security)
    nudge = circle.land()
    first, _ = circle.numbers()
    assert "Acme" in nudge["Subject"]
    circle.reply(nudge, f"Done {first}, thanks!")
    assert circle.states() == ["done", "open"]
    told = [event for event in circle.rows(Event) if event.data.get("nudge") == first]
    assert [event.kind for event in told] == ["told"]
    answer = circle.host.await_mails(ADA, 2)[-1]
    assert answer["Subject"] == f"Re: {nudge['Subject']}"
    assert answer["In-Reply-To"] == circle.host.mails(BOT)[-1]["Message-ID"]
    assert "Done: " in words_of(answer)
    assert "1 of 2" in words_of(answer)
    circle.reply(answer, "done")
    assert circle.states() == ["done", "done"]


def test_done_all_acts_on_the_mail_that_is_answered(circle: Circle) -> None:
    circle.reply(circle.land(), "done for all of them")
    assert circle.states() == ["done", "done"]


def test_the_buttons_of_the_mail_work_in_any_mail_program(circle: Circle) -> None:
    nudge = circle.land()
    html = nudge.get_body(("html",))
    assert html is not None
    link = next(part for part in html.get_content().split('"') if part.startswith("mailto:") and "SKIP" in part)
    address, _, query = link.replace("&amp;", "&").removeprefix("mailto:").partition("?")
    fields = dict(part.split("=", 1) for part in query.split("&"))
    message = EmailMessage()
    message["From"], message["To"] = ADA, unquote(address)
    message["Subject"], message["Message-ID"] = unquote(fields["subject"]), "<new@phone.example.org>"
    message.set_content(unquote(fields["body"]))
    circle.post(message, ADA)
    assert circle.states()[0] == "skipped"
    assert "Let go" in circle.answer(2)


def test_sending_a_draft_marks_it_done_by_its_blind_copy(circle: Circle) -> None:
    nudge = circle.land()
    html = nudge.get_body(("html",))
    assert html is not None
    link = next(part for part in html.get_content().split('"') if part.startswith("mailto:maria"))
    fields = dict(part.split("=", 1) for part in link.replace("&amp;", "&").partition("?")[2].split("&"))
    message = EmailMessage()
    message["From"], message["To"], message["Bcc"] = ADA, EVE, unquote(fields["bcc"])
    message["Subject"], message["Message-ID"] = unquote(fields["subject"]), "<sent@phone.example.org>"
    message.set_content(unquote(fields["body"]))
    circle.post(message, ADA)
    assert circle.states() == ["done", "open"]
    arrived = circle.host.await_mails(EVE, 1)[0]
    assert unquote(fields["bcc"]) not in arrived.as_string()
    circle.wait()
    assert len(circle.host.mails(ADA)) == 1
    assert [row.kind for row in circle.rows(Delivery)] == [DeliveryKind.NUDGE]


def test_a_reply_of_html_alone_is_understood(circle: Circle) -> None:
    nudge = circle.land()
    first, _ = circle.numbers()
    answer = EmailMessage()
    answer["From"], answer["To"] = ADA, str(nudge["Reply-To"])
    answer["Subject"], answer["Message-ID"] = "Re: x", "<html@phone.example.org>"
    answer["In-Reply-To"] = str(nudge["Message-ID"])
    answer.set_content(
        f"<html><head><style>p {{}}</style></head><body><div dir='auto'><b>Done {first}</b>&nbsp;🎉</div><br>"
        "<div class='gmail_quote'>On Tue reminderd wrote:<blockquote>SKIP 1<br>DONE 2</blockquote></div></body></html>",
        subtype="html",
    )
    circle.post(answer, ADA)
    assert circle.states() == ["done", "open"]


def test_somebody_else_is_not_obeyed_even_below_a_message_of_ours(circle: Circle) -> None:
    nudge = circle.land()
    first, _ = circle.numbers()
    circle.reply(nudge, f"DONE {first}", sender=EVE)
    assert circle.states() == ["open", "open"]
    assert circle.rows(Inbound) == []


def test_a_sender_proves_nothing_without_the_token(circle: Circle) -> None:
    nudge = circle.land()
    first, _ = circle.numbers()
    address = str(nudge["Reply-To"])
    mark = address.partition("-")[2].partition("@")[0]
    forged = address.replace(mark, ("b" if mark[0] == "a" else "a") + mark[1:])
    for to, answered in ((BOT, "<" + "0" * 32 + "@example.org>"), (forged, "<other@example.org>")):
        circle.reply(nudge, f"DONE {first}", To=to, In_Reply_To=answered, References=answered)
    assert circle.states() == ["open", "open"]
    assert circle.rows(Inbound) == []


def test_an_absence_note_and_a_list_do_nothing(circle: Circle) -> None:
    nudge = circle.land()
    first, _ = circle.numbers()
    circle.reply(nudge, f"DONE {first}\n\nI am away.", Auto_Submitted="auto-replied (vacation)")
    circle.reply(nudge, f"DONE {first}", Precedence="bulk")
    circle.reply(nudge, f"DONE {first}", X_Autoreply="yes")
    assert circle.states() == ["open", "open"]
    assert circle.rows(Inbound) == []
    assert len(circle.host.mails(ADA)) == 1


def test_each_mail_is_applied_once_also_by_the_next_daemon(circle: Circle) -> None:
    nudge = circle.land()
    first, _ = circle.numbers()
    circle.reply(nudge, f"DONE {first}")
    assert circle.states() == ["done", "open"]
    circle.story.undo(circle.now)
    circle.passes.stop_reading()
    circle.begin()
    circle.wait()
    assert circle.states() == ["open", "open"]
    assert len(circle.rows(Inbound)) == 1


def test_a_bounce_marks_the_mail_failed_and_the_text_takes_over(circle: Circle) -> None:
    with circle.house.store.writing() as session:
        session.get_one(User, circle.story.user_id).email = "gone@example.org"
    circle.story.land(circle.now)
    circle.wait()
    bounce = circle.host.await_mails(BOT, 1)[0]
    assert bounce.get_content_type() == "multipart/report"
    circle.wait()
    circle.wait()
    first = circle.rows(Delivery)[0]
    assert (first.channel, first.state, first.fault_code) == ("email", DeliveryState.FAILED, "bounced 5.1.1")
    assert any("DONE" in text.body or "draft" in text.body for text in circle.texts.taken)
    assert any("E-mail to you cannot be delivered" in text.body for text in circle.texts.taken)


def test_unsubscribe_ends_mails_and_start_brings_them_back(circle: Circle) -> None:
    nudge = circle.land()
    message = EmailMessage()
    link = str(nudge["List-Unsubscribe"]).strip("<>").removeprefix("mailto:")
    address, _, query = link.partition("?")
    message["From"], message["To"] = ADA, address
    message["Subject"], message["Message-ID"] = query.removeprefix("subject="), "<out@phone.example.org>"
    circle.post(message, ADA)
    assert circle.user().email_enabled is False
    assert "No more mails" in circle.answer(2)
    circle.reply(circle.host.mails(ADA)[-1], "START")
    assert circle.user().email_enabled is True
    assert "Mails are on again" in circle.answer(3)


def test_the_mailbox_may_be_the_users_own(make: Make) -> None:
    circle = make(box=ADA)
    nudge = circle.land()
    circle.wait()
    first, _ = circle.numbers()
    answer = EmailMessage()
    answer["From"], answer["To"] = ADA, str(nudge["Reply-To"])
    answer["Subject"], answer["Message-ID"] = "Re: x", "<own@phone.example.org>"
    answer.set_content(f"{first}\n")
    circle.host.post(answer, ADA)
    circle.host.await_mails(ADA, 2)
    circle.wait()
    assert circle.states() == ["done", "open"]
    circle.host.await_mails(ADA, 3)
    circle.wait()
    assert len(circle.rows(Inbound)) == 1


def test_without_plus_addresses_a_direct_answer_is_still_found(make: Make) -> None:
    circle = make(IMAP_PLUS="off")
    nudge = circle.land()
    assert nudge["Reply-To"] == BOT
    circle.reply(nudge, f"DONE {circle.numbers()[1]}")
    assert circle.states() == ["open", "done"]


@pytest.mark.parametrize("idles", [True, False])
def test_the_waiting_daemon_hears_of_a_reply_from_the_server_or_looks_again(
    circle: Circle, idles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not idles:
        monkeypatch.setattr(Mailbox, "idles", lambda self: False)
    nudge = circle.land()
    first, _ = circle.numbers()
    circle.passes.stop_reading()
    circle.begin(threads=True)
    heard = threading.Event()
    circle.passes.on_landing(heard.set)
    circle.wait()
    watch = circle.passes.desk
    assert watch is not None
    await_that(lambda: "mails" in watch.passed_at())
    heard.clear()
    answer = EmailMessage()
    answer["From"], answer["To"] = ADA, str(nudge["Reply-To"])
    answer["Subject"], answer["Message-ID"] = "Re: x", "<idle@phone.example.org>"
    answer.set_content(f"{first} done\n")
    circle.host.post(answer, ADA)
    assert heard.wait(PATIENCE)
    circle.wait()
    assert circle.states() == ["done", "open"]


def test_the_mailbox_can_be_tried(circle: Circle) -> None:
    found = Mailbox(account_of(circle.house.settings)).probe()
    assert found == "the mailbox at 127.0.0.1 takes the login and tells of new mail by itself"


def test_a_mailbox_that_is_not_ours_is_not_read(mail_host: MailHost) -> None:
    def account(**changes: Any) -> Account:
        given: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": mail_host.dovecot.imap_port,
            "security": "starttls",
            "username": ADA,
            "password": ACCOUNTS[ADA],
            "ca_file": mail_host.certificates.ca_file,
        }
        return Account(**(given | changes))

    faults = {}
    for name, changes in {
        "login": {"password": "wrong"},
        "certificate": {"ca_file": None},
        "unreachable": {"port": 1},
    }.items():
        with pytest.raises(MailboxFault) as caught:
            Mailbox(account(**changes)).fetch(dt.date(2020, 1, 1))
        faults[name] = caught.value
        assert "wrong" not in str(caught.value)
    assert {name: fault.code for name, fault in faults.items()} == {name: name for name in faults}
    assert faults["login"].refused
