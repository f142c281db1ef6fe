"""The kinds of value that a setting may have: what is expected, in words, and the check."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """``parse`` takes the text and the folder that relative paths start from; it raises ValueError."""

    expected: str
    parse: Callable[[str, Path], Any]


def one_of(*words: str) -> Kind:
    """One of ``words``, in capitals or not."""
    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", lambda text, _: words[words.index(text.lower())])


def whole(least: int, most: int) -> Kind:
    """A whole number within bounds."""
    return Kind(f"a whole number from {least} to {most}", lambda text, _: _within(int(text), least, most))


def sid(prefix: str) -> Kind:
    """A Twilio identifier. Its length is not checked: stand-ins for Twilio use shorter ones."""
    return Kind(f"an identifier that begins with {prefix}", lambda text, _: _matched(rf"{prefix}[0-9A-Za-z]+", text))


def address_or_none(text: str | None) -> str | None:
    """``text``, if it is an e-mail address."""
    return text if text and re.fullmatch(_ADDRESS, text) else None


def host_and_port(text: str) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or `:port` (every address) in two parts."""
    parts = urlsplit(f"//{text}")
    if parts.port is None or parts.netloc != text or "@" in text:
        raise ValueError
    return parts.hostname or "0.0.0.0", parts.port


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine by its very name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def token_url(host: str | None) -> str | None:
    """Where the provider of a mail server hands out access tokens, for those that want them."""
    name = (host or "").casefold()
    if name.endswith((".gmail.com", ".googlemail.com", ".google.com")):
        return "https://oauth2.googleapis.com/token"
    if name.endswith((".outlook.com", ".office365.com", ".office.com")):
        return "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    return None


_ADDRESS = r"[^\s@<>\"(),:;\\]+@[^\s@<>\"(),:;\\.]+(\.[^\s@<>\"(),:;\\.]+)*"


def _matched(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError
    return text


def _within(number: Any, least: float, most: float) -> Any:
    if not least <= number <= most:
        raise ValueError
    return number


def _text(text: str, base: Path) -> str:
    if any(ord(character) < 32 for character in text):
        raise ValueError
    return text


def _secret(text: str, base: Path) -> str:
    # App passwords copied from a web page come in groups parted by no-break spaces.
    return _text(text, base).replace("\xa0", " ")


def _host(text: str, base: Path) -> str:
    if ":" in text:
        return str(ipaddress.IPv6Address(text.strip("[]")))
    return _matched(r"[^\s/@\[\]]+", text)


def _path(text: str, base: Path) -> Path:
    return base / Path(_text(text, base)).expanduser()


def _file(text: str, base: Path) -> Path:
    path = _path(text, base)
    if not path.is_file():
        raise ValueError
    return path


def _url(text: str, base: Path) -> str:
    """Without a slash at the end, so that paths can be joined to it."""
    parts = urlsplit(_ping_url(text, base))
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError
    return text.rstrip("/")


def _ping_url(text: str, base: Path) -> str:
    parts = urlsplit(_matched(r"\S+", text))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    return text


def _database(text: str, base: Path) -> str:
    scheme, _, rest = text.partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg") and _text(rest, base):
        return f"postgresql+psycopg://{rest}"
    file = rest.removeprefix("/")
    if scheme != "sqlite" or not rest.startswith("/") or file in ("", ":memory:") or "?" in file:
        raise ValueError
    return f"sqlite:///{_path(file, base)}"


def _listen(text: str, base: Path) -> str:
    host_and_port(text)
    return text


def _seconds(text: str, base: Path) -> tuple[int, ...]:
    return tuple(_within(int(part), 1, 86_400) for part in text.split(","))


TEXT = Kind("text on one line", _text)
SECRET = Kind("text on one line", _secret)
PATH = Kind("a path", _path)
FILE = Kind("the path of a file that is there", _file)
HOST = Kind("a host name or address such as smtp.example.org, without port or scheme", _host)
PORT = whole(1, 65_535)
EMAIL = Kind("an e-mail address such as ada@example.org", lambda text, _: _matched(_ADDRESS, text))
PHONE = Kind(
    "a phone number with its country's prefix and no spaces, such as +14155550100",
    lambda text, _: _matched(r"\+[1-9][0-9]{6,14}", text),
)
REGION = Kind("a country in two letters, such as US", lambda text, _: _matched(r"[A-Z]{2}", text.upper()))
URL = Kind("an address such as https://reminders.example.org", _url)
PING_URL = Kind("an address that begins with https:// or http://", _ping_url)
DATABASE = Kind("sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME", _database)
LISTEN = Kind("host:port, such as 127.0.0.1:8025", _listen)
SECONDS = Kind("whole seconds parted by commas, each from 1 to 86400", _seconds)
POLL = Kind("seconds from 0.05 to 60", lambda text, _: _within(float(text), 0.05, 60))
