"""Signed, expiring links: each says whose it is, which nudge and what for, and nobody can make one without the key."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import hashlib
import hmac
from typing import TYPE_CHECKING

from reminderd.errors import ConfigError

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

LONGEST = 200
"""Characters of a token; the longest real one has about half of that."""


class Purpose(enum.StrEnum):
    """What a token allows."""

    DONE = "done"
    ALL = "all"
    """The nudge and all that go with it in one message."""
    SNOOZE = "snooze"
    SKIP = "skip"
    DRAFT = "draft"
    """See the draft, and act on its nudge from there."""
    STOP = "stop"
    """No more mail to this user."""
    ENTER = "enter"
    """Get a session on the page."""
    SESSION = "session"
    """The page's cookie."""


_LETTERS = {
    Purpose.DONE: "d",
    Purpose.ALL: "a",
    Purpose.SNOOZE: "z",
    Purpose.SKIP: "k",
    Purpose.DRAFT: "t",
    Purpose.STOP: "x",
    Purpose.ENTER: "e",
    Purpose.SESSION: "s",
}
_PURPOSES = {letter: purpose for purpose, letter in _LETTERS.items()}
ON_NUDGES = frozenset({Purpose.DONE, Purpose.ALL, Purpose.SNOOZE, Purpose.SKIP, Purpose.DRAFT})
VALID_FOR = {
    Purpose.STOP: dt.timedelta(days=400),
    Purpose.ENTER: dt.timedelta(minutes=15),
    Purpose.SESSION: dt.timedelta(days=30),
}
"""How long a token lives; those on nudges for `ON_NUDGES_FOR`."""
ON_NUDGES_FOR = dt.timedelta(days=60)


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """What a token that was read allows. ``number`` is 0 for what concerns no nudge."""

    user_id: int
    purpose: Purpose
    number: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Signer:
    """Makes and reads tokens with the key of the installation."""

    key: bytes = dataclasses.field(repr=False)

    def sign(self, grant: Grant, now: dt.datetime) -> str:
        """A token for ``grant``, for as long as its purpose lasts."""
        until = now + VALID_FOR.get(grant.purpose, ON_NUDGES_FOR)
        content = [_LETTERS[grant.purpose], grant.user_id, grant.number, int(until.timestamp()) // 60]
        return str(self._serializer.dumps(content))

    def read(self, token: str, now: dt.datetime) -> Grant | None:
        """What ``token`` allows; ``None`` where it is altered, made with another key, or too old."""
        from itsdangerous import BadData

        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            content = self._serializer.loads(token)
        except BadData:
            return None
        if not self._is_written_so(token):
            return None
        letter, user_id, number, until = content
        if now.timestamp() >= until * 60:
            return None
        return Grant(user_id, _PURPOSES[letter], number)

    def _is_written_so(self, token: str) -> bool:
        """Base64 leaves bits over at its end, so that several texts stand for one signature; one of them is ours."""
        value, _, signature = token.rpartition(".")
        ours = self._serializer.make_signer(self._serializer.salt).get_signature(value)
        return hmac.compare_digest(ours, signature.encode())

    @property
    def _serializer(self) -> URLSafeSerializer:
        try:
            from itsdangerous import URLSafeSerializer
        except ModuleNotFoundError as error:
            raise ConfigError("Links and page need more: pip install 'reminderd[web]'.") from error
        return URLSafeSerializer(self.key, salt=b"reminderd link", signer_kwargs={"digest_method": hashlib.sha256})


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """The public address, and the links below it."""

    root: str
    signer: Signer

    def action(self, user_id: int, number: int, action: str, now: dt.datetime) -> str:
        """The link for ``done``, ``all``, ``snooze``, ``skip`` or ``draft`` of a nudge."""
        return self._link("a", Grant(user_id, Purpose(action), number), now)

    def stop(self, user_id: int, now: dt.datetime) -> str:
        """The link that stops all mail to a user (RFC 8058)."""
        return self._link("u", Grant(user_id, Purpose.STOP), now)

    def enter(self, user_id: int, now: dt.datetime) -> str:
        """The link to the page."""
        return self._link("in", Grant(user_id, Purpose.ENTER), now)

    def _link(self, path: str, grant: Grant, now: dt.datetime) -> str:
        return f"{self.root}/{path}/{self.signer.sign(grant, now)}"
