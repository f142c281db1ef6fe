"""Links that open the user's own mail or message app with the draft in it."""

from __future__ import annotations

import re
from urllib.parse import quote

from reminderd.drafts.draft import Draft
from reminderd.drafts.mime import clean, plain_address

MAILTO_LIMIT = 1600
"""Mail programs cut longer links somewhere between this and 2,000 characters."""
_ENDS = re.compile(r"(?<=[.!?…])\s+|\n+")
_PHONE = re.compile(r"[^\d+*#]")


def mailto(draft: Draft, bcc: str = "") -> tuple[str, bool]:
    """The link that starts the mail, and whether the text had to be shortened to fit in it."""
    head = f"mailto:{quote(plain_address(draft.to), safe='@+-._~')}?subject={quote(clean(draft.subject), safe='')}"
    if bcc:
        head += f"&bcc={quote(plain_address(bcc), safe='@+-._~')}"
    body = encode_body(draft.body)
    room = MAILTO_LIMIT - len(head) - len("&body=")
    if len(body) <= room:
        return f"{head}&body={body}", False
    return f"{head}&body={encode_body(_shortened(draft.body, room))}", True


def sms(phone: str, body: str) -> str:
    """The link that starts a text; `?&body=` serves both kinds of phone."""
    return f"sms:{_PHONE.sub('', phone)}?&body={encode_body(body)}"


def tel(phone: str) -> str:
    """The link that calls a number."""
    return f"tel:{_PHONE.sub('', phone)}"


def command(reply_address: str, subject: str, words: str) -> str:
    """The link that answers with a command, such as `DONE 7`."""
    address = quote(plain_address(reply_address), safe="@+-._~=")
    return f"mailto:{address}?subject={quote(clean(subject), safe='')}&body={quote(words, safe='')}"


def web(link: str) -> str:
    """A link as it may stand in a message: http and https only, anything else is left out."""
    link = clean(link)
    if re.match(r"https?://[^\s\"<>]+$", link, re.IGNORECASE):
        return link
    bare = re.match(r"[\w-]+(\.[\w-]+)+(/[^\s\"<>]*)?$", link)
    return f"https://{link}" if bare else ""


def encode_body(text: str) -> str:
    """Percent-encoded, with line ends as mail wants them."""
    return quote(text.replace("\r\n", "\n").replace("\n", "\r\n"), safe="")


def _shortened(body: str, room: int) -> str:
    """As many whole sentences as fit, else as many words."""
    for cuts in ([match.start() for match in _ENDS.finditer(body)], [m.start() for m in re.finditer(r"\s", body)]):
        for cut in reversed(cuts):
            if len(encode_body(body[:cut])) <= room:
                return body[:cut]
    return ""
