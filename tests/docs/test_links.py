"""Every link of the pages to a page, a heading or a picture leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, prose

PAGES_WITH_LINKS = (*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "deploy" / "README.md")


@pytest.mark.parametrize("page", PAGES_WITH_LINKS, ids=lambda page: page.name)
def test_relative_links_lead_to_a_page_and_a_heading(page: Path) -> None:
    text = prose(page)
    for target in (*re.findall(r"\]\(\s*([^)\s]+)\s*\)", text), *re.findall(r'src="([^"]+)"', text)):
        if re.match(r"[a-z]+:", target):
            assert target.startswith(("https://", "mailto:")), target
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_is_reached_from_the_readme_or_the_first_page(page: Path) -> None:
    first = (ROOT / "README.md", ROOT / "docs" / "index.md")
    if page in first:
        return
    reached: set[Path] = set(first)
    waiting = list(first)
    while waiting:
        here = waiting.pop()
        for target in re.findall(r"\]\(\s*([^)#\s]+\.md)", prose(here)):
            there = (here.parent / target).resolve()
            if there.is_file() and there not in reached:
                reached.add(there)
                waiting.append(there)
    assert page in reached
