"""The registry's side of the log: each look committed to in its own transaction, and found again once it has its place.

- A look's row texts are made from what stands in ``access_records`` and nothing else, so an altered record no longer fits its hash.
- Each look has the next number of its commune, given in its own transaction: one that is taken out before it is published leaves a gap in the
  log. Looks of one commune therefore wait for each other from the look until the transaction's end.
- What is added is noted for whoever hands it over past the database (``registry/handing_over.py``).
- The log's files are the truth about places (``registry/log_files.py``); ``place_in_log`` only finds an entry again.
- What was looked at long ago goes with its class of the retention policy; the entry in the log stays and says nothing about anybody.

Example: ``waiting(connection, 500)`` are the looks to publish next, lower numbers first
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, func, insert, select, update

from registry import tables
from registry.bulk import write_rows
from registry.handing_over import Handed, note_made
from residence.transparency.looks import UNIT_BYTES, Kind, LookRow, Numbered, committed, hashes_of, row_text, salt_of
from residence.transparency.merkle import leaf_hash

COUNTER: Final = "looks"
_AT_ONCE: Final = 500  # ids in one question
_LOOKS = tables.looks.c


class WaitingLook(msgspec.Struct, frozen=True, kw_only=True):
    """A look that is not in the log yet."""

    look_id: str
    commune_code: str
    entry: bytes


def add_look(
    connection: Connection, rows: Sequence[Mapping[str, Any]], *, look_id: str, secret: bytes, sealed_until: datetime | None
) -> None:
    """Commit to the rows of one look, as they are written to ``access_records``, in the caller's transaction."""
    first = rows[0]
    texts = [_text_of(row, secret=secret, sealed_until=sealed_until) for row in rows]
    numbered = _next_number(connection, first["commune_code"], secret=secret)
    entry, hashes = committed(texts, at=first["at"], numbered=numbered)
    values = {
        "commune_code": first["commune_code"],
        "look_id": look_id,
        "secret": secret,
        "row_hashes": hashes,
        "entry": entry,
        "number": numbered.number,
        "at": first["at"],
        "sealed_until": sealed_until,
    }
    connection.execute(insert(tables.looks), [values])
    note_made(connection, Handed(commune_code=first["commune_code"], look_id=look_id, entry=entry))


def add_statement(
    connection: Connection, text: bytes, *, kind: Kind, place: tuple[str, str], secret: bytes, now: datetime
) -> None:
    """Commit to something said that is no look, numbered with the looks. ``place``: the commune, and an id for it."""
    commune_code, look_id = place
    numbered = _next_number(connection, commune_code, secret=secret)
    entry, hashes = committed([text], at=now, numbered=numbered, kind=kind)
    values = {"commune_code": commune_code, "look_id": look_id, "secret": secret, "row_hashes": hashes, "entry": entry}
    connection.execute(insert(tables.looks), [values | {"number": numbered.number, "at": now, "sealed_until": None}])
    connection.execute(
        insert(tables.log_statements), [{"commune_code": commune_code, "look_id": look_id, "kind": kind, "said": text.decode()}]
    )
    note_made(connection, Handed(commune_code=commune_code, look_id=look_id, entry=entry))


def statements_of(connection: Connection, look_ids: Sequence[str]) -> dict[str, str]:
    """Return what was said that is no look, by id."""
    columns = tables.log_statements.c
    query = select(columns.look_id, columns.said).where(columns.look_id.in_(look_ids))
    return {row.look_id: row.said for row in connection.execute(query)}


def is_in_log(connection: Connection, look_id: str) -> bool:
    """Tell whether something has its place in the log."""
    return connection.scalar(select(_LOOKS.place_in_log).where(_LOOKS.look_id == look_id)) is not None


def _next_number(connection: Connection, commune_code: str, *, secret: bytes) -> Numbered:
    """Give the commune's next number; its mark is made with its first look."""
    columns = tables.look_numbers.c
    same = (columns.commune_code == commune_code, columns.counter == COUNTER)
    one_more = update(tables.look_numbers).where(*same).values(last=columns.last + 1).returning(columns.unit, columns.last)
    given = connection.execute(one_more).first()
    if given is None:
        unit = sha256(b"luutru unit" + secret).hexdigest()[: 2 * UNIT_BYTES]
        row = {"commune_code": commune_code, "counter": COUNTER, "unit": unit, "last": 0}
        write_rows(connection, tables.look_numbers, [row], keep=())  # another process may have been a moment earlier
        given = connection.execute(one_more).one()
    return Numbered(unit=given.unit, number=given.last)


def counters(connection: Connection) -> list[Row[Any]]:
    """Return each commune's mark and last number."""
    return list(connection.execute(select(tables.look_numbers).order_by(tables.look_numbers.c.commune_code)).all())


def text_of(record: Row[Any], look: Row[Any]) -> bytes:
    """Return the text an access record is committed to by, as it stands now."""
    text = _text_of(record._asdict(), secret=look.secret, sealed_until=look.sealed_until)
    if leaf_hash(text) in hashes_of(look.row_hashes):
        return text
    # Rows committed to before the way was part of them are without it; to any other this is one more text that does not fit.
    return _text_of(record._asdict() | {"way": None}, secret=look.secret, sealed_until=look.sealed_until)


def _text_of(record: Mapping[str, Any], *, secret: bytes, sealed_until: datetime | None) -> bytes:
    row = LookRow(
        at=record["at"],
        commune_code=record["commune_code"],
        account_id=record["account_id"],
        role=record["role"],
        purpose=record["purpose"],
        about=record["about"],
        person_id=record["person_id"],
        fields=tuple(record["fields"]),
        sealed_until=sealed_until,
        way=record["way"],
    )
    return row_text(row, salt=salt_of(secret, record["place"]))


def waiting(connection: Connection, limit: int) -> list[WaitingLook]:
    """Return looks without a place, those with lower numbers first, so that no batch leaves a gap in a commune's."""
    query = select(_LOOKS.look_id, _LOOKS.commune_code, _LOOKS.entry).where(_LOOKS.place_in_log.is_(None))
    rows = connection.execute(query.order_by(_LOOKS.number, _LOOKS.look_id).limit(limit))
    return [WaitingLook(look_id=row.look_id, commune_code=row.commune_code, entry=row.entry) for row in rows]


def as_they_stand(connection: Connection, looks: Sequence[Handed]) -> dict[str, tuple[bytes, int | None]]:
    """Return entry and place of those looks the registry has, by id."""
    found: dict[str, tuple[bytes, int | None]] = {}
    for start in range(0, len(looks), _AT_ONCE):
        some = looks[start : start + _AT_ONCE]
        same = (
            _LOOKS.commune_code.in_({each.commune_code for each in some}),
            _LOOKS.look_id.in_([each.look_id for each in some]),
        )
        rows = connection.execute(select(_LOOKS.look_id, _LOOKS.entry, _LOOKS.place_in_log).where(*same))
        found |= {row.look_id: (row.entry, row.place_in_log) for row in rows}
    return found


def known_size(connection: Connection) -> int:
    """Return how long the log is at least, as far as the registry knows."""
    highest = connection.scalar(select(func.max(_LOOKS.place_in_log)))
    return 0 if highest is None else int(highest) + 1


def place(connection: Connection, placed: Iterable[tuple[WaitingLook, int]]) -> None:
    """Note where looks stand in the log."""
    values = [{"commune": look.commune_code, "look": look.look_id, "place": number} for look, number in placed]
    if values:
        same = (_LOOKS.commune_code == bindparam("commune"), _LOOKS.look_id == bindparam("look"))
        connection.execute(update(tables.looks).where(*same).values(place_in_log=bindparam("place")), values)


def looks_between(connection: Connection, start: int, end: int) -> list[Row[Any]]:
    """Return the looks that stand in [start, end) of the log."""
    return list(connection.execute(select(tables.looks).where(_LOOKS.place_in_log >= start, _LOOKS.place_in_log < end)).all())


def records_of(connection: Connection, look_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """Return the access records of looks, by look, in their order."""
    columns = tables.access_records.c
    found: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(
        select(tables.access_records).where(columns.look_id.in_(look_ids)).order_by(columns.look_id, columns.place)
    ):
        found.setdefault(row.look_id, []).append(row)
    return found


def records_without_look(connection: Connection, most: int) -> list[str]:
    """Return access records of a look that there is not: nothing we do leaves one."""
    columns = tables.access_records.c
    same = (columns.commune_code == _LOOKS.commune_code, columns.look_id == _LOOKS.look_id)
    query = select(columns.access_id).outerjoin(tables.looks, and_(*same)).where(_LOOKS.look_id.is_(None))
    return list(connection.scalars(query.order_by(columns.access_id).limit(most)))


def record_and_look(connection: Connection, access_id: str, person_id: str) -> tuple[Row[Any], Row[Any]] | None:
    """Return one of a person's access records with its look, or None when it is not theirs or there is none."""
    columns = tables.access_records.c
    record = connection.execute(
        select(tables.access_records).where(columns.access_id == access_id, columns.person_id == person_id)
    ).one_or_none()
    if record is None:
        return None
    look = connection.execute(select(tables.looks).where(_LOOKS.look_id == record.look_id)).one_or_none()
    return (record, look) if look is not None else None
