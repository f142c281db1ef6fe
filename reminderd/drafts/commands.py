"""The commands that a text to the user names: where several users share the database, they say whose."""

from __future__ import annotations

import re
import shlex

from reminderd.store.draft_records import Me

WHOSE = (
    *("add", "landed", "need", "record", "undo", "upcoming", "show", "draft", "send", "explain", "done", "skip"),
    *("snooze", "sheet", "reference", "opportunity", "pause", "resume", "simulate", "page", "status", "send-test"),
    *("rules", "preview", "today"),
)
"""The commands that are about one user. Those of `user` may name theirs themselves."""
_WHOSE = "|".join(map(re.escape, WHOSE))
_COMMAND = re.compile(rf"\breminderd (?=(?:(?:{_WHOSE})(?![\w-])|user edit --(?!help))(?! (?:\w+ )?--?h))")


def addressed(text: str, me: Me) -> str:
    """``text`` with `--user ADDRESS` in every command that needs it, which none does for a user who is alone."""
    return with_user(text, me.email) if me.shares else text


def with_user(text: str, email: str) -> str:
    """The same for the user with this address, who shares the database. A command that says whose stays as it is."""
    return _COMMAND.sub(lambda _: f"reminderd --user {shlex.quote(email)} ", text)
