"""A statement that cannot be recorded: kept as a dead letter, answered, and tried again on demand.

- The answer stands beside the letter, so that the same statement again gets the same bytes.
- It lies with the commune of its kiosk, whose operators alone see it and settle it.
- What is kept is the envelope as it came, when there is one: a retry starts from there.

Example: ``put_aside(connection, statement, means, code="registry.dead_letter", state="received")``
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from registry import tables
from registry.answering import answer
from registry.columns import fitting
from registry.kiosks import communes_of_kiosks
from registry.quarantine import NOWHERE, DeadLetter, set_aside
from registry.statements import Means, Recorded, Statement
from residence.wire.messages import ReceiptFinding
from residence.wire.receipts import read_unverified


def put_aside(
    connection: Connection,
    statement: Statement,
    means: Means,
    *,
    code: str,
    state: Literal["received", "refused"],
    fault: BaseException | None = None,
) -> Recorded:
    """Keep a statement as a dead letter and answer it; the same statement again gets the same bytes."""
    source = statement.source
    kiosk_id = source.kiosk_id if source else None
    finding = ReceiptFinding(code=code, severity="error" if state == "refused" else "info")
    receipt, receipt_bytes = answer(statement, means, state=state, findings=(finding,))
    letter = DeadLetter(
        code=code,
        detail=describe(fault) if fault else "",
        payload=(source.envelope if source else None) or statement.body,
        received_at=statement.received_at,
        commune_code=communes_of_kiosks(connection, [kiosk_id]).get(kiosk_id, NOWHERE) if kiosk_id else NOWHERE,
        origin=statement.origin,
        topic=source.topic if source else None,
        kiosk_id=kiosk_id,
        declaration_id=fitting(statement.message.declaration_id, tables.quarantine.c.declaration_id),
        receipt_bytes=receipt_bytes,
        epoch=source.epoch if source else None,
        sequence=source.sequence if source else None,
        genuine=True,
    )
    kept = set_aside(connection, [letter], vault=means.vault, now=means.now)[0]
    given = kept.receipt_bytes or receipt_bytes
    return Recorded(
        declaration_id=receipt.declaration_id,
        receipt=read_unverified(given),
        receipt_bytes=given,
        replayed=kept.seen_count > 1,
        set_aside=kept.quarantine_id,
    )


def describe(fault: BaseException) -> str:
    """Return an error's type and where in our code it came from; its text may quote a person and is never kept."""
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if "site-packages" not in frame.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    return f"{type(fault).__name__} at {place}"
