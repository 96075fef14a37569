"""Which language a page speaks, and its catalogue: Vietnamese first, English beside it, read from po files at start.

- The choice: the cookie set by the language link, else the browser's first supported wish, else Vietnamese.
- Message ids are the English sentences; ``en`` needs no file, ``vi`` every sentence (a test compares).
- No build step: Babel reads the po file when the process starts.

>>> preferred_language(cookie=None, accept="en-GB,en;q=0.8")
'en'
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final, Literal, cast, get_args

from babel.core import negotiate_locale
from babel.messages.pofile import read_po

Language = Literal["vi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
COOKIE: Final = "luutru_language"


def preferred_language(*, cookie: str | None, accept: str) -> Language:
    """Choose between cookie, browser and default."""
    if cookie in LANGUAGES:
        return cookie
    wishes = [part.split(";")[0].strip().replace("-", "_") for part in accept.split(",") if part.strip()]
    return cast("Language", negotiate_locale(wishes, LANGUAGES) or "vi")


@cache
def catalogue(language: Language) -> dict[str, str]:
    """Return message id -> sentence; ids without a sentence are left out. The ids are the English sentences, so English has no file."""
    if language == "en":
        return {}
    path = resources.files("server").joinpath("locale", language, "LC_MESSAGES", "luutru.po")
    messages = read_po(BytesIO(path.read_bytes()), locale=language)
    return {str(each.id): str(each.string) for each in messages if each.id and each.string}


def translate(language: Language, text: str) -> str:
    """Return ``text`` in ``language``; a sentence without a translation stays English."""
    return catalogue(language).get(text, text)
