"""How anything in Luutru says "no": four errors by kind of trouble, and problems a person can act on.

- An error has a stable ``code`` (dotted, lower case) and a JSON ``pointer`` (RFC 6901) to the field; codes never change meaning.
- ``Malformed``: the bytes or fields cannot be read. ``Untrusted``: a signature, key or seal fails. ``Refused``: readable and
  genuine, but not allowed. ``Conflict``: two things that are each right cannot both stand.
- A ``Problem`` is one finding about input; checks return all of them at once instead of raising at the first.
- Every code has a sentence in Vietnamese and English in ``codes/*.toml``; an unknown code is a programming error.

>>> problem("card.field_count", "/payload", found=5).message.en
'The code has 5 fields; a card has 7 or 11. Scan again, or type it from the card.'
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from string import Formatter
from typing import Final, Literal

import msgspec

Severity = Literal["error", "warning"]


class LuutruError(Exception):
    """Root of every error this product raises on purpose. The docstring is the default message."""

    def __init__(self, code: str, pointer: str = "", detail: str = "") -> None:
        self.code: Final = code
        self.pointer: Final = pointer
        self.detail: Final = detail or type(self).__doc__ or ""
        super().__init__(f"{code}: {self.detail}")


class Malformed(LuutruError):
    """The input cannot be read."""


class Untrusted(LuutruError):
    """A signature, key or seal does not hold."""


class Refused(LuutruError):
    """Understood and genuine, but not allowed."""


class Conflict(LuutruError):
    """Two things that are each right cannot both stand."""


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """One message in the languages every screen must have."""

    vi: str
    en: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with an input: what, where, how bad, and a sentence for the person."""

    code: str
    severity: Severity
    pointer: str
    message: Sentence


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return every known code -> {"severity", "vi", "en"}, read once from ``codes/*.toml`` in this package."""
    merged: dict[str, dict[str, str]] = {}
    for entry in sorted(resources.files(__name__).joinpath("codes").iterdir(), key=lambda path: path.name):
        if entry.name.endswith(".toml"):
            for code, texts in tomllib.loads(entry.read_text("utf-8")).items():
                if code in merged:
                    message = f"code {code} is defined twice"
                    raise ValueError(message)
                merged[code] = texts
    return merged


def problem(code: str, pointer: str = "", **params: object) -> Problem:
    """Build the problem for ``code``, its sentences filled with ``params``."""
    return _problem(code, pointer, params) if params else _plain_problem(code, pointer)


@lru_cache(maxsize=1024)
def _plain_problem(code: str, pointer: str) -> Problem:
    return _problem(code, pointer, {})


def _problem(code: str, pointer: str, params: Mapping[str, object]) -> Problem:
    texts = catalogue()[code]
    return Problem(
        code=code,
        severity="warning" if texts["severity"] == "warning" else "error",
        pointer=pointer,
        message=Sentence(vi=texts["vi"].format(**params), en=texts["en"].format(**params)),
    )


def has_errors(problems: tuple[Problem, ...] | list[Problem]) -> bool:
    """Tell whether any problem is of severity error."""
    return any(each.severity == "error" for each in problems)


def sentence(code: str, **params: object) -> Sentence:
    """Return the sentences of ``code`` alone, for screens that show a state rather than a problem."""
    return problem(code, "", **params).message


def plain_sentence(code: str) -> Sentence:
    """Return a code's sentences where only the code is known: what a value would fill in stays open. An unknown code stands for itself."""
    texts = catalogue().get(code)
    if texts is None:
        return Sentence(vi=code, en=code)
    blanks = {name for text in (texts["vi"], texts["en"]) for _, name, _, _ in Formatter().parse(text) if name}
    return sentence(code, **dict.fromkeys(blanks, "…"))
