"""Nudges that ask the user to do something other than send a draft: their text is a note to the user."""

from __future__ import annotations

from reminderd.store.draft_records import DraftFacts

ALWAYS = frozenset({"ask_unanswered", "four_ignored", "last_contact_unknown"})
"""About a reference, but nothing for them to read."""
WITHOUT_ANYBODY = frozenset({"announcement", "look_in", "warm_up"})
"""Notes to the user where they concern several people; drafts where they are for one."""


def is_for_user(situation: str, facts: DraftFacts) -> bool:
    """Whether the text is a note to the user, with nobody to send it to."""
    return situation in ALWAYS or (situation in WITHOUT_ANYBODY and not facts.them.name)
