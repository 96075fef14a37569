"""The outbox: what a kiosk promised to deliver, sealed and durable, until the registry's signed receipt comes.

- ``keep`` returns only after the sealed row is committed; only then may the screen say "kept". Keeping the same declaration
  again returns the first answer.
- A row goes for one reason: a receipt whose signature holds, about this declaration, with the digest of what was sealed.
  A broker's acknowledgement makes it ``sent`` and nothing more. Rows never expire and never make room for younger ones.
- Disk full: ``Refused("outbox.disk_full")``, nothing half-written, everything kept so far still there (docs/outbox.md).
- One outbox is one epoch; sequence numbers have no gaps because they are taken in the transaction that stores the row.
- No plaintext: names and numbers exist inside ``declaring`` for the moment of sealing. Settled rows keep only the receipt.

Example: ``kept = outbox.keep(declaration); outbox.settlement(kept.declaration_id).state == "kept"``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from edge_agent.anchor import Anchor
from edge_agent.clock_doubt import ClockDoubt, is_refused
from edge_agent.clock_floor import ClockFloor
from edge_agent.declaring import Declaring, Machine, Sealed, Statement
from edge_agent.session_count import Session, SessionCount
from edge_agent.store import Cursor, Store, remember
from residence.clock import TimeState, parse_instant
from residence.errors import Refused, Untrusted
from residence.wire.keyring import Keyring
from residence.wire.messages import Receipt
from residence.wire.receipts import read_unverified, receipt_code, verify_receipt
from residence.wire.signing import SigningKey
from residence.wire.times import Times

SettlementState = Literal["kept", "sent", "received", "accepted", "refused", "conflicting"]
_ROWS: Final = "SELECT sequence, declaration_id, schema, envelope, kept_at FROM outbox"
SETTLED_KEPT: Final = 2000  # receipts held for the screen; by number, never by clock


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The promise to the person at the screen. ``code`` is the receipt code, known before the receipt is."""

    declaration_id: str
    code: str
    kept_at: str
    own_code: str = ""  # for the slip, and told this once


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """Where one declaration is."""

    state: SettlementState
    receipt: Receipt | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed statement waiting for its receipt."""

    sequence: int
    declaration_id: str
    schema: str
    envelope: bytes
    kept_at: str


class Outbox:
    """The kiosk's promises. Safe to call from several threads; ``on_change`` is called with a declaration id, outside locks."""

    def __init__(
        self,
        store: Store,
        *,
        kiosk_id: str,
        signer: SigningKey,
        provisioned: Keyring,
        machine: Machine,
        built_at: datetime,
        on_change: Callable[[str], None] | None = None,
    ) -> None:
        self.store: Final = store  # shared by whoever keeps something beside the rows
        self.signer: Final = signer
        self.clock: Final = machine.clock
        self._store = store
        self._clock_doubt = doubt = ClockDoubt(store)
        self._machine = msgspec.structs.replace(machine, clock_synced=lambda: machine.clock_synced() and not doubt.stands)
        self.clock_floor: Final = ClockFloor(store, built_at=built_at)
        self._sent: set[str] = set()
        self._lock = threading.RLock()
        self._listeners: list[Callable[[str], None]] = [on_change] if on_change else []
        self.anchor: Final = Anchor(store, provisioned=provisioned)
        epoch = _epoch(store, machine)
        self._sessions = SessionCount(store, epoch=epoch, random_bytes=machine.random_bytes)
        self._declaring = Declaring(
            kiosk_id=kiosk_id,
            epoch=epoch,
            signer=signer,
            keyring=lambda: self.anchor.keyring,
            machine=self._machine,
        )
        self.full = store.read_only

    @property
    def kiosk_id(self) -> str:
        """Return whose outbox this is."""
        return self._declaring.kiosk_id

    @property
    def epoch(self) -> str:
        """Return the id of this outbox's life; new when the database is new."""
        return self._declaring.epoch

    def listen(self, on_change: Callable[[str], None]) -> None:
        """Call ``on_change(declaration_id)`` after each change of a settlement."""
        self._listeners.append(on_change)

    def keep(self, message: Statement) -> Kept:
        """Seal and commit one statement, or raise ``Refused("outbox.disk_full")`` with nothing written."""
        with self._lock:
            known = self._kept_before(message.declaration_id)
            if known is not None:
                return known
            try:
                sealed = self._store_sealed(message)
            except Refused:
                self.full = True
                raise
            self.full = False
        own_id = sealed.declaration_id
        self._changed(own_id)
        return Kept(declaration_id=own_id, code=receipt_code(own_id), kept_at=sealed.kept_at, own_code=sealed.own_code)

    def settlement(self, declaration_id: str) -> Settlement | None:
        """Return where a declaration is, or None when this outbox has never heard of it (or long ago)."""
        settled = self._store.read("SELECT state, receipt FROM settled WHERE declaration_id = ?", (declaration_id,))
        if settled:
            return Settlement(state=settled[0][0], receipt=read_unverified(settled[0][1]))
        if self._store.read("SELECT 1 FROM outbox WHERE declaration_id = ?", (declaration_id,)):
            return Settlement(state="sent" if declaration_id in self._sent else "kept")
        return None

    def declaration_of(self, code: str) -> str | None:
        """Return the declaration that has this receipt code, among those that wait here and the last that were settled."""
        known = self._store.read("SELECT declaration_id FROM outbox UNION SELECT declaration_id FROM settled")
        return next((each[0] for each in known if receipt_code(each[0]) == code), None)

    def depth(self) -> int:
        """Return how many statements wait for their receipt."""
        return int(self._store.read("SELECT count(*) FROM outbox")[0][0])

    def oldest_unsent_at(self) -> str | None:
        """Return when the oldest waiting statement was kept, by the kiosk's clock."""
        rows = self._store.read("SELECT kept_at FROM outbox ORDER BY sequence LIMIT 1")
        return str(rows[0][0]) if rows else None

    def unsettled(self, limit: int, *, after: int = 0) -> list[Row]:
        """Return waiting rows with a sequence number above ``after``, oldest first."""
        return [_row(each) for each in self._store.read(f"{_ROWS} WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit))]

    def row(self, declaration_id: str) -> Row | None:
        """Return one waiting row."""
        return next((_row(each) for each in self._store.read(f"{_ROWS} WHERE declaration_id = ?", (declaration_id,))), None)

    def mark_sent(self, declaration_id: str) -> None:
        """Note that the broker took a row. Held in memory: after a restart the row is simply sent again."""
        with self._lock:
            new = declaration_id not in self._sent
            self._sent.add(declaration_id)
        if new:
            self._changed(declaration_id)

    def settle(self, receipt_bytes: bytes) -> Receipt:
        """Verify a receipt and let its row go, or raise ``Malformed`` / ``Untrusted`` with the row untouched.

        A later receipt about the same declaration (received, then accepted) replaces the earlier one; a repeated one is harmless.
        """
        receipt = verify_receipt(receipt_bytes, keyring=self.anchor.keyring)
        with self._lock:
            changed = self._store.write_from_reserve(lambda cursor: _record_settlement(cursor, receipt, receipt_bytes))
            number = receipt.sequence or 0 if receipt.epoch == self.epoch else 0  # numbers of another life say nothing here
            self.answered(parse_instant(receipt.accepted_at), statement=number, refused=is_refused(receipt))
            self._sent.discard(receipt.declaration_id)
            if self._store.restore_ballast():
                self.full = False
        if changed:
            self._changed(receipt.declaration_id)
        return receipt

    def answered(self, at: datetime, *, statement: int = 0, event: int = 0, refused: bool = False) -> None:
        """Take an answer to a statement or an event of ours, signed at this moment, into account for the clock."""
        contradicted = self.clock_floor.answered(at, statement=statement, event=event)
        self._clock_doubt.hear(at, wall=self._machine.clock.now(), refused=refused, contradicted=contradicted)

    def time_state(self) -> TimeState:
        """Return how far the kiosk trusts its clock now."""
        return self.times().time_state

    def times(self) -> Times:
        """Read all clocks at once."""
        return self._declaring.times(previous=self._last_times(), floor=self.not_before())

    def floor(self) -> datetime:
        """Return the newest time that is certainly over (``clock_floor.py``)."""
        return self.clock_floor.certain()

    def not_before(self) -> datetime:
        """Return the moment before which this start's wall clock cannot be right."""
        return self.clock_floor.before(self._machine.boot_id, confirmed=self._machine.clock_synced())

    def next_session(self) -> Session:
        """Return the next connection's number, and by what it is counted."""
        return self._sessions.next()

    def rest(self) -> None:
        """Wipe the data key when its time is over, and look whether the disk is full, mended, or cannot be written; call now and then."""
        self._declaring.expire_key()
        self.full = not self._store.restore_ballast()

    def close(self) -> None:
        """Wipe the data key and close the store."""
        self._declaring.wipe()
        self._store.close()

    def _kept_before(self, declaration_id: str) -> Kept | None:
        waiting = self._store.read("SELECT kept_at FROM outbox WHERE declaration_id = ?", (declaration_id,))
        if waiting:
            return Kept(declaration_id=declaration_id, code=receipt_code(declaration_id), kept_at=waiting[0][0])
        settled = self._store.read("SELECT receipt FROM settled WHERE declaration_id = ?", (declaration_id,))
        if settled:
            receipt = read_unverified(settled[0][0])
            return Kept(declaration_id=declaration_id, code=receipt.code, kept_at=receipt.kept_at or receipt.accepted_at)
        return None

    def _store_sealed(self, message: Statement) -> Sealed:
        if not self._store.restore_ballast():  # the reserve is for settling, never for new promises
            raise Refused("outbox.disk_full", "", "no room for the reserve file")
        previous, floor = self._last_times(), self.not_before()
        with self._store.transaction(growing=True) as cursor:
            sequence = int(self._store.fact("last_sequence") or 0) + 1
            sealed = self._declaring.seal(message, sequence=sequence, previous=previous, floor=floor)
            _insert(cursor, sequence, sealed)
            remember(cursor, "last_sequence", str(sequence))
            remember(cursor, "last_times", msgspec.json.encode(sealed.times).decode())
            self.clock_floor.said(cursor, sealed.times, statement=sequence)
        return sealed

    def _last_times(self) -> Times | None:
        text = self._store.fact("last_times")
        return msgspec.json.decode(text, type=Times) if text else None

    def _changed(self, declaration_id: str) -> None:
        for listener in self._listeners:
            listener(declaration_id)


def _epoch(store: Store, machine: Machine) -> str:
    epoch = store.fact("epoch")
    if epoch is None:
        epoch = str(UUID(bytes=machine.random_bytes(16), version=4))
        with store.transaction() as cursor:
            remember(cursor, "epoch", epoch)
    return epoch


def _insert(cursor: Cursor, sequence: int, sealed: Sealed) -> None:
    cursor.execute(
        "INSERT INTO outbox(sequence, declaration_id, schema, digest, envelope, kept_at) VALUES(?, ?, ?, ?, ?, ?)",
        (sequence, sealed.declaration_id, sealed.schema, sealed.digest, sealed.envelope, sealed.kept_at),
    )


def _record_settlement(cursor: Cursor, receipt: Receipt, receipt_bytes: bytes) -> bool:
    """Move a statement from waiting to settled, and tell whether anything changed."""
    key = (receipt.declaration_id,)
    waiting = cursor.execute("SELECT digest FROM outbox WHERE declaration_id = ?", key).fetchone()
    settled = cursor.execute("SELECT digest, state, receipt FROM settled WHERE declaration_id = ?", key).fetchone()
    known: Any = waiting or settled
    if known is None:
        return False  # a receipt for an earlier life of this kiosk's outbox: nothing waits for it
    if known[0].hex() != receipt.body_digest:
        raise Untrusted("receipt.other_content", "/body_digest", receipt.declaration_id)
    if receipt.state == "kept" or (settled and (settled[2] == receipt_bytes or receipt.state == "received")):
        return False
    cursor.execute("DELETE FROM outbox WHERE declaration_id = ?", key)
    position = cursor.execute("SELECT coalesce(max(position), 0) + 1 FROM settled").fetchone()[0]
    cursor.execute(
        "INSERT INTO settled(declaration_id, position, state, digest, receipt) VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT(declaration_id) DO UPDATE SET state = excluded.state, receipt = excluded.receipt",
        (receipt.declaration_id, position, receipt.state, known[0], receipt_bytes),
    )
    cursor.execute("DELETE FROM settled WHERE position <= ?", (position - SETTLED_KEPT,))
    return True


def _row(each: Any) -> Row:
    return Row(sequence=each[0], declaration_id=each[1], schema=each[2], envelope=each[3], kept_at=each[4])
