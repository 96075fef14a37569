"""Which language a page speaks, and its catalogue: Vietnamese first, English beside it, four more on people's own pages, read from po files at start.

- The choice: the cookie set by the language link, else the browser's first supported wish, else Vietnamese.
- Pages for work (desk, police, operators) are written in two languages: whoever wishes another of the six gets English there.
- Message ids are the English sentences; ``en`` needs no file, ``vi`` every sentence, the others every sentence of ``PERSONS`` (tests compare).
- Sentences of codes (``residence.errors``) are Vietnamese and English; in the other languages their English is a message id like any other.
- No build step: Babel reads the po file when the process starts.

>>> preferred_language(cookie=None, accept="en-GB,en;q=0.8")
'en'
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from io import BytesIO
from string import Formatter
from typing import Final, Literal, cast, get_args

from babel.core import negotiate_locale
from babel.messages.pofile import read_po

from residence.errors import Sentence

Language = Literal["vi", "en", "zh", "ko", "ja", "ru"]
OfWork = Literal["vi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
OF_WORK: Final[tuple[OfWork, ...]] = get_args(OfWork)
# What a language calls itself: whoever reads it finds it, whatever the page speaks.
ENDONYMS: Final[dict[Language, str]] = {
    "vi": "Tiếng Việt",
    "en": "English",
    "zh": "中文",
    "ko": "한국어",
    "ja": "日本語",
    "ru": "Русский",
}
_TAGS: Final[dict[Language, str]] = {"zh": "zh-Hans"}
COOKIE: Final = "luutru_language"


def lang_tag(language: Language) -> str:
    """Return the language's tag for ``lang`` attributes (BCP 47); it also picks the right shapes of Han characters."""
    return _TAGS.get(language, language)


def preferred_language(*, cookie: str | None, accept: str) -> Language:
    """Choose between cookie, browser and default, of all six."""
    if cookie in LANGUAGES:
        return cookie
    wishes = [part.split(";")[0].strip().replace("-", "_") for part in accept.split(",") if part.strip()]
    short = [each.partition("_")[0].lower() if each.lower().startswith("zh") else each for each in wishes]
    return cast("Language", negotiate_locale(short, LANGUAGES) or "vi")


def language_of_work(language: Language) -> OfWork:
    """Return what a page for work speaks to somebody who wishes a language."""
    return "vi" if language == "vi" else "en"


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


def sentence_in(said: Sentence, language: Language) -> str:
    """Return a code's sentence in a language; values filled into it stay, and are translated where they are words of ours.

    >>> sentence_in(Sentence(vi="", en="Longer than any real value (at most 80 characters). Scan or type it again."), "ja")
    '実際にあり得る長さ（最大80文字）を超えています。読み取り直すか、入力してください。'
    """
    if language in ("vi", "en"):
        return said.vi if language == "vi" else said.en
    if said.en in catalogue(language):
        return catalogue(language)[said.en]
    for shape, text in _filled(language):
        values = shape.fullmatch(said.en)
        if values is not None:
            return text.format(**{name: translate(language, value) for name, value in values.groupdict().items()})
    return said.en


@cache
def _filled(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the sentences with places for values: what one looks like when it is filled in, and its translation."""
    shapes = []
    for english, text in catalogue(language).items():
        parts = list(Formatter().parse(english))
        if any(name for _, name, _, _ in parts):
            looks = "".join(re.escape(plain) + (f"(?P<{name}>.+?)" if name else "") for plain, name, _, _ in parts)
            shapes.append((re.compile(looks, re.DOTALL), text))
    return tuple(shapes)
