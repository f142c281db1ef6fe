"""What somebody wrote in a mail, without what their program quoted or added. Pure."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_ATTRIBUTION = re.compile(
    r"^(?:On\b.{3,300}\bwrote|Am\b.{3,300}\bschrieb\b.{0,200}|Le\b.{3,300}\ba écrit|El\b.{3,300}\bescribió)\s*:$",
    re.IGNORECASE,
)
_NAMED = re.compile(r"^.{1,200}<[^<>\s]+@[^<>\s]+>\s*(?:wrote|schrieb)?\s*:$", re.IGNORECASE)
_REST_IS_QUOTED = re.compile(
    r"^(?:-{2,}\s*(?:original message|ursprüngliche nachricht|forwarded message|weitergeleitete nachricht)\s*-{2,}"
    r"|_{10,}|(?:\*?(?:from|von|gesendet|sent)\*?:)\s.+)$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"^(?:-- ?|sent from (?:my|outlook|yahoo|mail|proton).*|get outlook for .*|von meinem .{2,40} gesendet"
    r"|gesendet von .*|gesendet mit .*)$",
    re.IGNORECASE,
)


def unquoted(text: str) -> str:
    """The writer's own lines, wherever they stand: above, between or below the quotes."""
    lines = [line.rstrip().replace("\u00a0", " ") for line in text.replace("\r\n", "\n").split("\n")]
    kept: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index].strip()
        if line.startswith(">"):
            index += 1
            continue
        skipped = _attribution(lines, index)
        if skipped:
            index += skipped
            continue
        if _REST_IS_QUOTED.match(line) or (_SIGNATURE.match(line) and not _more_below(lines, index)):
            break
        if not _SIGNATURE.match(line):
            kept.append(line)
        index += 1
    return "\n".join(kept).strip()


def first_line(said: str) -> str:
    """The first line with something on it."""
    return next((line for line in said.split("\n") if line.strip()), "")


def _attribution(lines: list[str], index: int) -> int:
    """How many lines from here are "On … wrote:", which programs fold over up to three; only before a quote or an
    end, as somebody may well write "On Monday I wrote:" himself."""
    for count in (1, 2, 3):
        folded = [line.strip() for line in lines[index : index + count]]
        if not all(folded):
            return 0
        if _ATTRIBUTION.match(" ".join(folded)) or (count == 1 and _NAMED.match(folded[0])):
            below = next((line for line in lines[index + count :] if line.strip()), ">")
            return count if below.lstrip().startswith(">") or count == 1 else 0
    return 0


def _more_below(lines: list[str], index: int) -> bool:
    """Whether a quote and then more words follow what looks like a signature."""
    rest = lines[index + 1 :]
    quoted = [place for place, line in enumerate(rest) if line.lstrip().startswith(">")]
    return bool(quoted) and any(line.strip() for line in rest[quoted[-1] + 1 :])


def html_to_text(html: str) -> str:
    """The words of a page, a line for each block, quotes marked by ``>``."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError):
        pass  # what was read so far is what there is
    return reader.text()


_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "hr", "section", "article"}
)
_UNSEEN = frozenset({"style", "script", "head", "title", "template"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "wbr", "col", "area", "base", "source"})
_QUOTE_MARKS = ("gmail_quote", "gmail_extra", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "appendonsend")
_LONGEST = 2000


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._open: list[tuple[str, bool, bool]] = []

    def text(self) -> str:
        return "\n".join(line.strip() for line in self._lines)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS or tag == "blockquote":
            self._lines.append("")
        if tag in _VOID or len(self._open) >= _LONGEST:
            return
        names = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        quotes = tag == "blockquote" or any(mark in names for mark in _QUOTE_MARKS)
        self._open.append((tag, quotes, tag in _UNSEEN))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS or tag == "blockquote":
            self._lines.append("")
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        if any(unseen for _, _, unseen in self._open):
            return
        words = " ".join(data.split())
        if not words:
            return
        if any(quotes for _, quotes, _ in self._open) and not self._lines[-1]:
            self._lines[-1] = "> "
        joint = " " if self._lines[-1] and data[:1].isspace() else ""
        tail = " " if data[-1:].isspace() else ""
        self._lines[-1] += joint + words + tail
