"""Mails as programs send them, and what is read in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.replies.letters import is_candidate, read
from reminderd.replies.quoting import first_line, html_to_text, unquoted

OURS = "<0123456789abcdef0123456789abcdef@example.org>"


def mail(body: str, **headers: str) -> bytes:
    given = {"From": "Ada <ada@example.org>", "To": "bot@example.org", "Message-ID": "<1@example.org>"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return ("".join(f"{name}: {value}\r\n" for name, value in given.items()) + "\r\n" + body).encode()


QUOTED = [
    ("done", "done"),
    ("Done 7\n\nOn Tue, 24 Nov 2026 at 09:00, reminderd <bot@example.org> wrote:\n> DONE 1\n", "Done 7"),
    ("Done 7\n\nOn Tue, 24 Nov 2026 at 09:00, reminderd\n<bot@example.org> wrote:\n\n> DONE 1\n", "Done 7"),
    ("Done 7\nOn Tue, 24 Nov 2026 at 09:00, reminderd wrote:\n> DONE 1\n", "Done 7"),
    ("Erledigt\n\nAm 24.11.2026 um 09:00 schrieb reminderd:\n> DONE 1\n", "Erledigt"),
    ("Done\n\n-----Original Message-----\nFrom: reminderd\nDONE 1\n", "Done"),
    ("Done\n\n________________________________\nFrom: reminderd <b@x>\nSent: Tuesday\nDONE 1\n", "Done"),
    ("Done\n\nVon: reminderd <b@x>\nGesendet: Dienstag\nDONE 1\n", "Done"),
    ("> DONE 1\n> SKIP 2\n\nsnooze 7 3d\n", "snooze 7 3d"),
    ("On Tue, reminderd wrote:\n> DONE 1\n\ndone 7\n", "done 7"),
    ("Done 7\n\n-- \nAda Byron\n7 Lane", "Done 7"),
    ("Done 7\n\nSent from my iPhone\n\n> DONE 1\n", "Done 7"),
    ("Erledigt\n\nVon meinem iPhone gesendet", "Erledigt"),
    ("\n\n\n  Done 7  \n", "Done 7"),
    ("> DONE 1\n", ""),
    ("", ""),
    ("Left a voicemail.\nShe calls back on Monday.\n\n> DONE 1", "Left a voicemail.\nShe calls back on Monday."),
]


@pytest.mark.parametrize(("body", "said"), QUOTED)
def test_what_was_quoted_or_added_by_the_program_is_not_what_was_said(body: str, said: str) -> None:
    assert unquoted(body) == said
    letter = read(mail(body.replace("\n", "\r\n")))
    assert letter is not None
    assert letter.said == said


HTML = [
    ("<p>Done&nbsp;7</p>", "Done 7"),
    ("<div dir=ltr>Done 7<br></div><div class='gmail_quote'>On Tue x wrote:<br>DONE 1</div>", "Done 7"),
    ("<html><style>DONE 1</style><body>skip <b>7</b><blockquote>DONE 1</blockquote></body>", "skip 7"),
    ("<div>DONE 7</div><div id='appendonsend'></div><hr><div><b>From:</b> reminderd</div><p>SKIP 1</p>", "DONE 7"),
    ("<blockquote>DONE 1</blockquote><p>later</p>", "later"),
    ("<p>unclosed <i>done", "unclosed done"),
    ("", ""),
]


@pytest.mark.parametrize(("html", "said"), HTML)
def test_a_mail_of_html_alone_is_read_by_its_words(html: str, said: str) -> None:
    assert first_line(unquoted(html_to_text(html))) == said
    letter = read(mail(html, Content_Type="text/html; charset=utf-8"))
    assert letter is not None
    assert first_line(letter.said) == said


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; x=y"},
        {"Return_Path": "<>"},
        {"Precedence": "Bulk"},
        {"Precedence": "auto_reply"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<friends.example.org>"},
    ],
)
def test_what_a_program_sent_by_itself_is_known(headers: dict[str, str]) -> None:
    letter = read(mail("DONE 7", **headers))
    assert letter is not None
    assert letter.is_automatic


@pytest.mark.parametrize("headers", [{}, {"Auto_Submitted": "no"}, {"Return_Path": "<ada@example.org>"}])
def test_what_a_person_sent_is_known(headers: dict[str, str]) -> None:
    letter = read(mail("DONE 7", **headers))
    assert letter is not None
    assert not letter.is_automatic
    assert letter.senders == ("ada@example.org",)


REPORT = f"""--b\r
Content-Type: text/plain\r
\r
It did not work.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.org\r
\r
Final-Recipient: rfc822; ada@example.org\r
Action: failed\r
Status: 5.1.1\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
From: bot@example.org\r
Message-ID: {OURS}\r
\r
--b--\r
"""


def test_a_delivery_report_names_the_mail_and_what_became_of_it() -> None:
    content = mail(REPORT, Content_Type="multipart/report; report-type=delivery-status; boundary=b")
    assert is_candidate(content.partition(b"\r\n\r\n")[0])
    letter = read(content)
    assert letter is not None
    assert letter.report is not None
    assert (letter.report.action, letter.report.status) == ("failed", "5.1.1")
    assert OURS in letter.report.message_ids
    assert letter.is_automatic
    assert letter.said == ""


def test_answers_name_the_newest_of_ours_first() -> None:
    letter = read(mail("x", In_Reply_To="<c@x>", References="<a@x>\r\n <b@x> <c@x>"))
    assert letter is not None
    assert letter.references == ("<c@x>", "<b@x>", "<a@x>")


def test_a_blind_copy_is_found_by_what_the_servers_noted() -> None:
    address = "ada+d1-7-abcdefghijklmnopqrst@example.org"
    for headers in (
        {"X_Original_To": address},
        {"Delivered_To": address},
        {"Received": f"from a by b for <{address}>;\r\n Tue, 24 Nov 2026 09:00:00 +0000"},
        {"Bcc": f"Ada <{address}>"},
    ):
        content = mail("Dear Maria", **headers)
        assert is_candidate(content.partition(b"\r\n\r\n")[0])
        letter = read(content)
        assert letter is not None
        assert address in letter.recipients


def test_other_peoples_mail_is_not_even_fetched() -> None:
    assert not is_candidate(mail("", Subject="Lunch?", References="<abc@mail.example.org>"))
    assert not is_candidate(mail("", To="ada+shop@example.org", Cc="d1-7@example.org"))


@given(st.binary(max_size=600))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    read(content)
    is_candidate(content)


_parts = st.sampled_from(
    [
        *("From: ada@example.org\r\n", "To: a@b, \r\n", "Message-ID: <a@b>\r\n", "Subject: =?utf-8?b?w6?=\r\n", "\r\n"),
        *("Content-Type: multipart/report; boundary=b\r\n", "Content-Type: text/html; charset=nope\r\n", "--b\r\n"),
        *("Content-Transfer-Encoding: base64\r\n", "Content-Type: message/delivery-status\r\n", "Action: failed\r\n"),
        *("Content-Type: message/rfc822\r\n", "<div><blockquote", "DONE 7\r\n", "--b--\r\n", "References: <\r\n", "=?"),
    ]
)


@given(st.lists(_parts, max_size=25))
def test_no_pieces_of_mail_break_the_reader(parts: list[str]) -> None:
    read("".join(parts).encode())
