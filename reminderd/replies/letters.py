"""Reading a mail: whose it is, what it answers, what was said above the quotes. Whatever arrives, it never raises."""

from __future__ import annotations

import dataclasses
import email
import email.errors
import email.header
import email.policy
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import getaddresses

from reminderd import tokens
from reminderd.replies.quoting import html_to_text, unquoted

LONGEST = 200_000
"""Characters of a body that are looked at."""
_OURS = re.compile(r"<[0-9a-f]{32}@[^<>\s]+>")
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_ROUTE = ("to", "cc", "bcc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to",
          "resent-to", "apparently-to", "x-forwarded-to")  # fmt: skip
_FOR = re.compile(r"\bfor\s+<?([^\s<>;]+@[^\s<>;]+)")
_BULK = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_ROBOTS = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-autoresponse", "list-id", "feedback-id")


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """A delivery report (RFC 3464): what became of which message of ours."""

    message_ids: tuple[str, ...]
    action: str
    status: str


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """One mail that came in."""

    message_id: str
    senders: tuple[str, ...]
    """The addresses in From; more than one is nobody's."""
    recipients: tuple[str, ...]
    references: tuple[str, ...]
    """In-Reply-To first, then References from the newest."""
    subject: str
    said: str
    """What was written above, between or below the quotes; empty where nothing was."""
    is_automatic: bool
    report: Report | None = None


def is_candidate(headers: bytes) -> bool:
    """Whether a mail with these headers could be an answer, a copy or a delivery report."""
    text = headers.decode("ascii", "replace")
    return tokens.looks_tokened(text) or _OURS.search(text) is not None or "report-type" in text.lower()


def read(content: bytes) -> Received | None:
    """The mail; ``None`` for what is none."""
    try:
        message = email.message_from_bytes(content, policy=email.policy.compat32)
        return _read(message)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError):
        # The standard library's parser has thrown each of these at what spammers send.
        return None


def _read(message: Message) -> Received:
    report = _report(message)
    said = "" if report else unquoted(_body(message)[:LONGEST])
    answered = _ids(message, "in-reply-to") + tuple(reversed(_ids(message, "references")))
    return Received(
        message_id=next(iter(_ids(message, "message-id")), ""),
        senders=tuple(address.casefold() for _, address in _addresses(message, "from")),
        recipients=tuple(_recipients(message)),
        references=tuple(dict.fromkeys(answered))[:50],
        subject=_header(message, "subject"),
        said=said,
        is_automatic=report is not None or _is_automatic(message),
        report=report,
    )


# ---- headers


def _header(message: Message, name: str) -> str:
    """One header in plain words."""
    value = message.get(name)
    if value is None:
        return ""
    try:
        decoded = str(email.header.make_header(email.header.decode_header(str(value))))
    except (ValueError, LookupError, email.errors.HeaderParseError):
        decoded = str(value)
    return " ".join(decoded.split())


def _all(message: Message, name: str) -> list[str]:
    return [" ".join(str(value).split()) for value in message.get_all(name, [])]


def _ids(message: Message, name: str) -> tuple[str, ...]:
    return tuple(found for value in _all(message, name) for found in _MESSAGE_ID.findall(value))


def _addresses(message: Message, name: str) -> list[tuple[str, str]]:
    return [pair for pair in getaddresses(_all(message, name)) if "@" in pair[1]]


def _recipients(message: Message) -> Iterator[str]:
    """Every address that it may have come to: a blind copy's stands only where the servers noted it."""
    for name in _ROUTE:
        for _, address in _addresses(message, name):
            yield address
    for value in _all(message, "received"):
        yield from _FOR.findall(value)


def _is_automatic(message: Message) -> bool:
    submitted = _header(message, "auto-submitted").casefold().partition(";")[0].strip()
    if submitted not in ("", "no"):
        return True
    if _all(message, "return-path") and all(value.strip() in ("<>", "") for value in _all(message, "return-path")):
        return True
    if _header(message, "precedence").casefold() in _BULK:
        return True
    return any(message.get(name) is not None for name in _ROBOTS)


# ---- bodies


def _body(message: Message) -> str:
    """The plain text; of a mail that has only HTML, its words."""
    found: dict[str, str] = {}
    for part in message.walk():
        kind = part.get_content_type()
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        if kind in ("text/plain", "text/html") and kind not in found:
            found[kind] = _text(part)
    plain = found.get("text/plain", "")
    return plain if plain.strip() else html_to_text(found.get("text/html", "")[:LONGEST])


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    try:
        return raw.decode(charset, "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


# ---- delivery reports


def _report(message: Message) -> Report | None:
    if message.get_content_type() != "multipart/report":
        return None
    fields: dict[str, str] = {}
    ids: list[str] = []
    for part in message.walk():
        kind = part.get_content_type()
        if part.get("action") and "action" not in fields:
            fields = {
                "action": _header(part, "action").casefold(),
                "status": _header(part, "status").partition(" ")[0],
            }
        if kind == "text/rfc822-headers":
            ids += _ids(email.message_from_string(_text(part)), "message-id")
        elif part is not message and part.get("message-id"):
            ids += _ids(part, "message-id")
    if not fields:
        return None
    return Report(tuple(dict.fromkeys(ids))[:10], fields["action"], fields["status"])
