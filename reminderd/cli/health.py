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

    It looks at the database only, so it also serves containers and machines without systemd. That nobody is set up is
    no problem of the daemon's; it is said beside it, on stderr.
    """
    from reminderd import metrics
    from reminderd.cli import nobody
    from reminderd.store.backup import is_anybody

    ctx.tells_faults = False
    try:
        store = ctx.house(own_rules=False).store
        with store.reading() as session:
            found = metrics.problems(metrics.load_standing(session), ctx.now())
        if not is_anybody(store):
            ctx.tell(f"reminderd: {nobody.words(ctx.settings)}")
    except ReminderdError as error:
        found = [str(error)]
    if ctx.json:
        ctx.say_json({"ok": not found, "problems": found})
    else:
        ctx.say("\n".join(found) or "ok")
    return 1 if found else 0
