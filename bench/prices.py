"""What mail and text providers allow and ask, as published: looked up on 24 November 2026, in copies of the pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

SES_QUOTAS = "https://docs.aws.amazon.com/ses/latest/dg/quotas.html"
SES_PRICES = "https://aws.amazon.com/ses/pricing/"
GMAIL = "https://support.google.com/mail/answer/22839"
WORKSPACE = "https://support.google.com/a/answer/166852"
MICROSOFT = (
    "https://learn.microsoft.com/en-us/office365/servicedescriptions/exchange-online-service-description/"
    "exchange-online-limits#sending-limits-1"
)
SOCKETLABS = "https://help.socketlabs.com/docs/smtp-server-restrictions"
TWILIO_QUEUE = "https://www.twilio.com/docs/api/errors/21611"
TWILIO_TOLL_FREE = (
    "https://support.twilio.com/hc/en-us/articles/4411046744987-Toll-Free-SMS-and-MMS-messaging-throughput-MPS"
)
TWILIO_POOL = "https://www.twilio.com/docs/api/errors/21714"
TWILIO_PRICES = "https://www.twilio.com/en-us/sms/pricing/us"
DAY = 86_400


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """How quickly a provider takes messages; ``per_second`` is ``None`` where that is no question of time."""

    who: str
    link: str
    what: str
    per_second: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Price:
    """Dollars for each mail, or for each part of a text."""

    who: str
    link: str
    what: str
    each: float


LIMITS: Sequence[Limit] = (
    Limit("Gmail", GMAIL, "500 mails a day", 500 / DAY),
    Limit("Google Workspace", WORKSPACE, "2,000 mails a day", 2000 / DAY),
    Limit("Microsoft 365", MICROSOFT, "30 mails a minute, 10,000 recipients a day", 0.5),
    Limit("Amazon SES, sandbox", SES_QUOTAS, "1 mail a second, 200 a day", 200 / DAY),
    Limit("Amazon SES, out of it", SES_QUOTAS, "by account; no figure is published"),
    Limit("SocketLabs", SOCKETLABS, "10 connections at a time, 50 mails on each"),
    Limit("Twilio, an ordinary US number", TWILIO_QUEUE, "1 part of a text a second; queues 10 hours", 1),
    Limit("Twilio, a toll-free number", TWILIO_TOLL_FREE, "3 parts a second, more on request", 3),
    Limit("Twilio, a short code", TWILIO_QUEUE, "100 parts a second", 100),
    Limit("Twilio, a messaging service", TWILIO_POOL, "up to 400 numbers; what they do together"),
)
MAIL_PRICES: Sequence[Price] = (
    Price("Amazon SES, à la carte", SES_PRICES, "$0.10 for 1,000 mails (July 2026)", 0.0001),
    Price("Amazon SES, Essentials", SES_PRICES, "$0.16 for 1,000 mails (July 2026)", 0.00016),
)
TEXT_PRICES: Sequence[Price] = (
    Price(
        "Twilio, to the United States",
        TWILIO_PRICES,
        "$0.0083 for each part, and the carrier's fee (July 2026)",
        0.0083,
    ),
)
