"""A kiosk's outbox and an authority's receipts for tests, on throw-away keys."""

from __future__ import annotations

import random
from pathlib import Path

from factories import EVENING, StandingClock

from edge_agent.declaring import Machine
from edge_agent.outbox import Outbox
from edge_agent.store import open_store
from luutru.throwaway import KIOSK_ID, throwaway_keys
from residence.wire.envelope import EnvelopeOpener, read_header, verify_envelope
from residence.wire.messages import Receipt
from residence.wire.receipts import receipt_code, sign_receipt

KEYS = throwaway_keys()
BOOT = "b0070000-0000-4000-8000-000000000001"


def make_outbox(path: Path, *, clock=None, max_bytes: int = 64 * 1024 * 1024, keys=KEYS, boot_id: str = BOOT, **more) -> Outbox:
    machine = Machine(
        clock=clock or StandingClock(),
        boot_id=boot_id,
        random_bytes=more.pop("random_bytes", random.SystemRandom().randbytes),
        clock_synced=more.pop("clock_synced", lambda: True),
    )
    return Outbox(
        open_store(path, max_bytes=max_bytes),
        kiosk_id=KIOSK_ID,
        signer=keys.kiosk,
        provisioned=more.pop("provisioned", keys.keyring),
        machine=machine,
        built_at=more.pop("built_at", EVENING.replace(month=1)),
        **more,
    )


def answer(envelope: bytes, *, state: str = "accepted", signer=KEYS.receipt, **changes) -> bytes:
    """The authority's signed receipt for one envelope, as a gateway would make it."""
    header = read_header(envelope)
    fields = {
        "declaration_id": header.declaration_id,
        "code": receipt_code(header.declaration_id),
        "state": state,
        "schema": header.schema,
        "body_digest": header.body_digest.hex(),
        "accepted_at": "2026-07-10T07:00:02Z",
        "kiosk_id": header.kiosk_id,
        "epoch": header.epoch,
        "sequence": header.sequence,
        **changes,
    }
    return sign_receipt(Receipt(**fields), signer)


def open_body(envelope: bytes) -> bytes:
    """Return the whole body as the authority opens it, its 16 random bytes first."""
    return EnvelopeOpener([KEYS.seal]).open(verify_envelope(envelope, keyring=KEYS.keyring, at=EVENING)).body


def open_row(envelope: bytes) -> bytes:
    return EnvelopeOpener([KEYS.seal]).open(verify_envelope(envelope, keyring=KEYS.keyring, at=EVENING)).message_json
