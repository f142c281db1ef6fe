"""Texts through Twilio's Messages API."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reminderd import clock
from reminderd.errors import SettingError
from reminderd.message import Channel, Message, Text
from reminderd.rules.retry import Fault, Verdict
from reminderd.transports.base import Receipt, SendFailed
from reminderd.transports.twilio_codes import UNKNOWN, UNREACHABLE, fault_for_answer, fault_for_status

TRIAL_PREFIX = "Sent from your Twilio trial account - "
LONGEST_VALIDITY = 36_000
_SUSPENDED = fault_for_status(30002)


@dataclasses.dataclass(frozen=True, slots=True)
class TextStatus:
    """How far a text has come, in Twilio's words (``queued``, ``sent``, ``delivered``, ``undelivered``, …)."""

    status: str
    error_code: int | None = None

    @property
    def fault(self) -> Fault | None:
        """Why it did not arrive, once that is final."""
        return fault_for_status(self.error_code) if self.status in ("failed", "undelivered", "canceled") else None


@dataclasses.dataclass(frozen=True, slots=True)
class ReceivedText:
    """A text that somebody sent to our number."""

    sid: str
    sender: str
    body: str
    received_at: dt.datetime


class TwilioTransport:
    """Texts from ``from_number`` or a messaging service; what becomes of them is posted to ``status_callback`` where
    that is given. The SDK is imported on first use.

    ``find`` tells whether a text whose answer was lost is there: Twilio takes no idempotency key. A new message may
    be missing from the first listings, so ask again after a while before sending anew.
    """

    name = "twilio"
    channel = Channel.SMS
    can_find = True

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        from_number: str | None = None,
        messaging_service_sid: str | None = None,
        api_url: str | None = None,
        *,
        status_callback: str | None = None,
        connect_timeout: float = 10,
        timeout: float = 30,
        skew: dt.timedelta = dt.timedelta(seconds=60),
        page_size: int = 100,
        now: Callable[[], dt.datetime] = clock.utc_now,
    ) -> None:
        if not (from_number or messaging_service_sid):
            raise SettingError("TWILIO_FROM", "a number, or TWILIO_MESSAGING_SERVICE_SID set instead", None)
        if api_url and urllib.parse.urlsplit(api_url).scheme not in ("http", "https"):
            raise SettingError("TWILIO_API_URL", "a URL that begins with https://", api_url)
        self._account_sid, self._auth_token, self._api_url = account_sid, auth_token, api_url
        self._sender = {"from_": from_number, "messaging_service_sid": messaging_service_sid}
        self._number, self._service, self._status_callback = from_number, messaging_service_sid, status_callback
        self._timeout = (connect_timeout, timeout)
        self._skew, self._page_size, self._now = skew, page_size, now
        self.deadline_for = dt.timedelta(seconds=connect_timeout + timeout + 5)
        self._lock = threading.Lock()
        self._shared: Any = None

    def send(self, message: Message) -> Receipt:
        """Queue a text at Twilio; the receipt is its SID. It is dropped there once it is useless."""
        if not isinstance(message, Text):
            raise TypeError("Twilio carries texts only")
        wanted: dict[str, object] = {key: value for key, value in self._sender.items() if value}
        if self._status_callback:
            wanted["status_callback"] = self._status_callback
        if message.useless_at is not None:
            wanted["validity_period"] = validity(message.useless_at, self._now())
        with _told():
            created = self._client().messages.create(to=message.recipient, body=message.body, **wanted)
        if not isinstance(created.sid, str):
            raise SendFailed(Fault(Verdict.RECONCILE, "unreadable", UNKNOWN))
        return Receipt(created.sid)

    def find(self, message: Message, since: dt.datetime) -> Receipt | None:
        """The text with this recipient and body that Twilio took at or after ``since`` (give or take the skew of the
        clocks). A fault never says more than that it is still unknown, or that the account is the cause."""
        if not isinstance(message, Text):
            raise TypeError("Twilio carries texts only")
        # Not by DateSent: that has whole days only, and queued texts have none.
        since -= self._skew
        with _told(asking=True):
            for listed in self._listed(to=message.recipient, since=since):
                if str(listed.direction).startswith("outbound") and same_body(message.body, listed.body or ""):
                    return Receipt(listed.sid)
        return None

    def fetch_status(self, sid: str) -> TextStatus:
        """How far the text named by a receipt has come. Raises `SendFailed` when the question failed."""
        with _told(asking=True):
            found = self._client().messages(sid).fetch()
        return TextStatus(str(found.status), found.error_code)

    def list_received(self, since: dt.datetime) -> list[ReceivedText]:
        """The texts since then to our number, or to any of the messaging service's, oldest first. Overlap the times
        that you ask for, and tell repeated ones by their SID."""
        with _told(asking=True):
            listed = [
                ReceivedText(found.sid, found.from_ or "", found.body or "", found.date_created)
                for found in self._listed(to=self._number, since=since)
                if found.direction == "inbound"
                # Which numbers a service has is for another API to tell; that it took a text in stands with the text.
                and (self._number or found.messaging_service_sid == self._service)
            ]
        return sorted(listed, key=lambda text: text.received_at)

    def probe(self) -> str:
        """Ask for the account, sending nothing. Raises `SendFailed`."""
        with _told():
            account = self._client().api.v2010.accounts(self._account_sid).fetch()
        if account.status != "active":
            raise SendFailed(_SUSPENDED)
        return f"Twilio account is active ({account.type or 'type unknown'})"

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            client, self._shared = self._shared, None
        if client is not None:
            client.http_client.session.close()

    def _client(self) -> Any:
        from reminderd.transports.twilio_client import make_client  # 100 ms and 15 MiB

        with self._lock:
            if self._shared is None:
                self._shared = make_client(self._account_sid, self._auth_token, self._api_url, self._timeout)
            return self._shared

    def _listed(self, *, to: str | None, since: dt.datetime) -> Iterator[Any]:
        """Messages to a number, or all the account's, since then: newest first as Twilio lists them, page by page."""
        wanted = {"to": to} if to else {}
        page = self._client().messages.page(page_size=self._page_size, **wanted)
        while page is not None:
            listed = list(page)
            yield from (message for message in listed if message.date_created and message.date_created >= since)
            if listed and _all_older(listed, since - dt.timedelta(days=1)):
                return
            page = page.next_page()


def validity(useless_at: dt.datetime, now: dt.datetime) -> int:
    """Twilio's ValidityPeriod: whole seconds until the text is useless, within what the API takes (1 to 36,000)."""
    return max(1, min(LONGEST_VALIDITY, int((useless_at - now).total_seconds())))


def same_body(sent: str, listed: str) -> bool:
    """Whether a listed body is the one sent: a trial account writes its own words before it, and the ends of lines
    and of the text may have been tidied."""
    return _tidy(listed.removeprefix(TRIAL_PREFIX)) == _tidy(sent.removeprefix(TRIAL_PREFIX))


def _tidy(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


def _all_older(listed: Iterable[Any], than: dt.datetime) -> bool:
    return all(message.date_created and message.date_created < than for message in listed)


@contextlib.contextmanager
def _told(*, asking: bool = False) -> Iterator[None]:
    """Whatever fails within is told as `SendFailed`. Where only a question was ``asking``, no fault may claim that
    the text was not sent."""
    import requests
    from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # the SDK ships no types

    from reminderd.transports.twilio_client import Refused, Unreadable

    try:
        yield
    except Refused as error:
        fault = fault_for_answer(error.status, error.code, error.retry_after)
        cause: Exception = error
    except requests.RequestException as error:
        fault, cause = _network_fault(error), error
    except (Unreadable, TwilioException, AttributeError, KeyError, TypeError, ValueError) as error:
        # The SDK reads an answer without looking whether it has the promised shape.
        fault, cause = Fault(Verdict.RECONCILE, "unreadable", UNKNOWN), error
    else:
        return
    if asking and fault.verdict is not Verdict.PAUSE:
        fault = dataclasses.replace(fault, verdict=Verdict.RECONCILE)
    raise SendFailed(fault) from cause


def _network_fault(error: Exception) -> Fault:
    """Again where no connection came about, so that nothing was sent; else the outcome is unknown."""
    import ssl

    import requests
    from urllib3.exceptions import NewConnectionError

    causes = list(_causes(error))
    if any(isinstance(cause, requests.ConnectTimeout | NewConnectionError) for cause in causes):
        return Fault(Verdict.AGAIN, "unreachable", UNREACHABLE)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Fault(Verdict.AGAIN, "certificate", "Twilio's certificate is not trusted.")
    return Fault(Verdict.RECONCILE, "unconfirmed", UNKNOWN)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was raised from or holds as its reason."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop()
        if isinstance(current, BaseException) and current not in seen:
            seen.append(current)
            waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
    yield from seen
