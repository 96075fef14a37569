"""The receipts given: exact bytes, found by declaration id or by the code a person reads out.

- The bytes are the signed receipt; they are never signed again, so a replay gets the same answer for ever.
- No name or number is in a receipt, so its code is enough to look at it.

Example: ``receipt_by_code(connection, "RD7D-QQWQ-DW4X").state``
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from registry import tables
from registry.asking import ask, askable
from residence.wire.messages import Receipt, ReceiptState
from residence.wire.receipts import parse_receipt_code, read_unverified


class StoredReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as given, with what the registry finds it by."""

    declaration_id: str
    code: str
    commune_code: str
    state: ReceiptState
    body_digest: bytes
    receipt_bytes: bytes

    @property
    def receipt(self) -> Receipt:
        """Return the receipt inside; it is our own, so its signature is not checked again."""
        return read_unverified(self.receipt_bytes)


_COLUMNS = [tables.receipts.c[name] for name in StoredReceipt.__struct_fields__]
_BY_ID = f"SELECT {', '.join(StoredReceipt.__struct_fields__)} FROM receipts WHERE declaration_id {{among}}"  # noqa: S608 - our own names


def receipts_by_id(connection: Connection, declaration_ids: Iterable[str]) -> dict[str, StoredReceipt]:
    """Return stored receipts by declaration id, in one query."""
    wanted = sorted(askable(set(declaration_ids)))
    if not wanted:
        return {}
    return {row.declaration_id: StoredReceipt(**row._mapping) for row in ask(connection, _BY_ID, wanted)}  # noqa: SLF001 - SQLAlchemy's public name


def receipt_by_code(connection: Connection, code: str) -> StoredReceipt | None:
    """Return the receipt with this code, however it was typed; ``Malformed("receipt.code")`` when it is no code."""
    query = select(*_COLUMNS).where(tables.receipts.c.code == parse_receipt_code(code)).limit(1)
    row = connection.execute(query).first()
    return StoredReceipt(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name
