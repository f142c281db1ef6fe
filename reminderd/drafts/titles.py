"""What each draft's nudge is called. ``[…]`` is left out while the company is not to be named; ``{wem}`` stands in
German where several people take the dative."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Title:
    """``one`` with the company for lists, ``bare`` for subjects and calendars, ``code`` for a lock screen."""

    one: str
    bare: str
    code: str


def _same(words: str, code: str) -> Title:
    return Title(words, words, code)


_ENGLISH = {
    "accepted": Title("Thank {who}[ for {company}]", "Thank {who}", "thank"),
    "gift": Title("Send {who} a card or a small gift[ for {company}]", "Send {who} a card or a small gift", "card"),
    "turned_down": Title("Tell {who} how it went[ with {company}]", "Tell {who} how it went", "tell"),
    "rejected": Title("Tell {who} how it went[ with {company}]", "Tell {who} how it went", "tell"),
    "withdrawn": Title("Tell {who} how it went[ with {company}]", "Tell {who} how it went", "tell"),
    "announcement": Title(
        "Before you post[ about {company}]: who knows?", "Before you post: who knows?", "before you post"
    ),
    "ask": Title("Ask {who} to be a reference[ for {company}]", "Ask {who} to be a reference", "ask"),
    "ask_after_silence": Title("Ask {who} to be a reference[ for {company}]", "Ask {who} to be a reference", "ask"),
    "ask_follow_up": Title("Ask {who} once more[ about {company}]", "Ask {who} once more", "follow up"),
    "ask_unanswered": Title(
        "Let {who} be, and ask somebody else[ for {company}]", "Let {who} be, and ask somebody else", "plan B"
    ),
    "agreed": Title("Thank {who} for agreeing[ to vouch for you at {company}]", "Thank {who} for agreeing", "thank"),
    "brief_and_thanks": Title(
        "Thank {who} and say what to share[ with {company}]", "Thank {who} and say what to share", "brief"
    ),
    "declined": _same("Thank {who} for the honest answer", "thank"),
    "heads_up": Title("Tell {who} that a call may come[ from {company}]", "Brief {who}", "brief"),
    "called": Title("Thank {who} for the call[ with {company}]", "Thank {who} for the call", "thank"),
    "progress": Title("Tell {who} how it is going[ with {company}]", "Tell {who} how it is going", "tell"),
    "first_month": Title(
        "Tell {who} about your first month[ at {company}]", "Tell {who} about your first month", "write"
    ),
    "half_year": Title("Tell {who} about your half year[ at {company}]", "Tell {who} about your half year", "write"),
    "warm_up": _same("Say hello to those who vouched for you", "say hello"),
    "promoted": _same("Congratulate {who}", "congratulate"),
    "helped": _same("Thank {who} for the help", "thank"),
    "reached_out": _same("Answer {who}", "answer"),
    "advice_follow_up": _same("Tell {who} what came of the advice", "write"),
    "advice": _same("Ask {who} for advice", "ask"),
    "plan_ahead": _same("Confirm your date with {who}", "confirm"),
    "after_meeting": _same("Write to {who} after you met", "write"),
    "birthday": _same("Wish {who} a happy birthday", "birthday"),
    "work_anniversary": _same("Congratulate {who} on the work anniversary", "congratulate"),
    "new_year": _same("Wish {who} a good new year", "new year"),
    "reconnect": _same("{who} might enjoy hearing from you", "say hello"),
    "check_in": _same("{who} might enjoy hearing from you", "say hello"),
    "confirm_details": _same("Ask {who} which title and phone to list", "confirm"),
    "left_work": _same("Wish {who} well", "write"),
    "date": _same("Make a date with {who}", "meet"),
    "give": _same("Do something for {who}", "give"),
    "four_ignored": _same("How often would you like to hear about {who}?", "a question"),
    "last_contact_unknown": _same("When were you last in touch with {who}?", "a question"),
    "look_in": _same("Look in on a few profiles", "look in"),
}
_GERMAN = {
    "accepted": Title("{wem} danken[ (Zusage von {company})]", "{wem} danken", "danken"),
    "gift": Title("{who}: Karte oder kleines Geschenk[ ({company})]", "{who}: Karte oder kleines Geschenk", "Karte"),
    "turned_down": Title("{wem} erzählen, wie es ausging[ ({company})]", "{wem} erzählen, wie es ausging", "erzählen"),
    "rejected": Title("{wem} erzählen, wie es ausging[ ({company})]", "{wem} erzählen, wie es ausging", "erzählen"),
    "withdrawn": Title("{wem} erzählen, wie es ausging[ ({company})]", "{wem} erzählen, wie es ausging", "erzählen"),
    "announcement": Title(
        "Vor dem Posten[ über {company}]: wer weiß es?", "Vor dem Posten: wer weiß es?", "vor dem Posten"
    ),
    "ask": Title("{who} um eine Referenz bitten[ ({company})]", "{who} um eine Referenz bitten", "fragen"),
    "ask_after_silence": Title(
        "{who} um eine Referenz bitten[ ({company})]", "{who} um eine Referenz bitten", "fragen"
    ),
    "ask_follow_up": Title("{who} noch einmal fragen[ ({company})]", "{who} noch einmal fragen", "nachfragen"),
    "ask_unanswered": Title(
        "{who} in Ruhe lassen und jemand anderen fragen[ ({company})]",
        "{who} in Ruhe lassen und jemand anderen fragen",
        "Plan B",
    ),
    "agreed": Title("{wem} für die Zusage danken[ ({company})]", "{wem} für die Zusage danken", "danken"),
    "brief_and_thanks": Title(
        "{wem} danken und sagen, worauf es ankommt[ ({company})]",
        "{wem} danken und sagen, worauf es ankommt",
        "vorbereiten",
    ),
    "declined": _same("{wem} für die ehrliche Antwort danken", "danken"),
    "heads_up": Title("{who} auf einen Anruf vorbereiten[ ({company})]", "{who} vorbereiten", "vorbereiten"),
    "called": Title("{wem} für das Gespräch danken[ ({company})]", "{wem} für das Gespräch danken", "danken"),
    "progress": Title("{wem} erzählen, wie es läuft[ ({company})]", "{wem} erzählen, wie es läuft", "erzählen"),
    "first_month": Title(
        "{wem} vom ersten Monat erzählen[ ({company})]", "{wem} vom ersten Monat erzählen", "schreiben"
    ),
    "half_year": Title(
        "{wem} vom ersten halben Jahr erzählen[ ({company})]", "{wem} vom halben Jahr erzählen", "schreiben"
    ),
    "warm_up": _same("Denen schreiben, die für dich gesprochen haben", "melden"),
    "promoted": _same("{wem} gratulieren", "gratulieren"),
    "helped": _same("{wem} für die Hilfe danken", "danken"),
    "reached_out": _same("{wem} antworten", "antworten"),
    "advice_follow_up": _same("{wem} erzählen, was aus dem Rat wurde", "schreiben"),
    "advice": _same("{who} um Rat fragen", "fragen"),
    "plan_ahead": _same("Die Verabredung mit {wem} bestätigen", "bestätigen"),
    "after_meeting": _same("{wem} nach dem Treffen schreiben", "schreiben"),
    "birthday": _same("{wem} zum Geburtstag gratulieren", "Geburtstag"),
    "work_anniversary": _same("{wem} zum Jahrestag im Beruf gratulieren", "gratulieren"),
    "new_year": _same("{wem} ein gutes neues Jahr wünschen", "Neujahr"),
    "reconnect": _same("{who} freut sich vielleicht, von dir zu hören", "melden"),
    "check_in": _same("{who} freut sich vielleicht, von dir zu hören", "melden"),
    "confirm_details": _same("{who} nach Titel und Telefon fragen", "nachfragen"),
    "left_work": _same("{wem} alles Gute wünschen", "schreiben"),
    "date": _same("Mit {wem} verabreden", "treffen"),
    "give": _same("Etwas für {who} tun", "geben"),
    "four_ignored": _same("Wie oft möchtest du an {who} erinnert werden?", "eine Frage"),
    "last_contact_unknown": _same("Wann hattest du zuletzt Kontakt mit {wem}?", "eine Frage"),
    "look_in": _same("Ein Blick in ein paar Profile", "Blick"),
}
TITLES = {"en": _ENGLISH, "de": _GERMAN}


def fallback(draft: str, language: str) -> Title:
    """A title for a draft of the user's own making, from its name."""
    words = draft.replace("_", " ").replace("-", " ").strip().capitalize()
    return _same("{who}: " + words, "schreiben" if language.startswith("de") else "write")
