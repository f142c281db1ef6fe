"""`python -m bench NAME ...`: measure, print a table, keep it as JSON. All of them without a name."""

from __future__ import annotations

import argparse
import importlib
import sys

from bench.table import as_text, keep

NAMES = ("tick", "compose", "plan", "render", "deliver", "late", "nodes", "idle", "cli")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer repeats, smaller stocks, a shorter quiet stretch")
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    good = True
    for name in given.names or NAMES:
        bench = importlib.import_module(f"bench.{name}")
        report = bench.run(given.quick)
        print(as_text(report), flush=True)
        print(f"   kept in {keep(report).name}\n", flush=True)
        good = good and report.is_good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
