"""OAuth2 for mail (XOAUTH2): a refresh token becomes access tokens, fetched when needed and kept until they end."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reminderd import clock
from reminderd.errors import ReminderdError

log = logging.getLogger(__name__)

SPARE_FOR = dt.timedelta(seconds=60)
"""A token is not used in its last minute."""
_DEFAULT_FOR = dt.timedelta(minutes=5)
_TIMEOUT = (10, 20)
_FINAL = frozenset(
    ("invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type")
)


class TokenRefused(ReminderdError):
    """The provider gives no access token until somebody signs in again."""


class TokenDelayed(ReminderdError):
    """The provider gave no access token now; it may later."""

    exit_code = 75


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """What a provider wants to see. ``kept_in`` is a file (0600) for a newer refresh token that it may hand out."""

    token_url: str
    client_id: str
    refresh_token: str = dataclasses.field(repr=False)
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    kept_in: Path | None = None


class Tokens:
    """The access tokens of one account. May be used from several threads."""

    def __init__(self, account: Account, now: Callable[[], dt.datetime] = clock.utc_now) -> None:
        self._account, self._now = account, now
        self._lock = threading.Lock()
        self._token = ""
        self._until: dt.datetime | None = None

    def access(self, *, not_this: str = "") -> str:
        """A token that is good for a while; another one than ``not_this``, which was refused. Raises `TokenRefused`
        or `TokenDelayed`."""
        with self._lock:
            if self._token and self._token != not_this and self._until is not None and self._now() < self._until:
                return self._token
            self._refresh()
            return self._token

    def _refresh(self) -> None:
        account = self._account
        asked_at = self._now()
        fields = {
            "grant_type": "refresh_token",
            "client_id": account.client_id,
            "refresh_token": self._newest(),
            **({"client_secret": account.client_secret} if account.client_secret else {}),
        }
        answer = ask(account.token_url, fields)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token or any(ord(sign) < 33 or ord(sign) > 126 for sign in token):
            raise TokenDelayed("The mail provider's answer holds no access token; it will be asked again.")
        self._token, self._until = token, asked_at + lifetime(answer) - SPARE_FOR
        newer = answer.get("refresh_token")
        if isinstance(newer, str) and newer and newer != fields["refresh_token"]:
            self._keep(newer)

    def _newest(self) -> str:
        """The refresh token that was handed out last; the one of the settings where that is another one meanwhile."""
        path = self._account.kept_in
        if path is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                kept = json.loads(path.read_text("utf-8"))
                if kept["instead_of"] == self._mark():
                    return str(kept["refresh_token"])
        return self._account.refresh_token

    def _keep(self, token: str) -> None:
        path = self._account.kept_in
        if path is None:
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # made with mode 0600
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"instead_of": self._mark(), "refresh_token": token}, file)
            os.replace(name, path)
        except OSError as error:
            log.warning("refresh_token_not_kept reason=%s", type(error).__name__)

    def _mark(self) -> str:
        return hashlib.sha256(self._account.refresh_token.encode()).hexdigest()


def ask(url: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """One question to a token endpoint (RFC 6749, section 5). Nothing of the answer to a refusal but its code is told.
    Raises `TokenRefused` or `TokenDelayed`."""
    import requests  # Twilio brings it; 60 ms

    try:
        answer = requests.post(url, data=dict(fields), timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise TokenDelayed("The mail provider's sign-in could not be reached.") from error
    try:
        found = answer.json()
    except ValueError:
        found = None
    found = found if isinstance(found, dict) else {}
    if answer.status_code == 200:
        return found
    code = str(found.get("error", ""))
    if code in _FINAL:
        raise TokenRefused(f"The mail provider wants a new sign-in ({code}): reminderd login gmail, or microsoft.")
    raise Unfinished(code or str(answer.status_code))


class Unfinished(TokenDelayed):
    """An answer other than a token that is no final refusal; ``code`` is the provider's word for it."""

    def __init__(self, code: str) -> None:
        plain = "".join(sign for sign in code if sign.isalnum() or sign == "_")[:40]
        super().__init__(f"The mail provider gave no access token ({plain}); it will be asked again.")
        self.code = plain


def lifetime(answer: Mapping[str, Any]) -> dt.timedelta:
    """How long an access token lasts, by the provider's word."""
    try:
        return dt.timedelta(seconds=max(60, min(int(answer["expires_in"]), 86_400)))
    except (KeyError, TypeError, ValueError):
        return _DEFAULT_FOR


def xoauth2(username: str, token: str) -> bytes:
    """The answer to AUTH XOAUTH2, before base64: for SMTP, and for IMAP's AUTHENTICATE."""
    return f"user={username}\x01auth=Bearer {token}\x01\x01".encode()
