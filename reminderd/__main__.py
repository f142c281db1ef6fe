"""`python -m reminderd` and the console script: the same command."""

from __future__ import annotations

from reminderd.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
