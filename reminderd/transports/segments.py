"""How a text (SMS) is cut into segments, and how to keep it within some."""

from __future__ import annotations

import dataclasses
import re
import unicodedata

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38's default alphabet. It has ``Ç`` and no ``ç``."""
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Behind an escape in GSM 03.38, so that each counts two."""

_FOLDED = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‹›ʼ`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−•", "-"),
        **dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f", " "),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad", ""),
        "…": "...",
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Segments:
    """How many segments a text takes, and in which encoding (``GSM-7`` or ``UCS-2``)."""

    count: int
    encoding: str

    def __str__(self) -> str:
        return f"{self.count} segment{'' if self.count == 1 else 's'}, {self.encoding}"


def count_segments(text: str) -> Segments:
    """Segments as they are sent and paid for: 160 GSM-7 characters in one or 153 in each of several, else 70 or 67
    UTF-16 units. What takes two places is never divided."""
    if is_gsm7(text):
        return Segments(_pack([2 if character in EXTENSION else 1 for character in text], 160, 153), "GSM-7")
    return Segments(_pack([2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67), "UCS-2")


def is_gsm7(text: str) -> bool:
    """Whether every character is in GSM-7: one that is not makes the whole text UCS-2."""
    return BASIC.union(EXTENSION).issuperset(text)


def fold(text: str) -> str:
    """``text`` with plain quotes, dashes, dots and spaces for typographic ones where that makes it GSM-7; else
    unchanged, as it would gain nothing."""
    folded = unicodedata.normalize("NFC", text).translate(_FOLDED)
    return folded if is_gsm7(folded) else text


def fit(text: str, most: int, tail: str = "…") -> str:
    """``text``, folded, in at most ``most`` segments: shortened where needed at the end of a word and ended by
    ``tail``, which stays whole. Raises `ValueError` when not even the tail fits."""
    whole = fold(text)
    if count_segments(whole).count <= most:
        return whole
    if count_segments(fold(tail)).count > most:
        raise ValueError("the tail alone is too long")
    ends = [match.start() for match in re.finditer(r"\s+", text) if 0 < match.start() <= most * 160]
    shortened = _longest(text, ends, most, tail)
    return shortened if shortened is not None else _longest(text, list(range(most * 160 + 1)), most, tail) or fold(tail)


def _longest(text: str, ends: list[int], most: int, tail: str) -> str | None:
    """The longest beginning of ``text`` that stops at one of ``ends`` (ascending) and fits with the tail."""
    for end in reversed(ends):
        candidate = fold(text[:end].rstrip(" \n\t,;:-–—(") + tail)
        if count_segments(candidate).count <= most:
            return candidate
    return None


def _pack(sizes: list[int], single: int, joined: int) -> int:
    if sum(sizes) <= single:
        return 1 if sizes else 0
    count, used = 1, 0
    for size in sizes:
        if used + size > joined:
            count, used = count + 1, 0
        used += size
    return count
