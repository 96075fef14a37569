"""Reading a TOML file of settings: a typed value, or an error with a pointer to the setting and the nearest known name.

- An unknown key is ``<area>.unknown_setting``, a value of the wrong kind ``<area>.invalid_setting``, no TOML ``<area>.not_toml``.

>>> setting_refusal("Object contains unknown field `cutof` - at `$.rules`", area="choices", known=["cutoff"]).pointer
'/rules/cutof'
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final, get_args

import msgspec

from residence.errors import Malformed

_WHERE: Final = re.compile(r" - at `(?P<path>[^`]*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")


def read_toml(data: bytes, *, area: str) -> dict[str, Any]:
    """Return the file's table, or raise ``Malformed("<area>.not_toml")``."""
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise Malformed(f"{area}.not_toml", "", str(error)) from error


def names_in(kind: Any) -> list[str]:
    """Return every key a settings Struct knows, with those of its tables."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [name for field in msgspec.structs.fields(kind) for name in (field.name, *names_in(field.type))]
    return [name for part in get_args(kind) for name in names_in(part)]


def setting_refusal(message: str, *, area: str, known: Iterable[str]) -> Malformed:
    """Turn msgspec's message into ``Malformed`` with a JSON pointer to the setting."""
    where = _WHERE.search(message)
    pointer = re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", where["path"].removeprefix("$")).replace(".", "/") if where else ""
    text = _WHERE.sub("", message)
    unknown = _UNKNOWN.search(text)
    if unknown is None:
        return Malformed(f"{area}.invalid_setting", pointer, text)
    near = get_close_matches(unknown["name"], list(known), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return Malformed(f"{area}.unknown_setting", f"{pointer}/{unknown['name']}", f"no such setting: {unknown['name']}{hint}")
