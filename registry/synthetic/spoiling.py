"""How one person comes to stand in a register twice, and how a single field goes wrong: everything planted, and named.

- A way of writing is planted under its name only where it changed the value; what no rule could change stays and is not planted.
- A duplicate keeps at least something: what it shares is drawn field by field, so that some share all but a letter and a few share
  little. Shares are in ``Plan`` and say what was aimed at.
- Names go wrong as they do: accents or case lost, new tone placement, Ð or D for Đ, order turned round, a middle name left out, a
  letter mistyped, an apostrophe of another kind.

>>> spoil_name("Nguyễn Thị Hòa", "tone", 0.0)
'Nguyễn Thị Hoà'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from registry.synthetic.words import pick
from residence.people.letters import without_accents

Shares = tuple[tuple[str, float], ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is planted: shares of all records, and of the duplicates by field."""

    duplicates: float = 0.05
    name_errors: float = 0.03
    field_errors: float = 0.0008  # each of the kinds in ``FIELD_ERRORS``
    household_errors: float = 0.003  # each: no head, two heads
    names: Shares = (
        ("same", 0.3),
        ("plain", 0.13),
        ("upper", 0.08),
        ("plain_upper", 0.05),
        ("tone", 0.12),
        ("d_letter", 0.1),
        ("order", 0.05),
        ("middle_dropped", 0.06),
        ("signs", 0.06),
        ("typo", 0.05),
    )
    numbers: Shares = (("same", 0.36), ("old_only", 0.26), ("typo", 0.12), ("none", 0.26))
    births: Shares = (("same", 0.82), ("swapped", 0.04), ("year_only", 0.06), ("off", 0.04), ("none", 0.04))
    phones: Shares = (("same", 0.6), ("other", 0.22), ("none", 0.18))
    addresses: Shares = (("same", 0.4), ("other_era", 0.3), ("elsewhere", 0.3))


FIELD_ERRORS: Final = (
    "sex_disagrees",
    "birth_year_disagrees",
    "birth_swapped",
    "number_mistyped",
    "number_of_two_persons",
    "dead_but_active",
    "phone_of_many",
)
_TONES: Final = {
    f"{old[0]}{old[1]}": f"{new[0]}{new[1]}"
    for old, new in zip(
        ("óa", "òa", "ỏa", "õa", "ọa", "óe", "òe", "ỏe", "õe", "ọe", "úy", "ùy", "ủy", "ũy", "ụy"),
        ("oá", "oà", "oả", "oã", "oạ", "oé", "oè", "oẻ", "oẽ", "oẹ", "uý", "uỳ", "uỷ", "uỹ", "uỵ"),
        strict=True,
    )
}
_TYPED: Final = {"n": "m", "m": "n", "h": "g", "a": "s", "i": "o", "t": "r", "g": "h", "o": "i", "u": "y", "c": "v"}


def drawn(chance: np.random.Generator, shares: Shares, count: int) -> list[str]:
    """Draw so many ways by their shares."""
    names = [name for name, _ in shares]
    return [names[each] for each in pick(chance, [share for _, share in shares], count)]


def _tone(name: str, _where: float) -> str:
    return " ".join(word[:-2] + _TONES[word[-2:]] if word[-2:] in _TONES else word for word in name.split(" "))


def _order(name: str, _where: float) -> str:
    first, *others = name.split(" ")
    return " ".join((*others, first))


def _middle_dropped(name: str, _where: float) -> str:
    parts = name.split(" ")
    return " ".join((parts[0], *parts[2:])) if len(parts) > 2 else name


def _typo(name: str, where: float) -> str:
    place = int(where * len(name))
    for at in (*range(place, len(name)), *range(place)):
        if name[at] in _TYPED:
            return name[:at] + _TYPED[name[at]] + name[at + 1 :]
    return name


def _signs(name: str, where: float) -> str:
    if name.startswith("Y "):
        return f"Y-{name[2:]}"
    return name.replace("'", "’" if where < 0.5 else "' ").replace("-", " ")


_NAME_WAYS: Final[dict[str, Callable[[str, float], str]]] = {
    "same": lambda name, _: name,
    "plain": lambda name, _: without_accents(name),
    "upper": lambda name, _: name.upper(),
    "plain_upper": lambda name, _: without_accents(name).upper(),
    "tone": _tone,
    "d_letter": lambda name, where: name.replace("Đ", "Ð" if where < 0.5 else "D").replace("đ", "d"),
    "order": _order,
    "middle_dropped": _middle_dropped,
    "signs": _signs,
    "typo": _typo,
}


def fitting_way(name: str, way: str) -> str:
    """Return the way, or for names of H' and Y, which nobody turns round or shortens, the change of their sign."""
    return "signs" if way in {"order", "middle_dropped"} and name.startswith(("H'", "Y ")) else way


def spoil_name(name: str, way: str, where: float) -> str:
    """Write a name in one of the ways; ``where`` (0 to 1) says at which place or which of two."""
    return _NAME_WAYS[way](name, where)


def spoil_number(number: str, where: float) -> str:
    """Mistype one digit of a number, or turn two neighbours round."""
    at = 6 + int(where * 5)
    if number[at] != number[at + 1]:
        return f"{number[:at]}{number[at + 1]}{number[at]}{number[at + 2 :]}"
    return f"{number[:at]}{(int(number[at]) + 1) % 10}{number[at + 1 :]}"


def spoil_birth(birth: str, way: str, where: float) -> str | None:
    """Write a birth date (YYYY-MM-DD) in one of the ways; one that is known less stays."""
    year, _, rest = birth.partition("-")
    if way == "none":
        return None
    if way == "year_only" or not rest:
        return year
    month, _, day = rest.partition("-")
    if way == "swapped":
        return f"{year}-{day}-{month}" if int(day) <= 12 else birth
    if way == "off":
        near = min(28, int(day)) - 1 or 2
        return f"{year}-{month}-{near:02d}" if where < 0.7 else f"{int(year) - 1}-{month}-{day}"
    if way == "birth_year":
        return f"{int(year) - 1 - int(where * 3)}-{rest}" if rest != "02-29" else f"{int(year) - 4}-{rest}"
    return birth
