"""What proves that a restored registry is the registry: tables, sealed fields, receipts and the log of looks.

- Every table has the rows and the digest it had at the mark; every sealed field opens with the vault; nothing refers to what is not there.
- Every receipt is verified against the keyring of the restored registry itself: signature, code, and that it is of the declaration it stands beside.
- The log: recomputed from its entries, its root is the signed one, and every look of the registry that has a place stands there unaltered.

Example: ``prove(restored, expected, log=None).problems == ()``
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from luutru.transparency.checking import Trust, verify_log
from luutru.transparency.fetching import fetch_from
from registry import look_log, tables
from registry.checking import check_registry
from registry.checking_looks import looks_problems
from registry.database import Registry
from registry.digests import TableDigest, differences, digest_all
from registry.kiosks import keyring_entries
from residence.errors import LuutruError, Problem
from residence.transparency.tiles import Tiles
from residence.wire.keyring import Keyring
from residence.wire.receipts import verify_receipt

PAGE: Final = 1_000
MOST_PROBLEMS: Final = 20


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what was wrong."""

    counts: dict[str, int]
    opened: int
    erased: int
    receipts: int
    log: dict[str, Any] | None
    problems: tuple[str, ...]


def prove(restored: Registry, expected: Mapping[str, TableDigest], *, log: tuple[str, Trust] | None) -> Proof:
    """Look at everything; nothing raises, so that one fault does not hide another."""
    with restored.reading() as connection:
        found = digest_all(connection)
        problems = [f"backup.differs {name}" for name in differences(dict(expected), found)]
        verified, refused = _verify_receipts(connection)
        told, disagreeing = _compare_log(connection, *log) if log else (None, [])
    report = check_registry(restored)
    every = (*problems, *refused, *disagreeing, *report.problems)
    return Proof(
        counts={name: each.rows for name, each in found.items()},
        opened=report.opened,
        erased=report.erased,
        receipts=verified,
        log=told,
        problems=every[:MOST_PROBLEMS],
    )


def _verify_receipts(connection: Connection) -> tuple[int, list[str]]:
    """Verify every receipt; returns how many hold, and the ids of those that do not. That a key was revoked since is no fault of a copy."""
    entries = [msgspec.structs.replace(each, revoked_at=None) for each in keyring_entries(connection)]
    keyring, verified, refused = Keyring(entries), 0, list[str]()
    for declaration_id, signed in _receipts(connection):
        try:
            holds = verify_receipt(signed, keyring=keyring).declaration_id == declaration_id
        except LuutruError as error:
            refused.append(f"{error.code} receipt of {declaration_id}")
            continue
        verified += holds
        if not holds:
            refused.append(f"receipt.code receipt of {declaration_id}")
    return verified, refused


def _receipts(connection: Connection) -> Iterator[tuple[str, bytes]]:
    columns, last = tables.receipts.c, ""
    while True:
        query = select(columns.declaration_id, columns.receipt_bytes).where(columns.declaration_id > last)
        page = connection.execute(query.order_by(columns.declaration_id).limit(PAGE)).all()
        yield from ((row.declaration_id, bytes(row.receipt_bytes)) for row in page)
        if len(page) < PAGE:
            return
        last = page[-1].declaration_id


def _compare_log(connection: Connection, source: str, trust: Trust) -> tuple[dict[str, Any], list[str]]:
    """Recompute the log, and hold the registry's looks against it; what the log got after the mark is no matter of this registry."""
    fetch = fetch_from(source)
    checked = verify_log(fetch, trust)
    problems = [f"{each.code} {each.pointer}".strip() for each in checked.problems]
    if checked.opened is None:
        return {"size": None, "root": None}, problems
    head, known = checked.opened.checkpoint, look_log.known_size(connection)
    if known > head.size:
        problems.append("log.behind_registry")
    found = looks_problems(connection, Tiles(head.size, fetch), since=None)
    problems += [f"{each.code} {each.pointer}" for each in found if _is_of_before(each, known)]
    return {"size": head.size, "root": b64encode(head.root).decode(), "known": known}, problems


def _is_of_before(each: Problem, known: int) -> bool:
    place = each.pointer.removeprefix("/")
    return int(place) < known if place.isdigit() else each.code != "log.unit_unknown"
