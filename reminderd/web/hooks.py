"""Twilio's webhooks: a text that came in, and what became of one that went out. Only what Twilio signed counts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging

from flask import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # the SDK ships no types

from reminderd.replies import statuses
from reminderd.replies.sms import take_text
from reminderd.store.tables import Delivery
from reminderd.transports.twilio import ReceivedText, TextStatus
from reminderd.wiring import House

log = logging.getLogger(__name__)

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that answers nothing; answers go out as deliveries of their own."""


@dataclasses.dataclass(frozen=True, slots=True)
class Hooks:
    """The webhooks of one house."""

    house: House

    def is_signed(self, request: Request) -> bool:
        """Whether Twilio signed this request for the public address. The Host header says nothing: a proxy or a
        stranger writes it. Without a signature, a token or a public address nothing is."""
        settings = self.house.settings
        signature = request.headers.get("X-Twilio-Signature")
        if not (signature and settings.site_root and settings.twilio_auth_token):
            return False
        query = request.query_string.decode("latin-1")
        url = f"{settings.site_root}{request.path}{f'?{query}' if query else ''}"
        return bool(RequestValidator(settings.twilio_auth_token).validate(url, request.form, signature))

    def inbound(self, request: Request, now: dt.datetime) -> Response:
        """A text from a phone, applied once, however often it is posted, and though it is polled as well."""
        form = request.form
        sid, sender = form.get("MessageSid", ""), form.get("From", "")
        if sid and sender and self._is_ours(request):
            text = ReceivedText(sid, sender, form.get("Body", ""), now)
            with self.house.store.writing(wake=True) as session:
                taken = take_text(session, self.house.door, text, now)
            log.info("text_posted taken=%s", taken)
        return Response(EMPTY, mimetype="text/xml")

    def status(self, request: Request, now: dt.datetime) -> Response:
        """How far a text has come. States only move forward, in whatever order this arrives."""
        form = request.form
        sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
        code = form.get("ErrorCode", "")
        if sid and status and self._is_ours(request):
            found = TextStatus(status, int(code) if code.isascii() and code.isdecimal() and len(code) < 10 else None)
            with self.house.store.writing(wake=True) as session:
                for delivery_id in _deliveries(session, sid):
                    statuses.apply(session, self.house.composer, delivery_id, sid, found, now)
        return Response(status=204)

    def _is_ours(self, request: Request) -> bool:
        account = self.house.settings.twilio_account_sid
        return request.form.get("AccountSid", account) == account


def _deliveries(session: Session, sid: str) -> list[int]:
    query = select(Delivery.id).where(Delivery.channel == "sms", Delivery.provider_reference == sid)
    return list(session.scalars(query))
