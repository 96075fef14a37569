"""The shapes of what a person is told of who looked at them, written by ``scripts/docs`` from the API's document.

- A newer server may tell more; nothing here is ever taken away.

Example: ``def police(look: LookTold) -> bool: return look["role"] == "officer"``
"""

from __future__ import annotations

from typing import TypedDict


class LookTold(TypedDict):
    """One look as a program is told it. ``purpose`` and ``way`` are code words, ``why`` says the purpose in words."""

    at: str
    role: str
    unit_code: str
    unit: str
    purpose: str
    why: str
    way: str
    fields: list[str]


class LooksAnswer(TypedDict):
    """A page of looks, youngest first. ``sealed``: how many more may not be shown before ``sealed_until`` at the latest."""

    items: list[LookTold]
    total: int
    sealed: int
    sealed_until: str | None
    next: str | None
