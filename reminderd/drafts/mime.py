"""A light builder of MIME messages: headers that nothing can be injected into, and 7-bit bodies of any text.

The standard library's policy-driven builder costs more time than rendering the templates; this one makes only the
one shape that we send: text and HTML as alternatives, with an optional calendar beside them.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from email.utils import format_datetime

CRLF = "\r\n"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_NO_ADDRESS = re.compile(r"[\s<>,;:\"()\[\]\\\x00-\x1f\x7f]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LINE = 76
_WORD_BYTES = 42
"""Bytes in one encoded word: 75 characters at most, with ``=?utf-8?b?`` and ``?=`` around base64."""


def clean(value: str) -> str:
    """A header's value in one line, without control characters."""
    return _CONTROL.sub(" ", value).strip()


def header(name: str, value: str) -> str:
    """One header line, folded, RFC 2047 where it is not plain ASCII."""
    return f"{name}: {_fold(unstructured(value), len(name) + 2)}{CRLF}"


def raw_header(name: str, value: str) -> str:
    """One header whose value is structured already (addresses, ids); it is folded at spaces."""
    return f"{name}: {_fold(clean(value), len(name) + 2)}{CRLF}"


def unstructured(value: str) -> str:
    """Text for a header such as Subject."""
    value = clean(value)
    if value.isascii() and "=?" not in value and all(len(word) < 900 for word in value.split(" ")):
        return value
    return " ".join(_encoded_words(value))


def mailbox(name: str, address: str) -> str:
    """``name <address>`` for From and To: RFC 2047 for the name, punycode for the domain."""
    name, address = clean(name), plain_address(address)
    if not name:
        return address
    if not name.isascii() or "=?" in name:
        return f"{' '.join(_encoded_words(name))} <{address}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def plain_address(address: str) -> str:
    """An address for the envelope and headers: nothing in it but an address, its domain in ASCII."""
    local, at, domain = _NO_ADDRESS.sub("", address).rpartition("@")
    if at and not domain.isascii():
        import idna  # rare: most domains are ASCII

        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}{at}{domain}"


def text_part(content: str, subtype: str) -> str:
    """One body part, quoted-printable."""
    encoded = binascii.b2a_qp(content.replace("\r\n", "\n").encode(), istext=True).decode("ascii")
    return (
        f"Content-Type: text/{subtype}; charset=utf-8{CRLF}Content-Transfer-Encoding: quoted-printable{CRLF}{CRLF}"
        + encoded.replace("\nFrom ", "\n=46rom ").replace("\n", CRLF)
    )


def calendar_part(content: str, filename: str) -> str:
    """A calendar as an attachment that mail programs offer to add."""
    encoded = base64.encodebytes(content.encode()).decode("ascii").replace("\n", CRLF)
    return (
        f"Content-Type: text/calendar; charset=utf-8; method=PUBLISH; name={filename}{CRLF}"
        f"Content-Transfer-Encoding: base64{CRLF}"
        f"Content-Disposition: attachment; filename={filename}{CRLF}{CRLF}{encoded}"
    )


def multipart(subtype: str, parts: Iterable[str], seed: str) -> str:
    """Parts under one boundary, which no encoded part can contain."""
    boundary = "=_" + hashlib.sha256(f"{subtype}:{seed}".encode()).hexdigest()[:24]
    inner = "".join(f"--{boundary}{CRLF}{part}{CRLF}" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"{CRLF}{CRLF}{inner}--{boundary}--{CRLF}'


def date(moment: dt.datetime) -> str:
    """A moment as the Date header has it."""
    return format_datetime(moment.astimezone(dt.UTC).replace(microsecond=0))


def _encoded_words(value: str) -> list[str]:
    words, chunk = [], b""
    for letter in value:
        byte = letter.encode()
        if len(chunk) + len(byte) > _WORD_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += byte
    return [f"=?utf-8?b?{base64.b64encode(word).decode('ascii')}?=" for word in (*words, chunk)]


def _fold(value: str, used: int) -> str:
    lines, line, room = [], "", _LINE - used
    for word in value.split(" "):
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, _LINE - 1
        else:
            line = f"{line} {word}" if line else word
    return (CRLF + " ").join([*lines, line])
