"""Parts of the page's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reminderd.store.database import Store
from tests.web.parts import Desk, make_desk


@pytest.fixture
def desk(sqlite_store: Store, tmp_path: Path) -> Iterator[Desk]:
    made = make_desk(sqlite_store, tmp_path)
    yield made
    made.story.stop()


@pytest.fixture
def desk_on_both(store: Store, tmp_path: Path) -> Iterator[Desk]:
    """The same on SQLite and PostgreSQL."""
    made = make_desk(store, tmp_path)
    yield made
    made.story.stop()
