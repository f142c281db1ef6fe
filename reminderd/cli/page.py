"""The link to the page: `page`."""

from __future__ import annotations

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.errors import UsageError


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Print the link, open nothing.")
@pass_ctx
def page(ctx: Ctx, only_print: bool) -> None:
    """The link to your page: whom you owe, what comes, and everybody you keep in touch with.

    It lets whoever has it in, for a quarter of an hour.
    """
    from reminderd.secret import load_key
    from reminderd.signing import Signer, Site

    settings = ctx.settings
    if not settings.serves_page:
        raise UsageError("The page is off. Turn it on: WEB=on in .env, or SITE_ROOT; then start `reminderd run` anew.")
    with ctx.reading() as (_, user):
        link = Site(settings.site_root or _local_root(*settings.listen), Signer(load_key(settings))).enter(
            user.id, ctx.now()
        )
    ctx.say(link)
    if ctx.is_terminal() and not only_print:
        click.launch(link)
    ctx.tell("Open it within a quarter of an hour, while `reminderd run` is running.")


def _local_root(host: str, port: int) -> str:
    """Where this machine finds the page."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
