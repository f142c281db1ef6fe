"""How the program logs: event names and ids; never texts, names, numbers or secrets.

A call names an event and its fields: ``log.warning("send_failed delivery=%s code=%s", …)``. What a library says may
hold anything, so of that only the place is told, from warnings on.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping

from reminderd.errors import ConfigError

JOURNAL = "/run/systemd/journal/socket"
IDENTIFIER = "reminderd"
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_FIELD = re.compile(r"([a-z_]+)=%s")

log = logging.getLogger(__name__)


def configure(level: str, form: str) -> None:
    """Log from ``level`` on, as `human` lines or `json` objects on stderr, or as fields of the `journal`
    (systemd.journal-fields(7)); `auto` takes the journal where systemd has stderr read by it, else human."""
    if form == "auto":
        form = "journal" if _is_read_by_journal() else "human"
    handler = _Journal() if form == "journal" else _Stderr()
    handler.setFormatter({"journal": _Prefixed, "json": _Json, "human": _Human}[form]())
    handler.name = IDENTIFIER
    handler.setLevel(level.upper())
    root = logging.getLogger()
    for former in [one for one in root.handlers if one.name == IDENTIFIER]:
        root.removeHandler(former)
        former.close()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("reminderd").setLevel(logging.DEBUG)
    # Of a connection that broke it would print the whole stack. Whoever used it says so in a line.
    for name in ("sqlalchemy.pool", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def take_uncaught() -> None:
    """Log what nobody catches as all else: by its kind and place, not by its words."""
    sys.excepthook = lambda kind, error, trace: log.critical("uncaught", exc_info=error)
    threading.excepthook = lambda failed: log.critical("thread_broke", exc_info=failed.exc_value)


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    event: str
    fields: Mapping[str, str]
    text: str
    """Both, in one line. It may go on with the words of a `ConfigError`."""


def _entry(record: logging.LogRecord) -> _Entry:
    if record.name.partition(".")[0] != "reminderd":
        fields = {"logger": record.name, "place": f"{record.module}:{record.lineno}"}
        return _Entry("library", fields, " ".join(("library", *(f"{name}={value}" for name, value in fields.items()))))
    event, _, rest = str(record.msg).partition(" ")
    names = _FIELD.findall(rest)
    values = record.args if isinstance(record.args, tuple) and len(record.args) == len(names) else ()
    return _Entry(event, dict(zip(names, map(str, values), strict=False)), record.getMessage())


class _Human(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join((f"{self.formatTime(record)} {record.levelname:<7} {_entry(record).text}", *_trace(record)))


class _Prefixed(logging.Formatter):
    """Each line with its level, as sd-daemon(3) has it."""

    def format(self, record: logging.LogRecord) -> str:
        lines = "\n".join((_entry(record).text, *_trace(record))).splitlines()
        return "\n".join(f"<{_priority(record)}>{line}" for line in lines)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = _entry(record)
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        told = {"at": at, "level": record.levelname.lower(), "event": entry.event, **entry.fields}
        told["message"] = "\n".join((entry.text, *_trace(record)))
        return json.dumps(told, ensure_ascii=False)


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]  # generic only to type checkers
    """Whatever stderr is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Journal(_Stderr):
    """One datagram for each entry. What journald does not take goes to stderr."""

    def __init__(self) -> None:
        import socket

        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(1.0)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._socket.sendto(b"".join(_field(*one) for one in _fields(record)), JOURNAL)
        except OSError:
            super().emit(record)

    def close(self) -> None:
        self._socket.close()
        super().close()


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    entry = _entry(record)
    yield "MESSAGE", "\n".join((entry.text, *_trace(record)))
    yield "PRIORITY", str(_priority(record))
    yield "SYSLOG_IDENTIFIER", IDENTIFIER
    yield "REMINDERD_EVENT", entry.event
    for name, value in entry.fields.items():
        yield f"REMINDERD_{name.upper()}", value
    if record.exc_info:
        yield "REMINDERD_ERROR", "\n".join(_trace(record, words=False))


def _field(name: str, value: str) -> bytes:
    """As journald's native protocol has it: a value of several lines goes by its length."""
    data = value.encode("utf-8", "backslashreplace")
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), len(data).to_bytes(8, "little"), data)


def _is_read_by_journal() -> bool:
    """Whether stderr is what systemd connected to the journal (JOURNAL_STREAM in systemd.exec(5))."""
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _priority(record: logging.LogRecord) -> int:
    return _PRIORITIES.get(record.levelno, 6)


def _trace(record: logging.LogRecord, *, words: bool = True) -> Iterator[str]:
    return _told(record.exc_info[1] if record.exc_info else None, words=words)


def _told(error: BaseException | None, *, words: bool = True) -> Iterator[str]:
    """Where it happened and what kind of error it was. Its words may hold names, numbers or texts: only those of a
    `ConfigError` are known not to."""
    if error is None:
        return
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _told(earlier, words=words)
    if earlier is not None:
        yield "which led to:"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    said = f": {error}" if words and isinstance(error, ConfigError) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{said}"
