"""Two records beside each other, field by field: what each says, where they part, and what the search's comparison said of it.

- A field is shown when either record has it or a comparison spoke of it. A missing value is no difference.
- Where two texts part is marked letter by letter; the words of the comparison say it for who cannot see the mark.
- A masked number says little by itself: whether the whole ones agree is what the comparison says.

>>> marked("Trần Văn An", "Trần Văn Ân")
((Piece(text='Trần Văn ', parts=False), Piece(text='A', parts=True), Piece(text='n', parts=False)), \
(Piece(text='Trần Văn ', parts=False), Piece(text='Â', parts=True), Piece(text='n', parts=False)))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal

import msgspec

from registry.duplicates.pairing import Said
from registry.release import ReleasedPerson
from residence.access.purposes import Field

Standing = Literal["same", "different", "one_only", "neither"]
ORDER: Final[Mapping[Field, tuple[str, ...]]] = {  # field -> the comparisons that speak of it
    Field.FULL_NAME: ("name", "accents"),
    Field.BIRTH_DATE: ("birth",),
    Field.SEX: ("sex",),
    Field.NATIONALITY: (),
    Field.PERSONAL_NUMBER_MASKED: ("personal",),
    Field.OLD_NUMBER: ("old",),
    Field.DOCUMENT: ("document",),
    Field.CONTACT: ("phone",),
    Field.RESIDENCE_TEXT: ("address",),
}


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a text. ``parts``: the other text has something else here, or nothing."""

    text: str
    parts: bool


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One field of both records."""

    field: str
    one: tuple[Piece, ...]
    other: tuple[Piece, ...]
    standing: Standing
    said: tuple[str, ...]
    disputed: tuple[bool, bool]


def side_by_side(one: ReleasedPerson, other: ReleasedPerson, said: Sequence[Said]) -> list[Line]:
    """Return the fields either record has, in the order they are read."""
    lines = []
    for field, comparisons in ORDER.items():
        first, second = one.fields.get(field), other.fields.get(field)
        codes = tuple(each.code for each in said if each.code.split(".")[1] in comparisons)
        if first is None and second is None and not codes:
            continue
        pieces = marked(_written(field, first), _written(field, second))
        lines.append(
            Line(
                field=field.value,
                one=pieces[0],
                other=pieces[1],
                standing=_standing(first, second),
                said=codes,
                disputed=(field in one.disputed, field in other.disputed),
            )
        )
    return lines


def marked(one: str, other: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Cut two texts where they part; neither is marked when one is missing."""
    if not one or not other:
        return _whole(one), _whole(other)
    firsts, seconds = [], []
    for tag, begin, end, second_begin, second_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        firsts.append(Piece(text=one[begin:end], parts=tag != "equal"))
        seconds.append(Piece(text=other[second_begin:second_end], parts=tag != "equal"))
    return tuple(each for each in firsts if each.text), tuple(each for each in seconds if each.text)


def _written(field: Field, value: str | None) -> str:
    """Return a value as a person reads it: a date day first."""
    return "/".join(reversed((value or "").split("-"))) if field is Field.BIRTH_DATE else value or ""


def _whole(text: str) -> tuple[Piece, ...]:
    return (Piece(text=text, parts=False),) if text else ()


def _standing(one: str | None, other: str | None) -> Standing:
    if one is None or other is None:
        return "neither" if one is other else "one_only"
    return "same" if one == other else "different"
