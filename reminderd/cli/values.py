"""Values that people type, checked: each function gives what is stored or raises `UsageError` with one line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from reminderd.errors import UsageError
from reminderd.rules.calendar import parse_span, zone_exists

LOCAL_DOMAINS = ("localhost", "local", "test")
"""Domains of one machine or network, which no registry knows but a mail server of your own may serve."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


def text(what: str, given: str, most: int) -> str:
    """One line of at most ``most`` characters, without spaces at its ends."""
    found = given.strip()
    if _CONTROL.search(found):
        raise UsageError(f"{what}: expected text on one line.")
    if len(found) > most:
        raise UsageError(f"{what}: expected at most {most} characters, not {len(found)}.")
    return found


def name(given: str) -> str:
    """A person's or company's name: some letter or digit, single spaces."""
    found = " ".join(text("Name", given, 200).split())
    if not any(letter.isalnum() for letter in found):
        raise UsageError(f"Expected a name, not {given!r}.")
    return found


def email(given: str) -> str:
    """An e-mail address by its syntax alone; nobody is asked whether it exists."""
    from email_validator import EmailNotValidError, validate_email

    wanted = given.strip()
    before, _, domain = wanted.rpartition("@")
    own = domain.casefold().rpartition(".")[2] in LOCAL_DOMAINS
    try:
        found = validate_email(
            f"{before}@example.org" if own and before else wanted, check_deliverability=False, strict=True
        ).normalized
    except EmailNotValidError as error:
        raise UsageError(f"{given!r} is no e-mail address: {_uncapped(str(error))}") from None
    if own:
        found = f"{found.rpartition('@')[0]}@{domain.casefold()}"
    return text("E-mail", found, 254)


def phone(given: str, region: str | None) -> str:
    """A phone number that some country's numbering plan has, as +14155550100."""
    import phonenumbers

    try:
        number = phonenumbers.parse(given, region)
    except phonenumbers.NumberParseException as error:
        if _lacks_prefix(given, region) and error.error_type == error.INVALID_COUNTRY_CODE:
            raise UsageError(
                f"{given!r} has no country's prefix: write it like +14155550100, or set DEFAULT_REGION."
            ) from None
        raise UsageError(f"{given!r} is no phone number; expected one like +14155550100.") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        what = "has an extension, which cannot be texted" if number.extension else "is in no country's numbering plan"
        raise UsageError(f"{given!r} {what}; expected a phone number like +14155550100.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _lacks_prefix(given: str, region: str | None) -> bool:
    return region is None and not given.strip().startswith(("+", "00"))


def looks_like_email(given: str) -> bool:
    return "@" in given


def looks_like_host(given: str) -> bool:
    """A site, or an address without its @: one word that ends in a dot and small letters, and more than initials
    before them."""
    return bool(re.fullmatch(r"https?:\S+|[^\s/]*\w{2}[^\s/]*\.[a-z]{2,}(/\S*)?", given))


def looks_like_phone(given: str) -> bool:
    """Digits and what people put between them, and at least three digits."""
    return bool(re.fullmatch(r"\+?[\d\s()./-]+", given)) and sum(map(str.isdigit, given)) >= 3


def url(what: str, given: str, most: int = 500) -> str:
    """An address of the web; https:// is put before one that lacks it."""
    found = text(what, given, most)
    if not found:
        return found
    if not re.match(r"[a-z][a-z0-9+.-]*:", found, re.IGNORECASE):
        found = f"https://{found}"
    if not re.fullmatch(r"https?://[^\s/?#.]+(\.[^\s/?#.]+)*([/?#]\S*)?", found, re.IGNORECASE):
        raise UsageError(f"{what}: expected an address such as https://example.org/ada, not {given!r}.")
    return text(what, found, most)


def zone(given: str) -> str:
    """A time zone by its IANA name, whatever the case."""
    wanted = given.strip()
    if zone_exists(wanted):
        return wanted
    import difflib
    from zoneinfo import available_timezones

    known = {name.casefold(): name for name in available_timezones() if zone_exists(name)}
    if found := known.get(wanted.casefold().replace(" ", "_")):
        return found
    near = [known[key] for key in known if key.rpartition("/")[2] == wanted.casefold().replace(" ", "_")][:3]
    near = near or [known[key] for key in difflib.get_close_matches(wanted.casefold(), known, n=3, cutoff=0.7)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f"{given!r} is no time zone; expected a name such as Europe/Berlin.{hint}")


def span(what: str, given: str) -> str:
    """A length of time in whole days, as it is kept: ``3 months``."""
    try:
        found = parse_span(given)
    except ValueError as error:
        raise UsageError(f"{what}: {error}.") from None
    if found.hours or found.minutes:
        raise UsageError(f"{what}: expected whole days, weeks or months, not {given!r}.")
    if min(found.months, found.days, found.working_days) < 0 or not (found.months or found.days or found.working_days):
        raise UsageError(f"{what}: expected more than nothing, such as 3 months, not {given!r}.")
    return str(found)


def choice(what: str, given: str, choices: tuple[str, ...]) -> str:
    """One of a few words, whatever the case."""
    found = given.strip().casefold()
    if found not in choices:
        raise UsageError(f"{what}: expected {', '.join(choices[:-1])} or {choices[-1]}, not {given!r}.")
    return found


def guessed_zone(environ: Mapping[str, str], localtime: Path = Path("/etc/localtime")) -> str:
    """The system's zone by TZ or /etc/localtime; UTC where it cannot be told."""
    given = environ.get("TZ", "").removeprefix(":")
    if given and zone_exists(given):
        return given
    for path in (os.path.realpath(given or localtime), os.path.realpath(localtime)):
        found = path.partition("/zoneinfo/")[2]
        if found and zone_exists(found):
            return found
    return "UTC"


def _uncapped(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"
