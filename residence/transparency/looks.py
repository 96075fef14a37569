"""What the log says of a look, and how one row of it is opened to the person it was at.

- One entry a look, however many people it showed: the hour, how many rows, and the root over them. So each row counts, a list costs
  one entry, and no entry names anybody.
- Each entry has a number, counted without a gap for each unit; the unit is a random mark that says which looks are counted together and not
  whose they are. A look that was taken out before it was published leaves its number missing, for everybody to see (``numbering_problems``).
- Two things more have entries, numbered with the looks: a draw of cases for a second view, and notices held against declarations. Each has one row
  of its own, which says nothing about anybody.
- A row is a text: who looked, for what, at whom, which fields, in which way; salted with 32 bytes of its own, so that nobody finds it by guessing.
- The salts of a look's rows come from one secret; whoever is given a row's text is told nothing of its neighbours.
- A look that is sealed says until when in the row itself: nobody can put that off later.

Example: ``committed([row_text(row, salt=salt_of(secret, 0))], at=now, numbered=Numbered(unit=unit, number=1))`` -> entry and the hashes of its rows
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from residence.clock import rfc3339
from residence.errors import Malformed, Problem, problem
from residence.transparency.checkpoints import read_hash, read_size
from residence.transparency.merkle import HASH_BYTES, leaf_hash, root_of

SECRET_BYTES: Final = 32
UNIT_BYTES: Final = 8
TOLD_OF_A_GAP: Final = 100
Kind = Literal["look", "draw", "match"]
_FIRST_LINES: Final[dict[Kind, str]] = {"look": "luutru-look/2", "draw": "luutru-draw/1", "match": "luutru-match/1"}
_KINDS: Final = {line: kind for kind, line in _FIRST_LINES.items()}
_UNIT: Final = re.compile(r"[0-9a-f]{16}")
_HOUR: Final = "%Y-%m-%dT%HZ"


class LookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One person shown in one look."""

    at: datetime
    commune_code: str
    account_id: str
    role: str
    purpose: str
    about: str | None
    person_id: str
    fields: tuple[str, ...]
    sealed_until: datetime | None = None
    way: str | None = None  # how it was taken; rows of before it was committed to have none


class LookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the log."""

    hour: datetime
    rows: int
    unit: str
    number: int
    root: bytes
    kind: Kind = "look"


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """Which look of its unit one is: the unit's mark (16 hex digits), and the number, from 1."""

    unit: str
    number: int


def salt_of(secret: bytes, place: int) -> bytes:
    """Return the salt of one row of a look."""
    return hmac.digest(secret, place.to_bytes(8, "big"), hashlib.sha256)


def row_text(row: LookRow, *, salt: bytes) -> bytes:
    """Return the text a row is committed to by. Ids hold no spaces and no line ends; a field's name is a word."""
    lines = [
        "luutru-look-row/1",
        f"salt {base64.b64encode(salt).decode()}",
        f"at {rfc3339(row.at.astimezone(UTC))}",
        f"commune {row.commune_code}",
        f"account {row.account_id}",
        f"role {row.role}",
        f"purpose {row.purpose}",
        f"about {row.about or '-'}",
        f"person {row.person_id}",
        f"fields {' '.join(sorted(row.fields))}",
    ]
    if row.way is not None:
        lines.append(f"way {row.way}")
    if row.sealed_until is not None:
        lines.append(f"sealed-until {rfc3339(row.sealed_until.astimezone(UTC))}")
    return "".join(f"{line}\n" for line in lines).encode()


def committed(rows: Sequence[bytes], *, at: datetime, numbered: Numbered, kind: Kind = "look") -> tuple[bytes, bytes]:
    """Return the entry of a look with these row texts, or of another kind, and the hashes of its rows one after another."""
    hashes = [leaf_hash(each) for each in rows]
    entry = LookEntry(hour=at, rows=len(hashes), unit=numbered.unit, number=numbered.number, root=root_of(hashes), kind=kind)
    return entry_text(entry), b"".join(hashes)


def entry_text(entry: LookEntry) -> bytes:
    """Return an entry as it stands in the log."""
    root = base64.b64encode(entry.root).decode()
    when = f"{entry.hour.astimezone(UTC):{_HOUR}}"
    lines = (
        _FIRST_LINES[entry.kind],
        f"hour {when}",
        f"rows {entry.rows}",
        f"unit {entry.unit}",
        f"number {entry.number}",
        f"root {root}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def read_entry(entry: bytes) -> LookEntry:
    """Read an entry, or raise ``Malformed("log.entry_malformed")``."""
    try:
        first, hour, rows, unit, number, root = entry.decode().splitlines()
        read = LookEntry(
            hour=datetime.strptime(hour.removeprefix("hour "), _HOUR).replace(tzinfo=UTC),
            rows=read_size(rows.removeprefix("rows ")),
            unit=unit.removeprefix("unit "),
            number=read_size(number.removeprefix("number ")),
            root=read_hash(root.removeprefix("root ")),
            kind=_KINDS[first],
        )
    except (ValueError, KeyError, Malformed) as error:
        raise Malformed("log.entry_malformed") from error
    if not _UNIT.fullmatch(read.unit) or entry_text(read) != entry:
        raise Malformed("log.entry_malformed")
    return read


def numbering_problems(entries: Iterable[bytes]) -> list[Problem]:
    """Return the numbers missing or given twice in any unit, with unit and number as the pointer; entries in any order.

    An entry that cannot be read is one problem of its own. Of a gap only its first ``TOLD_OF_A_GAP`` numbers are told: a log that claims
    number 10^18 must cost whoever checks it nothing.
    """
    given: defaultdict[str, Counter[int]] = defaultdict(Counter)
    problems: list[Problem] = []
    for place, entry in enumerate(entries):
        try:
            read = read_entry(entry)
        except Malformed as error:
            problems.append(problem(error.code, f"/{place}"))
            continue
        given[read.unit][read.number] += 1
    for unit, numbers in sorted(given.items()):
        problems += [problem("log.number_missing", f"/{unit}/{number}") for number in missing_numbers(numbers, last=max(numbers))]
        problems += [problem("log.number_twice", f"/{unit}/{number}") for number, times in sorted(numbers.items()) if times > 1]
    return problems


def missing_numbers(given: Collection[int], *, last: int) -> Iterator[int]:
    """Give the numbers from 1 to ``last`` that are not there; of each gap the first ``TOLD_OF_A_GAP``."""
    before = 0
    for number in [*sorted(each for each in given if each <= last), last + 1]:
        yield from range(before + 1, min(number, before + 1 + TOLD_OF_A_GAP))
        before = number


def hashes_of(data: bytes) -> list[bytes]:
    """Return the row hashes of a look, as ``committed`` gave them."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
