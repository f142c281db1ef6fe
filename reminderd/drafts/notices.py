"""What the program says to the user of its own accord: what ended, what broke, and a test. By language."""

from __future__ import annotations

_ENGLISH = {
    "expired": "No longer needed: {what} (let go, its time is over).",
    "cancelled": "No longer needed: {what} (withdrawn).",
    "email": "E-mail",
    "sms": "Texts",
    "broke": "{what} to you cannot be delivered: {why}. Until that is mended, reminders come this way.",
    "broke_subject": "reminderd: {what} cannot be delivered",
    "test": "This is a test: reminders reach you here.",
    "test_subject": "reminderd: a test",
    "template": "A template of yours cannot be used, so this was made with ours: {why}",
    "no_draft": "The draft could not be made: {why}",
}
_GERMAN = {
    "expired": "Nicht mehr nötig: {what} (die Zeit dafür ist vorbei).",
    "cancelled": "Nicht mehr nötig: {what} (zurückgenommen).",
    "email": "E-Mails",
    "sms": "Textnachrichten",
    "broke": "{what} an dich kommen nicht an: {why}. Bis das behoben ist, kommen Erinnerungen auf diesem Weg.",
    "broke_subject": "reminderd: {what} kommen nicht an",
    "test": "Das ist ein Test: Hier erreichen dich Erinnerungen.",
    "test_subject": "reminderd: ein Test",
    "template": "Eine deiner Vorlagen ist nicht zu gebrauchen, darum ist das hier mit unserer gemacht: {why}",
    "no_draft": "Der Entwurf war nicht zu machen: {why}",
}


def ended(what: str, state: str, language: str = "en") -> str:
    """The line that names once what expired or was withdrawn since the last message."""
    say = _say(language)
    return say["expired" if state == "expired" else "cancelled"].format(what=what)


def channel_broke(channel: str, why: str, language: str = "en") -> tuple[str, str]:
    """The subject and the line that tell, on another channel, that one broke."""
    say = _say(language)
    what = say["email" if channel == "email" else "sms"]
    bare = what.lower() if language[:2] != "de" else what
    return say["broke_subject"].format(what=bare), say["broke"].format(what=what, why=why.rstrip(" ."))


def trial(language: str = "en") -> tuple[str, str]:
    """The subject and the line of a test message."""
    say = _say(language)
    return say["test_subject"], say["test"]


def template_broke(why: str, language: str = "en") -> str:
    """The line that names the user's template that ours stood in for."""
    return _say(language)["template"].format(why=why)


def no_draft(why: str, language: str = "en") -> str:
    """What stands where a draft would, when there is no template that works."""
    return _say(language)["no_draft"].format(why=why)


def _say(language: str) -> dict[str, str]:
    return _GERMAN if language.startswith("de") else _ENGLISH
