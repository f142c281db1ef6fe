"""Template output as a person would type it: paragraphs parted by one blank line, no stray spaces."""

from __future__ import annotations

import re

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]*\n\s*|[ \t\f\v]{2,}|\t")
_ITEM = re.compile(r"\n\s*(?=(?:[-*•]|\d{1,2}\.)\s)")
_BEFORE_MARK = re.compile(r" +([,.;!?])(?=\s|$)")


def fold(text: str) -> str:
    """Line ends and runs of spaces become one space, blank lines part paragraphs, list items keep their lines."""
    paragraphs = (_paragraph(part) for part in _PARAGRAPHS.split(text.replace("\r\n", "\n")))
    return "\n\n".join(part for part in paragraphs if part)


def fold_line(text: str) -> str:
    """All of ``text`` in one line, for subjects and social comments."""
    return " ".join(text.split())


def _paragraph(text: str) -> str:
    lines = (_BEFORE_MARK.sub(r"\1", _SPACES.sub(" ", line).strip()) for line in _ITEM.split(text))
    return "\n".join(line for line in lines if line)
