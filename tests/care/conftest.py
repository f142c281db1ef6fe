"""Parts of the tests of care."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.care.life import Life


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Life]]:
    """Begins lives, each in a home of its own."""
    lives: list[Life] = []

    def make(day: str, *names: str, **options: str) -> Life:
        home = tmp_path / f"home{len(lives)}"
        home.mkdir()
        lives.append(Life.begin(home, day, *names, **options))
        return lives[-1]

    yield make
    for life in lives:
        life.close()
