"""The key of the installation: what makes its Message-IDs, addresses and links impossible to guess."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from reminderd.errors import ConfigError
from reminderd.settings import Settings

FILE = "secret_key"


def load_key(settings: Settings) -> bytes:
    """64 bytes from SECRET_KEY, else from the file in the home, which is made (0600) where there is none."""
    text = settings.secret_key or _kept(settings.home / FILE)
    return hashlib.blake2b(text.encode()).digest()


def _kept(path: Path) -> str:
    try:
        if not path.exists():
            _make(path)
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the key cannot be read or made ({error}). Set SECRET_KEY instead.") from error
    if len(text) < 32:
        raise ConfigError(f"{path}: expected a key of 32 characters or more. Remove the file; a new one is made.")
    return text


def _make(path: Path) -> None:
    """Whole or not at all, and never over one that another process made meanwhile."""
    import secrets

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
