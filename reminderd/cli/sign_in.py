"""Two ways to a refresh token: by a code typed elsewhere (RFC 8628), or by a browser on this machine (RFC 8252)."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import http.server
import secrets
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from reminderd.errors import ReminderdError
from reminderd.oauth import Unfinished, ask

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LONGEST_INTERVAL = 60


class SignInFailed(ReminderdError):
    """The sign-in came to no end."""


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """One mail provider's addresses, and what is asked for there."""

    name: str
    scope: str
    token_url: str
    authorize_url: str
    device_url: str = ""
    """Empty where the code way does not give mail: Google's does not."""
    smtp: tuple[str, str] = ("", "")
    """Server and security."""
    imap: str = ""


GMAIL = Provider(
    "gmail",
    scope="https://mail.google.com/",
    token_url="https://oauth2.googleapis.com/token",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    smtp=("smtp.gmail.com", "starttls"),
    imap="imap.gmail.com",
)
_MICROSOFT = "https://login.microsoftonline.com/common/oauth2/v2.0"
MICROSOFT = Provider(
    "microsoft",
    scope=("https://outlook.office.com/SMTP.Send https://outlook.office.com/IMAP.AccessAsUser.All offline_access"),
    token_url=f"{_MICROSOFT}/token",
    authorize_url=f"{_MICROSOFT}/authorize",
    device_url=f"{_MICROSOFT}/devicecode",
    smtp=("smtp.office365.com", "starttls"),
    imap="outlook.office365.com",
)
PROVIDERS = {provider.name: provider for provider in (GMAIL, MICROSOFT)}


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """The program as it is registered with the provider."""

    id: str
    secret: str | None = dataclasses.field(default=None, repr=False)

    @property
    def fields(self) -> dict[str, str]:
        return {"client_id": self.id, **({"client_secret": self.secret} if self.secret else {})}


def by_code(
    provider: Provider,
    client: Client,
    tell: Callable[[str], None],
    *,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Show a code to type on any device, and wait until that is done. Returns the refresh token. Raises
    `SignInFailed`, `TokenRefused` or `TokenDelayed`."""
    told = ask(provider.device_url, {"client_id": client.id, "scope": provider.scope})
    try:
        code, word, where = str(told["device_code"]), str(told["user_code"]), str(told["verification_uri"])
        interval = min(max(1, int(told.get("interval", 5))), _LONGEST_INTERVAL)
        left = int(told.get("expires_in", 900))
    except (KeyError, TypeError, ValueError) as error:
        raise SignInFailed("The provider's answer holds no code to type.") from error
    tell(f"Open {where} on any device and type: {word}")
    fields = {"grant_type": DEVICE_GRANT, "device_code": code, **client.fields}
    while left > 0:
        wait(interval)
        left -= interval
        try:
            return _refresh_token(ask(provider.token_url, fields))
        except Unfinished as answer:
            if answer.code == "slow_down":
                interval = min(interval + 5, _LONGEST_INTERVAL)
            elif answer.code != "authorization_pending":
                raise SignInFailed(f"The sign-in was not finished ({answer.code}).") from answer
    raise SignInFailed("Nobody typed the code in time. Start again.")


def by_browser(
    provider: Provider,
    client: Client,
    tell: Callable[[str], None],
    *,
    port: int = 0,
    email: str | None = None,
    patience: float = 600,
) -> str:
    """Have a browser on this machine ask for consent, and take its answer on loopback. Returns the refresh token.
    Raises `SignInFailed`, `TokenRefused` or `TokenDelayed`."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    with _Listener(port, state) as listener:
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": client.id,
            "response_type": "code",
            "redirect_uri": listener.address,
            "scope": provider.scope,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",
            **({"login_hint": email} if email else {}),
        }
        tell(f"Open in a browser on this machine:\n{provider.authorize_url}?{urllib.parse.urlencode(query)}")
        code = listener.wait(patience)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": listener.address,
            "code_verifier": verifier,
            **client.fields,
        }
    return _refresh_token(ask(provider.token_url, fields))


def _refresh_token(answer: dict[str, Any]) -> str:
    token = answer.get("refresh_token")
    if not isinstance(token, str) or not token.isprintable() or not token:
        raise SignInFailed("The provider gave no refresh token: see docs/oauth.md on the registration.")
    return token


class _Listener(http.server.HTTPServer):
    """Takes the browser's way back, once, on loopback only."""

    def __init__(self, port: int, state: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.state, self.code, self.refusal = state, "", ""
        self.address = f"http://127.0.0.1:{self.server_port}/"

    def wait(self, patience: float) -> str:
        """The code. What does not carry our state is answered and forgotten."""
        ends = time.monotonic() + patience
        while not self.code and not self.refusal:
            self.timeout = ends - time.monotonic()
            if self.timeout <= 0:
                raise SignInFailed("The browser did not come back in time. Start again.")
            self.handle_request()
        if self.refusal:
            raise SignInFailed(f"The provider was told no ({self.refusal}).")
        return self.code


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Listener
    timeout = 10

    def do_GET(self) -> None:
        """The redirect, with the code or the refusal."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        ours = hmac.compare_digest(query.get("state", "").encode(), self.server.state.encode())
        if ours and query.get("code"):
            self.server.code = query["code"]
            self._say(200, "Signed in. You can close this window.")
        elif ours:
            self.server.refusal = "".join(sign for sign in query.get("error", "") if sign.isalnum() or sign == "_")[:40]
            self.server.refusal = self.server.refusal or "no reason given"
            self._say(200, "Not signed in. You can close this window.")
        else:
            self._say(404, "There is nothing here.")

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: its lines hold the code."""
