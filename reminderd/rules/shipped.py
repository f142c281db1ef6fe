"""The rule book that ships in the package, unread."""

from __future__ import annotations

import hashlib
from pathlib import Path

DEFAULT_SOURCE = "book.toml"


def default_text() -> str:
    """The text of the default book."""
    return Path(__file__).with_name(DEFAULT_SOURCE).read_text("utf-8")


def default_mark() -> str:
    """The mark of the default book, which changes with its text: to know it the book need not be read."""
    return hashlib.blake2b(default_text().encode(), digest_size=8).hexdigest()
