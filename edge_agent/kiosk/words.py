"""Which words that were sent may stand on a kiosk's screens. Pure: words and the image's own in, a number or one refusal out.

- A text takes exactly the values its built-in text takes, written as some language writes them (``{hour:02}``): no other name, no attribute, no
  index, no conversion, so that nothing of the program's can be read out by a text.
- No mark-up (``<``, ``>``), no control, format or private characters: nothing that turns the order of what is read, or hides.
- As many forms as the language counts with, none empty, none far longer than the built-in texts: it must fit where it is shown and spoken.
- A key the image does not know is of a newer one, and is left out; a key that is not there is missing, and is counted. A language that the image
  does not have is left out whole.

>>> known({"vi": {"done": ("Xong",), "of.a.newer.image": ("…",)}, "th": {"done": ("…",)}})
{'vi': {'done': ('Xong',)}}
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, get_args

from edge_agent.kiosk.texts import IN_FORCE, Texts, forms_of, messages
from firmware_config.profiles import Language
from firmware_config.signed.words import Words
from residence.errors import Malformed

REFUSED: Final = "words.refused"
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
TIMES_AS_LONG, AND_BESIDES = 2, 40  # beside the longest of the built-in languages; measured in characters
COUNTS: Final = (0, 1, 2, 5, 21)  # every form of every language here
Field = tuple[str, str, str]


def known(words: Words) -> dict[Language, dict[str, tuple[str, ...]]]:
    """Return what of these words this image has a place for."""
    return {
        language: {key: forms for key, forms in words[language].items() if key in _built_in(language)}
        for language in LANGUAGES
        if language in words
    }


def check_words(words: Words) -> int:
    """Return how many texts of the languages that were sent are missing, or raise ``Malformed("words.refused")`` for the first bad one."""
    missing = 0
    for language, texts in known(words).items():
        built_in = _built_in(language)
        missing += len(built_in) - len(texts)
        for key, forms in texts.items():
            if why := next(_wrong_with(key, forms, built_in[key]), ""):
                raise Malformed(REFUSED, f"/words/{language}/{key}", why)
    return missing


def use_words(words: Words) -> None:
    """Put words in force that ``check_words`` let pass."""
    IN_FORCE.use(known(words))


def fill_in() -> None:
    """Fill in every text of every language as a screen does; raises what a screen would meet."""
    for language in LANGUAGES:
        texts = Texts(language)
        for key, forms in _built_in(language).items():
            values = {name: 1 for form in forms for name, _, _ in _fields(form)}
            if _is_counted(key):
                for number in COUNTS:
                    texts.many(key, number, **values)
            else:
                texts(key, **values)


def _wrong_with(key: str, forms: tuple[str, ...], built_in: tuple[str, ...]) -> Iterator[str]:
    if len(forms) != len(built_in):
        yield f"{len(forms)} forms, and the language counts with {len(built_in)}"
    allowed, longest = _of_all_languages(key)
    wanted = {name for form in built_in for name, _, _ in _fields(form)}
    for form in forms:
        try:
            fields = set(_fields(form))
        except ValueError as error:
            yield f"braces that do not fit: {error}"
            return
        if {name for name, _, _ in fields} != wanted or not fields <= allowed:
            yield f"takes {sorted(fields)}, and {sorted(wanted)} are given"
        if not form.strip() or form != form.strip() or not unicodedata.is_normalized("NFC", form):
            yield "empty, with spaces around it, or not in Unicode's composed form"
        if any(each in "<>" or unicodedata.category(each)[0] == "C" or each in "\u2028\u2029" for each in form):
            yield "mark-up, or a character that is not shown"
        if len(form) > TIMES_AS_LONG * longest + AND_BESIDES:
            yield f"{len(form)} characters, and at most {TIMES_AS_LONG * longest + AND_BESIDES} have room"


@cache
def _of_all_languages(key: str) -> tuple[frozenset[Field], int]:
    """Return every way in which some language writes the values of a text, and how long its longest text is."""
    forms = [form for language in LANGUAGES for form in _built_in(language).get(key, ())]
    return frozenset(field for form in forms for field in _fields(form)), max(map(len, forms))


@cache
def _built_in(language: Language) -> Mapping[str, tuple[str, ...]]:
    return forms_of(language)


def _is_counted(key: str) -> bool:
    return isinstance(messages("ru")[key].id, tuple)  # the same in every language, as their catalogues are


def _fields(form: str) -> list[Field]:
    return [
        (name, spec or "", conversion or "") for _, name, spec, conversion in string.Formatter().parse(form) if name is not None
    ]
