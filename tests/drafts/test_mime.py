"""Headers and bodies: any text goes through, nothing gets in between."""

from __future__ import annotations

import datetime as dt
import email
import email.header
import email.policy
import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.drafts import mime

ANY = st.text(st.characters(codec="utf-8"), max_size=300)


def parse(header: str, body: str = "") -> email.message.EmailMessage:
    return email.message_from_bytes((header + "\r\n" + body).encode(), policy=email.policy.default)


@given(ANY)
def test_any_subject_comes_back_and_stays_one_header(subject: str) -> None:
    raw = mime.header("Subject", subject)
    assert raw.isascii()
    assert all(len(line) <= 78 or " " not in line.strip() for line in raw.split("\r\n"))
    assert all(line.startswith(("Subject: ", " ")) for line in raw.removesuffix("\r\n").split("\r\n"))
    name, value = raw.split(": ", 1)
    unfolded = value.removesuffix("\r\n").replace("\r\n", "")
    decoded = str(email.header.make_header(email.header.decode_header(unfolded)))
    assert name == "Subject"
    assert " ".join(decoded.split()) == " ".join(mime.clean(subject).split())


@pytest.mark.parametrize(
    "evil", ["Hi\r\nBcc: eve@evil.example", "Hi\nX: y", "Hi\r\n\r\n<html>", "a\x00b", "a\u2028b\x85c"]
)
def test_nothing_is_injected_into_any_header(evil: str) -> None:
    raw = mime.header("Subject", evil) + mime.raw_header("To", mime.mailbox(evil, f"ada{evil}@example.org"))
    message = parse(raw)
    assert sorted(message.keys()) == ["Subject", "To"]
    assert message.get_payload() == ""


@given(ANY)
def test_any_name_comes_back_from_an_address_header(name: str) -> None:
    raw = mime.raw_header("To", mime.mailbox(name, "ada@example.org"))
    assert raw.isascii()
    value = raw.split(": ", 1)[1].removesuffix("\r\n").replace("\r\n", "")
    shown, address = email.utils.parseaddr(value)
    decoded = str(email.header.make_header(email.header.decode_header(shown)))
    assert address == "ada@example.org"
    assert decoded.split() == mime.clean(name).split()


def test_domains_are_written_in_ascii() -> None:
    assert mime.plain_address("ada@bücher.example") == "ada@xn--bcher-kva.example"
    assert mime.plain_address("jörg@bücher.example") == "jörg@xn--bcher-kva.example"
    assert mime.plain_address("ada@example.org>\r\nBcc: <eve@evil.example") != "ada@example.org"


@given(ANY)
def test_any_text_comes_back_from_a_part(text: str) -> None:
    part = mime.text_part(text, "plain")
    assert part.isascii()
    assert all(len(line) <= 76 for line in part.split("\r\n"))
    assert "\n" not in part.replace("\r\n", "")
    message = email.message_from_bytes(part.encode(), policy=email.policy.default)
    assert message.get_payload(decode=True) == text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def test_a_boundary_cannot_stand_in_any_part() -> None:
    part = mime.text_part("--=_0123456789\r\n=_", "plain")
    whole = mime.multipart("mixed", (part,), "seed")
    boundary = whole.split('boundary="')[1].split('"')[0]
    assert boundary.startswith("=_")
    assert "=_" not in part


def test_the_date_is_written_as_mail_wants_it() -> None:
    moment = dt.datetime(2026, 11, 23, 9, 0, 0, 5, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert mime.date(moment) == "Mon, 23 Nov 2026 08:00:00 +0000"
