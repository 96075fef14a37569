"""What a program may say at a field: the allowed words themselves, and the address of the list they stand in.

- The words are taken from the type the input is read into, by the pointer of the problem, so that no hint can say what the server does not take.
- Countries, rooms and premises are no closed type: there the address of the list is named.
- Texts are in both languages, and hold nothing that was sent.

Example: ``hint_at(StayDeclaration, "/reason").en`` -> ``One of: tourism, business, ... The list: /api/v1/code-lists/reason.``
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Final, get_args

import msgspec
from msgspec import inspect

from residence.errors import Problem, Sentence, catalogue
from residence.errors.guide import entry, halves
from residence.people.person import DocumentKind, Sex
from residence.stays.declaration import DeclarationKind, Reason, StayDeclaration

CODE_LISTS: Final = "/api/v1/code-lists"
LISTED: Final = {
    "reason": tuple(Reason),
    "document-kind": tuple(DocumentKind),
    "sex": get_args(Sex),
    "declaration-kind": get_args(DeclarationKind),
}
PLACES: Final = {
    "nationality": f"{CODE_LISTS}/country",
    "issuer": f"{CODE_LISTS}/country",
    "unit": "/api/v1/premises",
    "room": "/api/v1/premises",
    "premises_id": "/api/v1/premises",
}
_INDEX: Final = re.compile(r"\[(\d+|\.\.\.)\]")
_MISSING: Final = re.compile(r"missing required field `([A-Za-z_]+)`")
_EXPECTED: Final = re.compile(r"Expected `([a-z |]+)`(?:, got `([a-z]+)`)?")


class ToldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as a program is told it: ``hint`` says what to do, and what may stand there."""

    code: str
    severity: str
    pointer: str
    message: Sentence
    hint: Sentence | None = None


def pointer_of(error: Exception) -> str:
    """Return the JSON pointer (RFC 6901) of what could not be decoded, down to a field that is missing.

    >>> pointer_of(Exception("Expected `str`, got `int` - at `$.declarations[2].person.full_name`"))
    '/declarations/2/person/full_name'
    """
    said, _, path = str(error).partition(" - at `$")
    parts = _INDEX.sub(r".\1", path.rstrip("`")).split(".")[1:] if path else []
    missing = _MISSING.search(said)
    return "".join(f"/{each}" for each in (*parts, *(missing.groups() if missing else ())))


def hint_of_unreadable(error: Exception, kind: type) -> Sentence:
    """Return what to do about what could not be decoded into ``kind``."""
    allowed, said = hint_at(kind, pointer_of(error)), str(error)
    missing, expected = _MISSING.search(said), _EXPECTED.search(said)
    first: Sentence | None = None if allowed else entry("server.input_unreadable").mend
    if missing:
        first = Sentence(vi=f"Thiếu trường {missing[1]}.", en=f"The field {missing[1]} is missing.")
    elif expected and not allowed:
        got = f", {expected[2]}" if expected[2] else ""
        first = Sentence(
            vi=f"Cần kiểu {expected[1]}{got and ', không phải' + got[1:]}.",
            en=f"Expected {expected[1]}{got and ', not' + got[1:]}.",
        )
    return _joined(first, allowed)


def with_hint(told: Problem) -> ToldProblem:
    """Return a problem of a declaration with what to do about it."""
    advice = Sentence(vi=halves(told.message.vi)[1], en=halves(told.message.en)[1])  # of the case, its values filled in
    if not (advice.vi and advice.en) and told.code in catalogue():
        advice = entry(told.code).mend
    hint = _joined(advice if advice.en else None, hint_at(StayDeclaration, told.pointer))
    return ToldProblem(
        code=told.code, severity=told.severity, pointer=told.pointer, message=told.message, hint=hint if hint.en else None
    )


def _joined(first: Sentence | None, second: Sentence | None) -> Sentence:
    said = [each for each in (first, second) if each is not None]
    return Sentence(vi=" ".join(each.vi for each in said), en=" ".join(each.en for each in said))


@lru_cache(maxsize=512)
def hint_at(kind: type, pointer: str) -> Sentence | None:
    """Return what may stand at a field, or None where that is no matter of words."""
    words, leaf = allowed_at(kind, pointer), pointer.rpartition("/")[2]
    place = next((f"{CODE_LISTS}/{name}" for name, listed in LISTED.items() if set(listed) == set(words)), PLACES.get(leaf))
    vi = [f"Một trong: {', '.join(words)}."] if words else []
    en = [f"One of: {', '.join(words)}."] if words else []
    if place:
        vi.append(f"Danh mục: {place}.")
        en.append(f"The list: {place}.")
    return Sentence(vi=" ".join(vi), en=" ".join(en)) if en else None


def allowed_at(kind: type, pointer: str) -> tuple[str, ...]:
    """Return the words a type takes at a pointer, none where any text will do.

    >>> allowed_at(StayDeclaration, "/person/sex")
    ('male', 'female')
    """
    found = [_type(kind)]
    for token in pointer.split("/")[1:]:
        found = [step for each in found for step in _steps(each, token)]
    return tuple(dict.fromkeys(word for each in found for word in _words(each)))


@cache
def _type(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _steps(here: inspect.Type, token: str) -> list[inspect.Type]:
    match here:
        case inspect.Metadata():
            return _steps(here.type, token)
        case inspect.UnionType():
            return [step for each in here.types for step in _steps(each, token)]
        case inspect.StructType():
            tag = [inspect.LiteralType(values=(here.tag,))] if here.tag_field == token and here.tag is not None else []
            return [*tag, *(each.type for each in here.fields if each.encode_name == token)]
        case inspect.VarTupleType() | inspect.ListType():
            return [here.item_type]
        case _:
            return []


def _words(here: inspect.Type) -> tuple[str, ...]:
    match here:
        case inspect.Metadata():
            return _words(here.type)
        case inspect.UnionType():
            return tuple(word for each in here.types for word in _words(each))
        case inspect.EnumType():
            values: list[Any] = [each.value for each in here.cls]
            return tuple(str(each) for each in values)
        case inspect.LiteralType():
            return tuple(str(each) for each in here.values)
        case _:
            return ()
