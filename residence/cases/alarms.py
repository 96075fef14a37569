"""What an alarm says: that somebody at the house is still to be declared, by when, and which page to open. Nobody's name, number, room or count.

- It goes through a provider of text messages or pushes: it says no more than a stranger may read, and its link opens to whoever signs in.
- One language, the house's: a text message is short. The text follows from the deadline alone: sent again it is the same.

>>> write_alarm(None, premises_id="htl-sao-mai", pages="https://lt.example.org/", language="en").body.splitlines()[1]
'https://lt.example.org/desk?premises=htl-sao-mai'
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from residence.cases.messages import Language, Letter
from residence.clock import VIETNAM
from residence.errors import sentence

TITLE: Final = "Luutru"
_DUE: Final = {"vi": "Hạn", "en": "Due"}


def write_alarm(due: datetime | None, *, premises_id: str, pages: str, language: Language) -> Letter:
    """Write an alarm; without ``due`` the one that tries a channel out."""
    said = str(getattr(sentence("alarm.trial" if due is None else "alarm.deadline_near"), language))
    lines = [said if due is None else f"{_DUE[language]} {due.astimezone(VIETNAM):%H:%M %d/%m}: {said}"]
    return Letter(subject=TITLE, body="\n".join([*lines, f"{pages.rstrip('/')}/desk?{urlencode({'premises': premises_id})}"]))
