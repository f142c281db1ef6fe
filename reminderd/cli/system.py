"""The system installation: root's commands act on it, as its user."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

import click

from reminderd.cli import units
from reminderd.settings import rows

USER = "reminderd"
STATE = Path("/var/lib/reminderd")
CONFIG = Path("/etc/reminderd")
CREDENTIALS = Path("/etc/credstore")
UNREACHABLE = (Path("/root"), Path("/home"), Path("/run/user"))
"""Hidden from the service."""
STAYS_ROOT = frozenset({"service", "completion", "demo"})
"""Commands that change the machine, or touch no one's data."""
READS_JOURNAL = "report"
JOURNAL_GROUP = "systemd-journal"


def settle(command: str | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment to work with. Where root means the system installation, this process becomes its user, before
    anything of it is opened, and says so on stderr."""
    if command in STAYS_ROOT or os.geteuid() != 0 or not is_installed():
        return environ
    given = [name for name in ("REMINDERD_HOME", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY") if environ.get(name)]
    if given:
        return environ
    secrets = _credentials(environ)  # only root reads them, as only systemd does for the service
    _become(pwd.getpwnam(USER), (JOURNAL_GROUP,) if command == READS_JOURNAL else ())
    click.echo(f"reminderd: the system service's data: {STATE}, settings: {CONFIG}, as user {USER}.", err=True)
    places = {"STATE_DIRECTORY": str(STATE), "CONFIGURATION_DIRECTORY": str(CONFIG), "HOME": str(STATE)}
    os.environ.update(places)
    return {**environ, **secrets, **places}


def is_installed() -> bool:
    """Whether there is a system unit with its user and its folders."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return units.installed_system_unit() is not None and CONFIG.is_dir() and STATE.is_dir()


def hidden_below(path: Path) -> Path | None:
    """The folder, hidden from the service, that ``path`` lies in; ``None`` where the service can see it."""
    return next((place for place in UNREACHABLE if path.is_relative_to(place)), None)


def _become(account: pwd.struct_passwd, groups: tuple[str, ...]) -> None:
    """This process is ``account``'s from now on, and in ``groups`` too, where there are such."""
    os.initgroups(account.pw_name, account.pw_gid)
    os.setgroups([*os.getgroups(), *(one.gr_gid for one in grp.getgrall() if one.gr_name in groups)])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    os.umask(0o077)
    if not os.access(".", os.R_OK | os.X_OK):  # root's own folder, say
        os.chdir("/")


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """What LoadCredential= of the unit hands to the service, for the names that are not set otherwise."""
    found = {}
    for row in rows():
        path = CREDENTIALS / f"reminderd.{row.name.lower()}"
        if row.secret and path.is_file() and not (environ.get(row.name) or environ.get(f"{row.name}_FILE")):
            found[row.name] = path.read_text("utf-8").rstrip("\r\n")
    return found
