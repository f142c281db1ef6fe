"""What the tests of an installation share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.machine import Machine, running_machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine for the tests of one file."""
    with running_machine(tmp_path_factory.mktemp("machine")) as booted:
        yield booted
