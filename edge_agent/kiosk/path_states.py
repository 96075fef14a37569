"""The two screens of somebody who has the slip of a path: its code, and how far it is. Nothing is known of the person on either.

Example: ``PathShown(code="RD7D-QQWQ-DW4X", answer=PathAnswer(state="working", since="2026-07-10"))``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from residence.errors import Problem
from residence.wire.kiosk_answers import PathAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class AskPathCode:
    """Which path? Its code, typed or shown. ``question`` while the authority is asked; ``missed``: what it answered instead."""

    tried: str = field(default="", repr=False)
    question: str = ""
    problem: Problem | None = None
    missed: Literal["", "unknown", "later"] = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PathShown:
    """How far it is."""

    code: str = field(repr=False)
    answer: PathAnswer


PathScreen = AskPathCode | PathShown
