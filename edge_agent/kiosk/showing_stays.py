"""What a template may see of the questions about a stay: unit, nights, reason in words, permitted stay.

- What was typed and not taken is shown again, so that it can be mended; a birth date or a number never is.
- The nights offered first are the usual ones, each with the day it leads to.

Example: ``nights_of(draft, texts, now)["quick"][0][0] == 1``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from edge_agent.kiosk.boards import boards_for
from edge_agent.kiosk.draft import Draft
from edge_agent.kiosk.states import AskPermitted, ChooseUnit, TellReason
from edge_agent.kiosk.staying import MOST_NIGHTS, begins, leaving
from edge_agent.kiosk.texts import Texts
from firmware_config.profiles import KioskProfile
from residence.stays.check import LONGEST

QUICK_NIGHTS: Final = (1, 2, 3, 4, 5, 7, 14)
_STEPS: Final = ("person", "unit", "time", "review")


def step_of(name: str, texts: Texts) -> dict[str, Any]:
    """Return which of the four steps a question belongs to."""
    at = _STEPS.index(name)
    names = [texts(f"progress.{each}") for each in _STEPS]
    return {"at": at, "names": names, "label": texts("progress.label", at=at + 1, of=len(_STEPS), name=names[at])}


def unit_of(screen: ChooseUnit, profile: KioskProfile, texts: Texts) -> dict[str, Any]:
    """Return what the question for the apartment or room shows."""
    return {
        "tried": screen.tried,
        "problem": texts.problem(screen.problem) if screen.problem else "",
        "units": profile.premises.units,
        "letters": sorted({character for unit in profile.premises.units for character in unit if not character.isdigit()}),
        "step": step_of("unit", texts),
    }


def nights_of(draft: Draft, texts: Texts, now: datetime) -> dict[str, Any]:
    """Return what the question for the nights shows."""
    return {
        "most": MOST_NIGHTS,
        "chosen": draft.nights,
        "more": "_more" if draft.change is not None and draft.change.kind == "extension" else "",
        "quick": [(nights, texts.short_day(leaving(begins(draft, now), nights))) for nights in QUICK_NIGHTS],
    }


def telling_of(screen: TellReason, texts: Texts) -> dict[str, Any]:
    """Return what the question for the reason in words shows."""
    return {
        "typed": screen.tried or screen.draft.reason_text or "",
        "longest": LONGEST["reason_text"],
        "problem": texts.problem(screen.problem) if screen.problem else "",
        "boards": boards_for("words", texts.language),
        "step": step_of("time", texts),
    }


def permitted_of(screen: AskPermitted, texts: Texts) -> dict[str, Any]:
    """Return what the question for the end of the permitted stay shows."""
    about: dict[str, Any] = {"asked": "permitted", "typed": "", "countries": [], "chosen": None, "step": step_of("person", texts)}
    return {**about, "problem": texts.problem(screen.problem) if screen.problem else ""}
