"""The error tree: each class owns its wording and its exit code.

Exit codes follow ``sysexits.h`` where it has one: 75 (EX_TEMPFAIL) and 78 (EX_CONFIG).
"""

from __future__ import annotations


class ReminderdError(Exception):
    """Something that the user is told in one line. The text says what, where and what to do."""

    exit_code = 1

    @property
    def reason(self) -> str:
        """One word for the log, where the text does not belong."""
        return type(self).__name__


class UsageError(ReminderdError):
    """The command was understood, but not what it names: exit code 2."""

    exit_code = 2


class NotFound(UsageError):
    """Nothing by that name or number."""

    def __init__(self, what: str, wanted: str, known: list[str] | None = None) -> None:
        listing = f" Known: {_few(known)}." if known else ""
        super().__init__(f"No {what} matches {wanted!r}.{listing}")


class Ambiguous(UsageError):
    """Several things match a name; the text lists the first few."""

    def __init__(self, what: str, wanted: str, matches: list[str]) -> None:
        super().__init__(f"{wanted!r} matches several {_several(what)}: {_few(matches)}. Give more of the name.")


def _few(names: list[str], most: int = 6) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _several(what: str) -> str:
    return f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"


class TryAgain(ReminderdError):
    """It may work later; nothing was lost: exit code 75."""

    exit_code = 75


class StoreBusy(TryAgain):
    """The database is locked, full, read-only or unreachable; nothing was written."""

    def __init__(self, text: str, reason: str = "busy") -> None:
        super().__init__(text)
        self._reason = reason

    @property
    def reason(self) -> str:
        """`locked`, `full`, `read_only`, …"""
        return self._reason


class Replaced(TryAgain):
    """The program's own files are not those any more that it was started from."""

    def __init__(self) -> None:
        super().__init__("reminderd was upgraded while it ran; nothing is lost. Start it again (systemd does).")


class ConfigError(ReminderdError):
    """A setting, rule book, template or database schema is wrong: exit code 78."""

    exit_code = 78


class SettingError(ConfigError):
    """A setting has a value that cannot be used. The value of a secret never appears."""

    def __init__(self, name: str, expected: str, got: str | None) -> None:
        shown = "" if got is None else f", not {got!r}"
        super().__init__(f"{name}: expected {expected}{shown}.")


class BookError(ConfigError):
    """A rule book is wrong and is refused whole."""

    def __init__(self, source: str, rule: str | None, key: str | None, expected: str) -> None:
        where = ": ".join(
            part for part in (source, f"rule {rule!r}" if rule else None, f"key {key!r}" if key else None) if part
        )
        super().__init__(f"{where}: {expected}")


class TemplateBroken(ConfigError):
    """A template cannot be rendered: names file, line and what was missing."""


class SchemaError(ConfigError):
    """The database's schema is not the one this program works with; it was left unharmed."""


class OutOfDate(SchemaError):
    """The database belongs to a newer program by now, and this one cannot work with it."""
