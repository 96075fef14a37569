"""The registry's answer to a statement: a receipt, made and signed once.

- The answer says what the declarant may know: state, deadline, rule, own findings; nothing of another person.
- Whether a declaration was on time is judged by when the kiosk kept it, if its clock can be believed, else by when it reached us.

Example: ``receipt, signed = answer(statement, means, state="accepted", verdict=check)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
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
    source = statement.source
    message = statement.message
    due = verdict.due if verdict else None
    receipt = Receipt(
        declaration_id=message.declaration_id,
        code=receipt_code(message.declaration_id),
        state=state,
        schema=statement.schema,
        body_digest=statement.body_digest,
        accepted_at=rfc3339(means.now),
        kept_at=source.kept_at if source else None,
        due=rfc3339(due) if due else None,
        on_time=is_on_time(statement, due),
        rule_set=verdict.rule_set if verdict else None,
        rule=verdict.rule if verdict else None,
        premises_id=message.premises_id,
        kiosk_id=source.kiosk_id if source else None,
        epoch=source.epoch if source else None,
        sequence=source.sequence if source else None,
        findings=findings,
    )
    return receipt, sign_receipt(receipt, means.signer)


def is_on_time(statement: Statement, due: datetime | None) -> bool | None:
    """Tell whether a statement was made before its deadline, as ``Deadline.is_late`` says it; None without one."""
    return made_at(statement) < due if due else None


def made_at(statement: Statement) -> datetime:
    """Return when a statement was made, as far as we believe it."""
    received = statement.received_at
    try:
        kept = parse_instant(statement.source.kept_at) if statement.source and statement.source.kept_at else received
    except Malformed:
        return received
    return kept if received - LONGEST_OFFLINE <= kept <= received else received
