"""What a reply means. Pure: a text in, a frozen `Reply` out; whatever somebody types, it never raises."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import re
import unicodedata

from reminderd.replies.vocabulary import (
    ALL,
    ARTICLES,
    BEFORE_TIMES,
    COUNTED,
    DEEDS,
    DONE_SIGNS,
    FAREWELLS,
    FILLERS,
    LATER,
    LATER_FOR,
    MEANT_SOON,
    NEGATIONS,
    NUMBER_WORDS,
    PHRASES,
    RESERVED,
    RESERVED_FILLERS,
    STOPPING,
    STOPPING_GERMAN,
    TAPBACK,
    UNITS,
    VERBS,
    WEEKDAYS,
    Verb,
)
from reminderd.rules.calendar import Span

LONGEST = 4000
"""Characters that are looked at; a text has at most 1,600."""
MOST_NUMBERS = 50
_WIDEST_RANGE = 20


class Sort(enum.StrEnum):
    """What one piece of a reply is."""

    VERB = "verb"
    NUMBER = "number"
    SPAN = "span"
    WEEKDAY = "weekday"
    ALL = "all"
    FILLER = "filler"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wants. ``numbers`` are nudges' numbers; without any the last message decides."""

    verb: Verb
    numbers: tuple[int, ...] = ()
    every: bool = False
    """All of the message that is answered."""
    span: Span | None = None
    weekday: int | None = None
    """Until the next such day, 0 for Monday."""
    name: str = ""
    """Words after the verb that may name a reference."""
    text: str = ""
    """What is to be noted."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Piece:
    sort: Sort
    word: str
    start: int
    value: object = None


def parse(text: str, language: str = "en") -> Reply:
    """What ``text`` asks for; words of ``language`` are understood beside English ones. What is not understood is a
    `Verb.NOTE` with the text in it."""
    said = text[:LONGEST].strip()
    words = " ".join(_words(said))
    if (not words and "?" not in said and not DONE_SIGNS & set(said)) or words in MEANT_SOON:
        return Reply(Verb.NOTHING)
    if TAPBACK.match(_plain(said)):
        return Reply(Verb.NOTHING)
    language = "de" if language.startswith("de") else "en"
    reserved = _reserved(said, language)
    if reserved is not None:
        return Reply(reserved)
    return _command(_counted(_pieces(said, language), language), said) or Reply(Verb.NOTE, text=said)


def is_courtesy(line: str, language: str = "en") -> bool:
    """Whether a line is no more than a greeting or thanks, or empty."""
    if " ".join(_words(line)) in MEANT_SOON or TAPBACK.match(_plain(line.strip())):
        return False
    return parse(line, language).verb is Verb.NOTHING


def is_farewell(line: str, name: str) -> bool:
    """Whether a line is no more than the end of a mail by somebody of that name: "Best regards", or the name."""
    return FAREWELLS.union(_words(name)).issuperset(_words(line))


# ---- pieces

_STRIPPED = re.compile(r"[^\w\s]+")
_RANGE = re.compile(r"\s*(?:-|–|—|to|bis)\s*")
_GLUED = re.compile(r"[^\W\d_]+|[%€$]")
_TOKEN = re.compile(
    r"[0-9]+(?:[:./][0-9]+)+|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,9}(?![0-9])|[ap]\.m(?![^\W\d_])"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*|[0-9]+|[^\w\s]|_"
)


def _plain(text: str) -> str:
    """Small letters without accents; one character for each of ``text`` is not promised."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("’", "'").replace("ʼ", "'"))
    return "".join(character for character in folded if not unicodedata.combining(character))


def _words(text: str) -> list[str]:
    return _STRIPPED.sub(" ", _plain(text)).replace("_", " ").split()


def _reserved(text: str, language: str) -> Verb | None:
    """The meaning of a word that carriers keep for themselves, where it is all that was said."""
    words = _words(text)
    if len(words) == 1 and words[0] in RESERVED:
        return RESERVED[words[0]]
    stopping = STOPPING | STOPPING_GERMAN if language == "de" else STOPPING
    if any(word in stopping for word in words) and all(word in stopping | RESERVED_FILLERS for word in words):
        return Verb.STOP
    return None


def _pieces(text: str, language: str) -> list[_Piece]:
    plain = _plain(text)
    pieces: list[_Piece] = []
    at = 0
    while at < len(plain):
        phrase = _longest_phrase(plain, at, language)
        if phrase is not None:
            piece, at = phrase
            pieces.append(piece)
            continue
        match = _TOKEN.match(plain, at)
        if match is None:
            at += 1
            continue
        found, at = _piece(plain, match, language)
        if found is not None:
            pieces.append(found)
    return pieces


def _longest_phrase(plain: str, at: int, language: str) -> tuple[_Piece, int] | None:
    """A span such as ``3 days`` or ``next week`` that begins here."""
    if at and plain[at - 1].isalpha() and plain[at].isalpha():
        return None
    for words, span in PHRASES[language].items():
        if plain.startswith(words, at) and not plain[at + len(words) : at + len(words) + 1].isalnum():
            return _Piece(Sort.SPAN, words, at, span), at + len(words)
    match = UNITS[language].match(plain, at)
    if match is None:
        return None
    number, unit = match.group(1), match.group(2)
    count = int(number) if number.isdecimal() else NUMBER_WORDS[number]
    return _Piece(Sort.SPAN, match.group(), at, (count, unit)), match.end()


def _piece(plain: str, match: re.Match[str], language: str) -> tuple[_Piece | None, int]:
    word, at = match.group(), match.start()
    if word[0].isdecimal():
        if len(word) > 9 or not word.isdecimal():
            return _Piece(Sort.OTHER, word, at), match.end()
        return _number(plain, word, at, match.end(), language)
    if word in DONE_SIGNS:
        return _Piece(Sort.VERB, word, at, Verb.DONE), match.end()
    if not word[0].isalpha():
        sign = {"?": Sort.OTHER, "@": Sort.FILLER}.get(word)
        return (_Piece(sign, word, at) if sign else None), match.end()
    for sort, table in (
        (Sort.VERB, VERBS[language]),
        (Sort.WEEKDAY, WEEKDAYS[language]),
    ):
        if word in table:
            return _Piece(sort, word, at, table[word]), match.end()
    if word in ALL[language]:
        return _Piece(Sort.ALL, word, at), match.end()
    if word in LATER[language]:
        return _Piece(Sort.SPAN, word, at, LATER_FOR), match.end()
    if word in FILLERS[language]:
        return _Piece(Sort.FILLER, word, at), match.end()
    return _Piece(Sort.OTHER, word, at), match.end()


def _number(plain: str, word: str, at: int, end: int, language: str) -> tuple[_Piece, int]:
    """A number or a range of them; with letters at its end, as in ``4pm``, it is a word."""
    first = int(word)
    numbers: tuple[int, ...] = (first,)
    between = _RANGE.match(plain, end)
    last = re.compile(r"[0-9]{1,9}(?![0-9])").match(plain, between.end()) if between else None
    if last is not None and first < int(last.group()) <= first + _WIDEST_RANGE:
        numbers, end = tuple(range(first, int(last.group()) + 1)), last.end()
    glued = _GLUED.match(plain, end)
    if glued is not None and glued.group() not in VERBS[language]:
        return _Piece(Sort.OTHER, plain[at : glued.end()], at), glued.end()
    return _Piece(Sort.NUMBER, word, at, numbers), end


def _counted(pieces: list[_Piece], language: str) -> list[_Piece]:
    """The same, where numbers that count something else than nudges are words: "at 10", "2 mails", "24 Nov"."""
    found: list[_Piece] = []
    before = ""
    for place, piece in enumerate(pieces):
        after = pieces[place + 1].word if place + 1 < len(pieces) else ""
        counts = before in BEFORE_TIMES or after in COUNTED[language]
        found.append(dataclasses.replace(piece, sort=Sort.OTHER) if counts and piece.sort is Sort.NUMBER else piece)
        before = before if piece.word in ARTICLES else piece.word
    return found


# ---- what the pieces say together


def _command(pieces: list[_Piece], said: str) -> Reply | None:
    asks = any(piece.word == "?" for piece in pieces)
    heard = [piece for piece in pieces if piece.sort is not Sort.FILLER and piece.word != "?"]
    heard = _without_count(heard)
    if not heard:
        return Reply(Verb.NOTHING) if not asks else None
    verbs = list(dict.fromkeys(piece.value for piece in heard if piece.sort is Sort.VERB))
    if Verb.NOTE in verbs:
        return _note(heard, said)
    if any(piece.word in NEGATIONS for piece in heard):
        return None
    others = [piece for piece in heard if piece.sort is Sort.OTHER]
    if len(verbs) > 1:
        return None
    verb = verbs[0] if verbs else _meant(heard, asks)
    if not isinstance(verb, Verb) or (asks and verb in (Verb.DONE, Verb.SKIP, Verb.UNDO, Verb.PAUSE)):
        return None
    if others:
        return _with_others(verb, heard, others, said) if verbs and not asks else None
    return _made(verb, heard)


def _without_count(heard: list[_Piece]) -> list[_Piece]:
    """ "all six" and "all 6" are all, not number 6."""
    kept: list[_Piece] = []
    for piece in heard:
        counts = piece.word.isdecimal() or piece.word in NUMBER_WORDS
        if not (counts and kept and kept[-1].sort is Sort.ALL):
            kept.append(piece)
    return kept


def _meant(heard: list[_Piece], asks: bool) -> Verb | None:
    """What is meant where no verb was said: a number alone is done, a number with a time is a snooze."""
    sorts = {piece.sort for piece in heard}
    if sorts & {Sort.SPAN, Sort.WEEKDAY}:
        return Verb.SNOOZE if Sort.ALL not in sorts else None
    if sorts == {Sort.NUMBER}:
        return Verb.WHY if asks else Verb.DONE
    return None


def _made(verb: Verb, heard: list[_Piece]) -> Reply | None:
    if _asunder(heard):
        return None
    numbers = _numbers(heard)
    spans = [piece.value for piece in heard if piece.sort is Sort.SPAN]
    days = [piece.value for piece in heard if piece.sort is Sort.WEEKDAY]
    if len(numbers) > MOST_NUMBERS or len(spans) + len(days) > 1:
        return None
    if (spans or days) and verb not in (Verb.SNOOZE, Verb.PAUSE):
        return None
    span = _span(spans[0]) if spans else None
    day = days[0] if days else None
    every = any(piece.sort is Sort.ALL for piece in heard)
    if every and numbers:
        return None
    return Reply(verb, numbers, every=every, span=span, weekday=day if isinstance(day, int) else None)


def _asunder(heard: list[_Piece]) -> bool:
    """Whether more numbers stand apart than there are verbs for them, as in "2 done, 1 left"."""
    sorts = [sort for sort, _ in itertools.groupby(piece.sort for piece in heard)]
    return sorts.count(Sort.NUMBER) > max(1, sorts.count(Sort.VERB))


def _numbers(heard: list[_Piece]) -> tuple[int, ...]:
    found: list[int] = []
    for piece in heard:
        if piece.sort is Sort.NUMBER and isinstance(piece.value, tuple):
            found += piece.value
    return tuple(dict.fromkeys(found))


def _span(value: object) -> Span | None:
    if isinstance(value, Span):
        return value
    assert isinstance(value, tuple)
    count, unit = value
    kind = unit[0]
    if unit.startswith(("mo",)):
        return Span(months=count)
    return {
        "d": Span(days=count),
        "t": Span(days=count),
        "w": Span(days=7 * count),
        "h": Span(hours=count),
        "s": Span(hours=count),
        "y": Span(months=12 * count),
        "j": Span(months=12 * count),
    }.get(kind)


def _note(heard: list[_Piece], said: str) -> Reply:
    """``NOTE 7 left a voicemail``: what follows the number, or the verb, is noted."""
    first = heard[0]
    if first.sort is not Sort.VERB or first.value is not Verb.NOTE:
        return Reply(Verb.NOTE, text=said)
    numbers: tuple[int, ...] = ()
    words = said.split(None, 1)[1:]
    if len(heard) > 1 and heard[1].word.isdecimal() and words:
        given = re.match(r"\W*([0-9]{1,9})(?![0-9])\W*", words[0])
        if given is not None:
            numbers = (int(given.group(1)),)
            words = [words[0][given.end() :]]
    return Reply(Verb.NOTE, numbers, text=words[0].strip() if words and words[0].strip() else said)


def _with_others(verb: Verb, heard: list[_Piece], others: list[_Piece], said: str) -> Reply | None:
    """A verb, perhaps with numbers, and words that are not ours after it: ``done Maria``, or
    ``DONE 7 left a voicemail``. A number among those words is no nudge's."""
    at = heard.index(others[0])
    verbs = [piece.word for piece in heard[:at] if piece.sort is Sort.VERB]
    after = [piece for piece in heard[at:] if piece.sort in (Sort.SPAN, Sort.WEEKDAY, Sort.ALL)]
    head = _made(verb, heard[:at] + after)
    if not verbs or head is None or head.every:
        return None
    if head.numbers:
        told = verb not in (Verb.DONE, Verb.SKIP) or not DEEDS.isdisjoint(verbs)
        counts = heard[at - 1].sort is heard[at - 2].sort is Sort.NUMBER  # "done 2, 1 left"
        return None if told or counts else dataclasses.replace(head, text=said)
    if len(others) > 3 or heard[at : at + len(others)] != others:
        return None
    if any(piece.word[0].isdecimal() for piece in heard if piece.sort is not Sort.SPAN):
        return None
    return dataclasses.replace(head, name=" ".join(piece.word for piece in others), text=said)
