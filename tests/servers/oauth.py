"""A provider's sign-in on loopback: the token endpoint (RFC 6749), the device flow (RFC 8628), a consent page."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

CLIENT = "client-1"
SECRET = "a-client-secret"
REFRESH = "refresh-0"


class FakeProvider:
    """Runs between ``with`` and its end, at ``url``. ``requests`` are the fields of what was posted."""

    def __init__(self, *, rotates: bool = False, pending: int = 2, mark: str = "") -> None:
        self.rotates, self.pending, self.mark = rotates, pending, mark
        """``mark`` is what every token begins with that is handed out."""
        self.requests: list[dict[str, str]] = []
        self.refused: str | None = None
        """The error that every refresh gets."""
        self.raw: str | None = None
        """The answer to every refresh, as it stands."""
        self.refresh_tokens = [REFRESH]
        self.issued: list[str] = []
        self.expires_in: Any = 3600
        self.challenge = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> FakeProvider:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, fields: dict[str, str]) -> tuple[int, str]:
        self.requests.append(fields)
        if path == "/device":
            told = {"device_code": "device-1", "user_code": "ABCD-EFGH", "verification_uri": f"{self.url}/enter"}
            return 200, json.dumps(told | {"expires_in": 900, "interval": 1})
        if self.raw is not None:
            return 200, self.raw
        if self.refused is not None:
            return 400, json.dumps({"error": self.refused, "error_description": "about ada@example.org"})
        kind = fields.get("grant_type")
        if fields.get("client_id") != CLIENT:
            return 401, json.dumps({"error": "invalid_client"})
        if kind == "refresh_token" and fields.get("refresh_token") not in self.refresh_tokens:
            return 400, json.dumps({"error": "invalid_grant"})
        if kind == "authorization_code":
            digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != self.challenge or fields["code"] != "code-1":
                return 400, json.dumps({"error": "invalid_grant"})
        if kind == "urn:ietf:params:oauth:grant-type:device_code" and self.pending > 0:
            self.pending -= 1
            return 400, json.dumps({"error": "authorization_pending"})
        return 200, json.dumps(self._tokens(kind))

    def _tokens(self, kind: str | None) -> dict[str, Any]:
        self.issued.append(f"{self.mark}access-{len(self.issued) + 1}")
        told: dict[str, Any] = {
            "access_token": self.issued[-1], "token_type": "Bearer", "expires_in": self.expires_in
        }  # fmt: skip
        if self.rotates or kind != "refresh_token":
            self.refresh_tokens.append(f"{self.mark}refresh-{len(self.refresh_tokens)}")
            told["refresh_token"] = self.refresh_tokens[-1]
        return told


def _handler(provider: FakeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            fields = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
            status, text = provider.answer(self.path, fields)
            self._send(status, text)

        def do_GET(self) -> None:
            """The consent page, at once agreed to."""
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            provider.requests.append(query)
            provider.challenge = query.get("code_challenge", "")
            back = urllib.parse.urlencode({"code": "code-1", "state": query.get("state", "")})
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.end_headers()

        def _send(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    return Handler
