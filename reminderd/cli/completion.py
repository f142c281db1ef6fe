"""Completion for the shell."""

from __future__ import annotations

import os

import click
from click.shell_completion import get_completion_class

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.errors import UsageError

WHERE = {
    "bash": "~/.local/share/bash-completion/completions/reminderd",
    "zsh": "a folder of your fpath, as _reminderd",
    "fish": "~/.config/fish/completions/reminderd.fish",
}


@click.command()
@click.argument("shell", required=False, type=click.Choice(tuple(WHERE)))
@pass_ctx
def completion(ctx: Ctx, shell: str | None) -> None:
    """Print the completion script of SHELL (bash, zsh or fish; yours where not given)."""
    shell = shell or os.path.basename(ctx.environ.get("SHELL", ""))
    complete = get_completion_class(shell) if shell in WHERE else None
    if complete is None:
        raise UsageError(f"Say for which shell: {', '.join(WHERE)}.")
    from reminderd.cli.main import cli

    ctx.say(complete(cli, {}, "reminderd", "_REMINDERD_COMPLETE").source())
    ctx.tell(f"Put it into {WHERE[shell]}.")
