"""A stateful fake of Twilio's Messages API on loopback, after Twilio's published API description."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import email.utils
import json
import re
import secrets
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

ACCOUNT = "AC" + "0" * 32
TOKEN = "a-token-for-tests"
SENDER = "+15005550006"
# Twilio's own magic numbers: https://www.twilio.com/docs/iam/test-credentials
MAGIC = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_BASE = "/2010-04-01/Accounts/"


@dataclasses.dataclass(slots=True)
class FakeMessage:
    """A Message resource."""

    sid: str
    to: str
    sender: str
    body: str
    direction: str
    created_at: dt.datetime
    status: str = "queued"
    error_code: int | None = None
    validity_period: int | None = None
    service: str | None = None
    hidden_for: int = 0
    """Listings that do not show it yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Forced:
    """An outcome that replaces or spoils the usual one."""

    status: int = 500
    code: int | None = None
    retry_after: str | None = None
    body: str | None = None
    accept: bool = False
    """The request is carried out before it fails."""
    silent: bool = False
    """No answer until the client gives up."""
    drop: bool = False
    """The connection is closed without an answer."""


class FakeTwilio:
    """Runs between ``with`` and its end, at ``url``. ``messages`` holds what it has taken, oldest first.

    `force` decides the next request or requests; ``hide_for`` keeps newly accepted messages out of that many
    listings; `receive` brings a text from a phone; `set_status` moves one on. ``requests`` lists method and path.
    """

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        token: str = TOKEN,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        trial: bool = False,
    ) -> None:
        self.account, self.token, self.now, self.trial = account, token, now, trial
        self.account_status = "active"
        self.hide_for = 0
        self.messages: list[FakeMessage] = []
        self.requests: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.connections = 0
        self._forced: list[Forced] = []
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def force(
        self,
        status: int = 500,
        code: int | None = None,
        *,
        retry_after: str | None = None,
        body: str | None = None,
        times: int = 1,
    ) -> None:
        """The next ``times`` requests end so, without being carried out; ``body`` replaces the JSON of the error."""
        self._forced += [Forced(status, code, retry_after, body)] * times

    def force_after_accept(self, how: str = "timeout", *, times: int = 1) -> None:
        """The next requests are carried out, and then end in ``timeout``, ``drop``, ``garbage`` (no JSON), ``empty``
        (JSON without a SID) or an HTTP status such as ``500``."""
        outcomes = {
            "timeout": Forced(accept=True, silent=True),
            "drop": Forced(accept=True, drop=True),
            "garbage": Forced(201, accept=True, body="<html>Created</html>"),
            "empty": Forced(201, accept=True, body="{}"),
        }
        self._forced += [outcomes.get(how) or Forced(int(how), accept=True)] * times

    def force_silence(self, *, times: int = 1) -> None:
        """The next requests are neither carried out nor answered."""
        self._forced += [Forced(silent=True)] * times

    def receive(
        self, sender: str, body: str, to: str = SENDER, at: dt.datetime | None = None, service: str | None = None
    ) -> FakeMessage:
        """A text from a phone to our number, or by it to the messaging service that has it."""
        message = FakeMessage(
            _new_sid(), to, sender, body, "inbound", at or self.now(), status="received", service=service
        )
        with self._lock:
            self.messages.append(message)
        return message

    def set_status(self, sid: str, status: str, error_code: int | None = None) -> None:
        """Move a message on."""
        with self._lock:
            message = self.get(sid)
            assert message is not None
            message.status, message.error_code = status, error_code

    def get(self, sid: str) -> FakeMessage | None:
        """The message of that SID."""
        return next((message for message in self.messages if message.sid == sid), None)

    @property
    def sent(self) -> list[FakeMessage]:
        """What was sent through the API."""
        return [message for message in self.messages if message.direction == "outbound-api"]

    def __enter__(self) -> FakeTwilio:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    # --- what the HTTP handler calls ---

    def next_forced(self) -> Forced | None:
        with self._lock:
            return self._forced.pop(0) if self._forced else None

    def wait_until_stopped(self) -> None:
        self._stopping.wait(30)

    def answer(self, method: str, path: str, query: dict[str, str], form: dict[str, str], auth: str) -> Answer:
        """What the API answers, and does."""
        with self._lock:
            if auth != "Basic " + base64.b64encode(f"{self.account}:{self.token}".encode()).decode():
                return _error(401, 20003, "Authenticate")
            account, _, rest = path.removeprefix(_BASE).partition("/")
            if not path.startswith(_BASE) or account.removesuffix(".json") != self.account:
                return _error(404, 20404, f"The requested resource {path} was not found")
            if not rest and method == "GET":
                return Answer(200, {"sid": self.account, "status": self.account_status, "type": self._type()})
            if rest == "Messages.json":
                return self._create(form) if method == "POST" else self._list(path, query)
            named = re.fullmatch(r"Messages/(\w+)\.json", rest)
            found = self.get(named.group(1)) if named and method == "GET" else None
            if found is None:
                return _error(404, 20404, f"The requested resource {path} was not found")
            return Answer(200, self._resource(found))

    def _create(self, form: dict[str, str]) -> Answer:
        complaint = self._complaint(form)
        if complaint is not None:
            return _error(400, complaint, "Bad request")
        body = ("Sent from your Twilio trial account - " if self.trial else "") + form["Body"]
        message = FakeMessage(
            _new_sid(),
            form["To"],
            form.get("From", ""),
            body,
            "outbound-api",
            self.now(),
            status="accepted" if "MessagingServiceSid" in form else "queued",
            validity_period=int(form["ValidityPeriod"]) if "ValidityPeriod" in form else None,
            service=form.get("MessagingServiceSid"),
            hidden_for=self.hide_for,
        )
        self.messages.append(message)
        return Answer(201, self._resource(message))

    def _complaint(self, form: dict[str, str]) -> int | None:
        if not form.get("To"):
            return 21604
        if not (form.get("From") or form.get("MessagingServiceSid")):
            return 21603
        if not form.get("Body"):
            return 21602
        if len(form["Body"]) > 1600:
            return 21617
        if not 1 <= int(form.get("ValidityPeriod", "36000")) <= 36000:
            return 21621
        if form["To"] in MAGIC:
            return MAGIC[form["To"]]
        return None if re.fullmatch(r"\+[1-9]\d{6,14}", form["To"]) else 21211

    def _list(self, path: str, query: dict[str, str]) -> Answer:
        shown = []
        for message in reversed(self.messages):
            if query.get("To") not in (None, message.to) or query.get("From") not in (None, message.sender):
                continue
            if message.hidden_for > 0:
                message.hidden_for -= 1
                continue
            shown.append(message)
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        start = page * size
        following = urllib.parse.urlencode(query | {"Page": str(page + 1), "PageToken": "PA"})
        return Answer(
            200,
            {
                "messages": [self._resource(message) for message in shown[start : start + size]],
                "page": page,
                "page_size": size,
                "start": start,
                "end": start + size - 1,
                "uri": path,
                "first_page_uri": path,
                "previous_page_uri": None,
                "next_page_uri": f"{path}?{following}" if start + size < len(shown) else None,
            },
        )

    def _resource(self, message: FakeMessage) -> dict[str, Any]:
        created = email.utils.format_datetime(message.created_at.astimezone(dt.UTC))
        return {
            "sid": message.sid,
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "messaging_service_sid": message.service,
            "to": message.to,
            "from": message.sender or None,
            "body": message.body,
            "status": message.status,
            "direction": message.direction,
            "num_segments": "1",
            "num_media": "0",
            "date_created": created,
            "date_updated": created,
            "date_sent": None if message.status in ("queued", "accepted") else created,
            "error_code": message.error_code,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "uri": f"{_BASE}{self.account}/Messages/{message.sid}.json",
            "subresource_uris": {},
        }

    def _type(self) -> str:
        return "Trial" if self.trial else "Full"


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    payload: dict[str, Any]


def _error(status: int, code: int, message: str) -> Answer:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Answer(status, {"code": code, "message": message, "more_info": more, "status": status})


def _new_sid() -> str:
    return "SM" + secrets.token_hex(16)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, fake: FakeTwilio) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.fake.connections += 1

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        fake = self.server.fake
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        length = int(self.headers.get("Content-Length") or 0)
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        fake.requests.append(f"{self.command} {parts.path}")
        fake.queries.append(query)
        forced = fake.next_forced()
        answer = None
        if forced is None or forced.accept:
            answer = fake.answer(self.command, parts.path, query, form, self.headers.get("Authorization", ""))
        if forced is None:
            assert answer is not None
            self._write(answer.status, json.dumps(answer.payload))
            return
        if forced.silent:
            fake.wait_until_stopped()
        if forced.silent or forced.drop:
            self.close_connection = True
            return
        refusal = _error(forced.status, forced.code or forced.status, "Forced").payload
        if forced.code is None:
            del refusal["code"]
        self._write(
            forced.status, json.dumps(refusal) if forced.body is None else forced.body, retry_after=forced.retry_after
        )

    def _write(self, status: int, body: str, retry_after: str | None = None) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(raw)
