"""Receipts on their way to kiosks: made for what could not be recorded, and sent together per kiosk.

- What was recorded has its receipt from the registry; it is never made anew here, so a replay gets the same bytes.
- ``received`` and ``refused`` for an envelope that could not be recorded are signed here, and stored beside it before they are sent.
- Receipts of one kiosk travel in one MQTT message (up to 16); the topic is the one the envelope came on, leaf ``r``.
- What a since revoked key signed is signed again on its way out: no kiosk believes it otherwise, and its row would never go.
- What cannot be sent at all (too large for the broker, its topic refused) is counted, and holds up nothing: a kiosk that hears nothing
  sends again.

Example: ``post(transport, [(topic, receipt_bytes), ...])``
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from gateway.port import Transport
from gateway.reading import Answer
from residence.clock import rfc3339
from residence.wire.envelope import Header
from residence.wire.messages import Receipt, ReceiptFinding
from residence.wire.receipts import pack_receipts, receipt_code, sign_again, sign_receipt, signed_with
from residence.wire.signing import SigningKey
from residence.wire.topics import Topic, topic


def answer_header(header: Header, answer: Answer, *, finding: ReceiptFinding, now: datetime, signer: SigningKey) -> bytes:
    """Sign what we say about an envelope from its header alone, with one finding."""
    receipt = Receipt(
        declaration_id=header.declaration_id,
        code=receipt_code(header.declaration_id),
        state=answer,
        schema=header.schema,
        body_digest=header.body_digest.hex(),
        accepted_at=rfc3339(now),
        kept_at=header.times.wall,
        kiosk_id=header.kiosk_id,
        epoch=header.epoch,
        sequence=header.sequence,
        findings=(finding,),
    )
    return sign_receipt(receipt, signer)


def reissue(
    receipts: Sequence[tuple[Topic, bytes]], *, revoked: Collection[str], signer: SigningKey, now: datetime
) -> Sequence[tuple[Topic, bytes]]:
    """Return ``receipts``, those by a key among ``revoked`` signed anew; the registry's own copy stays as it was."""
    if not revoked or signer.key_id in revoked:
        return receipts
    return [(to, sign_again(data, signer, now=now) if signed_with(data) in revoked else data) for to, data in receipts]


def post(transport: Transport, receipts: Iterable[tuple[Topic, bytes]]) -> int:
    """Send receipts grouped by kiosk, each kiosk's in order; return how many went out."""
    by_kiosk: dict[str, list[bytes]] = {}
    for to, receipt in receipts:
        by_kiosk.setdefault(topic(to.site, to.kiosk, "r"), []).append(receipt)
    sent = 0
    for address, waiting in by_kiosk.items():
        payloads = list(pack_receipts(waiting))
        if all(transport.publish(address, payload) for payload in payloads):
            sent += len(waiting)
    transport.flush()
    return sent
