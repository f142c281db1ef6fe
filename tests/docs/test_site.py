"""The site is built from the pages, strictly, and asks nobody else for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "properdocs", "build", "--site-dir", str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    assert ran.returncode == 0, ran.stderr
    return folder


def test_every_page_is_built_and_once_in_the_navigation(site: Path) -> None:
    listed = (site / "index.html").read_text("utf-8").partition("<nav")[2].partition("</nav>")[0]
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").is_file()
        assert listed.count(f'href="{page.stem}.html"') == 1, page.name


def test_nothing_is_loaded_from_elsewhere_and_no_script_at_all(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text("utf-8")
        assert "<script" not in text, page.name
        loaded = re.findall(r"<(?:link|img|iframe|source)[^>]*(?:href|src)=\"([^\"]+)\"", text)
        assert loaded
        assert not [target for target in loaded if re.match(r"(https?:)?//", target)], page.name
    assert "url(" not in (site / "style.css").read_text("utf-8")


def test_only_pages_pictures_and_the_style_are_published(site: Path) -> None:
    kinds = {path.suffix for path in site.rglob("*") if path.is_file()}
    assert kinds <= {".html", ".css", ".png", ".xml", ".gz"}
