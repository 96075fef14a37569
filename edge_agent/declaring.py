"""From a message to sealed bytes: who, which number in the sequence, when, and under which key.

- The message's JSON lives only inside ``Declaring.seal``; what comes out is sealed to the authority.
- The sequence number is handed in by the outbox, inside the transaction that stores the row: it has no gaps.
- The wall clock is judged each time (``residence.wire.times``); before the floor (``clock_floor.py``) it cannot be right.

Example: ``declaring.seal(declaration, sequence=8, previous=None, floor=build_time).envelope``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from residence.clock import Clock, parse_instant, rfc3339
from residence.errors import Untrusted
from residence.stays.declaration import StayDeclaration
from residence.wire.datakey import DataKeyring, RandomBytes
from residence.wire.envelope import SALT_BYTES, Draft, read_header, seal_envelope
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.messages import Presence, encode_message, schema_of
from residence.wire.signing import SigningKey
from residence.wire.stay_codes import code_of
from residence.wire.times import Times, judge_time_state

Statement = StayDeclaration | Presence


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the kiosk's process knows of the machine it runs on; ``luutru/system.py`` has the real ones."""

    clock: Clock
    boot_id: str
    random_bytes: RandomBytes
    clock_synced: Callable[[], bool]


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed statement, ready to store."""

    declaration_id: str
    schema: str
    digest: bytes
    envelope: bytes
    kept_at: str
    times: Times
    own_code: str  # residence.wire.stay_codes; of the random bytes the body begins with, and kept nowhere


class Declaring:
    """Seals statements for one kiosk and one epoch. The data key never leaves this object."""

    def __init__(
        self, *, kiosk_id: str, epoch: str, signer: SigningKey, keyring: Callable[[], Keyring], machine: Machine
    ) -> None:
        self.kiosk_id: Final = kiosk_id
        self.epoch: Final = epoch
        self._signer = signer
        self._keyring = keyring
        self._machine = machine
        self._data_keys = DataKeyring(kiosk_id, epoch, machine.random_bytes)

    def times(self, *, previous: Times | None, floor: datetime) -> Times:
        """Read all clocks at once."""
        wall, monotonic_ns = self._machine.clock.now(), self._machine.clock.monotonic_ns()
        state = judge_time_state(
            wall,
            monotonic_ns,
            boot_id=self._machine.boot_id,
            floor=floor,
            synced=self._machine.clock_synced(),
            previous=previous,
        )
        return Times(boot_id=self._machine.boot_id, monotonic_ns=monotonic_ns, wall=rfc3339(wall), time_state=state)

    def seal(self, message: Statement, *, sequence: int, previous: Times | None, floor: datetime) -> Sealed:
        """Seal one statement to the authority's current key, or raise ``Untrusted("key.none_current")``."""
        times = self.times(previous=previous, floor=floor)
        recipient = self._recipient(times, floor)
        schema = schema_of(message)
        salt = self._machine.random_bytes(SALT_BYTES)
        envelope = seal_envelope(
            encode_message(message),
            salt=salt,
            draft=Draft(
                kiosk_id=self.kiosk_id,
                epoch=self.epoch,
                sequence=sequence,
                declaration_id=message.declaration_id,
                schema=schema,
                times=times,
            ),
            data_key=self._data_keys.take(recipient, at_ns=times.monotonic_ns),
            signer=self._signer,
            random_bytes=self._machine.random_bytes,
        )
        return Sealed(
            declaration_id=message.declaration_id,
            schema=schema,
            digest=read_header(envelope).body_digest,
            envelope=envelope,
            kept_at=times.wall,
            times=times,
            own_code=code_of(salt),
        )

    def _recipient(self, times: Times, floor: datetime) -> KeyEntry:
        """Choose the authority's key; a kiosk whose clock is unsure takes the youngest one rather than stop declaring."""
        keyring = self._keyring()
        try:
            return keyring.current("seal", at=max(parse_instant(times.wall), floor))
        except Untrusted:
            if times.time_state == "synced":
                raise
            return keyring.youngest("seal")

    def expire_key(self) -> None:
        """Wipe the data key when its time is over; the uplink calls this while idle."""
        self._data_keys.expire(self._machine.clock.monotonic_ns())

    def wipe(self) -> None:
        """Wipe the data key now."""
        self._data_keys.wipe()
