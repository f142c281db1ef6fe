"""Sign in to the mail provider without a password: `login`."""

from __future__ import annotations

import dataclasses

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.errors import UsageError


@click.command()
@click.argument("provider", type=click.Choice(("gmail", "microsoft")))
@click.option("--email", metavar="ADDRESS", help="The account; SMTP_USERNAME where not given.")
@click.option("--client-id", metavar="ID", help="Of the program that you registered; OAUTH_CLIENT_ID where not given.")
@click.option("--browser", is_flag=True, help="By a browser on this machine, also with Microsoft.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Where its answer arrives; any where not given."
)
@click.option("--patience", type=click.IntRange(1, 3600), default=600, hidden=True)
@click.option("--provider-url", metavar="URL", hidden=True, help="Another provider, for tests.")
@pass_ctx
def login(
    ctx: Ctx,
    provider: str,
    email: str | None,
    client_id: str | None,
    browser: bool,
    port: int,
    patience: int,
    provider_url: str | None,
) -> None:
    """Let reminderd send by Gmail or Microsoft 365 without a password, and keep in .env what that brings.

    Microsoft shows a code to type on any device; Gmail wants a browser on this machine. A client secret is read from
    OAUTH_CLIENT_SECRET. How to register the program: docs/oauth.md.
    """
    from reminderd.cli.sign_in import PROVIDERS, Client, by_browser, by_code
    from reminderd.settings import write_env

    settings = ctx.settings
    chosen = PROVIDERS[provider]
    if provider_url:
        chosen = dataclasses.replace(
            chosen,
            token_url=f"{provider_url}/token",
            authorize_url=f"{provider_url}/authorize",
            device_url=f"{provider_url}/device" if chosen.device_url else "",
        )
    account = email or settings.smtp_username or settings.smtp_from
    if account is None:
        raise UsageError("Whose account? Add --email ADDRESS.")
    name = client_id or settings.oauth_client_id
    if name is None:
        raise UsageError("Register the program with the provider first, then add --client-id ID. See docs/oauth.md.")
    client = Client(name, settings.oauth_client_secret)
    if browser or not chosen.device_url:
        token = by_browser(chosen, client, ctx.tell, port=port, email=account, patience=patience)
    else:
        token = by_code(chosen, client, ctx.tell)
    host, security = chosen.smtp
    values: dict[str, str | None] = {
        "OAUTH_CLIENT_ID": name,
        "OAUTH_REFRESH_TOKEN": token,
        "OAUTH_TOKEN_URL": chosen.token_url,
        "SMTP_USERNAME": account,
        "SMTP_PASSWORD": None,
    }
    if settings.smtp_host is None:
        values |= {"SMTP_HOST": host, "SMTP_SECURITY": security}
    if settings.smtp_from is None and "@" in account:
        values["SMTP_FROM"] = account
    write_env(settings.env_file, values)
    ctx.writes = True
    ctx.forget_settings()
    ctx.tell(f"Signed in as {account}; written to {settings.env_file}.")
    ctx.tell(f"For answers by mail too: IMAP_HOST={chosen.imap} and IMAP_USERNAME={account}. Next: reminderd check")
