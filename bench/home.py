"""A home with 1,000 references, planned and told of, for what is measured in processes of their own."""

from __future__ import annotations

import os
from pathlib import Path

from reminderd.clock import utc_now
from reminderd.store import migrate
from reminderd.store.database import Store
from tests.flow.parts import Story, make_house, recorders

REFERENCES = 1000


def make_home(home: Path, references: int = REFERENCES) -> dict[str, str]:
    """The environment of a process that uses the new home."""
    url = f"sqlite:///{home / 'reminderd.db'}"
    store = Store(url)
    migrate.create(store)
    now = utc_now()
    names = [f"Person {number}" for number in range(references)]
    house = make_house(store, home, ways=["email"])
    story = Story.begin(house, recorders(), names, now, phone=None, created_at=now)
    with store.writing() as session:
        house.refresh_marks(session, now)  # as a daemon's start does, which then has nothing left to plan
    story.pass_at(now)
    story.stop()
    store.dispose()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "VIRTUAL_ENV")}
    return kept | {"HOME": str(home), "REMINDERD_HOME": str(home), "DATABASE_URL": url, "LISTEN_PORT": "0"}
