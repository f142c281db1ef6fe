"""What to ask the user where a draft would say more if a fact were known. Nothing is guessed instead."""

from __future__ import annotations

from collections.abc import Callable

from reminderd.drafts.commands import addressed
from reminderd.store.draft_records import DraftFacts

Need = tuple[Callable[[DraftFacts], bool], str, str]
_START: Need = (
    lambda facts: bool(facts.job.id and not facts.hidden and facts.job.starts_on is None),
    "When do you start? reminderd opportunity edit {company} --starts DATE",
    "Wann fängst du an? reminderd opportunity edit {company} --starts DATUM",
)
_ROLE: Need = (
    lambda facts: bool(facts.job.id and not facts.job.role),
    "Which role is it? reminderd opportunity edit {company} --role ROLE",
    "Welche Stelle ist es? reminderd opportunity edit {company} --role STELLE",
)
_CONTACT: Need = (
    lambda facts: bool(facts.job.id and not facts.job.contact),
    "Who will call? reminderd opportunity edit {company} --contact WHO",
    "Wer wird anrufen? reminderd opportunity edit {company} --contact WER",
)
_POINTS: Need = (
    lambda facts: bool(facts.them.id and not facts.points),
    "What can {name} speak to? reminderd reference edit {quoted} --speaks-to TEXT",
    "Wozu kann {name} etwas sagen? reminderd reference edit {quoted} --speaks-to TEXT",
)
_WORKED: Need = (
    lambda facts: bool(facts.them.id and not facts.them.worked_at),
    "Where did you work together? reminderd reference edit {quoted} --worked-at COMPANY",
    "Wo habt ihr zusammengearbeitet? reminderd reference edit {quoted} --worked-at FIRMA",
)
_RESUME: Need = (
    lambda facts: bool(facts.job.id and not facts.hidden and not facts.job.resume),
    "Where is your résumé? reminderd opportunity edit {company} --resume URL",
    "Wo liegt dein Lebenslauf? reminderd opportunity edit {company} --resume URL",
)
_KIND: Need = (
    lambda facts: not facts.event.data.get("kind"),
    "Which kind of reference is needed: a call, a letter, a form?",
    "Welche Art von Referenz wird gebraucht: ein Anruf, ein Brief, ein Formular?",
)
_SILENCE: Need = (
    lambda facts: bool(facts.them.id and not facts.silence.known),
    "When were you last in touch? reminderd reference edit {quoted} --last-contact DATE",
    "Wann hattet ihr zuletzt Kontakt? reminderd reference edit {quoted} --last-contact DATUM",
)
_TITLE: Need = (
    lambda facts: bool(facts.them.id and not facts.them.title),
    "What is {name}'s new title? reminderd reference edit {quoted} --title TITLE",
    "Wie heißt die neue Stelle von {name}? reminderd reference edit {quoted} --title TITEL",
)
_PROFILE: Need = (
    lambda facts: bool(facts.them.id and not facts.them.profile),
    "Where is {name}'s profile? reminderd reference edit {quoted} --profile URL",
    "Wo ist das Profil von {name}? reminderd reference edit {quoted} --profile URL",
)
NEEDS: dict[str, tuple[Need, ...]] = {
    "accepted": (_START, _ROLE),
    "turned_down": (),
    "ask": (_ROLE, _WORKED, _KIND, _SILENCE),
    "ask_after_silence": (_ROLE, _WORKED, _KIND),
    "ask_follow_up": (_ROLE,),
    "heads_up": (_ROLE, _CONTACT, _POINTS),
    "brief_and_thanks": (_ROLE, _CONTACT, _POINTS, _RESUME),
    "first_month": (),
    "reconnect": (_WORKED, _SILENCE),
    "check_in": (_SILENCE,),
    "promoted": (_TITLE, _PROFILE),
    "birthday": (),
}


def missing(situation: str, facts: DraftFacts) -> tuple[str, ...]:
    """Questions about facts that the situation's draft would use and does not have."""
    company = facts.job.company or "COMPANY"
    words = {
        "company": f'"{company}"' if " " in company else company,
        "name": facts.them.first_name or facts.them.name,
        "quoted": f'"{facts.them.name}"',
    }
    german = facts.me.language.startswith("de")
    return tuple(
        addressed((in_german if german else in_english).format_map(words), facts.me)
        for lacks, in_english, in_german in NEEDS.get(situation, ())
        if lacks(facts)
    )
