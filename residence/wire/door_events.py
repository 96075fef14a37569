"""What happened at a kiosk's readers and doors, on its way to the authority, and the authority's word that it is kept.

- Every event has a number in its epoch (no gaps), the boot, both clocks and how far the wall clock was believed: order never rests on it.
- No person is in it. ``who`` is a pseudonym the kiosk draws anew each day: it tells apart and joins up within a day, and leads to nobody.
- A batch is signed by the kiosk (use ``kiosk-sign``); the answer says up to which number all are kept, signed with a receipt key. The answer
  is retained: however often it is lost, the last one says everything.
- Written as arrays, for a hundred thousand may wait; new fields come at the end.

Example: ``verify_events(sign_events(batch, signer), keyring=ring, kiosk_id="kiosk-lobby-1", at=now).events``
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

from residence.clock import TimeState, parse_instant
from residence.errors import Malformed, Untrusted
from residence.wire import signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

EVENTS_TYPE: Final = "application/vnd.luutru.door-events+json"
KEPT_TYPE: Final = "application/vnd.luutru.door-events-kept+json"
EVENTS_A_BATCH: Final = 60
MAX_BYTES: Final = 15 * 1024
LONGEST: Final = 120  # letters of a detail
Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_PLAIN: Final = r"^[^\x00-\x1f\x7f]*\Z"
Name = Annotated[str, msgspec.Meta(max_length=32, pattern=_PLAIN)]
Word = Annotated[str, msgspec.Meta(max_length=64, pattern=_PLAIN)]
Id = Annotated[str, msgspec.Meta(max_length=36, pattern=_PLAIN)]


class DoorEvent(msgspec.Struct, frozen=True, array_like=True):
    """One event. ``what`` is an ``AccessEvent`` or a ``DoorFact``; ``door`` is empty where there is none; ``boot_id`` is new at every start of the machine."""

    sequence: Number
    boot_id: Id
    monotonic_ns: Number
    wall: Word
    time_state: TimeState
    door: Name
    what: Word
    detail: Annotated[str, msgspec.Meta(pattern=_PLAIN)] = ""
    who: Name = ""


class DoorEventBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Events in order, of one epoch. ``oldest_held``: the first number the kiosk still has; what is before it was kept once."""

    kiosk_id: Word
    epoch: Id
    oldest_held: Number
    events: tuple[DoorEvent, ...]


class DoorEventsKept(msgspec.Struct, frozen=True, kw_only=True):
    """The authority's answer: all of this epoch up to this number are kept."""

    kiosk_id: str
    epoch: str
    up_to: int
    at: str


def sign_events(batch: DoorEventBatch, signer: SigningKey) -> bytes:
    """Return the signed batch."""
    return signing.sign1(msgspec.json.encode(batch), EVENTS_TYPE, signer)


def verify_events(data: bytes, *, keyring: Keyring, kiosk_id: str, at: datetime) -> DoorEventBatch:
    """Return the batch if this kiosk signed it with a key in force, or raise ``Malformed`` / ``Untrusted``."""
    if len(data) > MAX_BYTES:
        raise Malformed("door.events_malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, EVENTS_TYPE)
    key = keyring.find(parts.key_id, "kiosk-sign", owner=kiosk_id, at=at)
    signing.check_parts(parts, key.public_key)
    try:
        batch = msgspec.json.decode(parts.payload, type=DoorEventBatch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("door.events_malformed", "", str(error)) from error
    if batch.kiosk_id != kiosk_id:
        raise Untrusted("key.wrong_owner", "/kiosk_id", batch.kiosk_id)
    numbers = [each.sequence for each in batch.events]
    if (
        not numbers
        or len(numbers) > EVENTS_A_BATCH
        or not 1 <= batch.oldest_held <= numbers[0]
        or sorted(set(numbers)) != numbers
    ):
        raise Malformed("door.events_malformed", "/events", "numbers do not rise")
    for each in batch.events:
        parse_instant(each.wall, "/events")
    return batch


def sign_kept(kept: DoorEventsKept, signer: SigningKey) -> bytes:
    """Return the signed answer."""
    return signing.sign1(msgspec.json.encode(kept), KEPT_TYPE, signer)


def verify_kept(data: bytes, *, keyring: Keyring) -> DoorEventsKept:
    """Return the answer if the authority signed it, or raise ``Malformed`` / ``Untrusted``."""
    if len(data) > MAX_BYTES:
        raise Malformed("door.events_malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, KEPT_TYPE)
    try:
        kept = msgspec.json.decode(parts.payload, type=DoorEventsKept)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("door.events_malformed", "", str(error)) from error
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=parse_instant(kept.at, "/at"))
    signing.check_parts(parts, key.public_key)
    return kept
