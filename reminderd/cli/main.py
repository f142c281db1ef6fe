"""The command `reminderd`: the table of its commands, and how every failure ends in one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from reminderd.cli import garbage
from reminderd.errors import ReminderdError

# name: (module of reminderd.cli and function, help). A command's module is imported when it is called, so that
# `--help` needs nothing but Click. The order is that of the help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("setup:init", "Set up, or change what was set up: who you are, and how you want to hear."),
    "add": ("people:add", "Add a reference: NAME, and an e-mail address or phone number."),
    "landed": ("record:landed", "You got the job: tell and thank everyone who vouched for you."),
    "need": ("record:need", "You need a reference by a date: drafts of the ask, follow-up and plan B."),
    "record": ("record:record", "Record what happened, or will: asked, called, accepted, met, promoted …"),
    "undo": ("record:undo", "Take the last recorded event back."),
    "upcoming": ("listing:upcoming", "What is coming, by day."),
    "show": ("listing:show", "One nudge: what, when, and what was sent."),
    "draft": ("draft:draft", "The message for you to send."),
    "send": ("act:send", "Open the draft in your own mail or message program."),
    "explain": ("listing:explain", "Why this nudge, and why now."),
    "done": ("act:done", "Say that you did it."),
    "skip": ("act:skip", "Let it go."),
    "snooze": ("act:snooze", "Hear of it later."),
    "sheet": ("sheet:sheet", "The reference list for an employer."),
    "reference": ("people:reference", "The people who vouch for you: add, list, show, edit, pause …"),
    "opportunity": ("opportunities:opportunity", "The jobs that you apply for: add, edit, list, show, close."),
    "pause": ("act:pause", "Rest; outcome and thanks still come."),
    "resume": ("act:resume", "Be back."),
    "simulate": ("simulate:simulate", "What would arrive until a date; nothing is sent or stored."),
    "page": ("page:page", "The link to your page, where the daemon serves one."),
    "run": ("service:run", "The daemon; --once for one pass."),
    "status": ("service:status", "Messages, jobs and channels: how it stands."),
    "service": ("install:service", "The service under systemd: install, uninstall, status."),
    "health": ("health:health", "For probes: 0 when all is well, else 1 and why."),
    "report": ("report:report", "A diagnosis without names, addresses or secrets, to send along with a question."),
    "check": ("service:check", "Try database, rules, templates, accounts, clock and zone."),
    "send-test": ("service:send_test", "Send yourself a test message."),
    "login": ("login:login", "Send by Gmail or Microsoft 365 without a password."),
    "rules": ("rules:rules", "The cadence rules: list, show, check."),
    "templates": ("draft:templates", "The templates of the drafts."),
    "preview": ("draft:preview", "A draft as a template would make it."),
    "user": ("users:user", "Several users: add, list, edit, pause, resume, remove."),
    "overview": ("users:overview", "All users, as counts."),
    "backup": ("backups:backup", "Copy the database to a file, while the daemon runs."),
    "restore": ("backups:restore", "Put a copy in its place; what came due meanwhile is held for your review."),
    "db": ("database:db", "The database: upgrade, check."),
    "demo": ("demo:demo", "Half a year with sample people, in ./demo; nothing is sent."),
    "completion": ("completion:completion", "Completion for your shell."),
    "today": ("listing:today", "What is due, and the next three; the same as no command."),
}
ANYWHERE = ("--home", "--env-file", "--user", "--log-format")
"""Global options that may also stand behind the command."""

INTERRUPTED = 130


class Frame(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return load_command(name) if name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}.{_nearest(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As ever; a failure names commands as this user has to type them."""
        try:
            return super().invoke(ctx)
        except ReminderdError as error:
            error.args = (ctx.obj.addressed(str(error)),) if ctx.obj is not None else error.args
            raise

    def main(  # type: ignore[override]  # click's own has overloads that say the same
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        if not extra.pop("standalone_mode", True):
            return super().main(_hoisted(given), prog_name or "reminderd", standalone_mode=False, **extra)
        sys.exit(self._exit_code(given, prog_name or "reminderd", extra))

    def _exit_code(self, args: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        """Run a command; whatever it raises becomes one line. What a command returns, if a number, is its code."""
        try:
            result = super().main(_hoisted(args), prog_name, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            return 2
        except click.ClickException as error:
            return _fail(_usage_line(error), error.exit_code)
        except click.Abort:
            return _fail("Stopped; nothing more was done.", INTERRUPTED)
        except ReminderdError as error:
            return _fail(str(error), error.exit_code)
        except Exception as error:
            line = _line_of(error)
            if line is None:
                raise
            if "-v" in args or "--verbose" in args:
                import traceback

                traceback.print_exc()
            return _fail(line, 1)
        return result if isinstance(result, int) and not isinstance(result, bool) else 0


def load_command(name: str) -> click.Command:
    """The command of this name in the table."""
    module, _, function = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(f"reminderd.cli.{module}"), function)
    return command


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


@click.command("reminderd", cls=Frame, invoke_without_command=True, context_settings=CONTEXT)
@click.option(
    "--home",
    type=click.Path(),
    envvar="REMINDERD_HOME",
    help="The folder of .env, rules.toml, templates/, database and Maildir (or REMINDERD_HOME).",
)
@click.option("--env-file", type=click.Path(), help="Another file than the .env in that folder.")
@click.option("--user", metavar="EMAIL", help="Whose; only needed where several users share the database.")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
@click.option(
    "--log-format",
    type=click.Choice(("auto", "human", "journal", "json")),
    help="How the log on stderr looks; in place of the setting LOG_FORMAT.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, is_asked: _say_versions(context) if is_asked else None,
    help="The version, those of its libraries and of what it runs on.",
)
@click.pass_context
def cli(
    context: click.Context,
    home: str | None,
    env_file: str | None,
    user: str | None,
    verbose: bool,
    log_format: str | None,
) -> Any:
    """Keep the people who vouch for you warm and thanked.

    Without a command: what is due today, and the next three. Dates: 2026-12-01, tomorrow, next monday, 3d.
    """
    from pathlib import Path

    from reminderd.cli.context import Ctx

    environ: Mapping[str, str] = os.environ
    if home is None and env_file is None and os.geteuid() == 0:
        from reminderd.cli.system import settle

        environ = settle(context.invoked_subcommand, environ)
    context.obj = Ctx(
        home=Path(home) if home is not None else None,
        env_file=Path(env_file) if env_file is not None else None,
        user=user,
        verbose=verbose,
        environ={**environ, "LOG_FORMAT": log_format} if log_format else environ,
    )
    context.call_on_close(context.obj.close)
    if context.obj.environ.get("NO_COLOR"):
        context.color = False
    if context.invoked_subcommand is None:
        return context.invoke(load_command("today"))
    return None


def main() -> None:
    """The console script; does not return."""
    garbage.look_later()
    try:
        cli.main()
    finally:
        garbage.look_no_more()


def _say_versions(context: click.Context) -> None:
    from reminderd.cli import versions

    click.echo("\n".join(versions.lines()))
    context.exit()


def _hoisted(args: Sequence[str]) -> list[str]:
    """``args`` with the global options in front, wherever they stood before a ``--``."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        if arg == "--":
            return [*front, *rest, arg, *waiting]
        if arg == "--user" and next((word for word in rest if not word.startswith("-")), None) == "service":
            rest.append(arg)  # there it says whose systemd
        elif arg in ANYWHERE:
            value = next(waiting, None)
            if value is None:
                raise click.UsageError(f"Option {arg!r} requires an argument.")
            front += [arg, value]
        elif arg.startswith(tuple(f"{name}=" for name in ANYWHERE)):
            front.append(arg)
        else:
            rest.append(arg)
    return [*front, *rest]


def _nearest(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _usage_line(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    if isinstance(error, click.UsageError) and context is not None:
        return f"{text} See: {context.command_path} --help"
    return text


def _line_of(error: Exception) -> str | None:
    """One line for what the machine or the database did; ``None`` for a fault of the program."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    if "sqlalchemy" in sys.modules:
        from sqlalchemy.exc import SQLAlchemyError

        if isinstance(error, SQLAlchemyError):
            words = str(getattr(error, "orig", None) or error).strip().splitlines()
            return f"The database refused ({words[0] if words else type(error).__name__}); nothing was written."
    return None


def _fail(line: str, code: int) -> int:
    click.echo(f"reminderd: {line}", err=True)
    return code
