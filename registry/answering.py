"""The registry's answer to a statement: a receipt, made and signed once.

- The answer says what the declarant may know: state, deadline, rule, own findings; nothing of another person.
- Only an arrival has a deadline: a correction or a departure is neither on time nor late.
- On time is who reached us before the deadline, or was kept before it by a kiosk with a synchronised clock. When only an unsure clock
  says so the answer is None: for a human, neither for nor against the declarant (``residence/cases/late.py`` says the same).

Example: ``receipt, signed = answer(statement, means, state="accepted", verdict=check)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from residence.clock import parse_instant, rfc3339
from residence.errors import Malformed
from residence.stays.check import CheckResult
from residence.wire.messages import Receipt, ReceiptFinding, ReceiptState
from residence.wire.receipts import receipt_code, sign_receipt

if TYPE_CHECKING:
    from registry.statements import Means, Statement

# A kiosk that claims to have kept a statement longer ago than this, or later than now, has a clock nobody believes.
LONGEST_OFFLINE: Final = timedelta(days=30)


def answer(
    statement: Statement,
    means: Means,
    *,
    state: ReceiptState,
    verdict: CheckResult | None = None,
    findings: tuple[ReceiptFinding, ...] = (),
) -> tuple[Receipt, bytes]:
    """Return the receipt and its signed bytes."""
    receipt = compose(statement, means, state=state, verdict=verdict, findings=findings)
    return receipt, sign_receipt(receipt, means.signer)


def compose(
    statement: Statement,
    means: Means,
    *,
    state: ReceiptState,
    verdict: CheckResult | None = None,
    findings: tuple[ReceiptFinding, ...] = (),
) -> Receipt:
    """Return the receipt alone, for whoever signs many together."""
    source = statement.source
    message = statement.message
    due = verdict.due if verdict and message.kind == "arrival" else None
    return Receipt(
        declaration_id=message.declaration_id,
        code=receipt_code(message.declaration_id),
        state=state,
        schema=statement.schema,
        body_digest=statement.body_digest,
        accepted_at=_written(means.now),
        kept_at=source.kept_at if source else None,
        due=rfc3339(due) if due else None,
        on_time=is_on_time(statement, due),
        rule_set=verdict.rule_set if verdict else None,
        rule=verdict.rule if verdict and due else None,
        premises_id=message.premises_id,
        kiosk_id=source.kiosk_id if source else None,
        epoch=source.epoch if source else None,
        sequence=source.sequence if source else None,
        findings=findings,
    )


@lru_cache(maxsize=1)  # the same for the whole batch
def _written(now: datetime) -> str:
    return rfc3339(now)


def is_on_time(statement: Statement, due: datetime | None) -> bool | None:
    """Tell whether a statement was made before its deadline; None without one, and when it came after it from a kiosk of unsure clock.

    Such a clock proves nothing, either way, and the more wrong it is the less: whoever declared in time at a kiosk that was offline is called late by
    no clock. A human says, or a confirmed moment of the same start (``undated.py``).
    """
    if due is None:
        return None
    if statement.received_at < due:
        return True
    if statement.source and statement.source.time_state != "synced":
        return None
    kept = _kept_at(statement)
    return kept is not None and kept < due


def _kept_at(statement: Statement) -> datetime | None:
    """Return when the kiosk says it kept a statement, unless that cannot be."""
    source, received = statement.source, statement.received_at
    try:
        kept = parse_instant(source.kept_at) if source and source.kept_at else None
    except Malformed:
        return None
    return kept if kept and received - LONGEST_OFFLINE <= kept <= received else None
