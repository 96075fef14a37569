"""The signed lists and orders a kiosk holds for its doors, kept as they came and verified again at each start.

- A list written into the database by a thief of the machine counts for nothing: it has no signature.
- Papers come from the broker's thread and, as a whole list, from the one that follows settings: one is taken after the other.
- The older version is kept until the newer one is complete: a restart in between falls back on it.
- When the authority signed something is told on (``heard``): the clock cannot be before it.
- Where anti-passback saw everybody last, and which PINs were typed wrong, is kept here, too: it outlives a restart, as hashes that lead to nobody.

Example: ``papers = DoorPapers(store, keyring=lambda: outbox.anchor.keyring, site="blk-hoa-binh"); papers.take("0", payload)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec
import structlog

from edge_agent.door.deciding import Memory, Stood
from edge_agent.door.lists import DoorBook
from edge_agent.store import Cursor, Store, remember
from residence.clock import parse_instant
from residence.errors import LuutruError, Malformed
from residence.wire.door_list import accept_orders, accept_part
from residence.wire.keyring import Keyring

ORDERS: Final = "now"
Heard = Callable[[datetime], None]
_log = structlog.get_logger("kiosk.door")


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    forgiven: int
    stood: list[tuple[bytes, Stood]]
    wrong_pins: list[tuple[bytes, int]] = []  # how many; the monotonic clock of an earlier start says nothing
    duress: bool = False


class DoorPapers:
    """What the authority sent. ``book`` is replaced whole, so any thread may read it."""

    def __init__(self, store: Store, *, keyring: Callable[[], Keyring], site: str, heard: Heard = lambda _at: None) -> None:
        self._store = store
        self._keyring = keyring
        self._site = site
        self._heard = heard
        self._taking = threading.Lock()
        self.book = DoorBook()
        for name, payload in store.read("SELECT name, payload FROM door_papers ORDER BY name"):
            try:
                self.book = self._with_orders(payload) if name == ORDERS else self._with_part(payload)
            except LuutruError as error:  # tampered with, or by a key since revoked
                _log.warning(error.code, paper=name)

    def take(self, name: str, payload: bytes) -> bool:
        """Take one paper by the last level of its topic; tell whether it says anything new.

        Raises ``Malformed`` / ``Untrusted`` with the old ones in force.
        """
        with self._taking:
            return self._take(name, payload)

    def take_whole(self, payloads: Sequence[bytes], *, doors: Collection[str]) -> bool:
        """Take a list that came as a whole; tell whether it says anything new.

        Raises ``Malformed`` / ``Untrusted`` with the old one in force: also when parts are missing, or when it does not name these ``doors``.
        """
        parts = [accept_part(each, keyring=self._keyring(), site=self._site) for each in payloads]
        if {(each.version, each.parts) for each in parts} != {(parts[0].version, len(parts))}:
            raise Malformed("door.list_malformed", "/parts", "not one version, or not all of it")
        if sorted(each.part for each in parts) != list(range(len(parts))) or not all(
            set(doors) <= {*each.doors} for each in parts
        ):
            raise Malformed("door.list_malformed", "/parts", "not all of it, or not for these doors")
        with self._taking:
            said = [self._take(str(part.part), payload) for part, payload in zip(parts, payloads, strict=True)]
        return any(said)

    def _take(self, name: str, payload: bytes) -> bool:
        before, book = self.book, self._with_orders(payload) if name == ORDERS else self._with_part(payload)
        if book is before:
            return False
        self._store.write_from_reserve(lambda cursor: _keep(cursor, _name(name, book), payload, _over(before, book)))
        self.book = book
        if book.version != before.version:
            _log.info("door list", version=book.version, entries=len(book.entries))
        return True

    def remembered(self, door: str, *, now_ns: int) -> Memory:
        """Return what a door remembered before the restart; what counts for a while counts from now on."""
        text = self._store.fact(f"door_stood_{door}")
        if text is None:
            return Memory()
        held = msgspec.json.decode(text, type=_Remembered)
        wrong_pins = {each: (now_ns,) * count for each, count in held.wrong_pins}
        duress_ns = now_ns if held.duress else 0
        return Memory(forgiven=held.forgiven, stood=dict(held.stood), wrong_pins=wrong_pins, duress_ns=duress_ns)

    def remember(self, door: str, memory: Memory) -> bool:
        """Keep where everybody stands and who typed wrong, of those on the list; False when it will not outlive a restart.

        The reserve of a full disk is not for this: without it no receipt could be stored that makes room.
        """
        stood = [(each, how) for each, how in memory.stood.items() if each in self.book.entries]
        wrong_pins = [(each, len(moments)) for each, moments in memory.wrong_pins.items() if each in self.book.entries]
        kept = _Remembered(forgiven=memory.forgiven, stood=stood, wrong_pins=wrong_pins, duress=bool(memory.duress_ns))
        text = msgspec.json.encode(kept).decode()
        try:
            with self._store.transaction() as cursor:
                remember(cursor, f"door_stood_{door}", text)
        except LuutruError as error:
            _log.warning(error.code, door=door)
            return False
        return not self._store.read_only

    def _with_orders(self, payload: bytes) -> DoorBook:
        orders = accept_orders(payload, keyring=self._keyring(), site=self._site)
        self._heard(parse_instant(orders.issued))
        return self.book.with_orders(orders)

    def _with_part(self, payload: bytes) -> DoorBook:
        part = accept_part(payload, keyring=self._keyring(), site=self._site)
        self._heard(parse_instant(part.issued))
        return self.book.with_part(part)


def _name(leaf: str, book: DoorBook) -> str:
    """Return under which name a paper is kept: parts of two versions lie side by side until the newer one is complete."""
    arriving = max((each.version for each in book.arriving), default=book.version)
    return ORDERS if leaf == ORDERS else f"{arriving:020d}.{leaf}"


def _over(before: DoorBook, after: DoorBook) -> str:
    """Return the name below which parts are of no use any more; empty while nothing was replaced."""
    return f"{after.version:020d}" if after.version != before.version else ""


def _keep(cursor: Cursor, name: str, payload: bytes, over: str) -> None:
    cursor.execute(
        "INSERT INTO door_papers(name, payload) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET payload = excluded.payload",
        (name, payload),
    )
    if over:
        cursor.execute("DELETE FROM door_papers WHERE name <> ? AND name < ?", (ORDERS, over))
