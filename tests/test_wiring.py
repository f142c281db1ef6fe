"""What is built late is checked early."""

from __future__ import annotations

from pathlib import Path

import pytest

from reminderd.errors import ConfigError
from reminderd.secret import FILE
from reminderd.store.database import Store
from tests.flow.parts import make_house


def test_a_key_that_is_too_short_stops_a_daemon_before_its_first_message(sqlite_store: Store, tmp_path: Path) -> None:
    house = make_house(sqlite_store, tmp_path)
    (tmp_path / FILE).write_text("short")
    with pytest.raises(ConfigError, match=FILE):
        house.dispatcher_to_be()
