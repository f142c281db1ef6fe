"""The documentation as programs see it: pages, fenced blocks, the commands in them, and what is shown of each."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\s*$")


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``line`` is the file's line of its first own line."""

    language: str
    line: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """One command of a block. ``shown`` is what the page shows as its answer, ``None`` where it shows nothing."""

    line: int
    text: str
    shown: tuple[str, ...] | None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    opened: tuple[str, int, int] | None = None
    inside: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence:
                opened, inside = (fence["language"], number + 1, len(fence["indent"])), []
        elif fence and not fence["language"]:
            found.append(Block(opened[0], opened[1], tuple(inside)))
            opened = None
        else:
            inside.append(line[opened[2] :])
    assert opened is None, f"{page.name}: a block is not closed"
    return found


def commands(block: Block) -> Iterator[Command]:
    """The commands of a `sh` block (each line is one) or a `console` block (those behind a `$`). A backslash at the end
    of a line goes on in the next."""
    prompt = "$ " if block.language == "console" else ""
    typed: tuple[int, str] | None = None
    shown: list[str] = []
    for number, line in enumerate(block.lines, block.line):
        if typed is not None and typed[1].endswith("\\"):
            typed = (typed[0], typed[1].removesuffix("\\") + line.strip())
        elif prompt and not line.startswith(prompt):
            shown.append(line)
        elif line.strip() and not line.startswith("#"):
            if typed is not None:
                yield _command(typed, shown if prompt else None)
            typed, shown = (number, line.removeprefix(prompt)), []
    if typed is not None:
        yield _command(typed, shown if prompt else None)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    kept, is_inside = [], False
    for line in page.read_text("utf-8").splitlines():
        if _FENCE.match(line):
            is_inside = not is_inside
        elif not is_inside:
            kept.append(line)
    return "\n".join(kept)


def anchors(page: Path) -> set[str]:
    """The ids of a page's headings, as the site and code hosts make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *#*$", prose(page), re.MULTILINE):
        plain = re.sub(r"[^\w\s-]", "", re.sub(r"\[(.+?)\]\(.+?\)", r"\1", heading)).strip().lower()
        slug = re.sub(r"[\s]+", "-", plain)
        found.add(slug if slug not in found else f"{slug}_1")
    return found


def _command(typed: tuple[int, str], shown: list[str] | None) -> Command:
    text = re.sub(r"\s+#\s.*$", "", typed[1]).strip()
    return Command(typed[0], text, None if shown is None else tuple(shown))
