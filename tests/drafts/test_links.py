"""Links open the right app with the right text, and are never longer than apps take."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from reminderd.drafts import links
from tests.drafts.builders import draft


def fields(link: str) -> dict[str, str]:
    query = urlsplit(link).query.replace("+", "%2B")
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def test_a_mailto_carries_address_subject_and_body() -> None:
    link, cut = links.mailto(draft(subject="Good news & thanks: 100 %", to="ana+work@example.org"))
    assert not cut
    assert link.startswith("mailto:ana+work@example.org?subject=Good%20news%20%26%20thanks%3A%20100%20%25&body=")
    assert "%0D%0A%0D%0A" in link
    assert fields(link)["body"] == draft().body.replace("\n", "\r\n")


@given(st.text(st.characters(codec="utf-8"), max_size=3000), st.text(max_size=80))
def test_a_mailto_is_never_too_long_and_cuts_nothing_in_half(body: str, subject: str) -> None:
    link, cut = links.mailto(draft(body=body, subject=subject.encode("utf-8", "ignore").decode()))
    assert len(link) <= links.MAILTO_LIMIT
    assert link.isascii()
    carried = unquote(link.split("&body=")[1]).replace("\r\n", "\n")
    assert body.replace("\r\n", "\n").startswith(carried)
    assert cut == (carried != body.replace("\r\n", "\n"))


def test_a_long_draft_is_cut_at_a_sentence() -> None:
    link, cut = links.mailto(draft(body="This is one sentence. " * 100))
    assert cut
    assert fields(link)["body"].endswith("sentence.")


def test_a_mailto_cannot_be_given_further_recipients() -> None:
    link, _ = links.mailto(draft(to="ana@example.org?bcc=eve@evil.example&x=", subject="a&bcc=eve@evil.example"))
    assert set(fields(link)) == {"subject", "body"}


def test_the_users_own_copy_goes_by_bcc() -> None:
    link, _ = links.mailto(draft(), "reply+token@example.org")
    assert fields(link)["bcc"] == "reply+token@example.org"


def test_texts_and_calls() -> None:
    assert links.sms("+1 (415) 555-0101", "Hi & bye") == "sms:+14155550101?&body=Hi%20%26%20bye"
    assert links.tel("+49 30 1234") == "tel:+49301234"


def test_only_web_addresses_become_links() -> None:
    assert links.web("https://people.example/ana") == "https://people.example/ana"
    assert links.web("linkedin.com/in/ana") == "https://linkedin.com/in/ana"
    for wrong in ("javascript:alert(1)", "data:text/html,x", 'https://a.example/"onclick="x', "ask me", ""):
        assert links.web(wrong) == ""
