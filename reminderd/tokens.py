"""Addresses that say who answers and what about, and that nobody can make who has not the key."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import re

_LENGTH = 20
"""Characters of the mark: 100 bits."""
_TOKEN = re.compile(rf"\+(r|d)([0-9]{{1,18}})(?:-([0-9]{{1,9}}))?-([a-z2-7]{{{_LENGTH}}})(?=@|\Z)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """Whose address it is; with a ``number`` it is the copy that says that this nudge was sent."""

    user_id: int
    number: int | None = None


def reply_address(address: str, key: bytes, user_id: int) -> str:
    """``ada+r1-…@example.org``: where a user's answers go."""
    return _plus(address, f"r{user_id}", key)


def done_address(address: str, key: bytes, user_id: int, number: int) -> str:
    """``ada+d1-7-…@example.org``: a copy that comes here says that nudge 7 was sent."""
    return _plus(address, f"d{user_id}-{number}", key)


def looks_tokened(text: str) -> bool:
    """Whether something like one of these addresses stands in ``text``."""
    return _MAYBE.search(text) is not None


def read_token(address: str, key: bytes) -> Token | None:
    """What an address says, or ``None`` where it is none of these or was not made with this key."""
    match = _TOKEN.search(address.strip())
    if match is None:
        return None
    kind, user_id, number, mark = match.groups()
    body = f"{kind.lower()}{user_id}" + (f"-{number}" if number else "")
    if (kind.lower() == "d") != bool(number) or not hmac.compare_digest(_mark(body, key), mark.lower()):
        return None
    return Token(int(user_id), int(number) if number else None)


_MAYBE = re.compile(_TOKEN.pattern.removesuffix(r"(?=@|\Z)") + "@", re.IGNORECASE)


def _plus(address: str, body: str, key: bytes) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}+{body}-{_mark(body, key)}@{domain}"


def _mark(body: str, key: bytes) -> str:
    digest = hashlib.blake2b(body.encode(), key=key[:64], person=b"reminderd reply", digest_size=16).digest()
    return base64.b32encode(digest).decode().lower()[:_LENGTH]
