"""Somebody who has used the program for a while, as the readers of most pages have."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

from tests.docs.reader import Reader, arguments_of

STORY = """
reminderd init --name "Ada Byron" --email ada@example.org --phone +14155550100 --timezone America/New_York
reminderd add "Maria Lopez" maria@example.org
reminderd add "Ana Lima" ana@example.org
reminderd add "Ben Okafor" ben@example.org
reminderd add "Cleo Ames" cleo@example.org
reminderd add "Dana Wu" dana@example.org
reminderd add "Sam Ortiz" +14155550101
reminderd landed Initech Ben Sam --quiet
reminderd done Ben
"""


def copy_to(home: Path) -> None:
    """The account of such a person, at ``home``."""
    shutil.copytree(_made(), home)


@functools.cache
def _made() -> Path:
    """Made once in each process."""
    home = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    before = Path.cwd()
    os.chdir(home)
    try:
        reader = Reader(home)
        for command in STORY.strip().splitlines():
            said = reader.run(arguments_of(command) or [])
            assert reader.code == 0, said
    finally:
        os.chdir(before)
    return home
