"""The cadence rules: list, show, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.output import count, json_option, table
from reminderd.errors import ConfigError, NotFound, UsageError

if TYPE_CHECKING:
    from reminderd.rules.rule import Book


@click.group()
def rules() -> None:
    """The cadence rules: ours, changed by your rules.toml."""


@rules.command("list")
@json_option
@pass_ctx
def list_(ctx: Ctx) -> None:
    """All rules, on or off, and what became of what they asked: done, done later, let go."""
    from reminderd.wiring import load_book

    book = load_book(ctx.settings)
    records = _records(ctx)
    entries = [
        {
            "name": rule.name,
            "about": rule.about,
            "on": rule.enabled,
            **dict(zip(("done", "done_later", "let_go"), records.get(rule.name, (0, 0, 0)), strict=True)),
        }
        for rule in book.rules.values()
    ]
    if ctx.json:
        ctx.say_json(entries)
        return
    ctx.say(table(("Rule", "", "Done", "Later", "Let go", "About"), [_line(entry) for entry in entries]))


@rules.command("show")
@click.argument("name")
@json_option
@pass_ctx
def show(ctx: Ctx, name: str) -> None:
    """What one rule says, in words."""
    from reminderd.cli import rule_words
    from reminderd.wiring import load_book

    book = load_book(ctx.settings)
    rule = book.rules[_found(book, name)]
    if ctx.json:
        ctx.say_json(rule_words.to_json(rule))
    else:
        ctx.say(rule_words.page(rule))


@rules.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_ctx
def check(ctx: Ctx, file: Path | None) -> None:
    """Try a rule book: FILE, else your rules.toml. A wrong one is refused whole."""
    path = file or ctx.settings.config_dir / "rules.toml"
    book, source = _read(path, named=file is not None)
    check_drafts(ctx, book, source)
    on = sum(rule.enabled for rule in book.rules.values())
    ctx.say(f"ok {source}: {count(len(book.rules), 'rule')}, {on} on")


# ---- helpers


def _records(ctx: Ctx) -> dict[str, tuple[int, int, int]]:
    """Each rule's record; none before there is a database and somebody in it."""
    from reminderd.cli.counts import records_by_rule

    path = ctx.settings.database_path
    if path is not None and not path.exists():
        return {}
    with ctx.reading() as (session, user):
        return records_by_rule(session, user)


def _line(entry: dict[str, Any]) -> tuple[str, ...]:
    numbers = (str(entry[key] or "-") for key in ("done", "done_later", "let_go"))
    return entry["name"], "on" if entry["on"] else "off", *numbers, entry["about"]


def _found(book: Book, wanted: str) -> str:
    key = wanted.casefold().replace("_", "-")
    if key in book.rules:
        return key
    near = [name for name in book.rules if name.startswith(key)]
    if len(near) == 1:
        return near[0]
    if near:
        raise UsageError(f"{wanted!r} begins several rules: {', '.join(near)}.")
    raise NotFound("rule", wanted, list(book.rules))


def _read(path: Path, *, named: bool) -> tuple[Book, str]:
    from reminderd.rules.book import default_book, parse_with_default
    from reminderd.rules.shipped import DEFAULT_SOURCE

    try:
        return parse_with_default(path.read_text("utf-8"), str(path)), str(path)
    except FileNotFoundError:
        if named:
            raise UsageError(f"{path}: there is no such file.") from None
        return default_book(), f"{DEFAULT_SOURCE} (there is no {path})"
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected text in UTF-8.") from error


def check_drafts(ctx: Ctx, book: Book, source: str) -> None:
    """Every draft that a rule names must have a template. Raises `BookError`."""
    from reminderd.drafts.library import Library
    from reminderd.errors import BookError

    known = Library(ctx.settings.config_dir / "templates").names()
    for rule in book.rules.values():
        for key in ("draft", "silent_draft", "giving_draft"):
            name = getattr(rule, key)
            if name is not None and name not in known:
                expected = f"expected a template, but none is called {name!r}; known are {', '.join(known)}"
                raise BookError(source, rule.name, key, expected)
