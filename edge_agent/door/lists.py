"""The list a door goes by, assembled from its parts, with the orders that came since. Pure.

- A version counts when every part of it is there; until then the older one does. An older version never replaces a newer one.
- Orders are judged by serial alone; what they revoke is revoked in every list.
- A list that is over still counts for the door's grace, then nobody is let in by it; out everybody is let by it for ever.

Example: ``book = book.with_part(part); book.find(token_hash(token, "pass"))``
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from residence.clock import parse_instant
from residence.doors.words import DoorMode
from residence.wire.door_list import DoorCredential, DoorListPart, DoorOrders


class DoorBook(msgspec.Struct, frozen=True, kw_only=True):
    """What the authority said of a site's doors."""

    version: int = 0
    issued: datetime | None = None
    expires: datetime | None = None
    doors: tuple[str, ...] = ()
    entries: dict[bytes, DoorCredential] = {}
    arriving: tuple[DoorListPart, ...] = ()  # parts of a newer version that is not complete
    orders: DoorOrders | None = None
    revoked: frozenset[bytes] = frozenset()

    def with_part(self, part: DoorListPart) -> DoorBook:
        """Return the book with one more part; the same book when the part says nothing new."""
        newest = max((each.version for each in self.arriving), default=self.version)
        if part.version <= self.version or part.version < newest:
            return self
        arriving = {each.part: each for each in self.arriving if each.version == part.version and each.parts == part.parts}
        arriving[part.part] = part
        if len(arriving) < part.parts:
            return msgspec.structs.replace(self, arriving=tuple(arriving.values()))
        return msgspec.structs.replace(
            self,
            version=part.version,
            issued=parse_instant(part.issued),
            expires=min(parse_instant(each.expires) for each in arriving.values()),
            doors=part.doors,
            entries={entry.token_hash: entry for each in arriving.values() for entry in each.entries},
            arriving=(),
        )

    def with_orders(self, orders: DoorOrders) -> DoorBook:
        """Return the book with newer orders; the same book when these are old."""
        if self.orders is not None and orders.serial <= self.orders.serial:
            return self
        return msgspec.structs.replace(self, orders=orders, revoked=frozenset(orders.revoked))

    def find(self, hashed: bytes) -> DoorCredential | None:
        """Return the entry of a token's hash."""
        return self.entries.get(hashed)

    def admits(self, entry: DoorCredential, door: str) -> bool:
        """Tell whether an entry names this door."""
        return door in self.doors and bool(entry.doors >> self.doors.index(door) & 1)

    def stale(self, now: datetime, *, grace: timedelta) -> bool:
        """Tell whether the list has been over for longer than the grace, or there is none."""
        return self.expires is None or now > self.expires + grace

    def mode(self, door: str) -> DoorMode:
        """Return what was ordered for a door."""
        return self.orders.modes.get(door, DoorMode.NORMAL) if self.orders else DoorMode.NORMAL

    @property
    def forgiven(self) -> int:
        """Return how often anti-passback was forgiven."""
        return self.orders.forgiven if self.orders else 0
