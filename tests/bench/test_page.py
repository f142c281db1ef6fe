"""The tables of docs/performance.md, from what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import page
from bench.table import Report, Row, Verdict, keep


def test_what_was_measured_last_stands_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.table.RESULTS", tmp_path)
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    verdicts = [Verdict("a / b", 2.0, at_most=1.3), Verdict("b / a", 4.0, at_least=4)]
    kept = keep(Report("tick", [Row("a", (3.0, 1.0, 2000.0))], verdicts))
    other = "<!-- measured: idle -->\nas it was\n<!-- end -->\n"
    page.PAGE.write_text("Before.\n<!-- measured: tick -->\nold\n<!-- end -->\nAfter.\n" + other)
    assert page.main() == 0
    text = page.PAGE.read_text()
    assert text.startswith(f"Before.\n<!-- measured: tick -->\n{json.loads(kept.read_text())['at'][:10]}, ")
    assert "| a | 3.00 ms | 1.00 – 2,000.00 | 3 |" in text
    assert "| a / b | 2.00 | at most 1.3 | **missed** |" in text
    assert "| b / a | 4.00 | at least 4 |  |" in text
    assert text.endswith(f"<!-- end -->\nAfter.\n{other}")
    assert "old" not in text
