"""What a person says in their own words, shown whole: nobody signs what they cannot read.

- The review has room for the first lines; a key leads to all of it, on a page of its own, and back.
- Own words are the note of somebody without papers and another reason for the stay; in a group they are the leader's.
- They are read aloud only when that key is pressed, for whoever reads nothing or not this: every other sound is of the catalogue (``voices/prompts.py``).
- Nothing is kept of them beyond the review they belong to.

Example: ``words_of(draft)`` is ``(("review.words", "Tôi không có giấy tờ ..."),)``
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edge_agent.kiosk.draft import Draft
from edge_agent.kiosk.effects import Effect
from edge_agent.kiosk.events import Event, WentBack, WordsHeard
from edge_agent.kiosk.states import OwnWords, Screen
from edge_agent.kiosk.texts import Texts


def words_of(draft: Draft) -> tuple[tuple[str, str], ...]:
    """Return (key of the heading, text) of each thing said in own words."""
    note = draft.typed.words if draft.typed else None
    said = (("review.words", note), ("review.reason", draft.reason_text))
    return tuple((key, text) for key, text in said if text)


def from_own_words(screen: OwnWords, event: Event) -> tuple[Screen, tuple[Effect, ...]]:
    """Stay until the person goes back to the review."""
    match event:
        case WordsHeard():
            return replace(screen, aloud=screen.aloud + 1), ()
        case WentBack():
            return screen.review, ()
        case _:
            return screen, ()


def own_words_of(screen: OwnWords, texts: Texts) -> dict[str, Any]:
    """Return what a template may see: every word, under its heading."""
    return {"said": [(texts(key), text) for key, text in words_of(screen.review.draft)]}


def aloud(screen: Screen) -> str:
    """Return what is to be read aloud because somebody asked for it; empty otherwise."""
    if not isinstance(screen, OwnWords) or not screen.aloud:
        return ""
    return " ".join(text for _, text in words_of(screen.review.draft))
