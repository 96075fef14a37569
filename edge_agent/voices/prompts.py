"""What the kiosk says aloud on a screen: the question and the answers on its buttons, as a person at the counter would.

- Only words of the catalogue are spoken, never anything about anybody: no name, number, room or code is read out in a lobby. The one exception
  is asked for: what a person says in their own words, when they press the key that reads it to them (``own_words.py``).
- The same words stand under the screen as a caption, for who hears badly or has the sound off.
- A prompt is short: the question first, so that whoever knows the way need not wait.

Example: ``spoken(Idle(), texts)`` begins with the question of the first screen.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from edge_agent.kiosk.chip_states import AskChip, ChipShown, LayCard, TypeCan
from edge_agent.kiosk.chip_words import words_for
from edge_agent.kiosk.own_words import aloud
from edge_agent.kiosk.showing import name_of
from edge_agent.kiosk.showing_results import outcome_of, said_key
from edge_agent.kiosk.states import NothingDue, OwnWords, PartyResult, Result, Review, Screen, State
from edge_agent.kiosk.texts import Texts
from edge_agent.voices.speaking import Voice

# What one more press on the button makes of the volume: off, normal, loud, soft, off.
LOUDER: Final = {0: 2, 2: 3, 3: 1, 1: 0}
# Screen -> keys of what is said; a screen that is not here is spoken for below.
_SAID: Final[dict[str, tuple[str, ...]]] = {
    "idle": ("idle.question", "idle.promise", "idle.card_title"),
    "purpose": ("purpose.title", "purpose.stay", "purpose.group", "purpose.change", "purpose.resident", "purpose.day_visit"),
    "card": ("card.title", "card.text", "card.none", "card.papers_none"),
    "person": ("person.title", "person.yes", "person.no"),
    "unit": ("unit.title",),
    "nights": ("nights.title",),
    "reason": ("reason.title",),
    "telling": ("telling.title", "telling.hint"),
    "review": ("review.title", "review.confirm"),
    "ownwords": ("words.title", "words.hint", "words.aloud"),
    "group-review": ("group.title", "group.each"),
    "gathering": ("gather.title", "gather.text"),
    "change": ("change.title", "change.extend", "change.leave", "change.correct", "change.withdraw"),
    "receipt": ("receipt.title", "receipt.hint"),
    "path": ("path.title", "path.hint"),
    "pathshown": ("path.title", "path.read"),
    "host": ("host.title", "host.text"),
    "keeping": ("keeping.title",),
    "wayin": ("wayin.title", "wayin.text"),
    "notkept": ("notkept.title", "result.refused_next"),
}


def spoken(screen: Screen, texts: Texts) -> str:
    """Return what is said aloud on a screen."""
    name = name_of(screen)
    match screen:
        case Result(statement="entry" | "desk" as statement):
            keys: tuple[str, ...] = (f"result.{statement}_title", f"result.{statement}_text")
        case Review() if screen.draft.change is not None:
            keys = ("review.title", "change.confirm")
        case Result(standing=standing, statement=statement):
            text = said_key(screen, online=False)
            keys = (f"result.{standing}", text, *(("result.case_text",) if statement == "paperless" else ()))
        case PartyResult():
            outcome = outcome_of(screen)
            keys = (f"party.{outcome}", f"party.{outcome}_text")[: 1 if outcome in {"keeping", "all"} else 2]
        case NothingDue(why=why):
            keys = (f"nothing.{why}_title", f"nothing.{why}_text")
        case AskChip(draft=draft) | LayCard(draft=draft) | TypeCan(draft=draft) | ChipShown(draft=draft):
            keys = _about_the_chip(screen, words_for(draft))
        case _ if name.startswith("typing-"):
            asked = name.removeprefix("typing-")
            keys = (f"type.{asked}", f"type.{asked}_hint")
        case _:
            keys = _SAID[name]
    return " ".join(_ended(texts(key)) for key in keys)


def _about_the_chip(screen: AskChip | LayCard | TypeCan | ChipShown, words: dict[str, str]) -> tuple[str, ...]:
    """Return what is said while a chip is asked for and read; what it showed is for the screen and not for the lobby."""
    match screen:
        case AskChip():
            return words["ask"], words["ask_text"], "chip.allow", "chip.without"
        case LayCard(phase="waiting" | "stopped"):
            return words["lay"], words["lay_text"]
        case LayCard():
            return (words["keep"],)
        case TypeCan():
            return words["can"], words["can_text"]
        case ChipShown():
            return (words["take"],)


def heard(state: State) -> dict[str, Any]:
    """Return what a template needs of the voice: how loud, the caption, and a mark that changes with what is said."""
    caption = spoken(state.screen, Texts(state.language)) if state.voice else ""
    mark = f"{state.language}-{zlib.crc32(caption.encode()):08x}" if caption else ""
    asked = state.screen.aloud if isinstance(state.screen, OwnWords) else 0
    return {
        "voice": state.voice,
        "voice_next": LOUDER[state.voice],
        "volume": state.voice or (LOUDER[0] if asked else 0),
        "caption": caption,
        "prompt": f"{state.language}-own-{asked}" if asked else mark,  # nothing of the words is in an address
    }


def sound_of(state: State, voice: Voice) -> bytes | None:
    """Return what is to be heard now as a WAV file; None when it is nothing, or nobody can say it."""
    own = aloud(state.screen)
    if own:
        return voice.once(state.language, own)
    caption = heard(state)["caption"]
    return voice.sound(name_of(state.screen), state.language, caption) if caption else None


def _ended(text: str) -> str:
    """End a phrase, so that a voice pauses after it."""
    return text if text.endswith((".", "?", "!", "。", "？", "！", "…")) else f"{text}."
