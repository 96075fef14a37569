"""How ``luutru scan`` prints a result: as the public contract's JSON, or in words with the reading's evidence level.

- A code's control and direction characters never reach the terminal; in JSON they are escaped, which changes nothing for a program.
- The words are the catalogue's, Vietnamese first. Among several codes each is numbered, and so is what is wrong with it.

Example: ``print_readable({"file": "card.jpg", "codes": [], "problems": []})``
"""

from __future__ import annotations

from typing import Any

import msgspec
import typer

from luutru.commands.scan_files import Result
from residence.clock import VIETNAM

_OF_A_CODE = "/codes/"


def print_json(result: Result) -> None:
    """Print one object on one line."""
    typer.echo("".join(each if each.isprintable() else _escaped(each) for each in msgspec.json.encode(result).decode()))


def _escaped(character: str) -> str:
    """Return the character as JSON can also write it: one UTF-16 unit, or two above U+FFFF."""
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def print_readable(result: Result) -> None:
    """Print one result for people."""
    typer.secho(_printable(result["file"]), bold=True)
    codes = result.get("codes", [])
    for number, code in enumerate(codes, start=1):
        _print_reading(code, number=number if len(codes) > 1 else None)
    if result.get("lines"):
        _print_zone(result["lines"], ok=result["ok"])
    if "first_read_ms" in result and result["text"] is not None:
        typer.echo(f"  read after {result['first_read_ms']:.0f} ms, frame {result['frames_seen']} looked at")
        _print_reading({"text": result["text"], "bytes_hex": result["text"].encode().hex(), "reader": "clip"})
    for each in result["problems"]:
        which = f"{int(each.pointer[len(_OF_A_CODE) :]) + 1}: " if len(codes) > 1 and each.pointer.startswith(_OF_A_CODE) else ""
        typer.echo(f"  {which}{each.message.vi}\n  {which}{each.message.en} [{each.code}]")


def _print_reading(code: Result, *, number: int | None = None) -> None:
    """Print one code's reading with its evidence level, or what it is instead of a card; numbered among several."""
    from luutru.system import SystemClock
    from residence.credentials.reading import read_payload

    today = SystemClock().now().astimezone(VIETNAM).date()
    outcome = read_payload(bytes.fromhex(code["bytes_hex"]), reader=f"scan:{code['reader']}", today=today)
    typer.echo(f"  code {number or '':<3}{_printable(code['text'] or '(not text)')}   [{code['reader']}]")
    if outcome.reading is not None:
        for label, value in _rows(outcome.reading):
            typer.echo(f"  {label:<8}{_printable(value)}")
    else:
        typer.echo(f"  kind    {outcome.kind}: this names nobody")
    for each in outcome.problems:
        if each.severity == "error":
            continue  # stands among the file's problems
        typer.echo(f"  {each.severity:<8}{each.message.vi}\n          {each.message.en} [{each.code}]")


def _print_zone(lines: list[str], *, ok: bool) -> None:
    """Print the lines of a zone, and what they say when they are accepted."""
    from luutru.system import SystemClock
    from residence.credentials.reading import read_mrz

    for line in lines:
        typer.echo(f"  {line}")
    outcome = read_mrz(lines, reader="scan", today=SystemClock().now().astimezone(VIETNAM).date())
    if ok and outcome.reading is not None and outcome.fields is not None:
        for label, value in [*_rows(outcome.reading), ("expires", outcome.fields.expiry or "not stated")]:
            typer.echo(f"  {label:<8}{_printable(value)}")


def _rows(reading: Any) -> list[tuple[str, str]]:
    from residence.credentials.evidence import EvidenceLevel

    person, level = reading.person, EvidenceLevel(reading.evidence.level)
    born = person.birth.value if person.birth else "?"
    return [
        ("name", person.full_name),
        ("number", person.personal_number or "none"),
        ("born", f"{born}, {person.sex or 'sex not stated'}"),
        ("lives", person.residence_text or ""),
        ("card", _document(person.document)),
        ("level", f"{level.value} {level.name.lower().replace('_', ' ')}: a photo or a print of a card would read the same"),
    ]


def _document(document: Any) -> str:
    """Return what was shown; a card's number is the person's own and stands above."""
    if document is None:
        return ""
    return " ".join(each for each in (document.kind.value, document.issuer, document.issuer and document.number) if each)


def _printable(text: str) -> str:
    """Keep a code's control characters from reaching the terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
