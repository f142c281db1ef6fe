"""The words that replies are made of, by language; German is understood beside English, never in its place.

All are in small letters and without accents, as `parse` folds what it is given.
"""

from __future__ import annotations

import enum
import re

from reminderd.rules.calendar import Span


class Verb(enum.StrEnum):
    """What a reply asks for."""

    DONE = "done"
    SNOOZE = "snooze"
    SKIP = "skip"
    DRAFT = "draft"
    WHY = "why"
    LIST = "list"
    NOTE = "note"
    PAUSE = "pause"
    """Pause the reference that a nudge is about."""
    UNDO = "undo"
    WORDS = "words"
    """Which words there are."""
    STOP = "stop"
    START = "start"
    YES = "yes"
    """Starts a channel that is off, as carriers have it; else no word of ours."""
    HELP = "help"
    """Answered by the carrier on texts."""
    NOTHING = "nothing"
    """Thanks, a thumb up, a reaction: nothing is asked for."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESERVED = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit"), Verb.STOP),
    **dict.fromkeys(("start", "unstop"), Verb.START),
    "yes": Verb.YES,
    "help": Verb.HELP,
    "info": Verb.HELP,
}
"""What carriers and Twilio keep for themselves; never verbs of ours."""
STOPPING = frozenset({"stop", "stopall", "unsubscribe"})
"""Those that mean the same with a few words around them ("please stop texting me")."""
STOPPING_GERMAN = frozenset({"stopp", "abmelden"})
RESERVED_FILLERS = frozenset(
    ("please", "pls", "now", "all", "texting", "texts", "messages", "mails", "emails", "sending", "me", "bitte", "alle")
)

MEANT_SOON = frozenset({"will do", "on it", "doing it now", "mach ich", "mache ich", "wird gemacht", "alles klar"})
"""An answer, and yet nothing is done."""
FAREWELLS = _words(
    """best kind warm warmest regards wishes all the cheers sincerely yours with mit vielen viele liebe lieber beste
    besten schone herzliche freundliche freundlichem freundlichen gruss grusse gruesse grussen gruessen lg vg mfg"""
)
"""What a mail ends with, before its writer's name."""
DONE_SIGNS = frozenset("✅✔☑✓🗸")
TAPBACK = re.compile(
    r"(?:liked|loved|laughed at|emphasi[sz]ed|questioned|disliked|removed an? \w+ from|reacted .{1,8} to"
    r"|gefallt|liebt|\W{1,4} to) [\"“”„«]",
    re.IGNORECASE,
)
"""How phones send a reaction: it quotes our own text, which holds our own words."""

_ENGLISH_DEEDS = (
    *("did", "sent", "finished", "completed", "told", "thanked", "emailed", "mailed", "texted", "called", "phoned"),
    "wrote",
)
_ENGLISH_VERBS = {
    **dict.fromkeys(("done", "complete", "dun", "dne", "doen", "donee", *_ENGLISH_DEEDS), Verb.DONE),
    **dict.fromkeys(("snooze", "remind", "postpone", "delay", "snoze"), Verb.SNOOZE),
    **dict.fromkeys(("skip", "drop", "dismiss", "ignore"), Verb.SKIP),
    **dict.fromkeys(("draft", "drafts"), Verb.DRAFT),
    **dict.fromkeys(("why", "explain"), Verb.WHY),
    **dict.fromkeys(("list", "open", "todo", "next", "status"), Verb.LIST),
    **dict.fromkeys(("note",), Verb.NOTE),
    **dict.fromkeys(("pause",), Verb.PAUSE),
    **dict.fromkeys(("undo", "oops"), Verb.UNDO),
    **dict.fromkeys(("commands", "words"), Verb.WORDS),
}
_GERMAN_DEEDS = ("geschrieben", "geschickt", "gesendet", "abgeschickt", "angerufen", "bedankt", "gesagt")
_GERMAN_VERBS = {
    **dict.fromkeys(("erledigt", "fertig", "gemacht", "getan", "abgehakt", *_GERMAN_DEEDS), Verb.DONE),
    **dict.fromkeys(("verschieben", "verschieb", "aufschieben", "erinnere", "erinner"), Verb.SNOOZE),
    **dict.fromkeys(("auslassen", "uberspringen", "ueberspringen", "weglassen", "streichen"), Verb.SKIP),
    **dict.fromkeys(("entwurf", "entwurfe", "vorschlag"), Verb.DRAFT),
    **dict.fromkeys(("warum", "wieso", "weshalb"), Verb.WHY),
    **dict.fromkeys(("liste", "offen", "offene", "nachste"), Verb.LIST),
    **dict.fromkeys(("notiz",), Verb.NOTE),
    **dict.fromkeys(("pausieren", "pausiere"), Verb.PAUSE),
    **dict.fromkeys(("zuruck", "zurueck", "ruckgangig", "rueckgaengig"), Verb.UNDO),
    **dict.fromkeys(("hilfe", "befehle"), Verb.WORDS),
}
VERBS = {"en": _ENGLISH_VERBS, "de": _ENGLISH_VERBS | _GERMAN_VERBS}
DEEDS = frozenset(_ENGLISH_DEEDS + _GERMAN_DEEDS)
"""What people tell rather than command: among other words, a number beside one counts something ("sent 2 letters")."""

_ENGLISH_FILLERS = _words(
    """ok okay okey k kk thx thanks thank ty you u please pls i i've ive have just it it's its that this them they
    her him what what's whats alright great good cool nice fine perfect super yay yep yeah yup already now and the a an
    number nr nudge is are was be been got to for until till in on by me of with hey hi hello well so
    reminderd"""
)
_GERMAN_FILLERS = _words(
    """danke dank vielen bitte ich habe hab bin ist sind war wurde wurden schon jetzt gerade eben mal und die der das
    den dem es ihr ihm sie er nummer gut prima toll klasse ja jo jep klar was fur fuer um auf bis in im am an mich
    mir nochmal hallo na also passt"""
)
FILLERS = {"en": _ENGLISH_FILLERS, "de": _ENGLISH_FILLERS | _GERMAN_FILLERS}
NEGATIONS = _words(
    """not no never none nope cannot can't cant don't dont didn't didnt haven't havent hasn't hasnt isn't isnt wasn't
    wasnt won't wont nicht nein nie noch kein keine keinen"""
)

ARTICLES = _words("the a an der die das den dem")
BEFORE_TIMES = _words(
    """at on by in to from since until till before after around about near @ um am im bis ab seit vor nach gegen zum
    etwa circa ca"""
)
"""After one of these a number is an hour, a date or a count, and no nudge's."""
_ENGLISH_COUNTED = _words(
    """am pm a.m p.m o'clock minute minutes min mins second seconds percent times of more people persons
    mails emails calls texts messages letters january jan february feb march mar april apr may june jun july jul
    august aug september sept sep october oct november nov december dec"""
)
_GERMAN_COUNTED = _words(
    """uhr minuten sekunde sekunden prozent mal von weitere weiteren leute leuten personen nachrichten
    briefe januar februar marz maerz mrz mai juni juli oktober okt dezember dez"""
)
COUNTED = {"en": _ENGLISH_COUNTED, "de": (_ENGLISH_COUNTED - {"am"}) | _GERMAN_COUNTED}
"""What numbers count that are no nudge's; German "am" begins a day ("7 am Montag")."""

_ENGLISH_ALL = frozenset(("all", "both", "everyone", "everybody", "everything"))
_GERMAN_ALL = frozenset(("alle", "alles", "allen", "beide", "beides"))
ALL = {"en": _ENGLISH_ALL, "de": _ENGLISH_ALL | _GERMAN_ALL}

LATER_FOR = Span(days=3)
LATER = {"en": frozenset({"later"}), "de": frozenset({"later", "spater", "spaeter"})}

_ENGLISH_PHRASES = {
    "day after tomorrow": Span(days=2),
    "tomorrow": Span(days=1),
    "tmrw": Span(days=1),
    "tmr": Span(days=1),
    "next week": Span(days=7),
    "next month": Span(months=1),
    "tonight": Span(hours=6),
}
_GERMAN_PHRASES = {
    "ubermorgen": Span(days=2),
    "uebermorgen": Span(days=2),
    "morgen": Span(days=1),
    "nachste woche": Span(days=7),
    "naechste woche": Span(days=7),
    "nachsten monat": Span(months=1),
    "heute abend": Span(hours=6),
}
PHRASES = {"en": _ENGLISH_PHRASES, "de": _ENGLISH_PHRASES | _GERMAN_PHRASES}

_ENGLISH_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_GERMAN_NUMBERS = ("eins", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun", "zehn")
NUMBER_WORDS = (
    dict.fromkeys(("a", "an", "ein", "eine", "einen", "einem", "einer"), 1)
    | {word: number for number, word in enumerate(_ENGLISH_NUMBERS, start=1)}
    | {word: number for number, word in enumerate(_GERMAN_NUMBERS, start=1)}
)
_COUNT = rf"([0-9]{{1,3}}|(?:{'|'.join(NUMBER_WORDS)})(?= ))"
_ENGLISH_UNITS = "days|day|d|weeks|week|wks|wk|w|months|month|mo|hours|hour|hrs|hr|h|years|year|y"
_GERMAN_UNITS = "tage|tagen|tag|wochen|woche|monate|monaten|monat|stunden|stunde|std|jahre|jahr"
UNITS = {
    "en": re.compile(rf"{_COUNT} ?({_ENGLISH_UNITS})(?![a-z0-9])"),
    "de": re.compile(rf"{_COUNT} ?({_ENGLISH_UNITS}|{_GERMAN_UNITS})(?![a-z0-9])"),
}

_ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GERMAN_DAYS = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")


def _days(names: tuple[str, ...], short: int) -> dict[str, int]:
    return {word: place for place, name in enumerate(names) for word in (name, name[:short])}


WEEKDAYS = {
    "en": _days(_ENGLISH_DAYS, 3) | {"tues": 1, "thurs": 3, "thur": 3},
    "de": _days(_ENGLISH_DAYS, 3) | {name: place for place, name in enumerate(_GERMAN_DAYS)},
}
