"""The versions that matter for a question: of the program, of what it is made of, and of what it runs on."""

from __future__ import annotations

import importlib.metadata
import platform
import sqlite3
from collections.abc import Iterator

from reminderd import __version__

LIBRARIES = ("SQLAlchemy", "alembic", "APScheduler", "Jinja2", "twilio", "click", "psycopg", "Flask", "waitress")


def lines() -> Iterator[str]:
    """The program's own version first, alone on its line. No library is imported for it."""
    yield f"reminderd {__version__}"
    yield f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield ", ".join(f"{name} {version}" for name in LIBRARIES if (version := _version(name)))
    yield f"{_distribution()}{platform.system()} {platform.release()} {platform.machine()}"


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None  # an extra that is not installed


def _distribution() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, "
    except (OSError, KeyError):
        return ""
