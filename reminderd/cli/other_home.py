"""A running service whose data lie elsewhere: what a command writes does not reach it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from reminderd.settings import Settings

FILE = "home"
SYSTEM_RUN = Path("/run/reminderd")


def announce(settings: Settings, environ: Mapping[str, str]) -> None:
    """Say, in the folder that systemd keeps while the service runs, where its data lie."""
    folder = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if not folder:
        return
    with contextlib.suppress(OSError):
        path = Path(folder) / FILE
        path.write_text(json.dumps({"data": place_of(settings), "home": str(settings.home)}), "utf-8")
        path.chmod(0o644)


def lines(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """One line for each active service with other data: both places, and the command that reaches it."""
    found = []
    for run, command in ((SYSTEM_RUN, "sudo reminderd"), (own_run(environ), "")):
        theirs = read(run)
        if theirs is not None and theirs["data"] != place_of(settings):
            reach = command or f"reminderd --home {theirs['home']}"
            found.append(
                f"reminderd: this went to {place_of(settings)}, but the running service works with"
                f" {theirs['data']}. To reach that one: {reach} …"
            )
    return found


def place_of(settings: Settings) -> str:
    """The database, without a password."""
    if settings.database_path is not None:
        return str(settings.database_path)
    from sqlalchemy import make_url

    return make_url(settings.database_url).set(query={}).render_as_string(hide_password=True)


def own_run(environ: Mapping[str, str]) -> Path:
    """The folder that the user's own systemd keeps while the user's service runs."""
    return Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}") / "reminderd"


def read(run: Path) -> dict[str, str] | None:
    """What the service said there; ``None`` while it does not run."""
    try:
        found = json.loads((run / FILE).read_text("utf-8"))
        return {"data": str(found["data"]), "home": str(found["home"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
