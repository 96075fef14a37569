"""The words on the screen: a gettext catalogue per language, read once at start, every text in every language.

- Over them lies what the authority has sent (``words.py`` judges it): replaced whole, at once, for every screen of the process; a text that was
  not sent is the image's.
- Ids are keys, not sentences, so no language is the others' source; Babel reads the po files, there is no build step.
- A key that is missing, or missing in one language, is a programming error and found by a test, not by a person.
- Counted words follow the language's own plural rule (one *ночь*, two *ночи*, five *ночей*).
- Problems speak Vietnamese and English from ``residence.errors``; the other languages say the same from their catalogue, by code or
  by the code's family, without the details that only the two have.
- Dates and times are Vietnam's, written the way the language writes them.

>>> Texts("en").many("nights.word", 2)
'nights'
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final

from babel.core import UnknownLocaleError
from babel.dates import get_day_names
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from firmware_config.profiles import Language
from residence.clock import VIETNAM
from residence.errors import Malformed, Problem, sentence

# What ``lang`` attributes and Babel call a language where its two letters do not say it all.
_SCRIPTS: Final[dict[Language, str]] = {"zh": "zh-Hans"}
# The languages in which ``residence.errors`` has every sentence itself.
_OWN_SENTENCES: Final = frozenset({"vi", "en"})


def lang_tag(language: Language) -> str:
    """Return the language's tag for ``lang`` attributes (BCP 47): it also picks the right shapes of Han characters."""
    return _SCRIPTS.get(language, language)


@cache
def messages(language: Language) -> Catalog:
    """Return the catalogue of one language as its po file has it."""
    return _read(language)


def _read(language: Language) -> Catalog:
    path = resources.files(__package__).joinpath("locale", language, "LC_MESSAGES", "kiosk.po")
    return read_po(BytesIO(path.read_bytes()), locale=_locale(language))


def forms_of(language: Language) -> dict[str, tuple[str, ...]]:
    """Return key -> the forms of its text: one, or as many as the language counts with."""
    return _forms(messages(language))


def forms_in(data: bytes) -> dict[str, tuple[str, ...]]:
    """Return the same of a po file, or raise ``Malformed("words.malformed")``. What is marked as unfinished (fuzzy) is not in it."""
    try:
        return _forms(read_po(BytesIO(data), abort_invalid=True))
    except (PoFileError, ValueError, UnknownLocaleError) as error:
        raise Malformed("words.malformed", "", str(error)) from error


def _forms(catalogue: Catalog) -> dict[str, tuple[str, ...]]:
    return {
        each.id if isinstance(each.id, str) else each.id[0]: (each.string,)
        if isinstance(each.string, str)
        else tuple(each.string or ())
        for each in catalogue
        if each.id and not each.fuzzy
    }


@cache
def _translations(language: Language) -> gettext.GNUTranslations:
    return _compiled(messages(language))


def _compiled(catalogue: Catalog) -> gettext.GNUTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    translations = gettext.GNUTranslations(compiled)
    translations.add_fallback(_Missing())
    return translations


class WordsInForce:
    """What this process speaks with: the image's words, and in their place those that were sent. A process has one screen."""

    def __init__(self) -> None:
        self._sent: Mapping[Language, gettext.GNUTranslations] = {}
        self.serial = 0  # another number whenever a screen may say something else

    def use(self, sent: Mapping[Language, Mapping[str, tuple[str, ...]]]) -> None:
        """Speak with these words from now on; a language or a key that is not among them is said in the image's."""
        self._sent = {language: _compiled(_with(_read(language), texts)) for language, texts in sent.items()}
        self.serial += 1

    def of(self, language: Language) -> gettext.GNUTranslations:
        """Return a language's words."""
        return self._sent.get(language) or _translations(language)


IN_FORCE: Final = WordsInForce()


def _with(catalogue: Catalog, texts: Mapping[str, tuple[str, ...]]) -> Catalog:
    for key, forms in texts.items():
        found = catalogue.get(key)
        if found is not None:
            found.string = forms if isinstance(found.string, tuple) else forms[0]
    return catalogue


class _Missing(gettext.NullTranslations):
    """Refuses what is in no catalogue, instead of showing the key to a person."""

    def gettext(self, message: str) -> str:
        """Raise ``KeyError``."""
        raise KeyError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:  # noqa: ARG002 - the library's signature
        """Raise ``KeyError``."""
        raise KeyError(msgid1)


@dataclass(frozen=True, slots=True)
class Texts:
    """The catalogue in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key``, filled with ``values``."""
        return IN_FORCE.of(self.language).gettext(key).format(**values)

    def many(self, key: str, number: int, /, **values: object) -> str:
        """Return the text of ``key`` in the form that ``number`` asks for."""
        return IN_FORCE.of(self.language).ngettext(key, key, number).format(**values)

    def day(self, instant: datetime) -> str:
        """Write a day with its weekday."""
        local = instant.astimezone(VIETNAM)
        return self("date", weekday=self._weekday(local), day=local.day, month=local.month, year=local.year)

    def short_day(self, instant: datetime) -> str:
        """Write a day with its weekday and without the year."""
        local = instant.astimezone(VIETNAM)
        return self("date.short", weekday=self._weekday(local), day=local.day, month=local.month)

    def clock(self, instant: datetime) -> str:
        """Write a time of day with its day."""
        local = instant.astimezone(VIETNAM)
        return self("clock", hour=local.hour, minute=local.minute, day=local.day, month=local.month)

    def problem(self, what: Problem) -> str:
        """Return a problem's sentence in this language."""
        if self.language in _OWN_SENTENCES:
            return what.message.vi if self.language == "vi" else what.message.en
        return self._by_code(what.code)

    def about_code(self, code: str) -> str:
        """Return the sentence of a finding that travelled as its code alone."""
        if self.language not in _OWN_SENTENCES:
            return self._by_code(code)
        try:
            said = sentence(code)
        except KeyError:  # a code of a newer registry, or one whose sentence needs values only the registry has
            said = sentence("kiosk.finding_other")
        return said.vi if self.language == "vi" else said.en

    def _by_code(self, code: str) -> str:
        known = messages(self.language)
        return self(next(key for key in _sentences_for(code) if key in known))

    def _weekday(self, local: datetime) -> str:
        return str(get_day_names("wide", context="format", locale=_locale(self.language))[local.weekday()])


def _sentences_for(code: str) -> Iterator[str]:
    """Yield the keys that may say ``code``, the most exact first."""
    yield f"problem.{code}"
    yield f"problem.{code.partition('.')[0]}"
    yield "problem.other"


def _locale(language: Language) -> str:
    return lang_tag(language).replace("-", "_")
