"""Invented kiosks with real keys: what benchmarks and tests seal messages with, and the authority that answers them.

- Everything is as on the wire: Ed25519, HPKE-wrapped data keys (64 declarations each), epochs and gapless sequences.
- The authority's keys are drawn here too; nothing is written to disk unless asked.

Example: ``fleet = Fleet(kiosks=200, now=now, random_bytes=random_bytes); fleet.enrol(connection, vault=vault, now=now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from luutru.keys import make_key, read_sealing_key, read_signing_key
from registry import kiosks
from registry.premises import add_premises
from registry.vault import Vault
from residence.clock import rfc3339, uuid7
from residence.places.premises import Premises, PremisesKind
from residence.stays.declaration import StayDeclaration
from residence.wire.datakey import DataKeyring
from residence.wire.envelope import Draft, seal_envelope
from residence.wire.keyring import AUTHORITY, KeyEntry
from residence.wire.messages import Presence, encode_message, schema_of
from residence.wire.signing import SealingKey, SigningKey
from residence.wire.times import Times
from residence.wire.topics import kiosk_topics

COMMUNE: Final = "demo-01"
FLOORS: Final = 20
DOORS: Final = 10
RandomBytes = Callable[[int], bytes]


class FleetKiosk:
    """One kiosk without a machine: it seals and numbers."""

    def __init__(self, kiosk_id: str, premises_id: str, *, now: datetime, recipient: KeyEntry, random_bytes: RandomBytes) -> None:
        self.kiosk_id: Final = kiosk_id
        self.premises_id: Final = premises_id
        self.topics: Final = kiosk_topics(premises_id, kiosk_id)
        self.signer: Final = SigningKey(f"{kiosk_id}-sign-1", random_bytes(32))
        self.entry: Final = KeyEntry(
            key_id=self.signer.key_id,
            use="kiosk-sign",
            owner=kiosk_id,
            public_key=self.signer.public_key,
            valid_from=rfc3339(now),
        )
        self.recipient = recipient
        self._random_bytes = random_bytes
        self.new_epoch()

    def new_epoch(self) -> None:
        """Begin again at sequence 1, as a kiosk with a new store does."""
        self.epoch = str(UUID(bytes=self._random_bytes(16)))
        self.sequence = 0
        self._data_keys = DataKeyring(self.kiosk_id, self.epoch, self._random_bytes)

    def seal(self, message: StayDeclaration | Presence, *, now: datetime, **changes: object) -> bytes:
        """Return the next envelope. ``changes`` replace parts of its draft, for tests of what must not get through."""
        self.sequence += 1
        fields: dict[str, object] = {
            "kiosk_id": self.kiosk_id,
            "epoch": self.epoch,
            "sequence": self.sequence,
            "declaration_id": message.declaration_id,
            "schema": schema_of(message),
            "times": Times(boot_id=self.epoch, monotonic_ns=self.sequence, wall=rfc3339(now), time_state="synced"),
            **changes,
        }
        return seal_envelope(
            encode_message(message),
            draft=Draft(**fields),  # type: ignore[arg-type]  # names and types are Draft's own
            data_key=self._data_keys.take(self.recipient, at_ns=0),
            signer=self.signer,
            random_bytes=self._random_bytes,
        )


class Fleet:
    """Some kiosks, four to a premises, and the authority they seal to."""

    def __init__(self, *, kiosks: int, now: datetime, random_bytes: RandomBytes, keys: Path) -> None:
        def authority(name: str, use: str) -> KeyEntry:
            return make_key(
                keys / f"{name}.key",
                key_id=f"fleet-{name}",
                use=use,  # type: ignore[arg-type]  # one of KeyUse
                owner=AUTHORITY,
                now=now,
                random_bytes=random_bytes,
            )

        self.authority: Final = (authority("gateway-seal", "seal"), authority("gateway-receipt", "receipt"))
        self.sealing_key: Final[SealingKey] = read_sealing_key(keys / "gateway-seal.key")
        self.receipt_key: Final[SigningKey] = read_signing_key(keys / "gateway-receipt.key", use="receipt")
        self.kiosks: Final = [
            FleetKiosk(
                f"kiosk-{number:03d}", f"blk-{number // 4:03d}", now=now, recipient=self.authority[0], random_bytes=random_bytes
            )
            for number in range(kiosks)
        ]

    def enrol(self, connection: Connection, *, vault: Vault, now: datetime) -> None:
        """Write premises, kiosks and keys into a registry."""
        for premises_id in sorted({each.premises_id for each in self.kiosks}):
            add_premises(connection, invented_block(premises_id), vault=vault, now=now)
        for entry in self.authority:
            kiosks.add_key(connection, entry, commune_code=COMMUNE)
        for each in self.kiosks:
            enrolment = kiosks.Enrolment(
                kiosk_id=each.kiosk_id, premises_id=each.premises_id, commune_code=COMMUNE, profile="lobby"
            )
            kiosks.enrol_kiosk(connection, enrolment, keys=[each.entry], now=now)


def invented_block(premises_id: str) -> Premises:
    """Return an apartment block with 200 units."""
    return Premises(
        premises_id=premises_id,
        kind=PremisesKind.APARTMENT_BLOCK,
        commune_code=COMMUNE,
        name=f"Chung cư {premises_id}",
        address_text="Đường Thử Nghiệm",
        units=tuple(f"{floor:02d}{door:02d}" for floor in range(1, FLOORS + 1) for door in range(1, DOORS + 1)),
    )


def fresh_id(now: datetime, random_bytes: RandomBytes) -> str:
    """Return a new declaration id."""
    return str(uuid7(now, random_bytes(10)))
