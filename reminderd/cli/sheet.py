"""The reference list for an employer: those who agreed, as text or as a page to print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.naming import find_job, find_people
from reminderd.cli.output import json_option, listing
from reminderd.cli.sheet_rows import Sheet, listed_people, load_sheet, warnings
from reminderd.errors import UsageError


@click.command()
@click.argument("company", metavar="OPPORTUNITY")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page; print it for a PDF.")
@click.option("--open", "in_browser", is_flag=True, help="Show the page in the browser.")
@click.option("--confirm", multiple=True, metavar="NAME", help="Their title and phone are right as of today.")
@json_option
@pass_ctx
def sheet(ctx: Ctx, company: str, html: Path | None, in_browser: bool, confirm: tuple[str, ...]) -> None:
    """The reference list for an employer: only those who agreed, with what is better settled before you send it."""
    if confirm:
        with ctx.writing() as (session, user):
            job = find_job(session, user, company)
            people = [row for name in confirm for row in find_people(session, user, [name])]
            listed = listed_people(session, user, job, ctx.today(user))
            if others := [row.name for row in people if row not in listed]:
                raise UsageError(
                    f"{listing(others)}: not on the list for {job.company}, as only those who agreed are. "
                    "Nothing was confirmed."
                )
            for row in people:
                row.confirmed_on = ctx.today(user)
    with ctx.reading() as (session, user):
        job = find_job(session, user, company)
        made = load_sheet(session, user, job, ctx.now())
        worries = warnings(session, user, job, ctx.now())
    if ctx.json:
        ctx.say_json(_to_json(made))
    elif html is not None or in_browser:
        path = html or ctx.settings.home / "references.html"
        path.write_text(ctx.house().library.render("sheet/sheet.html.j2", names(made)), "utf-8")
        ctx.tell(f"Written to {path}; print it from the browser for a PDF.")
        if in_browser:
            click.launch(str(path))
    else:
        ctx.say(as_text(made))
    for worry in worries:
        ctx.tell(worry)


def names(made: Sheet) -> dict[str, Any]:
    """What the page's template sees."""
    return {
        "language": made.language,
        "heading": made.heading,
        "about": made.about,
        "own": made.own,
        "rows": made.rows,
        "say": made.say,
    }


def as_text(made: Sheet) -> str:
    """The list as plain text."""
    blocks = ["\n".join(line for line in (made.heading, made.about, " · ".join(made.own)) if line)]
    for row in made.rows:
        lines = [
            row.name,
            row.position,
            f"{made.say['phone']}: {row.phone}" if row.phone else "",
            f"{made.say['email']}: {row.email}" if row.email else "",
            row.together,
            f"{made.say['confirmed']} {row.confirmed}" if row.confirmed else "",
        ]
        blocks.append("\n".join(line for line in lines if line))
    return "\n\n".join(blocks if made.rows else [*blocks, made.say["nobody"]])


def _to_json(made: Sheet) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "title": row.title or None,
            "company": row.employer or None,
            "phone": row.phone or None,
            "email": row.email or None,
            "how": row.together or None,
            "confirmed_on": row.confirmed_on,
        }
        for row in made.rows
    ]
