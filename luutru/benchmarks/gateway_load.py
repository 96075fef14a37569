"""The load of ``luutru bench gateway``: a city in a registry, kiosks with keys, and their messages, sealed beforehand and kept in a file.

- The mix: 2 % of the messages are one of the hundred before, sent again; about 3 % are about somebody the registry does not know, 1 %
  give a known number with another name; the rest are people of the city, each once, at all premises and units.
- A message is kept with its plain JSON: peers that cannot decrypt get the same declarations in the clear.
- Registry and messages come from the same seed: every measurement of a run, and the next run, meets the same people.

Example: ``write_messages(path, Fleet(...), Load(persons=1_000_000, messages=40_000), now=now)``
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from luutru.benchmarks import city
from luutru.benchmarks.fleet import DOORS, FLOORS, Fleet, FleetKiosk, fresh_id
from luutru.opening import open_registry
from luutru.system import random_bytes
from registry.database import upgrade
from residence.clock import VIETNAM, rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Person
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.wire.messages import encode_message

AGAIN, UNKNOWN, RENAMED = 0.02, 0.03, 0.01
AMONG_LAST: Final = 100
_LENGTH_BYTES: Final = 4


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything."""

    persons: int
    messages: int
    kiosks: int = 1_000
    seed: int = 4


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One message: where it goes, whose it is, the sealed envelope and what is inside."""

    topic: str
    declaration_id: str
    payload: bytes
    plain: bytes


def make_fleet(load: Load, keys: Path, *, now: datetime) -> Fleet:
    """Return the kiosks; their keys began to hold yesterday."""
    return Fleet(kiosks=load.kiosks, now=now - timedelta(days=1), random_bytes=random_bytes, keys=keys)


def fill_registry(url: str, vault: Path, *, fleet: Fleet, load: Load, now: datetime) -> None:
    """Make the tables, enrol the kiosks and write the city."""
    upgrade(url)
    registry = open_registry(url, vault)
    try:
        with registry.writing() as connection:
            fleet.enrol(connection, vault=registry.vault, now=now)
        premises = sorted({each.premises_id for each in fleet.kiosks})
        city.fill(registry, persons=load.persons, premises_ids=premises, now=now, random_bytes=random_bytes)
        if registry.engine.dialect.name == "sqlite":
            with registry.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        registry.close()


def write_messages(path: Path, fleet: Fleet, load: Load, *, now: datetime) -> None:
    """Seal all messages into a file."""
    with path.open("wb", buffering=1 << 20) as file:
        for each in messages_of(fleet, load, now=now):
            packed = msgspec.msgpack.encode(each)
            file.write(len(packed).to_bytes(_LENGTH_BYTES, "big") + packed)


def read_messages(path: Path, count: int, *, skip: int = 0) -> Iterator[Message]:
    """Yield messages of a file, in order."""
    decoder = msgspec.msgpack.Decoder(Message)
    with path.open("rb", buffering=1 << 20) as file:
        for number in range(skip + count):
            packed = file.read(int.from_bytes(file.read(_LENGTH_BYTES), "big"))
            if not packed:
                raise RuntimeError(f"only {number} messages in {path}")
            if number >= skip:
                yield decoder.decode(packed)


def messages_of(fleet: Fleet, load: Load, *, now: datetime) -> Iterator[Message]:
    """Yield the messages, round the kiosks."""
    draw = random.Random(load.seed)
    known = iter(draw.sample(range(load.persons), min(load.persons, load.messages)))
    unknown = load.persons
    last: deque[Message] = deque(maxlen=AMONG_LAST)
    for number in range(load.messages):
        kind = draw.random()
        if last and kind < AGAIN:
            yield draw.choice(last)
            continue
        who = next(known, None) if kind >= AGAIN + UNKNOWN else None
        if who is None:
            who, unknown = unknown, unknown + 1
        person = city.person(who)
        if AGAIN + UNKNOWN <= kind < AGAIN + UNKNOWN + RENAMED:
            person = msgspec.structs.replace(person, full_name=f"{person.full_name} Khác")
        kiosk = fleet.kiosks[number % len(fleet.kiosks)]
        made = now - timedelta(milliseconds=load.messages - number)  # one after another: ids begin with their moment
        declaration = _declaration(person, kiosk, number=number, made=made)
        message = Message(
            kiosk.topics.declarations,
            declaration.declaration_id,
            kiosk.seal(declaration, now=made),
            encode_message(declaration),
        )
        last.append(message)
        yield message


def _declaration(person: Person, kiosk: FleetKiosk, *, number: int, made: datetime) -> StayDeclaration:
    return StayDeclaration(
        declaration_id=fresh_id(made, random_bytes),
        declared_at=rfc3339(made),
        person=person,
        evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr", reader="camera:zxing"),
        declarant=Declarant(role="self"),
        premises_id=kiosk.premises_id,
        unit=f"{1 + number % FLOORS:02d}{1 + number // FLOORS % DOORS:02d}",
        arrival=rfc3339(made.astimezone(VIETNAM)),
        reason=Reason.VISIT,
    )
