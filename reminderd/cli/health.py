"""For probes: all well, or not and why."""

from __future__ import annotations

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.output import json_option
from reminderd.errors import ReminderdError


@click.command()
@json_option
@pass_ctx
def health(ctx: Ctx) -> int:
    """0 and "ok" while the daemon makes its passes and nothing is stuck, else 1 and what is wrong.

    It looks at the database only, so it also serves containers and machines without systemd.
    """
    from reminderd import metrics

    ctx.tells_faults = False
    try:
        with ctx.house(own_rules=False).store.reading() as session:
            found = metrics.problems(metrics.load_standing(session), ctx.now())
    except ReminderdError as error:
        found = [str(error)]
    if ctx.json:
        ctx.say_json({"ok": not found, "problems": found})
    else:
        ctx.say("\n".join(found) or "ok")
    return 1 if found else 0
