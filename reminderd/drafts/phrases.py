"""The program's own words in messages to the user, by language."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from reminderd.drafts.dates import day_short
from reminderd.rules.wording import plain

if TYPE_CHECKING:
    from reminderd.store.draft_records import EventView

ENGLISH = {
    "to": "To",
    "number": "no.",
    "subject": "Subject",
    "question": "First, a question",
    "missing": "It would say more with",
    "send_mail": "Send from my mail",
    "text_it": "Text it",
    "call": "Call",
    "open_profile": "Open the profile",
    "copy": "To copy",
    "copy_social": "As a comment",
    "by_hand": "To write by hand",
    "call_notes": "Notes for the call",
    "cut": "The button carries the beginning; the whole text is below.",
    "done": "Done",
    "snooze": "Snooze 3 days",
    "skip": "Skip",
    "when_sent": "When it is done",
    "answer": "answer",
    "late": "later than planned",
    "why": "Why now",
    "more": "More",
    "due": "due",
    "next_best": "Or, next time",
    "approach_note": "a short note",
    "approach_advice": "ask for advice",
    "approach_coffee": "make a date",
    "approach_congratulate": "congratulate",
    "approach_share": "share something",
    "before_posting": "Before you post",
    "was_done": "What you did",
    "is_open": "What is open",
    "might_enjoy": "Might enjoy hearing from you",
    "might_enjoy_one": "Might enjoy hearing from you",
    "last_touch": "last in touch",
    "never": "not known yet when you were last in touch",
    "this_year": "The last 52 weeks, newest at the right",
    "also_asked": "Asked for often lately; these agreed before",
    "stop": "Stop these mails",
    "sent_by": "reminderd writes to you alone; you decide what goes out.",
    "nothing_open": "Nothing is waiting for you.",
    "still": "still",
    "still_open": "Still open",
    "all_done": "When all are done",
    "all": "All done",
}
GERMAN = {
    "to": "An",
    "number": "Nr.",
    "subject": "Betreff",
    "question": "Zuerst eine Frage",
    "missing": "Genauer würde es mit",
    "send_mail": "Mit meinem Mailprogramm senden",
    "text_it": "Als Nachricht senden",
    "call": "Anrufen",
    "open_profile": "Profil öffnen",
    "copy": "Zum Kopieren",
    "copy_social": "Als Kommentar",
    "by_hand": "Von Hand zu schreiben",
    "call_notes": "Notizen für den Anruf",
    "cut": "Der Knopf nimmt den Anfang mit; der ganze Text steht darunter.",
    "done": "Erledigt",
    "snooze": "In 3 Tagen",
    "skip": "Auslassen",
    "when_sent": "Wenn es erledigt ist",
    "answer": "antworte",
    "late": "später als geplant",
    "why": "Warum jetzt",
    "more": "Mehr",
    "due": "fällig",
    "next_best": "Oder beim nächsten Mal",
    "approach_note": "ein kurzer Gruß",
    "approach_advice": "um Rat fragen",
    "approach_coffee": "verabreden",
    "approach_congratulate": "gratulieren",
    "approach_share": "etwas weitergeben",
    "before_posting": "Bevor du postest",
    "was_done": "Was du getan hast",
    "is_open": "Was offen ist",
    "might_enjoy": "Freuen sich vielleicht, von dir zu hören",
    "might_enjoy_one": "Freut sich vielleicht, von dir zu hören",
    "last_touch": "zuletzt in Kontakt",
    "never": "noch nicht bekannt, wann ihr zuletzt Kontakt hattet",
    "this_year": "Die letzten 52 Wochen, die neueste rechts",
    "also_asked": "Zuletzt oft gefragt; zugesagt haben früher auch",
    "stop": "Keine solchen Mails mehr",
    "sent_by": "reminderd schreibt nur dir; was hinausgeht, entscheidest du.",
    "nothing_open": "Nichts wartet auf dich.",
    "still": "noch",
    "still_open": "Noch offen",
    "all_done": "Wenn alles erledigt ist",
    "all": "Alles erledigt",
}
GERMAN_EVENTS = {
    "accepted": "du hast zugesagt",
    "turned_down": "du hast abgesagt",
    "rejected": "es kam eine Absage",
    "withdrawn": "du hast zurückgezogen",
    "interview": "das Gespräch",
    "references_requested": "die Firma möchte Referenzen",
    "needed": "du brauchst eine Referenz",
    "asked": "du hast gefragt",
    "agreed": "die Zusage kam",
    "declined": "die Antwort war nein",
    "called": "die Firma hat angerufen",
    "started": "du hast angefangen",
    "announcement": "du willst es posten",
    "promoted": "eine Beförderung",
    "changed_job": "eine neue Stelle",
    "helped": "die Hilfe",
    "advised": "der Rat",
    "reached_out": "die Nachricht an dich",
    "planned": "ihr seid verabredet",
    "met": "ihr habt euch getroffen",
}


def phrases(language: str) -> dict[str, str]:
    """The words of one language; English where there are none."""
    return GERMAN if language.startswith("de") else ENGLISH


def event_words(event: EventView, language: str) -> str:
    """What happened, in words to the user, and of a need by when it is; nothing for no event."""
    if not event.kind:
        return ""
    german = language.startswith("de")
    words = GERMAN_EVENTS.get(event.kind, "") if german else plain(event.kind)
    by = need_by(event)
    if by is None:
        return words
    return f"{words.removesuffix(' by a date')} {'bis' if german else 'by'} {day_short(by, language)}"


def need_by(event: EventView) -> dt.date | None:
    """By when a reference is needed; ``None`` of any other event."""
    by = event.data.get("by") if event.kind == "needed" else None
    return by if isinstance(by, dt.date) else None
