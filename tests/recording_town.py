"""A registry with the invented commune, and the shortest way to say something to it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

import msgspec
from factories import EVENING, make_declaration, make_id, make_person

from registry.database import Registry, connect
from registry.key_provider import FileKeyProvider
from registry.recording import Recorded, Source, Statement, record
from registry.seed import seed_demo
from registry.vault import Vault
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Person
from residence.stays.declaration import StayDeclaration
from residence.stays.rules import load_rule_book
from residence.wire.messages import PRESENCE, STAY_DECLARATION, Presence
from residence.wire.signing import SigningKey

SIGNER = SigningKey("receipt-1", bytes(range(32)))
EPOCH = "0197f000-0000-7000-8000-000000000001"


@dataclass
class Town:
    registry: Registry
    now: datetime = EVENING
    sequence: count = field(default_factory=lambda: count(1))

    def say(self, message: StayDeclaration | Presence, **changes: object) -> Statement:
        """Make the statement a kiosk would have sent."""
        body = secrets.token_bytes(16) + msgspec.json.encode(message)
        source = Source(kiosk_id="kiosk-lobby-1", epoch=EPOCH, sequence=next(self.sequence), signed=b"signed")
        statement = Statement(
            schema=STAY_DECLARATION if isinstance(message, StayDeclaration) else PRESENCE,
            message=message,
            body=body,
            body_digest=hashlib.sha256(body).hexdigest(),
            received_at=self.now,
            origin="kiosk",
            source=source,
        )
        return msgspec.structs.replace(statement, **changes)

    def record(self, *statements: Statement) -> list[Recorded]:
        with self.registry.writing() as connection:
            return record(
                connection,
                statements,
                vault=self.registry.vault,
                rules=load_rule_book(),
                signer=SIGNER,
                now=self.now,
                random_bytes=secrets.token_bytes,
            )

    def declare(self, **changes: object) -> Recorded:
        return self.record(self.say(make_declaration(**changes)))[0]

    def see(self, person: Person | None = None, **changes: object) -> Recorded:
        return self.record(self.say(make_presence(person, **changes)))[0]

    def rows(self, table: object) -> list:
        with self.registry.reading() as connection:
            return list(connection.execute(table.select()).all())


def make_presence(person: Person | None = None, **changes: object) -> Presence:
    presence = Presence(
        declaration_id=make_id(),
        seen_at="2026-07-10T15:00:00+07:00",
        kind="entry",
        premises_id="blk-hoa-binh",
        person=person or make_person(),
        evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr"),
    )
    return msgspec.structs.replace(presence, **changes)


def make_town(url: str, keys: Path) -> Town:
    """Return an open town; it is seeded unless there are keys already, which came with a copy (``seeded_town``)."""
    seeded = keys.exists()
    vault = Vault(FileKeyProvider(keys, random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    registry = connect(url, vault=vault)
    if not seeded:
        with registry.writing() as connection:
            seed_demo(connection, vault=vault, now=EVENING, related=False)  # tests say who heads and owns
    return Town(registry)
