"""The words of recording: what comes in, what goes out, what it is done with.

- A statement is verified and opened before it comes here; nothing in this package checks a signature again.

Example: ``Statement(schema=STAY_DECLARATION, message=declaration, body=body, body_digest=digest, received_at=now, origin="desk")``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

import msgspec

from registry.vault import Vault
from residence.clock import TimeState
from residence.credentials.chip.claims import JudgedClaim, level_without_bytes
from residence.credentials.evidence import EvidenceLevel
from residence.stays.declaration import StayDeclaration
from residence.stays.rules import RuleBook
from residence.wire.messages import Presence, Receipt
from residence.wire.signing import SigningKey

Origin = Literal["kiosk", "desk", "web", "import", "seed"]
_WITHOUT_READERS: Final = ("desk", "web")


Lap = Callable[[str], None]  # called at the end of each stage of a batch, with its name


def no_lap(_stage: str) -> None:
    """Measure nothing."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Which kiosk sent it, from the verified header. ``signed`` (the COSE_Sign1) is kept for later proof."""

    kiosk_id: str
    epoch: str
    sequence: int
    signed: bytes  # VerifiedEnvelope.signed
    kept_at: str | None = None  # the kiosk's wall time, advisory
    time_state: TimeState = "unset"  # what that time is worth
    boot_id: str = ""  # which start of the kiosk, and how long after it: dates it when its clock is confirmed later
    monotonic_ns: int = 0
    topic: str | None = None
    envelope: bytes | None = None  # as it came: what a retry of a dead letter starts from


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One verified, opened statement. ``body`` is the exact bytes signed over (16 random bytes + JSON), or the JSON of a desk."""

    schema: str  # residence.wire.messages.STAY_DECLARATION or PRESENCE
    message: StayDeclaration | Presence
    body: bytes
    body_digest: str  # hex SHA-256 of body
    received_at: datetime
    origin: Origin
    source: Source | None = None
    account: str | None = None  # who was signed in; none from a kiosk, whatever its body names
    chip: JudgedClaim | None = None  # what its chip's evidence was found to be worth; None: it claims none

    @property
    def evidence_level(self) -> EvidenceLevel:
        """Return the level that counts: what was found, not what was claimed; at a desk or a phone nobody reads a chip.

        There, only whoever is signed in attests, in their own name.
        """
        evidence = self.message.evidence
        if self.chip or self.origin not in _WITHOUT_READERS:
            return self.chip.level if self.chip else evidence.level
        if evidence.level is EvidenceLevel.ATTESTED and evidence.attested_by == self.account:
            return evidence.level
        return level_without_bytes(evidence)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's answer to one statement, in the order of the statements given."""

    declaration_id: str
    receipt: Receipt
    receipt_bytes: bytes
    replayed: bool = False
    set_aside: str | None = None  # quarantine_id, when the statement became a dead letter


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What recording works with; the same for every statement of a batch."""

    vault: Vault
    rules: RuleBook
    signer: SigningKey
    now: datetime
    random_bytes: Callable[[int], bytes]
    lap: Lap = no_lap
