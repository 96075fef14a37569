"""The words on the screen: one catalogue, read once, every text in every language.

- A key that is missing, or missing in one language, is a programming error and found by a test, not by a person.
- Dates and times are Vietnam's, written the way the language writes them.

>>> Texts("en")("nights.many")
'nights'
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from firmware_config.profiles import Language
from residence.clock import VIETNAM
from residence.errors import Sentence, sentence


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return key -> language -> text."""
    return tomllib.loads(resources.files(__package__).joinpath("texts.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Texts:
    """The catalogue in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key``, filled with ``values``."""
        return catalogue()[key][self.language].format(**values)

    def day(self, instant: datetime) -> str:
        """Write a day with its weekday."""
        local = instant.astimezone(VIETNAM)
        return self("date", weekday=self(f"weekday.{local.weekday()}"), day=local.day, month=local.month, year=local.year)

    def short_day(self, instant: datetime) -> str:
        """Write a day with its weekday and without the year."""
        local = instant.astimezone(VIETNAM)
        return self("date.short", weekday=self(f"weekday.{local.weekday()}"), day=local.day, month=local.month)

    def clock(self, instant: datetime) -> str:
        """Write a time of day with its day."""
        local = instant.astimezone(VIETNAM)
        return self("clock", hour=local.hour, minute=local.minute, day=local.day, month=local.month)

    def said(self, what: Sentence) -> str:
        """Return a problem's sentence in this language."""
        return what.vi if self.language == "vi" else what.en

    def about_code(self, code: str) -> str:
        """Return the sentence of a finding that travelled as its code alone."""
        try:
            return self.said(sentence(code))
        except KeyError:  # a code of a newer registry, or one whose sentence needs values only the registry has
            return self.said(sentence("kiosk.finding_other"))
