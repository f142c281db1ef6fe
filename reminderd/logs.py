"""How the program logs: event names and ids, on stderr; never texts, names, numbers or secrets."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

from reminderd.errors import ConfigError

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

_Trace = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(level: str, form: str) -> None:
    """Log to stderr from ``level`` on: ``text``, ``json``, or ``auto``, which is text, with the journal's priority
    prefixes (sd-daemon(3)) where systemd reads stderr."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        handler.setFormatter(_Json())
    elif form == "auto" and "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_Journal("%(message)s"))
    else:
        handler.setFormatter(_Text("%(asctime)s %(levelname)-7s %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("twilio").setLevel(logging.WARNING)


class _Text(logging.Formatter):
    def formatException(self, ei: _Trace) -> str:  # noqa: N802  # the name is the standard library's
        """Where it happened and what kind of error it was. Its words may hold names, numbers or texts: only those of
        a `ConfigError` are known not to."""
        return "\n".join(_told(ei[1]))


class _Journal(_Text):
    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


class _Json(_Text):
    def format(self, record: logging.LogRecord) -> str:
        entry = {"at": self.formatTime(record), "level": record.levelname.lower(), "event": record.getMessage()}
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def _told(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _told(earlier)
    if earlier is not None:
        yield "which led to:"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    words = f": {error}" if isinstance(error, ConfigError) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{words}"
