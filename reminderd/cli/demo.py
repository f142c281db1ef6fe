"""`demo`: half a year with sample people in ./demo, by the real planner, composer and dispatcher."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.dates import parse_day
from reminderd.errors import UsageError

if TYPE_CHECKING:
    from reminderd.cli.demo_play import Play

FOLDER = Path("demo")
FIRST_DAY = "first-day"


@click.command("demo")
@click.option("--now", metavar="DATE", help="The first day; today, unless the folder has one already.")
@pass_ctx
def demo(ctx: Ctx, now: str | None) -> None:
    """Half a year with sample people: what arrives, and when.

    Works in ./demo/ with a database, a Maildir and a log of texts of its own. Reads neither your settings nor your
    data, and sends nothing. Run again it keeps its first day and sends nothing twice.
    """
    from reminderd.cli import demo_play, demo_story
    from reminderd.rules.calendar import local_day

    today = local_day(ctx.now(), demo_story.ZONE)
    first = _first_day(None if now is None else parse_day(now, today), today)
    show = _Screen(ctx)
    with demo_play.opened(FOLDER, demo_story.Calendar(first)) as play:
        _say_head(show, play)
        for line in play.lines():
            show.line(line, play.progress)
        show.done()
        _say_end(show, play)


def _first_day(wanted: dt.date | None, today: dt.date) -> dt.date:
    """The day that the folder began on, else the one that is wanted, noted in the folder. Raises `UsageError` when
    the folder began on another day, or holds something else."""
    mark = FOLDER / FIRST_DAY
    with contextlib.suppress(FileNotFoundError):
        first = _noted(mark)
        if wanted not in (None, first):
            raise UsageError(f"{FOLDER}/ began on {first}; to begin on {wanted}, remove it first: rm -r {FOLDER}")
        return first
    if FOLDER.exists() and any(FOLDER.iterdir()):
        raise UsageError(f"{FOLDER}/ is there already, and not from this command; run it in another folder.")
    first = wanted or today
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    mark.write_text(f"{first}\n", encoding="ascii")
    return first


def _noted(mark: Path) -> dt.date:
    text = mark.read_text(encoding="utf-8", errors="replace").strip()
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{mark} holds no day; remove the folder: rm -r {FOLDER}") from error


class _Screen:
    """Says lines at once; on a terminal the last one tells how far the half year is."""

    def __init__(self, ctx: Ctx) -> None:
        self._ctx = ctx
        self._moves = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "", progress: str = "") -> None:
        self._clear()
        self._ctx.say(text)
        if self._moves and progress:
            click.echo(click.style(f"  … {progress}", dim=True), nl=False)
        sys.stdout.flush()

    def done(self) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._moves:
            click.echo("\r\x1b[K", nl=False, color=True)


def _say_head(show: _Screen, play: Play) -> None:
    for line in play.head():
        show.line(line)


def _say_end(show: _Screen, play: Play) -> None:
    for line in _end(play):
        show.line(line)


def _end(play: Play) -> Iterator[str]:
    yield ""
    yield from play.summary()
    yield f"  mails     {FOLDER}/Maildir    open it with your mail program, or: mutt -f {FOLDER}/Maildir"
    yield f"  texts     {FOLDER}/texts.log"
    yield f"  database  {FOLDER}/reminderd.db"
    yield ""
    yield "Yours starts with three commands:"
    program = _program()
    yield f'  {program} init --name "Your Name" --email you@example.org'
    yield f'  {program} add "Maria Lopez" maria@example.org'
    yield f"  {program} landed Acme --all"


def _program() -> str:
    """How this program is called from here: by its name where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    if called.name != "reminderd":
        return "reminderd" if shutil.which("reminderd") else f"{Path(sys.executable).name} -m reminderd"
    found = shutil.which("reminderd")
    if found and Path(found).resolve() == called.resolve():
        return "reminderd"
    with contextlib.suppress(ValueError):
        return str(called.absolute().relative_to(Path.cwd()))
    return str(called)
