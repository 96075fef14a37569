"""What the screens of the chip may show: progress in three steps, and a level as plain words with an icon.

- A level is said as what was found out about the card, never as a number, a protocol's name, or a judgement of the person.
- A failed check is said once and kindly; which one it was is the officer's matter.

Example: ``about_chip(draft.chip, texts)["title"]``
"""

from __future__ import annotations

from typing import Any, Final

from edge_agent.kiosk.chip_states import AskChip, ChipPhase, ChipShown, LayCard, TypeCan, may_try, may_type
from edge_agent.kiosk.draft import ChipSaid, Draft
from edge_agent.kiosk.texts import Texts
from residence.credentials.evidence import EvidenceLevel
from residence.people.person import DocumentKind

_STEPS: Final[tuple[ChipPhase, ...]] = ("opening", "reading", "authenticating")
_SIGNS: Final = {
    EvidenceLevel.CHIP_PRESENT: ("present", "good", "shield"),
    EvidenceLevel.CHIP_VERIFIED: ("verified", "good", "check"),
    EvidenceLevel.CHIP_SIGNED_ISSUER_UNKNOWN: ("signed", "kept", "card"),
    EvidenceLevel.CHIP_READ: ("read", "kept", "card"),
}
_NOTHING: Final = ("text", "kept", "card")


def is_passport(draft: Draft) -> bool:
    """Tell whether the screens speak of a passport instead of a card."""
    document = draft.reading.person.document
    return document is not None and document.kind is DocumentKind.PASSPORT


def words_for(draft: Draft) -> dict[str, str]:
    """Return the keys of the words that speak of what is laid on the reader."""
    what = "passport" if is_passport(draft) else "card"
    return {
        "ask": f"chip.ask_{what}",
        "ask_text": f"chip.ask_{what}_text",
        "lay": f"chip.lay_{what}",
        "lay_text": f"chip.lay_{what}_text",
        "keep": f"chip.keep_{what}",
        "take": f"chip.take_{what}",
        "can": f"chip.can_{what}",
        "can_text": f"chip.can_{what}_text",
    }


def chip_step_of(screen: AskChip | LayCard | TypeCan | ChipShown, texts: Texts) -> dict[str, Any]:
    """Return what one of the chip's screens shows. A typed number is never sent back to the page."""
    words: dict[str, Any] = {"words": words_for(screen.draft)}
    match screen:
        case AskChip():
            return words
        case LayCard():
            return words | about_laying(screen, texts)
        case TypeCan(problem=why):
            return words | {"problem": texts.problem(why) if why else ""}
        case ChipShown(draft=draft):
            return words | about_chip(draft.chip, texts)


def about_laying(screen: LayCard, texts: Texts) -> dict[str, Any]:
    """Return what is shown while the card lies, or should lie, on the reader."""
    reached = _STEPS.index(screen.phase) if screen.phase in _STEPS else -1
    return {
        "phase": screen.phase,
        "now": texts(f"chip.phase_{screen.phase}"),
        "steps": [(texts(f"chip.phase_{each}"), place < reached, place == reached) for place, each in enumerate(_STEPS)],
        "problem": texts.problem(screen.problem) if screen.problem else "",
        "may_try": screen.phase == "stopped" and may_try(screen),
        "may_type": screen.phase == "stopped" and may_type(screen),
    }


def about_chip(chip: ChipSaid | None, texts: Texts) -> dict[str, Any]:
    """Return the level in plain words, with its icon."""
    chip = chip or ChipSaid(skipped=True)
    key, tone, sign = _SIGNS.get(chip.level, _NOTHING)
    if chip.failed:
        tone, sign = "attention", "attention"
    return {
        "tone": tone,
        "sign": sign,
        "title": texts(f"chip.level_{key}"),
        "text": texts("chip.failed" if chip.failed else f"chip.level_{key}_text"),
    }
