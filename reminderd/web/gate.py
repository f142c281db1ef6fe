"""Who may do what: the cookie, whether a request comes from our own page, and the headers that every answer has."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Protocol
from urllib.parse import urlsplit

from reminderd.setting_kinds import is_loopback
from reminderd.signing import Grant, Purpose, Signer

COOKIE = "reminderd"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
    # A link's token must not leave in a Referer.
    "Referrer-Policy": "no-referrer",
}
PAGE_HEADERS = {
    # With no-referrer a browser sends `Origin: null`, and one that knows no Sec-Fetch-Site could not be told apart
    # from a stranger's page. There are no tokens in the page's own addresses.
    "Referrer-Policy": "same-origin",
}


class Headers(Protocol):
    """A request's headers, by name in any case."""

    def get(self, name: str, /) -> str | None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Gate:
    """Decides for one site; ``root`` is its public address, where there is one."""

    signer: Signer
    root: str | None

    def user_id(self, cookie: str | None, now: dt.datetime) -> int | None:
        """Whose session a cookie is."""
        grant = self.signer.read(cookie, now) if cookie else None
        return grant.user_id if grant is not None and grant.purpose is Purpose.SESSION else None

    def cookie(self, user_id: int, now: dt.datetime) -> str:
        """A session's cookie."""
        return self.signer.sign(Grant(user_id, Purpose.SESSION), now)

    @property
    def is_encrypted(self) -> bool:
        """Whether the public address is https, so that the cookie may be kept to it."""
        return (self.root or "").startswith("https://")

    def is_our_own(self, headers: Headers, *, token: bool = False) -> bool:
        """Whether a POST was made by our own page: Sec-Fetch-Site where the browser sends it, else Origin. What
        carries a ``token`` in its address needs neither; nobody else can know that address."""
        site = headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("Origin")
        if origin in (None, "null"):
            return token
        assert origin is not None
        return origin in self._origins(headers.get("Host") or "")

    def _origins(self, host: str) -> set[str]:
        found = {f"http://{host}"} if is_loopback(_name(host)) else set()
        if self.root:
            parts = urlsplit(self.root)
            found.add(f"{parts.scheme}://{parts.netloc}")
        return found


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
