"""What people type, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reminderd.cli import providers, values
from reminderd.cli.interview import words_of
from reminderd.cli.people import told_apart
from reminderd.errors import UsageError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada@EXAMPLE.org ", "Ada@example.org"),
        ("ada+work@sub.example.co.uk", "ada+work@sub.example.co.uk"),
        ("ada@localhost", "ada@localhost"),
        ("ada@mail.local", "ada@mail.local"),
        ("ada@example.test", "ada@example.test"),
        ("jürgen@müller.de", "jürgen@müller.de"),
    ],
)
def test_addresses_are_taken_by_their_syntax(given: str, kept: str) -> None:
    assert values.email(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@gmail",
        "ada@@example.org",
        "ada b@example.org",
        "ada@x..org",
        "a@localhost x",
        "ada@example.org\nBcc: eve@example.org",
        f"{'a' * 65}@example.org",
        f"ada@{'x' * 250}.org",
        "@localhost",
    ],
)
def test_what_is_no_address_is_refused_in_one_line(given: str) -> None:
    with pytest.raises(UsageError) as refused:
        values.email(given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "region", "kept"),
    [
        ("+14155550100", None, "+14155550100"),
        ("+1 (415) 555-0100", None, "+14155550100"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("030 1234567", "DE", "+49301234567"),
        ("+49 (0)30 1234567", None, "+49301234567"),
    ],
)
def test_numbers_are_kept_with_their_countrys_prefix(given: str, region: str | None, kept: str) -> None:
    assert values.phone(given, region) == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("415 555 0100", "DEFAULT_REGION"),
        ("+12", "no phone number"),
        ("+1 415 555 010", "numbering plan"),
        ("+15551234567", "numbering plan"),
        ("+999 123456789", "phone number"),
        ("+14155550100 ext. 5", "extension"),
        ("call me", "phone number"),
        ("", "phone number"),
    ],
)
def test_a_number_that_no_plan_has_is_refused(given: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        values.phone(given, None)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Europe/Berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("america/new york", "America/New_York")],
)
def test_zones_are_found_whatever_the_case(given: str, kept: str) -> None:
    assert values.zone(given) == kept


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("Berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Mars/Olympus", "no time zone"),
        ("../etc", "no"),
    ],
)
def test_a_zone_that_is_none_is_refused_with_the_nearest(given: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        values.zone(given)


def test_the_zone_is_guessed_from_tz_then_from_the_systems_link(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/America/Lima")
    assert values.guessed_zone({"TZ": "Europe/Oslo"}, link) == "Europe/Oslo"
    assert values.guessed_zone({"TZ": ":Europe/Oslo"}, link) == "Europe/Oslo"
    assert values.guessed_zone({"TZ": "nonsense"}, link) == "America/Lima"
    assert values.guessed_zone({}, link) == "America/Lima"
    assert values.guessed_zone({}, tmp_path / "missing") == "UTC"


@pytest.mark.parametrize(
    ("given", "kept"), [("3 months", "3 months"), ("90d", "90 days"), ("2w", "2 weeks"), ("a year", "1 year")]
)
def test_lengths_are_kept_in_words(given: str, kept: str) -> None:
    assert values.span("--every", given) == kept


@pytest.mark.parametrize("given", ["often", "3m", "-3 months", "0 days", "5 hours"])
def test_a_length_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="--every"):
        values.span("--every", given)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("example.org/ada", "https://example.org/ada"), ("http://example.org", "http://example.org"), ("", "")],
)
def test_web_addresses_get_their_scheme(given: str, kept: str) -> None:
    assert values.url("--profile", given) == kept


@pytest.mark.parametrize("given", ["javascript:alert(1)", "https://", "ada lovelace", "ftp://example.org", "x" * 501])
def test_what_is_no_web_address_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="--profile"):
        values.url("--profile", given)


@pytest.mark.parametrize(
    ("words", "name", "contact"),
    [
        (("Maria Lopez",), "Maria Lopez", {}),
        (("Maria", "Lopez", "maria@example.org"), "Maria Lopez", {"email": "maria@example.org"}),
        (("Maria Lopez", "+1 415 555 0100"), "Maria Lopez", {"phone": "+1 415 555 0100"}),
        (("m@example.org", "Maria", "+14155550100"), "Maria", {"email": "m@example.org", "phone": "+14155550100"}),
        (("R2-D2",), "R2-D2", {}),
        (("J.R.", "Smith", "m@example.org"), "J.R. Smith", {"email": "m@example.org"}),
        (("Ana", "St.", "John"), "Ana St. John", {}),
        (("J.Smith", "Jr."), "J.Smith Jr.", {}),
        (("j.r.smith", "m@example.org"), "j.r.smith", {"email": "m@example.org"}),
        (("Dr.Maria", "Lopez"), "Dr.Maria Lopez", {}),
        (("Booking.com",), "Booking.com", {}),
    ],
)
def test_names_addresses_and_numbers_are_told_apart_by_shape(
    words: tuple[str, ...], name: str, contact: dict[str, str]
) -> None:
    assert told_apart(words) == (name, contact)


@pytest.mark.parametrize(
    "word", ["maria.example.org", "example.org", "maria.lopez.example.co.uk", "maria.x.org", "https://m.example"]
)
def test_an_address_without_its_at_sign_is_no_part_of_a_name(word: str) -> None:
    for words in (("Maria Lopez", word), ("Maria", "Lopez", word)):
        with pytest.raises(UsageError, match=f"'{word}' is no e-mail address, as it has no @, and no phone number."):
            told_apart(words)


@pytest.mark.parametrize("words", [("maria@example.org",), ("...",), ("Maria", "a@example.org", "b@example.org")])
def test_a_contact_without_a_name_or_two_of_a_kind_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        told_apart(words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Maria Lopez, maria@example.org", ("Maria Lopez", "maria@example.org")),
        ("Maria Lopez <maria@example.org>", ("Maria Lopez", "maria@example.org")),
        ("Maria Lopez maria@example.org", ("Maria", "Lopez", "maria@example.org")),
        ("Maria Lopez", ("Maria", "Lopez")),
    ],
)
def test_a_line_of_the_interview_is_a_name_and_an_address(line: str, words: tuple[str, ...]) -> None:
    assert words_of(line) == words


@pytest.mark.parametrize(
    ("email", "host"),
    [
        ("a@gmail.com", "smtp.gmail.com"),
        ("a@Hotmail.co.uk", "smtp-mail.outlook.com"),
        ("a@outlook.de", "smtp-mail.outlook.com"),
        ("a@fastmail.com", "smtp.fastmail.com"),
        ("a@me.com", "smtp.mail.me.com"),
    ],
)
def test_the_big_providers_are_known_by_the_address(email: str, host: str) -> None:
    provider = providers.provider_of(email)
    assert provider is not None
    assert provider.host == host
    assert provider.password_at.startswith("https://")


def test_other_addresses_have_no_provider_and_microsofts_comes_with_its_warning() -> None:
    assert providers.provider_of("ada@example.org") is None
    outlook = providers.provider_of("ada@outlook.com")
    assert outlook is not None
    assert "reminderd login microsoft" in outlook.warning
