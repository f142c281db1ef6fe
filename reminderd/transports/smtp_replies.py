"""What a mail server's answer means: one table, first match wins."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import re

from reminderd.rules.retry import Fault, Verdict


class Stage(enum.StrEnum):
    """How far a conversation with a mail server had come (RFC 5321, section 3)."""

    CONNECT = "connect"
    HELLO = "hello"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    """The end of the content has been handed over: from here on the message may have been sent."""


DELAYED = "The mail server cannot take mail now."
UNREACHABLE = "The mail server could not be reached, or the connection broke."
UNKNOWN = "The mail server did not confirm the message: it may have been sent."
THROTTLED = "The mail server slows down logins."
SIGN_IN = (
    "The mail server does not accept the login: check SMTP_USERNAME and SMTP_PASSWORD "
    "(some providers want an app password)."
)
BAD_SENDER = "The mail server does not accept the sender: check SMTP_FROM."
REJECTED_ADDRESS = "The mail server rejected the address: correct it."
FULL = "The mailbox is full, or the message too large for it."
POLICY = "The mail server refused the message as spam or by its policy."
CONFIGURATION = "The mail server does not understand the request: check SMTP_HOST, SMTP_PORT and SMTP_SECURITY."
REFUSED = "The mail server refused the message for good."


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """Replies whose code, enhanced code (RFC 3463; empty when there is none) and stage match."""

    code: str
    enhanced: str
    stages: frozenset[Stage] | None
    verdict: Verdict
    words: str
    spacing: dt.timedelta | None = None

    def matches(self, stage: Stage, code: str, enhanced: str) -> bool:
        """Whether this row speaks of the reply."""
        return (
            (self.stages is None or stage in self.stages)
            and re.fullmatch(self.code, code) is not None
            and re.fullmatch(self.enhanced, enhanced) is not None
        )


_ANY = r".*"
_AUTH, _TLS, _MAIL, _RCPT = (frozenset({stage}) for stage in (Stage.AUTH, Stage.TLS, Stage.MAIL, Stage.RCPT))

# Codes: RFC 5321 section 4.2.3, RFC 4954 section 6, RFC 3207, RFC 7504; enhanced codes: RFC 3463, RFC 5248.
TABLE = (
    Row(r"454", _ANY, _AUTH, Verdict.AGAIN, THROTTLED, spacing=dt.timedelta(minutes=30)),
    Row(r"4\d\d", _ANY, None, Verdict.AGAIN, DELAYED),
    Row(r"5\d\d", r"4\..*", None, Verdict.AGAIN, DELAYED),
    Row(r"530|534|535|538", _ANY, None, Verdict.PAUSE, SIGN_IN),
    Row(r"5\d\d", _ANY, _AUTH, Verdict.PAUSE, SIGN_IN),
    Row(r"5\d\d", _ANY, _TLS, Verdict.PAUSE, CONFIGURATION),
    # Postfix tells at RCPT what it dislikes about MAIL, so the sender's own codes count at every stage.
    Row(r"5\d\d", r"5\.1\.[78]", None, Verdict.PAUSE, BAD_SENDER),
    Row(r"5\d\d", r"5\.1\.\d+", _MAIL, Verdict.PAUSE, BAD_SENDER),
    Row(r"5\d\d", r"5\.1\.\d+|5\.2\.1", None, Verdict.BAD_ADDRESS, REJECTED_ADDRESS),
    Row(r"552", _ANY, None, Verdict.GIVE_UP, FULL),
    Row(r"5\d\d", r"5\.2\.\d+|5\.3\.4", None, Verdict.GIVE_UP, FULL),
    Row(r"5\d\d", r"5\.7\.\d+", None, Verdict.GIVE_UP, POLICY),
    Row(r"50[0-4]|555", _ANY, None, Verdict.GIVE_UP, CONFIGURATION),
    Row(r"550|551|553|556", r"", _RCPT, Verdict.BAD_ADDRESS, REJECTED_ADDRESS),
    Row(r"5\d\d", _ANY, None, Verdict.GIVE_UP, REFUSED),
)


def fault_for_reply(stage: Stage, code: int, text: bytes) -> Fault:
    """What a reply other than the wanted one means. None of the server's own text is kept: it may name people."""
    enhanced = enhanced_code(text)
    for row in TABLE:
        if row.matches(stage, str(code), enhanced):
            return Fault(row.verdict, f"{code} {enhanced}".strip(), row.words, spacing=row.spacing)
    return fault_for_loss(stage)


def fault_for_loss(stage: Stage) -> Fault:
    """What a connection that broke, went silent or spoke nonsense means."""
    if stage is Stage.DOT:
        return Fault(Verdict.RECONCILE, "unconfirmed", UNKNOWN)
    return Fault(Verdict.AGAIN, f"lost at {stage}", UNREACHABLE)


def enhanced_code(text: bytes) -> str:
    """The enhanced status code that a reply begins with, or an empty string (RFC 2034)."""
    found = re.match(rb"[245]\.\d{1,3}\.\d{1,3}(?!\S)", text)
    return found.group().decode("ascii") if found else ""
