"""The mail's HTML keeps to what Gmail, Outlook and Apple Mail show; what they may miss is decoration, and named."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from reminderd.message import Mail
from tests.drafts.caniemail import CLIENTS, FEATURES, lacking
from tests.drafts.test_mail import offer, part
from tests.drafts.weekly import weekly

PROPERTIES = {
    "background-color": "css-background-color",
    "border": "css-border",
    "border-color": "css-border",
    "border-radius": "css-border-radius",
    "color": "css-font",
    "color-scheme": "css-color-scheme",
    "display": "css-display",
    "font-family": "css-font",
    "font-size": "css-font-size",
    "font-weight": "css-font-weight",
    "height": "css-height",
    "line-height": "css-line-height",
    "margin": "css-margin",
    "max-height": "css-max-height",
    "max-width": "css-max-width",
    "opacity": "css-opacity",
    "overflow": "css-overflow",
    "overflow-wrap": "css-overflow-wrap",
    "padding": "css-padding",
    "padding-bottom": "css-padding",
    "table-layout": "css-table-layout",
    "text-decoration": "css-text-decoration",
    "word-break": "css-word-break",
}
TAGS = {
    "a": "html-mailto-links",
    "body": "html-body",
    "code": "html-code",
    "div": "html-div",
    "span": "html-span",
    "strong": "html-strong",
    "style": "html-style",
    "table": "html-table",
}
PLAIN_TAGS = {"html", "head", "meta", "title", "br", "tr", "td"}
ATTRIBUTES = {
    "align": "html-align",
    "cellpadding": "html-cellpadding",
    "height": "html-height",
    "lang": "html-lang",
    "role": "html-role",
    "style": "html-style",
    "width": "html-width",
}
PLAIN_ATTRIBUTES = {"border", "cellspacing", "charset", "class", "content", "href", "name"}
PROGRESSIVE = {
    "css-at-media": "narrower margins on small screens; Outlook for Windows is no small screen",
    "css-at-media-prefers-color-scheme": "our own dark colours; without them the light ones stay, or the program's own",
    "css-border-radius": "square corners",
    "css-color-scheme": "says that both were thought of; the colours are all given anyway",
    "css-max-height": "hides the preheader, as display:none and mso-hide do",
    "css-opacity": "hides the preheader, as display:none and mso-hide do",
    "css-overflow": "hides the preheader, as display:none and mso-hide do",
    "css-overflow-wrap": "breaks words that are too long, as word-break does",
    "css-table-layout": "even cells of the year's bar; their contents are equal without it",
    "html-body": "its colours stand on the table within as well",
    "html-meta-color-scheme": "says that both were thought of; the colours are all given anyway",
}


class Reader(HTMLParser):
    """Collects tags, attributes, links and declarations."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.declarations: list[tuple[str, str, str]] = []
        self.sheets: list[str] = []
        self.feed(text)
        for sheet in self.sheets:
            for body in re.findall(r"\{([^{}]*)\}", sheet):
                self._declare("sheet", body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._declare(tag, dict(attrs).get("style") or "")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style" and "{" in data:
            self.sheets.append(data)

    def _declare(self, where: str, body: str) -> None:
        for declaration in filter(str.strip, body.split(";")):
            name, _, value = declaration.partition(":")
            self.declarations.append((where, name.strip(), value.strip()))


MAILS = {"offer": offer, "weekly": weekly}


@pytest.fixture(params=MAILS, name="mail")
def _mail(request: pytest.FixtureRequest) -> Mail:
    return MAILS[request.param]()


def used(mail: Mail) -> set[str]:
    reader = Reader(part(mail, "html"))
    found = {PROPERTIES[name] for _, name, _ in reader.declarations if not name.startswith("mso-")}
    found |= {TAGS[tag] for tag in reader.tags - PLAIN_TAGS}
    found |= {ATTRIBUTES[name] for name in reader.attributes - PLAIN_ATTRIBUTES}
    sheets = " ".join(reader.sheets)
    found |= {"css-at-media"} if "max-width:" in sheets else set()
    found |= {"css-at-media-prefers-color-scheme"} if "prefers-color-scheme" in sheets else set()
    found |= {"css-important"} if "!important" in sheets else set()
    return found | {"html-meta-color-scheme", "css-selector-class"}


def test_every_program_shows_what_the_mail_relies_on(mail: Mail) -> None:
    missing = {feature: lacking(feature) for feature in used(mail) - PROGRESSIVE.keys()}
    assert {feature: programs for feature, programs in missing.items() if programs} == {}


def test_what_some_programs_miss_is_used_for_decoration_alone(mail: Mail) -> None:
    assert {feature for feature in used(mail) if lacking(feature)} <= PROGRESSIVE.keys()
    assert all(lacking(feature) for feature in PROGRESSIVE)


def test_the_table_of_programs_is_whole() -> None:
    assert all(len(support) == len(CLIENTS) and set(support) <= set("yanu-") for support in FEATURES.values())
    assert lacking("css-display-flex") == ["Outlook Windows"]


def test_nothing_is_laid_out_by_what_outlook_or_gmail_drop(mail: Mail) -> None:
    text = part(mail, "html")
    reader = Reader(text)
    names = {name for _, name, _ in reader.declarations}
    assert not names & {"float", "position", "background-image", "background", "box-shadow", "grid-template-columns"}
    shown = {value for where, name, value in reader.declarations if name == "display" and where != "sheet"}
    assert shown <= {"none", "inline-block", "inline-table"}
    assert not reader.tags & {"img", "script", "form", "button", "video", "svg", "link", "iframe", "p", "ul", "h1"}
    assert "url(" not in text
    assert "<!--[if mso]>" in text  # a fixed width where max-width is not known
    assert len(text.encode()) < 102_000  # Gmail cuts what is longer


def test_colours_stand_inline_so_that_they_do_without_a_style_sheet(mail: Mail) -> None:
    reader = Reader(part(mail, "html"))
    assert [d for d in reader.declarations if d[0] == "body" and d[1] in ("color", "background-color")]
    dark = [sheet for sheet in reader.sheets if "prefers-color-scheme" in sheet]
    assert len(dark) == 1  # in a sheet of its own: a program that does not know the query drops no other rule
    assert "max-width:" not in dark[0]


def test_on_a_narrow_screen_nothing_is_wider_than_it(mail: Mail) -> None:
    text = re.sub(r"<!--\[if mso\]>.*?<!\[endif\]-->", "", part(mail, "html"), flags=re.DOTALL)
    assert set(re.findall(r'width="([^"]*)"', text)) <= {"100%"}
    fixed = re.findall(r"(?<!max-)(?<!-)width:(\d+)px", text)
    assert [width for width in fixed if int(width) > 280] == []
    assert "max-width:600px" in text
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in text
    assert "word-break:break-word" in text
