"""What the user hears back, by language. Texts keep to initials unless the user chose full texts."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from reminderd.actions import Standing
from reminderd.drafts import words
from reminderd.drafts.dates import day_short, listing
from reminderd.drafts.library import Library
from reminderd.drafts.phrases import event_words
from reminderd.drafts.sturdy import Sturdy
from reminderd.message import Channel
from reminderd.rules.calendar import local_day, local_time
from reminderd.rules.rule import Book
from reminderd.store import draft_facts
from reminderd.store.tables import Nudge, Opportunity, User

ENGLISH: Mapping[str, str] = {
    "done": "Done",
    "was_done": "Already done",
    "skipped": "Let go",
    "was_skipped": "Already let go",
    "was_cancelled": "No longer needed",
    "was_expired": "Its time is over",
    "quiet": "Quiet until {when}",
    "ends_then": "It ends then, so it will not come again.",
    "past_due": "That is past its deadline, {when}.",
    "still": "still",
    "nothing_open": "Nothing is open.",
    "open": "Open",
    "which": "Which one?",
    "none": "There is no number {numbers}.",
    "numbers": "Answer with its number, such as DONE {number}.",
    "numbers_all": "Answer with its number, such as DONE {number}, or DONE ALL.",
    "noted": "Noted for {number} ({title}).",
    "full": "There is no room for more notes on {number}.",
    "otherwise": "If you meant something else:",
    "unclear": "That was not understood.",
    "words": "DONE 7, SNOOZE 7 3D, SKIP 7, DRAFT 7, WHY 7, NOTE 7 …, LIST.",
    "paused": "Nothing more about {name}{until}.",
    "until": " until {when}",
    "nobody": "{number} is about nobody in particular, so that nobody can be paused.",
    "undone": "Taken back; open again",
    "undone_other": "The last thing that you recorded was taken back.",
    "role": "the role is {value} again.",
    "no_role": "the role is not known any more.",
    "starts": "the first day of work is {value} again.",
    "no_starts": "the first day of work is not known any more.",
    "nothing_to_undo": "Nothing is recorded that could be taken back.",
    "too_far": "That is too far away.",
    "stopped_sms": "You answered STOP: no more texts. Reminders come by e-mail. Text START to have texts again.",
    "stopped_email": "No more mails. Answer START to this one to have them again.",
    "started_sms": "Texts are on again.",
    "started_email": "Mails are on again.",
    "was_started": "Nothing was off.",
    "stopped_subject": "reminderd: no more texts",
    "and_more": "and {count} more",
    "broken": "The draft of {number} cannot be shown: its template is broken.",
    "why_due": "due {when}",
}
GERMAN: Mapping[str, str] = {
    "done": "Erledigt",
    "was_done": "Schon erledigt",
    "skipped": "Ausgelassen",
    "was_skipped": "Schon ausgelassen",
    "was_cancelled": "Nicht mehr nötig",
    "was_expired": "Die Zeit dafür ist vorbei",
    "quiet": "Ruhe bis {when}",
    "ends_then": "Dann ist die Zeit dafür vorbei, es kommt nicht wieder.",
    "past_due": "Das ist nach der Frist, {when}.",
    "still": "noch",
    "nothing_open": "Nichts ist offen.",
    "open": "Offen",
    "which": "Welches?",
    "none": "Die Nummer {numbers} gibt es nicht.",
    "numbers": "Antworte mit der Nummer, etwa ERLEDIGT {number}.",
    "numbers_all": "Antworte mit der Nummer, etwa ERLEDIGT {number}, oder mit ALLE ERLEDIGT.",
    "noted": "Notiert zu {number} ({title}).",
    "full": "Zu {number} passt keine weitere Notiz.",
    "otherwise": "Falls du etwas anderes meintest:",
    "unclear": "Das war nicht zu verstehen.",
    "words": "ERLEDIGT 7, 7 SPÄTER, 7 AUSLASSEN, ENTWURF 7, WARUM 7, NOTIZ 7 …, LISTE.",
    "paused": "Nichts mehr zu {name}{until}.",
    "until": " bis {when}",
    "nobody": "Bei {number} geht es um niemand Bestimmten; da ist niemand zu pausieren.",
    "undone": "Zurückgenommen; wieder offen",
    "undone_other": "Das zuletzt Eingetragene ist zurückgenommen.",
    "role": "die Rolle ist wieder {value}.",
    "no_role": "die Rolle ist nicht mehr bekannt.",
    "starts": "der erste Arbeitstag ist wieder {value}.",
    "no_starts": "der erste Arbeitstag ist nicht mehr bekannt.",
    "nothing_to_undo": "Nichts ist eingetragen, was sich zurücknehmen ließe.",
    "too_far": "Das ist zu lange hin.",
    "stopped_sms": "Du hast STOP geantwortet: keine SMS mehr. Erinnerungen kommen per E-Mail."
    " Schick START per SMS, um wieder welche zu bekommen.",
    "stopped_email": "Keine Mails mehr. Antworte START auf diese, um wieder welche zu bekommen.",
    "started_sms": "Es kommen wieder SMS.",
    "started_email": "Es kommen wieder Mails.",
    "was_started": "Nichts war abgeschaltet.",
    "stopped_subject": "reminderd: keine SMS mehr",
    "and_more": "und {count} mehr",
    "broken": "Der Entwurf zu {number} lässt sich nicht zeigen: seine Vorlage ist kaputt.",
    "why_due": "fällig {when}",
}
MOST_LISTED = {Channel.SMS: 6, Channel.EMAIL: 40}


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """Words for one user, on one channel, at one moment."""

    user: User
    channel: Channel
    book: Book
    library: Library
    now: dt.datetime

    def say(self, key: str, **values: object) -> str:
        """One of our phrases."""
        table = GERMAN if self.user.language.startswith("de") else ENGLISH
        return _ended(table[key].format(**values))

    def titles(self, session: Session, nudges: Sequence[Nudge]) -> list[str]:
        """What there is to do, each; on texts fit for a lock screen."""
        facts = draft_facts.load_many(session, nudges, self.now)
        full = self.channel is Channel.EMAIL or self.user.full_texts
        name = words.title if full else words.lock_screen_title
        return [name(nudge.draft, one) for nudge, one in zip(nudges, facts, strict=True)]

    def name(self, name: str) -> str:
        """Somebody's name; on texts fit for a lock screen."""
        return name if self.channel is Channel.EMAIL or self.user.full_texts else words.initials(name)

    def settled(self, session: Session, key: str, nudges: Sequence[Nudge]) -> list[str]:
        """ "Done: 7 Thank Ana; 9 …" """
        if not nudges:
            return []
        return [_ended(f"{self.say(key)}: {self._listed(session, nudges)}.")]

    def put_back(self, job: Opportunity, key: str) -> str:
        """What a job has again, its role or its first day; on texts fit for a lock screen."""
        value = job.role if key == "role" else self.day(job.starts_on) if job.starts_on else None
        text = self.say(key, value=value) if value else self.say(f"no_{key}")
        if self.channel is Channel.EMAIL and not self.user.language.startswith("de"):
            return f"{job.company}: {text}"
        text = text[0].upper() + text[1:]
        return f"{job.company}: {text}" if self.channel is Channel.EMAIL else text

    def opened(self, session: Session, nudges: Sequence[Nudge]) -> list[str]:
        """What is open, with deadlines: a line each by mail, one line by text."""
        if not nudges:
            return [self.say("nothing_open")]
        shown = nudges[: MOST_LISTED[self.channel]]
        lines = [
            f"{nudge.number} {title} {words.by(nudge.due_at, self.user.zone, self.user.language)}"
            for nudge, title in zip(shown, self.titles(session, shown), strict=True)
        ]
        if len(nudges) > len(shown):
            lines.append(self.say("and_more", count=len(nudges) - len(shown)))
        if self.channel is Channel.SMS:
            return [_ended(f"{self.say('open')}: {'; '.join(lines)}.")]
        return [f"{self.say('open')}:", *lines]

    def which(self, session: Session, nudges: Sequence[Nudge], *, together: bool) -> list[str]:
        """The question which of several is meant."""
        if not nudges:
            return [self.say("nothing_open")]
        how = self.say("numbers_all" if together else "numbers", number=nudges[0].number)
        return [self.say("which"), *self.opened(session, nudges), how]

    def knows(self, standing: Standing) -> str:
        """ "2 of 6 know; still: Ana, Li." """
        language = self.user.language
        names = [self._short(one) for one in standing.left]
        names += [words.marked(self._short(one), True, language) for one in standing.paused]
        rest = f"; {self.say('still')}: {listing(names, language)}" if names else ""
        return _ended(f"{words.knows(standing.told, standing.total, language, post=standing.is_news)}{rest}.")

    def _short(self, name: str) -> str:
        if self.channel is Channel.SMS and not self.user.full_texts:
            return words.initials(name)
        return name.split()[0] if name.split() else name

    def quiet(self, until: dt.datetime, nudge: Nudge) -> list[str]:
        """Until when nothing more is said about a nudge, and what that means for it."""
        lines = [f"{self.say('quiet', when=self.moment(until))}: {nudge.number}."]
        if until >= nudge.expires_at:
            lines.append(self.say("ends_then"))
        elif until > nudge.due_at:
            lines.append(self.say("past_due", when=words.when(nudge.due_at, self.user.zone, self.user.language)))
        return lines

    def why(self, session: Session, nudge: Nudge) -> str:
        """ "7 Thank Ana: to thank them in time; you accepted the offer; due Wed 25 Nov." """
        facts = draft_facts.load(session, nudge, self.now)
        public = self.channel is Channel.EMAIL or self.user.full_texts
        parts = [
            self._about(nudge),
            event_words(facts.event, self.user.language) if public else "",
            self.say("why_due", when=words.when(nudge.due_at, self.user.zone, self.user.language)),
        ]
        return _ended(f"{self._listed(session, [nudge])}: {'; '.join(part for part in parts if part)}.")

    def _about(self, nudge: Nudge) -> str:
        """What a rule is for; rules speak English, so in German what the draft is for, as in mails."""
        if self.user.language.startswith("de"):
            return Sturdy(self.library).about(nudge.draft, self.user.language)
        rule = self.book.rules.get(nudge.rule)
        return rule.about if rule else nudge.rule

    def moment(self, at: dt.datetime) -> str:
        """ "Fri 27 Nov, 09:00", in the user's zone."""
        return f"{self.day(local_day(at, self.user.zone))}, {local_time(at, self.user.zone):%H:%M}"

    def day(self, on: dt.date) -> str:
        """A local day in words."""
        return day_short(on, self.user.language)

    def _listed(self, session: Session, nudges: Sequence[Nudge]) -> str:
        titles = self.titles(session, nudges)
        return "; ".join(f"{nudge.number} {title}" for nudge, title in zip(nudges, titles, strict=True))


def _ended(text: str) -> str:
    """The text with one full stop at its end, also after an abbreviation: "26. Nov."."""
    return text[:-1] if text.endswith("..") else text
