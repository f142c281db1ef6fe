"""Replies as people type them, and what each means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.replies.parse import MOST_NUMBERS, Reply, parse
from reminderd.replies.vocabulary import RESERVED, VERBS, Verb
from reminderd.rules.calendar import Span

D, S, K = Verb.DONE, Verb.SNOOZE, Verb.SKIP
THREE = Span(days=3)


def noted(text: str) -> Reply:
    return Reply(Verb.NOTE, text=text)


NO_NUDGES = (
    *("Called her at 4pm", "Sent 2 emails", "Sent it on 24 Nov", "I told Maria on the 5th", "done at 10", "at 7"),
    *("thanked her 10 minutes ago", "Told 3 of 6", "done 3 of 6", "2 done, 1 left", "done 2 days ago", "done 50%"),
    *("Sent it Nov 24", "done 24 November", "sent 24/11", "done 2026-11-24", "done 10 a.m.", "done @ 10"),
    *("done 2, 1 left", "done 1 of many"),
    *("called 3 times", "Thanked Maria at 4", "done maria 7", "sent 2 letters", "snooze 7 until 9", "told her in 2021"),
)
NO_NUDGES_GERMAN = (
    *("Erledigt um 9 Uhr", "habe um 10 angerufen", "am 5. erledigt", "erledigt am 5.", "am 24.11.2026 erledigt"),
    *("3 von 6 erledigt", "3 mal angerufen", "um 9 Maria angerufen", "erinnere mich morgen um 9", "9 Uhr erledigt"),
)
ENGLISH: list[tuple[str, Reply]] = [
    # done
    ("DONE", Reply(D)),
    ("done", Reply(D)),
    ("Done.", Reply(D)),
    ("Done!!", Reply(D)),
    ("  done \n", Reply(D)),
    ("ok done thx", Reply(D)),
    ("OK, it's done 👍", Reply(D)),
    ("dne", Reply(D)),
    ("✅", Reply(D)),
    ("✔️", Reply(D)),
    ("sent it", Reply(D)),
    ("I sent it, thanks!", Reply(D)),
    ("told them", Reply(D)),
    ("7", Reply(D, (7,))),
    ("#7", Reply(D, (7,))),
    ("7.", Reply(D, (7,))),
    ("7 👍", Reply(D, (7,))),
    ("7️⃣", Reply(D, (7,))),
    ("７", Reply(D, (7,))),
    ("ok 7", Reply(D, (7,))),
    ("DONE 7", Reply(D, (7,))),
    ("done7", Reply(D, (7,))),
    ("7 done", Reply(D, (7,))),
    ("Done #7", Reply(D, (7,))),
    ("done no 7", noted("done no 7")),
    ("done nr 7", Reply(D, (7,))),
    ("“DONE 7”", Reply(D, (7,))),
    ("‘done 7’", Reply(D, (7,))),
    ("✅ 7", Reply(D, (7,))),
    ("done 007", Reply(D, (7,))),
    ("7 9 DONE", Reply(D, (7, 9))),
    ("done 7, 9 and 11", Reply(D, (7, 9, 11))),
    ("7+9", Reply(D, (7, 9))),
    ("7 & 9", Reply(D, (7, 9))),
    ("7\n9", Reply(D, (7, 9))),
    ("done 7-9", Reply(D, (7, 8, 9))),
    ("7 7 done", Reply(D, (7,))),
    ("DONE ALL", Reply(D, every=True)),
    ("all done!", Reply(D, every=True)),
    ("done for all six", Reply(D, every=True)),
    ("all 6 done", Reply(D, every=True)),
    ("both done", Reply(D, every=True)),
    ("told everyone", Reply(D, every=True)),
    ("done maria", Reply(D, name="maria", text="done maria")),
    ("Thanked Maria Lopez", Reply(D, name="maria lopez", text="Thanked Maria Lopez")),
    ("done 7 left a voicemail", Reply(D, (7,), text="done 7 left a voicemail")),
    ("7 done, she was happy", Reply(D, (7,), text="7 done, she was happy")),
    ("7done", Reply(D, (7,))),
    ("7 done, 9 done", Reply(D, (7, 9))),
    ("done 7 at 4pm", Reply(D, (7,), text="done 7 at 4pm")),
    ("done 7, left 2 messages", Reply(D, (7,), text="done 7, left 2 messages")),
    ("7 and 9 done, they were happy", Reply(D, (7, 9), text="7 and 9 done, they were happy")),
    ("done for all 6 of them", Reply(D, every=True)),
    # later
    ("SNOOZE 7 3D", Reply(S, (7,), span=THREE)),
    ("snooze 7 3d", Reply(S, (7,), span=THREE)),
    ("snooze 7 for 2 weeks", Reply(S, (7,), span=Span(days=14))),
    ("snooze 7 a week", Reply(S, (7,), span=Span(days=7))),
    ("snooze 7", Reply(S, (7,))),
    ("snooze", Reply(S)),
    ("snooze maria 3d", Reply(S, span=THREE, name="maria", text="snooze maria 3d")),
    ("7 LATER", Reply(S, (7,), span=THREE)),
    ("later", Reply(S, span=THREE)),
    ("7 tomorrow", Reply(S, (7,), span=Span(days=1))),
    ("remind me tomorrow pls", Reply(S, span=Span(days=1))),
    ("7 monday", Reply(S, (7,), weekday=0)),
    ("remind me on Fri", Reply(S, weekday=4)),
    ("7 3d", Reply(S, (7,), span=THREE)),
    ("in 4 hours", Reply(S, span=Span(hours=4))),
    ("7 next month", Reply(S, (7,), span=Span(months=1))),
    # let go
    ("SKIP 7", Reply(K, (7,))),
    ("skip", Reply(K)),
    ("7 skip please", Reply(K, (7,))),
    ("skip all", Reply(K, every=True)),
    # to know
    ("DRAFT 7", Reply(Verb.DRAFT, (7,))),
    ("draft", Reply(Verb.DRAFT)),
    ("LIST", Reply(Verb.LIST)),
    ("what's next?", Reply(Verb.LIST)),
    ("WHY 7", Reply(Verb.WHY, (7,))),
    ("why 7?", Reply(Verb.WHY, (7,))),
    ("7?", Reply(Verb.WHY, (7,))),
    ("what is 7?", Reply(Verb.WHY, (7,))),
    ("undo", Reply(Verb.UNDO)),
    ("commands", Reply(Verb.WORDS)),
    ("pause 7 2mo", Reply(Verb.PAUSE, (7,), span=Span(months=2))),
    ("NOTE 7 left a voicemail", Reply(Verb.NOTE, (7,), text="left a voicemail")),
    ("note: she moved to Oslo", Reply(Verb.NOTE, text="she moved to Oslo")),
    # the carriers' own words
    ("STOP", Reply(Verb.STOP)),
    ("Stop.", Reply(Verb.STOP)),
    ("please stop texting me", Reply(Verb.STOP)),
    ("Unsubscribe", Reply(Verb.STOP)),
    ("CANCEL", Reply(Verb.STOP)),
    ("start", Reply(Verb.START)),
    ("UNSTOP", Reply(Verb.START)),
    ("Yes", Reply(Verb.YES)),
    ("help", Reply(Verb.HELP)),
    ("INFO", Reply(Verb.HELP)),
    ("stop 7", noted("stop 7")),
    ("cancel 7", noted("cancel 7")),
    ("yes please", noted("yes please")),
    ("the end", noted("the end")),
    # nothing asked for
    ("", Reply(Verb.NOTHING)),
    ("ok", Reply(Verb.NOTHING)),
    ("Thanks!", Reply(Verb.NOTHING)),
    ("👍", Reply(Verb.NOTHING)),
    ("will do", Reply(Verb.NOTHING)),
    ("Liked “reminderd: ML - thanks by Wed 25 Nov. DRAFT 7 / DONE 7”", Reply(Verb.NOTHING)),
    ("👍 to “DONE 7”", Reply(Verb.NOTHING)),
    # not understood: never done by mistake
    ("not done", noted("not done")),
    ("I haven't done it", noted("I haven't done it")),
    ("I haven’t done 7", noted("I haven’t done 7")),
    ("done?", noted("done?")),
    ("done or skip", noted("done or skip")),
    ("done later", noted("done later")),
    ("I'll do it tomorrow", noted("I'll do it tomorrow")),
    ("call her at 7", noted("call her at 7")),
    ("7:30", noted("7:30")),
    ("7 people came", noted("7 people came")),
    # a number that is an hour, a date or a count is no nudge's
    *((text, noted(text)) for text in NO_NUDGES),
    ("She no longer works there", noted("She no longer works there")),
    ("called, no answer", noted("called, no answer")),
    ("erledigt", noted("erledigt")),
    ("99999999999999999999", noted("99999999999999999999")),
    ("?", noted("?")),
]
GERMAN: list[tuple[str, Reply]] = [
    ("erledigt", Reply(D)),
    ("Erledigt, danke!", Reply(D)),
    ("ist schon erledigt", Reply(D)),
    ("7 erledigt", Reply(D, (7,))),
    ("hab ich gemacht", Reply(D)),
    ("alle erledigt", Reply(D, every=True)),
    ("alles fertig ✅", Reply(D, every=True)),
    ("7 und 9 fertig", Reply(D, (7, 9))),
    ("DONE 7", Reply(D, (7,))),
    ("7 später", Reply(S, (7,), span=THREE)),
    ("7 spaeter", Reply(S, (7,), span=THREE)),
    ("übermorgen", Reply(S, span=Span(days=2))),
    ("7 in drei Tagen", Reply(S, (7,), span=THREE)),
    ("erinnere mich nächste Woche", Reply(S, span=Span(days=7))),
    ("7 Montag", Reply(S, (7,), weekday=0)),
    ("7 auslassen", Reply(K, (7,))),
    ("Überspringen 7", Reply(K, (7,))),
    ("Entwurf 7", Reply(Verb.DRAFT, (7,))),
    ("Warum 7?", Reply(Verb.WHY, (7,))),
    ("Liste", Reply(Verb.LIST)),
    ("offen", Reply(Verb.LIST)),
    ("Hilfe", Reply(Verb.WORDS)),
    ("Notiz 7 hat sich gefreut", Reply(Verb.NOTE, (7,), text="hat sich gefreut")),
    ("rückgängig", Reply(Verb.UNDO)),
    ("bitte stopp", Reply(Verb.STOP)),
    ("STOP", Reply(Verb.STOP)),
    ("danke", Reply(Verb.NOTHING)),
    ("noch nicht erledigt", noted("noch nicht erledigt")),
    ("mach ich", Reply(Verb.NOTHING)),
    ("7 am Montag", Reply(S, (7,), weekday=0)),
    *((text, noted(text)) for text in NO_NUDGES_GERMAN),
]


@pytest.mark.parametrize(("text", "meant"), ENGLISH)
def test_what_people_type_means_what_they_meant(text: str, meant: Reply) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(("text", "meant"), GERMAN)
def test_german_words_are_understood_where_the_user_is_german(text: str, meant: Reply) -> None:
    assert parse(text, "de") == meant


@pytest.mark.parametrize("word", RESERVED)
def test_no_verb_of_ours_is_a_word_that_carriers_keep(word: str) -> None:
    assert word not in VERBS["en"]
    assert word not in VERBS["de"]
    for text in (word, word.upper(), f" {word}. "):
        assert parse(text).verb in (Verb.STOP, Verb.START, Verb.YES, Verb.HELP)
    assert parse(f"{word} 7").verb is Verb.NOTE


typed = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            [*VERBS["de"], *RESERVED, "7", "9", "3d", "all", "not", "?", "✅", "“", "–", "maria", "\u0307"]
        ),
        max_size=8,
    ).map(" ".join),
)


@given(typed, st.sampled_from(["en", "de", "de-AT", "fr"]))
def test_nothing_that_is_typed_crashes_and_only_what_was_said_is_meant(text: str, language: str) -> None:
    reply = parse(text, language)
    assert len(reply.numbers) <= MOST_NUMBERS
    assert all(0 <= number < 10**9 for number in reply.numbers)
    assert not (reply.every and reply.numbers)
    if reply.verb is Verb.NOTE:
        assert reply.text
