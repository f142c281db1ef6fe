"""The Twilio SDK's client, with a time-out, another base URL and no log of its own."""

from __future__ import annotations

import datetime as dt
import json
import logging
import urllib.parse
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # the SDK ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # the same
from twilio.rest import Client  # type: ignore[import-untyped]  # the same

# Its debug lines hold query strings, and those hold phone numbers.
logging.getLogger("urllib3").setLevel(logging.INFO)


API = "https://api.twilio.com"
CONNECTIONS = 100


class Refused(Exception):
    """An answer other than 2xx. The SDK's own exceptions drop Retry-After."""

    def __init__(self, status: int, code: int | None, retry_after: dt.timedelta | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.code, self.retry_after = status, code, retry_after


class Unreadable(Exception):
    """A 2xx answer that is no JSON object: the request was probably carried out."""


def make_client(account_sid: str, auth_token: str, api_url: str | None, timeout: tuple[float, float]) -> Any:
    """A client that raises `Refused`, `Unreadable` or an exception of `requests`, and never tries twice. ``timeout``
    is for connecting and for each silence while reading. Safe to share between threads."""
    return Client(account_sid, auth_token, http_client=_HttpClient(api_url, timeout))


class _HttpClient(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    def __init__(self, api_url: str | None, timeout: tuple[float, float]) -> None:
        super().__init__()
        self.timeout = timeout  # the SDK's constructor compares it with 0, which a pair cannot be
        self._base = urllib.parse.urlsplit(api_url) if api_url else None
        self.session = _make_session(api_url or API)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        response = super().request(method, self._rebased(url), *args, **kwargs)
        payload = _json_object(response.text)
        if not 200 <= response.status_code < 300:
            raise Refused(response.status_code, _error_code(payload), _retry_after(response.headers))
        if payload is None:
            raise Unreadable
        return response

    def log_request(self, kwargs: Any) -> None:
        """Nothing: the SDK's lines hold phone numbers."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Nothing."""

    def _rebased(self, url: str) -> str:
        if self._base is None:
            return url
        parts = urllib.parse.urlsplit(url)
        path = self._base.path.rstrip("/") + parts.path
        return urllib.parse.urlunsplit((self._base.scheme, self._base.netloc, path, parts.query, ""))


def _make_session(url: str) -> requests.Session:
    """Proxies and authorities as the environment has them now: asked for each text, that is a quarter of its cost. As
    many connections are kept as were in use at a time; the SDK keeps six on two cores, and makes the others anew."""
    session = requests.Session()
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.trust_env = dict(found["proxies"]), found["verify"], False
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
    return session


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        payload = json.loads(text)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _error_code(payload: dict[str, Any] | None) -> int | None:
    code = (payload or {}).get("code")
    return code if isinstance(code, int) else None


def _retry_after(headers: Mapping[str, str]) -> dt.timedelta | None:
    # The other form, a date, would need the clock; Twilio sends seconds.
    value = headers.get("Retry-After", "").strip()
    return dt.timedelta(seconds=min(int(value), 86_400)) if value.isascii() and value.isdigit() else None
