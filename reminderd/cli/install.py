"""The service on this machine: installed, taken away, and how it is."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from reminderd.cli import moving, other_home, system, units
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.install_steps import Await, Remove, Run, Step, Write, call, carry_out
from reminderd.cli.output import json_option
from reminderd.errors import ReminderdError, UsageError

LINGER = "# Lingering was switched on for it; uninstalling switches it off again.\n"


@click.group()
def service() -> None:
    """The service under systemd: install, uninstall, status."""


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which of the two services."""
    command = click.option("--system", "kind", flag_value="system", help="The machine's service, for root.")(command)
    return click.option(
        "--user", "kind", flag_value="user", help="Yours, under your own systemd; the default unless you are root."
    )(command)


_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would be done.")


@service.command()
@_where
@_dry_run
@pass_ctx
def install(ctx: Ctx, kind: str | None, dry_run: bool) -> None:
    """Write, enable and start the unit. Yours keeps the home of the command line and runs without you logged in."""
    if _is_system(kind):
        if not dry_run:
            _need_root("install")
        steps = system_install(ctx)
        done = f"Running. `sudo reminderd …` reaches it; settings are in {system.CONFIG}."
    else:
        steps = user_install(ctx)
        done = "Running, also when you are not logged in. Look: reminderd service status"
    _go(ctx, steps, dry_run, done)


@service.command()
@_where
@_dry_run
@pass_ctx
def uninstall(ctx: Ctx, kind: str | None, dry_run: bool) -> None:
    """Stop and disable it and take its files away. Data and settings stay."""
    if _is_system(kind):
        if not dry_run:
            _need_root("uninstall")
        steps = system_uninstall()
        kept = f"{system.STATE} and {system.CONFIG}"
    else:
        steps = user_uninstall(ctx)
        kept = " and ".join(dict.fromkeys((str(ctx.settings.home), str(ctx.settings.config_dir))))
    _go(ctx, steps, dry_run, f"Gone. Kept: {kept}.")


@service.command()
@_where
@json_option
@pass_ctx
def status(ctx: Ctx, kind: str | None) -> int:
    """Whether it is installed, enabled and running, and with which data. 0 when it runs, else 3."""
    found = state_of(ctx, is_system=_is_system(kind))
    if ctx.json:
        ctx.say_json(found)
    else:
        for name, value in found.items():
            ctx.say(f"{name + ':':<10}{value if value is not None else 'unknown'}")
    return 0 if found["active"] == "active" else 3


# ---- what is to be done


def user_install(ctx: Ctx) -> list[Step]:
    """The steps to a service of one's own, with the home that the command line uses."""
    settings, program = ctx.settings, units.own_program()
    environment = _environment(ctx)
    path = _user_unit(ctx)
    name = getpass.getuser()
    lingers = Path("/var/lib/systemd/linger", name).exists()
    ours = not lingers or (path.exists() and LINGER in path.read_text("utf-8"))
    steps: list[Step] = []
    if path.exists() or ours or environment or program != [units.PACKAGED_PROGRAM]:
        text = units.rendered(units.shipped("user/reminderd.service"), program, environment)
        steps.append(Write(path, text + ("\n" + LINGER if ours else "")))
    if not lingers:  # first, as it starts the systemd that the rest speaks to
        command = ("loginctl", "enable-linger", name)
        advice = f"Let root do it: sudo loginctl enable-linger {name}; then again: reminderd service install"
        steps.append(Run(command, advice=advice))
    steps += [
        Await(other_home.runtime_dir(ctx.environ) / "systemd" / "private", "your own systemd"),
        Run(("systemctl", "--user", "daemon-reload")),
        Run(("systemctl", "--user", "enable", units.NAME)),
        Run(("systemctl", "--user", "restart", units.NAME)),
    ]
    if settings.database_path is not None and not settings.database_path.exists():
        ctx.tell(f"There is no {settings.database_path} yet; it will be made. Then: reminderd init")
    return steps


def user_uninstall(ctx: Ctx) -> list[Step]:
    """The steps back."""
    path = _user_unit(ctx)
    steps: list[Step] = [Run(("systemctl", "--user", "disable", "--now", units.NAME), may_fail=True)]
    ours = path.is_file() and LINGER in path.read_text("utf-8")
    if path.is_file():
        steps.append(Remove(path))
    steps.append(Run(("systemctl", "--user", "daemon-reload")))
    if ours:  # last, as it may end the systemd that the rest speaks to
        steps.append(Run(("loginctl", "disable-linger", getpass.getuser()), may_fail=True))
    return steps


def system_install(ctx: Ctx) -> list[Step]:
    """The steps to the machine's service; what the caller has at home moves along."""
    program = units.own_program()
    _refuse_hidden(program)
    found = units.installed_system_unit()
    is_packaged = found is not None and found.parent != units.SYSTEM_PLACES[0]
    steps: list[Step] = []
    if not is_packaged:
        steps += [
            Write(Path("/etc/sysusers.d/reminderd.conf"), units.shipped("reminderd.sysusers")),
            Run(("systemd-sysusers", "/etc/sysusers.d/reminderd.conf")),
            Write(Path("/etc/tmpfiles.d/reminderd.conf"), units.shipped("reminderd.tmpfiles")),
            Run(("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/reminderd.conf")),
            Write(units.SYSTEM_PLACES[0] / units.NAME, units.rendered(units.shipped("reminderd.service"), program)),
        ]
    steps += moving.steps(ctx)
    return [
        *steps,
        Run(("systemctl", "daemon-reload")),
        Run(("systemctl", "enable", units.NAME)),
        Run(("systemctl", "restart", units.NAME)),
    ]


def system_uninstall() -> list[Step]:
    """The steps back. What a package brought is the package's to take away."""
    written = [units.SYSTEM_PLACES[0] / units.NAME]
    written += [Path(f"/etc/{kind}.d/reminderd.conf") for kind in ("sysusers", "tmpfiles")]
    return [
        Run(("systemctl", "disable", "--now", units.NAME), may_fail=True),
        *[Remove(path) for path in written if path.is_file()],
        Run(("systemctl", "daemon-reload")),
    ]


def state_of(ctx: Ctx, *, is_system: bool) -> dict[str, Any]:
    """What systemd and the running service say."""
    wanted = "FragmentPath,UnitFileState,ActiveState,SubState,MainPID,NRestarts,StatusText"
    scope = () if is_system else ("--user",)
    shown = _shown(("systemctl", *scope, "show", units.NAME, f"--property={wanted}"))
    run = other_home.SYSTEM_RUN if is_system else other_home.own_run(ctx.environ)
    theirs = other_home.read(run)
    return {
        "unit": shown.get("FragmentPath") or None,
        "enabled": shown.get("UnitFileState") or "no",
        "active": shown.get("ActiveState", "unknown"),
        "process": int(shown.get("MainPID") or 0) or None,
        "restarts": int(shown.get("NRestarts") or 0),
        "says": shown.get("StatusText") or None,
        "data": theirs["data"] if theirs else None,
    }


# ---- helpers


def _go(ctx: Ctx, steps: list[Step], dry_run: bool, done: str) -> None:
    for step in steps:
        ctx.say(str(step))
    if dry_run:
        ctx.tell("Nothing was done (--dry-run).")
        return
    carry_out(steps)
    ctx.tell(done)


def _is_system(kind: str | None) -> bool:
    return (kind or ("system" if os.geteuid() == 0 else "user")) == "system"


def _need_root(what: str) -> None:
    if os.geteuid() != 0:
        raise UsageError(f"The machine's service needs root: sudo reminderd service {what} --system")


def _environment(ctx: Ctx) -> dict[str, str]:
    """What leads the service to the home of the command line."""
    if ctx.home is not None:
        return {"REMINDERD_HOME": str(ctx.settings.home)}
    names = ("XDG_STATE_HOME", "XDG_CONFIG_HOME")
    return {name: ctx.environ[name] for name in names if ctx.environ.get(name)}


def _user_unit(ctx: Ctx) -> Path:
    base = ctx.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemd" / "user" / units.NAME


def _refuse_hidden(program: list[str]) -> None:
    path = Path(program[0]).resolve()
    hidden = system.hidden_below(path)
    if hidden is not None:
        raise ReminderdError(
            f"The system service cannot see {path}: {hidden} is hidden from it. Install the Debian package, or into a"
            " folder such as /opt/reminderd: python3 -m venv /opt/reminderd; /opt/reminderd/bin/pip install …"
        )


def _shown(command: tuple[str, ...]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in call(command).stdout.splitlines() if "=" in line)
