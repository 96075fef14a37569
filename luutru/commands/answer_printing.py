"""An answer of a command as people read it: what was done, what speaks against it, then each list as a table where it fits, else row by row.

- Nothing is left out that ``--json`` prints, but what is empty; an empty list says ``none``, so that nobody takes silence for an answer.
- A table that is wider than the terminal breaks ids in two, so then each row becomes lines of name and value.
- An instant is told to the second, by the clock in Vietnam; a program takes ``--json``.

Example: ``print_answer({"ok": True, "seconds": 0.1, "homes": [{"kind": "permanent"}]})``
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console

NOTHING: Final = "–"
_GAP: Final = 2
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})")


def print_answer(answer: dict[str, Any]) -> None:
    """Print an answer to the terminal."""
    from rich.console import Console

    from residence.errors import Conflict, Malformed, Refused, Untrusted, sentence

    of_every_kind = {each.__doc__ for each in (Malformed, Untrusted, Refused, Conflict)}  # says less than the code's sentence
    console, rest = Console(highlight=False, markup=False, soft_wrap=True), dict(answer)
    console.print("done" if rest.pop("ok") else "not done", f"({rest.pop('seconds')} s)")
    at, detail = rest.pop("pointer", ""), rest.pop("detail", "")
    for each in rest.pop("problems", ()):
        if isinstance(each, dict):
            said = (each["code"], each["message"]["en"], each["pointer"])
        else:
            code, _, what = each.partition(" ")  # "backup.differs persons": what it is of stands behind its code
            said = (code, sentence(code).en, what or at)
        console.print(" ", *(part for part in said if part))
    if detail and detail not in of_every_kind:
        console.print(" ", detail)
    for name, value in rest.items():
        _show(console, name.replace("_", " "), value)


def _show(console: Console, name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        lines = [f"{key}: {text_of(each)}" for key, each in value.items()]
        console.print(f"{name}:" if lines else f"{name}: none")
        for line in lines:
            console.print(" ", line)
    elif not isinstance(value, list | tuple):
        console.print(f"{name}: {text_of(value)}")
    elif not value:
        console.print(f"{name}: none")
    elif all(isinstance(each, Mapping) for each in value):
        console.print(f"{name}:")
        for line in lines_of(value, width=console.width):
            console.print(" ", line)
    else:
        for each in value:
            console.print(f"{name}: {text_of(each)}")


def lines_of(rows: Sequence[Mapping[str, Any]], *, width: int) -> list[str]:
    """Return rows as a table of columns that hold anything, if it is not wider than ``width``; else each row as lines of name and value."""
    names = [name for name in dict.fromkeys(key for row in rows for key in row) if any(_is_told(row.get(name)) for row in rows)]
    cells = [[text_of(row.get(name)) for name in names] for row in rows]
    heads = [name.replace("_", " ") for name in names]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    if sum(widths) + _GAP * len(widths) <= width:
        padded = ([text.ljust(wide) for text, wide in zip(row, widths, strict=True)] for row in (heads, *cells))
        return [(" " * _GAP).join(row).rstrip() for row in padded]
    lines = []
    for row in cells:
        told = (f"{head}: {text}" for head, text in zip(heads, row, strict=True) if text != NOTHING)
        lines += [f"{'- ' if place == 0 else '  '}{line}" for place, line in enumerate(told)]
    return lines


def text_of(value: Any) -> str:
    """Return one value in words: nothing as a dash, several after each other, an instant as people tell it.

    >>> text_of(["0101", "0102"]), text_of(None), text_of("2026-11-29T11:49:51.99Z")
    ('0101, 0102', '–', '2026-11-29 18:49:51')
    """
    from residence.clock import VIETNAM, parse_instant

    if isinstance(value, Mapping):
        return ", ".join(f"{key} {text_of(each)}" for key, each in value.items() if _is_told(each)) or NOTHING
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value)) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return parse_instant(value).astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
    return str(value) if _is_told(value) else NOTHING


def _is_told(value: Any) -> bool:
    return value is not None and value not in ("", [], (), {})
