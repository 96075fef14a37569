"""Dead letters: what came and could not be recorded, kept whole, counted, visible, and tried again on demand.

- One row per distinct payload and code; the same bytes again raise ``seen_count`` and get the receipt given the first time.
- Genuine letters (the sender's signature held) are always kept. Of bytes from nobody at most ``SAMPLES`` a day and kiosk are kept per
  code, the rest are only counted, so that noise cannot fill the disk.
- However many letters a batch has, they cost a handful of statements together: a flood of noise must not hold up who comes with it.
- The payload is sealed under the row's own key. Code and detail name fields and ids, never a person.
- ``new`` -> ``retry`` (an operator asked; the gateway tries again) -> ``settled``, or ``new`` again; ``dismissed`` by hand
  (``registry/letter_changes.py``, which says who did it).
- A genuine letter's receipt (``received`` or ``refused``) stands in its row, not among the receipts: a later record may answer anew.

Example: ``set_aside(connection, [DeadLetter(code="envelope.sealed", ...)], vault=vault, now=now)``
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select, update

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.vault import Cell, SubjectKey, Vault
from residence.clock import VIETNAM
from residence.errors import Untrusted

LetterState = Literal["new", "retry", "settled", "dismissed"]
NOWHERE: Final = "-"  # the commune of bytes whose sender is unknown
SAMPLES: Final = 100
LONGEST_PAYLOAD: Final = 64 * 1024
LONGEST_DETAIL: Final = 200


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Something to set aside. ``payload`` is what a retry would start from: the envelope as it came."""

    code: str
    payload: bytes
    received_at: datetime
    detail: str = ""
    commune_code: str = NOWHERE
    origin: str = "kiosk"
    topic: str | None = None
    kiosk_id: str | None = None
    declaration_id: str | None = None
    receipt_bytes: bytes | None = None
    epoch: str | None = None  # with ``sequence``: a genuine header's place in its kiosk's count
    sequence: int | None = None
    genuine: bool = False  # the sender's signature held


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """Where a letter lies now. ``receipt_bytes`` is that of its first coming."""

    quarantine_id: str
    receipt_bytes: bytes | None
    seen_count: int


class StoredLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A row for an operator, without its payload."""

    quarantine_id: str
    commune_code: str
    code: str
    detail: str | None
    origin: str
    topic: str | None
    kiosk_id: str | None
    declaration_id: str | None
    seen_count: int
    state: LetterState
    received_at: datetime
    changed_at: datetime


_Sender = tuple[str | None, str, datetime]  # kiosk, code, the day's beginning
_TABLE: Final = tables.quarantine
_LISTED: Final = [_TABLE.c[name] for name in StoredLetter.__struct_fields__]


def set_aside(connection: Connection, letters: Sequence[DeadLetter], *, vault: Vault, now: datetime) -> list[Aside]:
    """Keep or count each letter, with one question and one statement for all of them; the answers are in the order given."""
    ids = _ids_of(connection, letters)
    stored = {row.quarantine_id: _aside(row) for row in _rows(connection, ids)}
    again = Counter(own_id for own_id in ids if own_id in stored)
    first: dict[str, DeadLetter] = {}
    for own_id, letter in zip(ids, letters, strict=True):
        if own_id in first:
            again[own_id] += 1
        elif own_id not in stored:
            first[own_id] = letter
            stored[own_id] = Aside(quarantine_id=own_id, receipt_bytes=letter.receipt_bytes, seen_count=1)
    _insert(connection, first, vault=vault, now=now)
    _count_again(connection, again, now=now)
    return [_counted(stored[own_id], again[own_id]) for own_id in ids]


def list_letters(
    connection: Connection, *, states: Iterable[LetterState] = ("new", "retry"), limit: int = 100
) -> list[StoredLetter]:
    """Return letters of these states, the newest first."""
    query = select(*_LISTED).where(_TABLE.c.state.in_(list(states))).order_by(_TABLE.c.received_at.desc()).limit(limit)
    return [StoredLetter(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def count_letters(connection: Connection) -> dict[str, int]:
    """Return how often each code came, over all rows not settled or dismissed."""
    query = (
        select(_TABLE.c.code, func.sum(_TABLE.c.seen_count)).where(_TABLE.c.state.in_(["new", "retry"])).group_by(_TABLE.c.code)
    )
    return {code: int(total) for code, total in connection.execute(query)}


def letters_to_retry(connection: Connection, *, vault: Vault, limit: int = 100) -> list[tuple[StoredLetter, bytes | None]]:
    """Return letters marked for retry with their payloads, the oldest first; None when its key was erased or does not open it."""
    query = select(*_LISTED, _TABLE.c.payload_sealed).where(_TABLE.c.state == "retry").order_by(_TABLE.c.received_at).limit(limit)
    rows = connection.execute(query).all()
    keys = _keys_of(connection, [row.quarantine_id for row in rows], vault)
    found = []
    for row in rows:
        fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        sealed = fields.pop("payload_sealed")
        found.append((StoredLetter(**fields), _opened(keys.get(row.quarantine_id), row.quarantine_id, sealed, vault)))
    return found


def _keys_of(connection: Connection, ids: list[str], vault: Vault) -> dict[str, SubjectKey]:
    """Return the keys there are; one whose period key was retired keeps no other from being had."""
    try:
        return vault.load_keys(connection, ids)
    except Untrusted:
        middle = len(ids) // 2
        return _keys_of(connection, ids[:middle], vault) | _keys_of(connection, ids[middle:], vault) if middle else {}


def _opened(key: SubjectKey | None, quarantine_id: str, sealed: bytes | None, vault: Vault) -> bytes | None:
    if key is None or sealed is None:
        return None
    try:
        return vault.open(key, Cell("quarantine", "payload", quarantine_id), sealed)
    except Untrusted:
        return None


def change_state(connection: Connection, quarantine_ids: Sequence[str], state: LetterState, *, now: datetime) -> int:
    """Move letters to ``state``; returns how many."""
    query = update(_TABLE).where(_TABLE.c.quarantine_id.in_(list(quarantine_ids)))
    return connection.execute(query.values(state=state, changed_at=now)).rowcount


def open_payload(connection: Connection, quarantine_id: str, *, vault: Vault) -> bytes | None:
    """Return one letter's payload, or None when there is no such letter or its key was erased."""
    sealed = connection.scalar(select(_TABLE.c.payload_sealed).where(_TABLE.c.quarantine_id == quarantine_id))
    key = vault.load_keys(connection, [quarantine_id]).get(quarantine_id)
    if sealed is None or key is None:
        return None
    return vault.open(key, Cell("quarantine", "payload", quarantine_id), sealed)


def letter_id(code: str, payload: bytes) -> str:
    """Return the id of a genuine letter: the same bytes and code are the same letter."""
    return hashlib.sha256(code.encode() + b"\x00" + payload).hexdigest()[:32]


def _ids_of(connection: Connection, letters: Sequence[DeadLetter]) -> list[str]:
    """Return each letter's row: its own, or for noise beyond the day's samples the one row that counts the rest."""
    ids = [letter_id(each.code, each.payload) for each in letters]
    kept_already = {
        row.quarantine_id for row in _rows(connection, [i for i, each in zip(ids, letters, strict=True) if not each.genuine])
    }
    samples: dict[_Sender, set[str]] = {}
    kept: dict[_Sender, int] = {}
    for place, letter in enumerate(letters):
        own_id = ids[place]
        if letter.genuine or own_id in kept_already:
            continue
        day = letter.received_at.astimezone(VIETNAM).date()
        sender = (letter.kiosk_id, letter.code, datetime(day.year, day.month, day.day, tzinfo=VIETNAM))
        if sender not in kept:
            kept[sender] = _samples_kept(connection, *sender)
        mine = samples.setdefault(sender, set())
        if own_id in mine or kept[sender] + len(mine) < SAMPLES:
            mine.add(own_id)
        else:
            ids[place] = hashlib.sha256(f"rest\x00{letter.code}\x00{letter.kiosk_id}\x00{day}".encode()).hexdigest()[:32]
    return ids


def _samples_kept(connection: Connection, kiosk_id: str | None, code: str, start: datetime) -> int:
    kept = connection.scalar(
        select(func.count()).where(
            _TABLE.c.kiosk_id == kiosk_id if kiosk_id else _TABLE.c.kiosk_id.is_(None),
            _TABLE.c.code == code,
            _TABLE.c.received_at >= start,
            _TABLE.c.receipt_bytes.is_(None),
        )
    )
    return kept or 0


def _rows(connection: Connection, ids: Sequence[str]) -> Sequence[Row[Any, Any, Any]]:
    if not ids:
        return []
    columns = (_TABLE.c.quarantine_id, _TABLE.c.receipt_bytes, _TABLE.c.seen_count)
    return connection.execute(select(*columns).where(among(_TABLE.c.quarantine_id, sorted(set(ids)), connection))).all()


def _aside(row: Row[Any, Any, Any]) -> Aside:
    return Aside(quarantine_id=row.quarantine_id, receipt_bytes=row.receipt_bytes, seen_count=row.seen_count)


def _counted(aside: Aside, times: int) -> Aside:
    return msgspec.structs.replace(aside, seen_count=aside.seen_count + times) if times else aside


def _count_again(connection: Connection, again: Mapping[str, int], *, now: datetime) -> None:
    if not again:
        return
    raised = update(_TABLE).where(_TABLE.c.quarantine_id == bindparam("own_id"))
    raised = raised.values(seen_count=_TABLE.c.seen_count + bindparam("times"), changed_at=bindparam("at"))
    # In the order of ids, so that two gateways that count the same letters never wait for each other.
    connection.execute(raised, [{"own_id": own_id, "times": again[own_id], "at": now} for own_id in sorted(again)])


def _insert(connection: Connection, letters: Mapping[str, DeadLetter], *, vault: Vault, now: datetime) -> None:
    keys, rows = [], []
    for own_id, letter in sorted(letters.items()):
        key, key_row = vault.new_key(own_id, "quarantine", commune_code=letter.commune_code, now=now)
        keys.append(key_row)
        rows.append(
            {
                "commune_code": letter.commune_code,
                "quarantine_id": own_id,
                "code": letter.code,
                "detail": printable(letter.detail[:LONGEST_DETAIL]),
                "origin": letter.origin,
                "topic": printable(letter.topic) if letter.topic is not None else None,
                "kiosk_id": letter.kiosk_id,
                "declaration_id": letter.declaration_id,
                "epoch": letter.epoch,
                "sequence": letter.sequence,
                "payload_digest": _digest(letter.payload),
                "payload_sealed": vault.seal(key, Cell("quarantine", "payload", own_id), letter.payload[:LONGEST_PAYLOAD]),
                "receipt_bytes": letter.receipt_bytes,
                "seen_count": 1,
                "state": "new",
                "received_at": letter.received_at,
                "changed_at": now,
            }
        )
    write_rows(connection, tables.subject_keys, keys)
    write_rows(connection, _TABLE, rows)


def printable(text: str) -> str:
    r"""Return a text any column takes and any page shows: what nobody vouches for may hold NUL, which PostgreSQL refuses.

    >>> printable("kiosk-1\x00")
    'kiosk-1\\x00'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()
