"""The messages for the user to send: `draft`, the whole mail by `preview`, and the `templates` behind them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli import output
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.drafting import draft_of
from reminderd.cli.hints import say_secrets
from reminderd.cli.naming import find_job, find_nudges, find_people, find_situation
from reminderd.cli.output import json_option
from reminderd.cli.words import draft_text, load_lines
from reminderd.drafts.draft import LENGTHS, Draft
from reminderd.errors import ConfigError, NotFound, UsageError
from reminderd.rules.kinds import KINDS, Scope
from reminderd.rules.rule import Book
from reminderd.store.draft_facts import load_for
from reminderd.store.lookup import find_user
from reminderd.store.tables import User

if TYPE_CHECKING:
    from reminderd.drafts.library import Library


@click.command()
@click.argument("what", metavar="NUDGE|NAME|KIND")
@click.option("--reference", metavar="NAME", help="To whom: a draft of this KIND that no nudge asks for.")
@click.option("--opportunity", "--for", "company", metavar="COMPANY", help="About which job, with --reference.")
@click.option("--variant", type=click.IntRange(1), metavar="N", help="Another wording.")
@click.option("--length", type=click.Choice(LENGTHS), help="For a phone, a mail, a card, or notes for a call.")
@click.option("--warmer", "warmth", flag_value="warm", help="In warmer words.")
@click.option("--plainer", "warmth", flag_value="plain", help="In plainer words.")
@click.option("--answer", metavar="TEXT", help="Your answer to the question above the draft; kept with the nudge.")
@json_option
@pass_ctx
def draft(
    ctx: Ctx,
    what: str,
    reference: str | None,
    company: str | None,
    variant: int | None,
    length: str | None,
    warmth: str | None,
    answer: str | None,
) -> None:
    """The message for you to send: of a nudge, or of a KIND such as ask or birthday with --reference NAME."""
    warmth = warmth or "normal"
    if reference is None:
        made = _of_nudge(ctx, what, answer, variant, length, warmth)
    else:
        with ctx.reading() as (session, user):
            made = _on_demand(ctx, session, user, what, reference, company, variant, length, warmth)
    if ctx.json:
        ctx.say_json(_to_json(made))
        return
    if variant is not None and made.variant != variant:
        ctx.tell(f"There is no wording {variant}; this is number {made.variant}.")
    ctx.say(draft_text(made))
    if made.social:
        ctx.say(f"\nAs a comment: {made.social}")
    if made.question and not answer:
        ctx.tell(f"{made.question} (--answer TEXT)")
    for question in made.missing:
        ctx.tell(f"Not known yet: {question}")


def _of_nudge(ctx: Ctx, what: str, answer: str | None, variant: int | None, length: str | None, warmth: str) -> Draft:
    now = ctx.now()
    if answer is not None:
        with ctx.writing() as (session, user):
            find_nudges(session, user, [what], now)[0].answer = answer.strip() or None
    with ctx.reading() as (session, user):
        try:
            row = find_nudges(session, user, [what], now)[0]
        except NotFound:
            _refuse_kind_alone(ctx, what)
            raise
        line = load_lines(session, [row], now)[0]
        library = ctx.house().library
        return draft_of(library, session, line, now, variant=variant, length=length, warmth=warmth)


def _refuse_kind_alone(ctx: Ctx, what: str) -> None:
    """A KIND that stands alone lacks its reference."""
    house = ctx.house()
    if not re.fullmatch(r"#?\d+", what):
        situation = find_situation(house.library, house.book, what)
        raise UsageError(f"{what}: to whom? Say it: reminderd draft {situation} --reference NAME")


def _on_demand(
    ctx: Ctx,
    session: Session,
    user: User,
    what: str,
    reference: str,
    company: str | None,
    variant: int | None,
    length: str | None,
    warmth: str,
) -> Draft:
    house = ctx.house()
    situation = find_situation(house.library, house.book, what)
    person = find_people(session, user, [reference])[0]
    job = find_job(session, user, company) if company else None
    facts = load_for(session, person, job, ctx.now(), situation=situation)
    if _speaks_of_search(house.book, situation):
        say_secrets(ctx, [person])
    if facts.silence.long:
        silent = {rule.draft: rule.silent_draft for rule in house.book.rules.values() if rule.silent_draft}
        situation = silent.get(situation) or situation
    return house.library.draft(situation, facts, variant=variant, length=length, warmth=warmth)


def _speaks_of_search(book: Book, situation: str) -> bool:
    """Whether whoever reads this draft learns of a job that was applied for: what starts it is about one."""
    starts = [rule.on for rule in book.rules.values() if situation in (rule.draft, rule.silent_draft)]
    jobs = all(on and all(KINDS[kind].scope is not Scope.REFERENCE for kind in on) for on in starts)
    return situation == "confirm_details" or (bool(starts) and jobs)


def _to_json(made: Draft) -> dict[str, object]:
    return {
        "subject": made.subject,
        "body": made.body,
        "to": made.to,
        "variant": made.variant,
        "length": made.length,
        "via": made.via,
        "situation": made.situation,
        "question": made.question,
        "missing": list(made.missing),
    }


# ---- the whole message


@click.command()
@click.argument("nudge", metavar="NUDGE|NAME")
@click.option("--open", "in_browser", is_flag=True, help="Show it in the browser.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write it as a page.")
@click.option("--text", is_flag=True, help="As plain text; so it is shown anyhow.")
@click.option("--sms", is_flag=True, help="As a text message.")
@pass_ctx
def preview(ctx: Ctx, nudge: str, in_browser: bool, html: Path | None, text: bool, sms: bool) -> None:
    """The whole message that comes to you with a nudge, with all that would be in it. Nothing is sent."""
    from reminderd.cli.previewing import mail_parts, text_message

    now = ctx.now()
    with ctx.reading() as (session, user):
        row = find_nudges(session, user, [nudge], now)[0]
        if sms:
            ctx.say(text_message(ctx.house(), session, user, row, now))
            return
        parts = mail_parts(ctx.house(), session, user, row, now)
    if html is not None or in_browser:
        path = html or ctx.settings.home / "preview.html"
        path.write_text(parts.html, "utf-8")
        ctx.tell(f"Written to {path}.")
        if in_browser:
            click.launch(str(path))
    if text or (html is None and not in_browser):
        ctx.say(f"Subject: {parts.subject}\n\n{parts.text}")


# ---- the templates


@click.group()
def templates() -> None:
    """The templates of the drafts: list, check, copy."""


@templates.command("list")
@json_option
@pass_ctx
def list_templates(ctx: Ctx) -> None:
    """Every situation that there is a draft for, and where its template lies."""
    from reminderd.drafts.library import Library

    situations = Library(ctx.settings.config_dir / "templates").situations()
    if ctx.json:
        ctx.say_json(
            [
                {
                    "name": one.name,
                    "about": one.about,
                    "intent": one.intent,
                    "variants": one.variants,
                    "file": one.source,
                }
                for one in situations
            ]
        )
        return
    rows = [[one.name, one.about, str(one.variants), _whose(ctx, one.source)] for one in situations]
    ctx.say(output.table(["Template", "For", "Wordings", ""], rows))


def _whose(ctx: Ctx, source: str) -> str:
    return "yours" if Path(source).is_relative_to(ctx.settings.config_dir) else "ours"


@templates.command("check")
@pass_ctx
def check_templates(ctx: Ctx) -> int:
    """Try every template over sample facts; say file, line and what is missing."""
    from reminderd.drafts.library import Library

    problems = Library(ctx.settings.config_dir / "templates").check()
    for problem in problems:
        ctx.say(str(problem))
    if problems:
        return 78
    ctx.tell("All templates can be rendered.")
    return 0


@templates.command("copy")
@click.argument("name")
@pass_ctx
def copy_template(ctx: Ctx, name: str) -> None:
    """Copy a template into your folder, to change it there: in your language, where there is one; as named where the
    folder is given too, such as drafts/accepted.
    """
    from reminderd.drafts.library import Library

    folder = ctx.settings.config_dir / "templates"
    library = Library(folder)
    languages = _languages(ctx)
    prefix = "" if "/" in name else _own_prefix(library, name.removesuffix(".j2"), languages)
    path = library.copy(prefix + name, folder)
    ctx.say(str(path))
    is_english = path.parent == folder / "drafts"
    unused = bool(languages) and all(one != "en" and path.stem in library.names(one) for one in languages)
    whose = " for drafts in English; yours are in another language" if is_english and unused else " from now on"
    ctx.tell(f"It is used instead of ours{whose}. Try it: reminderd templates check")


def _languages(ctx: Ctx) -> set[str]:
    """The languages of whoever is meant; none while nobody is set up."""
    try:
        with ctx.house(own_rules=False).store.reading() as session:
            if ctx.user is not None:
                return {find_user(session, ctx.user).language}
            return set(session.scalars(select(User.language)))
    except ConfigError:
        return set()


def _own_prefix(library: Library, situation: str, languages: set[str]) -> str:
    """The folder of the template that a user's drafts are made of. Raises `UsageError` where users differ in it."""
    found = {f"{one}/" if one != "en" and situation in library.names(one) else "" for one in languages or {"en"}}
    if len(found) > 1:
        files = " or ".join(f"drafts/{prefix}{situation}" for prefix in sorted(found))
        raise UsageError(
            f"{situation}: not all users have one language. Say whose with --user EMAIL, or which: {files}"
        )
    return found.pop()
