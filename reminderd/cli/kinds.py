"""The help of `record`: every event kind, and what it starts by the book."""

from __future__ import annotations

import click

from reminderd.cli.context import Ctx
from reminderd.cli.output import listing
from reminderd.errors import ReminderdError, UsageError
from reminderd.rules.kinds import ALIASES, TABLE, Kind, Scope
from reminderd.rules.rule import Book

_HEADS = {
    Scope.REFERENCE: "Of a reference",
    Scope.BOTH: "Of a reference and an opportunity (--for)",
    Scope.OPPORTUNITY: "Of an opportunity (--for)",
}

OPTIONS: dict[str, tuple[str, ...]] = {
    "final": ("interview",),
    "starts": ("offer", "accepted", "signed", "started"),
    "scope": ("agreed",),
    "until": ("agreed",),
}
"""The options of `record` that say something of some kinds only."""


def refuse_foreign_options(kind: str, given: object) -> None:
    """Raises `UsageError` for an option that says nothing of this kind, with the kinds that it belongs to."""
    for name, kinds in OPTIONS.items():
        if kind not in kinds and getattr(given, name) not in (None, False):
            raise UsageError(f"--{name} belongs to {listing(kinds, last='or')}, not to {kind}: leave it out.")


class KindsCommand(click.Command):
    """Lists the event kinds below the options."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        book = _book(ctx)
        for scope, head in _HEADS.items():
            rows = [(kind.name, _about(kind, book)) for kind in TABLE if kind.scope is scope]
            with formatter.section(head):
                formatter.write_dl(rows)
        with formatter.section("Also understood"):
            formatter.write_dl([(alias, kind) for alias, kind in ALIASES.items()])


def _about(kind: Kind, book: Book) -> str:
    rules = [rule.name for rule in book.rules.values() if rule.enabled and kind.name in rule.on]
    starts = f" → {', '.join(rules)}" if rules else ""
    return f"{kind.help}{starts}"


def _book(context: click.Context) -> Book:
    """The user's book; the default one where there is none to read."""
    from reminderd.rules.book import default_book
    from reminderd.wiring import load_book

    if isinstance(context.obj, Ctx):
        try:
            return load_book(context.obj.settings)
        except ReminderdError as error:
            context.obj.tell(f"{error} The kinds are shown as the default book has them.")
    return default_book()
