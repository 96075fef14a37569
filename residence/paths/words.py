"""What a person on a path reads, on a phone, a desk's screen, a kiosk or a slip: one file, six languages, short sentences.

- A key has all six languages; a test holds that none is missing and that places for values agree.
- Nothing here names anybody, a situation or an office: who finds a slip learns how far something is, and not what.

>>> say("state.begun", "en")
'We have it.'
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final, Literal, get_args

import msgspec

Spoken = Literal["vi", "en", "zh", "ko", "ja", "ru"]
SPOKEN: Final[tuple[Spoken, ...]] = get_args(Spoken)
NAMES: Final = {"vi": "Tiếng Việt", "en": "English", "zh": "中文", "ko": "한국어", "ja": "日本語", "ru": "Русский"}


@cache
def catalogue() -> dict[str, dict[Spoken, str]]:
    """Return key -> language -> sentence."""
    text = resources.files("residence").joinpath("paths", "words.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, dict[Spoken, str]])


def say(key: str, language: Spoken, **values: object) -> str:
    """Return the sentence of a key with its values filled in."""
    return catalogue()[key][language].format(**values)


def spoken(language: str) -> Spoken:
    """Return a language the words are in; Vietnamese for any other."""
    return next((each for each in SPOKEN if each == language), "vi")
