"""What somebody has at home moves along to the machine's service."""

from __future__ import annotations

import pwd
from pathlib import Path

from reminderd.cli import system, units
from reminderd.cli.context import Ctx
from reminderd.cli.install_steps import ChangeEnv, Copy, MoveDatabase, Step
from reminderd.errors import ReminderdError
from reminderd.setting_kinds import FILE
from reminderd.settings import Settings, load, read_env, rows

AT_HOME = ("MAILDIR", "BACKUP_DIR")
"""Settings of places that the service has places of its own for."""


def steps(ctx: Ctx) -> list[Step]:
    """The steps that bring settings and data of whoever called into the system's places. What is there already stays,
    and that is said. Raises `ReminderdError` where somebody works with the data, or both places have a database."""
    settings = _callers_settings(ctx)
    if settings is None or settings.home == system.STATE:
        return []
    _refuse_own_service(ctx)
    return [*_copies(ctx, settings), *_database(settings)]


def _copies(ctx: Ctx, settings: Settings) -> list[Step]:
    pairs = [(settings.config_dir / name, system.CONFIG / name) for name in ("rules.toml", "templates")]
    pairs.append((settings.home / "secret_key", system.STATE / "secret_key"))
    pairs += [(settings.maildir, system.STATE / "Maildir"), (settings.backup_dir, system.STATE / "backups")]
    target = system.CONFIG / ".env"
    changes: dict[str, str | None] = {}
    if settings.env_file.exists() and not target.exists():
        named = _named_files(settings)
        pairs += [(path, system.CONFIG / path.name) for path in named.values()]
        changes |= {name: str(system.CONFIG / path.name) for name, path in named.items()}
        changes |= dict.fromkeys(_outdated(settings))
    pairs.insert(0, (settings.env_file, target))
    found: list[Step] = []
    for source, to in pairs:
        if source.exists() and to.exists():
            ctx.tell(f"{to} is there already and stays; {source} is not taken.")
        elif source.exists():
            found.append(Copy(source, to, system.USER))
    return [*found, *([ChangeEnv(target, changes, system.USER)] if changes else [])]


def _named_files(settings: Settings) -> dict[str, Path]:
    """The files that the `.env` names and that the service could not see where they are."""
    in_file = read_env(settings.env_file)
    names = [row.name if row.kind is FILE else f"{row.name}_FILE" for row in rows() if row.kind is FILE or row.secret]
    paths = {name: settings.env_file.parent / Path(in_file[name]).expanduser() for name in names if in_file.get(name)}
    return {name: path for name, path in paths.items() if system.hidden_below(path) is not None}


def _outdated(settings: Settings) -> list[str]:
    """The names in the `.env` that would lead the service back to where its data were."""
    names = AT_HOME if settings.database_path is None else ("DATABASE_URL", *AT_HOME)
    in_file = read_env(settings.env_file)
    return [name for name in names if in_file.get(name)]


def _database(settings: Settings) -> list[Step]:
    source, target = settings.database_path, system.STATE / "reminderd.db"
    if source is None or not source.exists():
        return []
    _refuse_in_use(settings)
    if target.exists():
        raise ReminderdError(f"Both {source} and {target} exist. Move one aside, then try again.")
    return [MoveDatabase(source, target, system.USER)]


def _callers_settings(ctx: Ctx) -> Settings | None:
    """The settings at home of whoever called, by --home or through sudo; ``None`` where there is nothing."""
    if ctx.home is not None or ctx.env_file is not None:
        return ctx.settings
    through_sudo = bool(ctx.environ.get("SUDO_USER"))
    environ = {} if through_sudo else {name: value for name, value in ctx.environ.items() if name.startswith("XDG_")}
    settings = load({**environ, "HOME": str(_callers_home(ctx))})
    return settings if settings.env_file.exists() or settings.home.exists() else None


def _callers_home(ctx: Ctx) -> Path:
    caller = ctx.environ.get("SUDO_USER")
    return Path(pwd.getpwnam(caller).pw_dir if caller else ctx.environ.get("HOME", "/root"))


def _refuse_own_service(ctx: Ctx) -> None:
    """It would begin anew, with an empty database, at the next login."""
    unit = _callers_home(ctx) / ".config" / "systemd" / "user" / units.NAME
    if unit.is_file():
        raise ReminderdError(f"There is a service of your own, {unit}. First: reminderd service uninstall --user")


def _refuse_in_use(settings: Settings) -> None:
    from reminderd.store import lock
    from reminderd.store.database import Store

    store = Store(settings.database_url, read_only=True)
    try:
        if who := lock.holder(store):
            raise ReminderdError(f"{store.place} is in use by process {who}. Stop that one first, then try again.")
    finally:
        store.dispose()
