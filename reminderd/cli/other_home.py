"""A running service whose data lie elsewhere: what a command writes does not reach it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from reminderd.settings import Settings, places

FILE = "home"
SYSTEM_RUN = Path("/run/reminderd")


def announce(settings: Settings, environ: Mapping[str, str]) -> None:
    """Say, in the folder that systemd keeps while the service runs, where its data lie."""
    folder = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if not folder:
        return
    with contextlib.suppress(OSError):
        path = Path(folder) / FILE
        said = {"data": place_of(settings), "home": str(settings.home), "config": str(settings.config_dir)}
        path.write_text(json.dumps(said), "utf-8")
        path.chmod(0o644)


def lines(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """One line for each active service with other data: both places, and the command that reaches it."""
    found = []
    for run in (SYSTEM_RUN, own_run(environ)):
        theirs = read(run)
        if theirs is not None and theirs["data"] != place_of(settings):
            reach = "sudo reminderd" if run == SYSTEM_RUN else _way_to(theirs, environ)
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
    return runtime_dir(environ) / "reminderd"


def runtime_dir(environ: Mapping[str, str]) -> Path:
    """The folder of the user's own systemd, also where no login has set XDG_RUNTIME_DIR."""
    return Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")


def read(run: Path) -> dict[str, str] | None:
    """What the service said there; ``None`` while it does not run."""
    try:
        found = json.loads((run / FILE).read_text("utf-8"))
        return {name: str(found[name]) for name in ("data", "home", "config")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _way_to(theirs: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """The command that works in these places, whatever this environment says of them."""
    import shlex

    if theirs["home"] == theirs["config"]:
        return shlex.join(["reminderd", "--home", theirs["home"]])
    usual = places({"HOME": environ.get("HOME", "")})
    if usual == (Path(theirs["home"]), Path(theirs["config"])):
        return "env -u REMINDERD_HOME -u XDG_STATE_HOME -u XDG_CONFIG_HOME reminderd"
    bases = {"XDG_STATE_HOME": theirs["home"], "XDG_CONFIG_HOME": theirs["config"]}
    return shlex.join(
        ["env", "-u", "REMINDERD_HOME", *(f"{name}={Path(path).parent}" for name, path in bases.items()), "reminderd"]
    )
