"""Countries by their names in Vietnamese and English, as the three letters of a passport: for lists in which people write "Hàn Quốc", and for pages.

- Names and codes are Unicode's (CLDR, by Babel). A name two countries share, or that has no three-letter code, is no name.

>>> country_words()["KOR"]
['Hàn Quốc', 'South Korea']
"""

from __future__ import annotations

from functools import cache

from babel import Locale
from babel.core import get_global

from server.languages import Language, lang_tag

_LETTERS = 3


@cache
def country_words() -> dict[str, list[str]]:
    """Return three letters -> names."""
    names = {language: Locale.parse(language).territories for language in ("vi", "en")}
    codes = {
        alias: territories[0]
        for alias, territories in get_global("territory_aliases").items()
        if len(alias) == _LETTERS and alias.isalpha() and len(territories) == 1
    }
    return {
        code: list(dict.fromkeys(names[language][two] for language in ("vi", "en") if two in names[language]))
        for code, two in sorted(codes.items())
        if two in names["en"]
    }


def country_name(code: str, language: Language) -> str:
    """Return what people call a country; a code without a name is shown as it is.

    >>> country_name("VNM", "en"), country_name("UTO", "vi")
    ('Vietnam', 'UTO')
    >>> country_name("VNM", "ja"), country_name("UTO", "zh")
    ('ベトナム', 'UTO')
    """
    if language in ("vi", "en"):
        names = country_words().get(code, [code])
        return names[0] if language == "vi" else names[-1]
    two = get_global("territory_aliases").get(code, ("",))[0]
    return str(Locale.parse(lang_tag(language), sep="-").territories.get(two, code))
