"""What of somebody on a path another office may be given: a list per situation as data, shown before, agreed to, and taken back when they say so.

- The person chooses among these fields and no others; numbers, addresses and contacts are never among them.
- The sheet is text, made here and nowhere else: what the person was shown is byte for byte what the office gets.
- Each line is labelled in Vietnamese, for the office, and in the language the person was asked in.
- Nobody agrees by silence: a hand-over needs the words of consent in force, and who heard them.

>>> make_sheet(code="RD7D-QQWQ-DW4X", values={Field.FULL_NAME: "Trần Văn An"}, language="ru").splitlines()
['RD7D-QQWQ-DW4X', 'Họ và tên / Имя: Trần Văn An']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from residence.access.purposes import Field
from residence.errors import Refused
from residence.paths.words import Spoken, say

MAY_GO: Final[tuple[Field, ...]] = (Field.FULL_NAME, Field.BIRTH_DATE, Field.SEX, Field.NATIONALITY, Field.OWN_WORDS)
CONSENT_WORDS: Final = "path-consent-2026-11"  # which wording was read out; residence/paths/words.toml, key ``consent``


def chosen_fields(wanted: Iterable[str]) -> tuple[Field, ...]:
    """Return the fields asked for in their own order, or raise ``Refused("path.fields")`` when there are none or others."""
    names = set(wanted)
    if not names or names - {each.value for each in MAY_GO}:
        raise Refused("path.fields", "/fields")
    return tuple(each for each in MAY_GO if each.value in names)


def make_sheet(*, code: str, values: Mapping[Field, str], language: Spoken) -> str:
    """Write the sheet an office is given: the path's code, then one line a field; line breaks inside a value become spaces."""
    lines = [f"{_label(field, language)}: {' '.join(values[field].split())}" for field in MAY_GO if values.get(field)]
    return "\n".join((code, *lines)) + "\n"


def _label(field: Field, language: Spoken) -> str:
    told = dict.fromkeys(say(f"field.{field.value}", each) for each in ("vi", language))
    return " / ".join(told)
