"""The catalogue of codes as somebody who meets one needs it: what it means, how to mend it, and who has to act.

- A sentence says what is wrong and then what to do; it is cut at its first full stop or semicolon. Nothing is written twice.
- Where a sentence only says what is wrong, what to do is the general advice for whoever has to act (``acting.toml``).
- Who acts goes by the first word of a code, unless the whole code is named; an operator where neither is (a test names those).

>>> entry("card.field_count").mend.en
'Scan again, or type it from the card.'
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Final, Literal

import msgspec

from residence.errors import Sentence, catalogue

Actor = Literal["guest", "clerk", "officer", "operator", "integrator", "nobody"]
_CUT: Final = re.compile(r"(?<=[^.][.;])\s+")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One code. ``{names}`` in its texts stand for values of the case."""

    code: str
    severity: Literal["error", "warning", "info"]
    meaning: Sentence
    mend: Sentence
    acts: Actor
    who: Sentence


class _ActorText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    vi: str
    en: str
    mend_vi: str
    mend_en: str


class _Acting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    actors: dict[Actor, _ActorText]
    acts: dict[str, Actor]


@cache
def _acting() -> _Acting:
    table = tomllib.loads(resources.files("residence.errors").joinpath("acting.toml").read_text("utf-8"))
    return msgspec.convert(table, _Acting)


def who_acts(code: str) -> Actor:
    """Return who has to act on a code."""
    acts = _acting().acts
    return acts.get(code) or acts.get(code.partition(".")[0], "operator")


def halves(sentence: str) -> tuple[str, str]:
    """Cut what is wrong from what to do, which may be empty.

    >>> halves("It is late; declare now.")
    ('It is late.', 'Declare now.')
    """
    first, _, rest = _CUT.sub("\n", sentence, count=1).partition("\n")
    if not rest:
        return first, ""
    return re.sub(r";$", ".", first), rest[0].upper() + rest[1:]


@cache
def entry(code: str) -> Entry:
    """Return one code's entry; an unknown code is a programming error."""
    texts, acts = catalogue()[code], who_acts(code)
    actor = _acting().actors[acts]
    meaning_vi, mend_vi = halves(texts["vi"])
    meaning_en, mend_en = halves(texts["en"])
    if not (mend_vi and mend_en):
        (meaning_vi, mend_vi), (meaning_en, mend_en) = (texts["vi"], actor.mend_vi), (texts["en"], actor.mend_en)
    return Entry(
        code=code,
        severity=texts["severity"],  # type: ignore[arg-type]  # a test holds the files to the three
        meaning=Sentence(vi=meaning_vi, en=meaning_en),
        mend=Sentence(vi=mend_vi, en=mend_en),
        acts=acts,
        who=Sentence(vi=actor.vi, en=actor.en),
    )


@cache
def guide() -> tuple[Entry, ...]:
    """Return every code's entry, by code."""
    return tuple(entry(code) for code in sorted(catalogue()))
