"""`python -m bench.page`: write what was measured last into docs/performance.md, each table between its two marks."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from bench.table import RESULTS

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_TABLE = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    text = PAGE.read_text()
    for name in sorted({found.group(2) for found in _TABLE.finditer(text)}):
        if not (RESULTS / f"{name}.json").is_file():
            print(f"{name} has not been measured: its table stays as it is")
    PAGE.write_text(_TABLE.sub(_filled, text))
    return 0


def _filled(found: re.Match[str]) -> str:
    path = RESULTS / f"{found.group(2)}.json"
    return found.group(1) + as_markdown(json.loads(path.read_text())) + found.group(3) if path.is_file() else found[0]


def as_markdown(kept: dict[str, Any]) -> str:
    """Rows and ratios of one report, below the day, the machine and the versions."""
    versions = ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    lines = [
        f"{kept['at'][:10]}, {kept['machine']}, {versions}.",
        "",
        "| what | median | least – most | times |",
        "|---|---:|---:|---:|",
        *(
            f"| {row['what']} | {row['median']:,.2f} {row['unit']} "
            f"| {min(row['values']):,.2f} – {max(row['values']):,.2f} | {len(row['values'])} |"
            for row in kept["rows"]
        ),
    ]
    if kept["verdicts"]:
        lines += ["", "| ratio | measured | wanted | |", "|---|---:|---:|---|"]
        lines += [
            f"| {one['what']} | {one['ratio']:.2f} | {_wanted(one)} | {'' if one['good'] else '**missed**'} |"
            for one in kept["verdicts"]
        ]
    return "\n".join(lines) + "\n"


def _wanted(verdict: dict[str, Any]) -> str:
    if verdict["at_most"] is not None:
        return f"at most {verdict['at_most']:g}"
    return f"at least {verdict['at_least']:g}" if verdict["at_least"] is not None else "no bound"


if __name__ == "__main__":
    sys.exit(main())
