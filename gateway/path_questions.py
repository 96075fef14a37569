"""Somebody stands at a kiosk with the slip of a path and asks how far it is: the question is heard in the kiosk's sign of life.

- Answered with what the slip's page says, a state and days; nothing about a person, a situation or an office.
- A kiosk may ask ``MOST`` times in ``WITHIN``; after that every question is answered *later*. A code is sixty bits, so nobody finds one by asking.
- Nothing is written down. A gateway that starts anew hears the retained question again and answers it again; a kiosk that has its answer asks no more.

Example: ``questions.hear(state); questions.answers(now)["kiosk-lobby-1"]``
"""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from registry.database import Registry
from registry.paths import path_by_code
from residence.errors import Malformed
from residence.paths.following import progress
from residence.wire.kiosk_answers import PathAnswer
from residence.wire.receipts import parse_receipt_code
from residence.wire.state import KioskState

MOST: Final = 10
WITHIN: Final = timedelta(minutes=10)
KEPT: Final = 3  # answers of one kiosk that stay said
_NUMBER: Final = re.compile(r"[0-9a-f-]{36}")


class PathQuestions:
    """The questions of our shards' kiosks. Used from the worker's thread only."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._asked: dict[str, tuple[str, str]] = {}
        self._answers: dict[str, dict[str, PathAnswer]] = {}
        self._times: dict[str, deque[datetime]] = {}

    def hear(self, state: KioskState) -> None:
        """Take the question a sign of life brings, unless it is answered already."""
        number, _, code = state.path.partition(" ")
        if state.online and _NUMBER.fullmatch(number) and number not in self._answers.get(state.kiosk_id, {}):
            self._asked[state.kiosk_id] = (number, code)

    def answers(self, now: datetime) -> dict[str, dict[str, PathAnswer]]:
        """Answer what was heard; returns kiosk -> number of the question -> answer, the last few of each."""
        if self._asked:
            with self._registry.reading() as connection:
                for kiosk_id, (number, code) in self._asked.items():
                    answer = PathAnswer(state="later") if self._too_often(kiosk_id, now) else _told(connection, code, now)
                    said = [*self._answers.get(kiosk_id, {}).items(), (number, answer)]
                    self._answers[kiosk_id] = dict(said[-KEPT:])  # a new one: whoever was given the former compares them
            self._asked.clear()
        return self._answers

    def _too_often(self, kiosk_id: str, now: datetime) -> bool:
        times = self._times.setdefault(kiosk_id, deque())
        while times and times[0] <= now - WITHIN:
            times.popleft()
        if len(times) >= MOST:
            return True
        times.append(now)
        return False


def _told(connection: Connection, text: str, now: datetime) -> PathAnswer:
    try:
        row = path_by_code(connection, parse_receipt_code(text))
    except Malformed:
        row = None
    if row is None:
        return PathAnswer(state="unknown")
    found = progress(row.state, changed_at=row.changed_at, before=row.due, now=now)
    return PathAnswer(state=found.state, since=found.since, due=found.due, late=found.late)
