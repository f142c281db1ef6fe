"""The message that a nudge's next reminder would come in, made by what makes the real ones; nothing is stored."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
from email.message import EmailMessage

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.carrier import Bundle, Carrier
from reminderd.cli.words import Line, load_lines
from reminderd.message import Channel, Mail, Text
from reminderd.rules.states import State
from reminderd.store.tables import DeliveryKind, Nudge, User
from reminderd.transports.segments import fit
from reminderd.wiring import House


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """A mail as its reader sees it."""

    subject: str
    text: str
    html: str


def mail_parts(house: House, session: Session, user: User, nudge: Nudge, now: dt.datetime) -> Parts:
    """The mail. Raises `TemplateBroken`."""
    message = _message(house, session, user, nudge, Channel.EMAIL, now)
    assert isinstance(message, Mail)
    parsed = email.message_from_bytes(message.content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return Parts(message.subject, _part(parsed, "plain"), _part(parsed, "html"))


def text_message(house: House, session: Session, user: User, nudge: Nudge, now: dt.datetime) -> str:
    """The text message. Raises `TemplateBroken`."""
    message = _message(house, session, user, nudge, Channel.SMS, now)
    assert isinstance(message, Text)
    return message.body


def _message(
    house: House, session: Session, user: User, nudge: Nudge, channel: Channel, now: dt.datetime
) -> Mail | Text:
    def fitted(text: str, tail: str) -> str:
        return fit(text, house.settings.sms_segments, tail)

    carrier = Carrier(house.library, house.book, house.sender, fitted)
    group, kind = _company_of(session, user, nudge, now)
    if channel is Channel.SMS:
        kind = DeliveryKind.NUDGE
    bundle = Bundle(kind, channel, tuple(group), tuple(1 for _ in group))
    with session.no_autoflush:  # the carrier notes on the rows what it told; here that is forgotten
        return carrier.make(session, user, bundle, "preview:0", now)[0].message


def _company_of(session: Session, user: User, nudge: Nudge, now: dt.datetime) -> tuple[list[Nudge], DeliveryKind]:
    """The nudges that come together with this one, and in what kind of message."""
    query = select(Nudge).where(Nudge.user_id == user.id, Nudge.state == State.OPEN).order_by(Nudge.number)
    lines = load_lines(session, list(session.scalars(query)), now)
    own = next((line for line in lines if line.number == nudge.number), None)
    if own is None or own.next_step is None:
        return [nudge], DeliveryKind.NUDGE
    together = [line.nudge for line in lines if _comes_with(line, own) and line.nudge is not None]
    return together, DeliveryKind.DIGEST if own.next_step.lane == "digest" else DeliveryKind.NUDGE


def _comes_with(line: Line, own: Line) -> bool:
    if line.next_step is None or own.next_step is None or line.next_step != own.next_step:
        return False
    if own.next_step.lane == "digest":
        return True
    same_job = line.opportunity == own.opportunity and own.opportunity is not None
    return line.number == own.number or (line.rule == own.rule and same_job)


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""
