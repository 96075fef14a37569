"""Personal fields at rest: the one module that seals, opens and indexes them.

- Every field is AES-256-GCM under a key of its own subject (a person; or a premises, presence, account, dead letter). The
  associated data is table, column, row id and schema version, so a value moved to another cell does not open.
- A subject's key is stored wrapped under the period key of its commune (``registry/key_provider.py``), which the database never holds.
  Deleting the row in ``subject_keys`` deletes the subject; a subject the key provider notes as erased is not opened, whatever a row says.
- Keys are rotated under load (``registry/key_rotation.py``): what is remembered here is forgotten as soon as anybody changed something.
- What is found without being opened has a blind index (``registry/blind_indexes.py``).
- Sealed form: 1 byte version, 12 bytes nonce, ciphertext and tag.

Example: ``vault.open(key, Cell("persons", "full_name", person_id), row.full_name_sealed)``
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from copy import copy
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.blind_indexes import BlindIndexes
from registry.index_keys import ROTATED
from registry.key_notes import Shredded
from registry.key_provider import KEY_BYTES, NONCE_BYTES, KeyProvider, Turn
from residence.clock import VIETNAM
from residence.errors import Untrusted

SubjectKind = Literal["person", "premises", "presence", "account", "declaration", "quarantine", "guest-list", "webhook", "path"]
_VERSION: Final = b"\x01"
_SCHEMA: Final = "1"


class Cell(NamedTuple):
    """Where a sealed value stands; part of what is authenticated."""

    table: str
    column: str
    row_id: str


class SubjectKey(NamedTuple):
    """An unwrapped key, in memory only."""

    subject_id: str
    cipher: AESGCM
    former: tuple[AESGCM, ...] = ()  # while the key is rotated: what it was, to open by and never to seal


class Vault(BlindIndexes):
    """Seals, opens and indexes. Holds unwrapped period keys, so one per process."""

    def __init__(self, provider: KeyProvider, *, random_bytes: Callable[[int], bytes]) -> None:
        super().__init__(provider.index_keys)
        self.provider: Final = provider
        self._random_bytes = random_bytes
        self._period_ciphers: dict[str, AESGCM] = {}
        self._shredded: Container[str] = ()
        self._erasing = False
        self._in_force: dict[str, str] = {}
        self._turn: Turn | None = None

    def for_batch(self) -> Vault:
        """Return this vault for one batch: it draws randomness in one go, and remembers the indexes it gives (one number's, five times)."""
        vault = copy(self)
        vault._random_bytes = drawn_ahead(self._random_bytes)  # noqa: SLF001 - its own kind
        vault._remembered = {}  # noqa: SLF001 - as above
        vault._batch_keys = {each: self._live_keys(each) for each in ROTATED}  # noqa: SLF001 - as above
        return vault

    def for_erasing(self) -> Vault:
        """Return this vault for finishing an erasure: what is noted as erased opens once more, to find what else is theirs."""
        vault = copy(self)
        vault._erasing = True  # noqa: SLF001 - its own kind
        vault._turn = None  # noqa: SLF001 - as above
        vault._period_ciphers, vault._in_force = {}, {}  # noqa: SLF001 - as above
        return vault

    def note_erased(self, given: Shredded) -> None:
        """Have the key provider note that a subject is never opened again."""
        self.provider.shred(given)

    def erased_subjects(self) -> Mapping[str, Shredded]:
        """Return who was noted as erased, whatever a database says."""
        return self.provider.shredded()

    def period_keys_of(self, commune_code: str) -> list[str]:
        """Return the names of a commune's period keys that are not destroyed."""
        return [each for each in self.provider.period_keys() if each.rpartition(":")[0] == commune_code]

    def new_key(
        self, subject_id: str, kind: SubjectKind, *, commune_code: str, now: datetime
    ) -> tuple[SubjectKey, dict[str, Any]]:
        """Make a subject's key; returns it and the row for ``subject_keys`` the caller inserts in its transaction."""
        kek_id = self.period_in_force(commune_code, now)
        raw = self._random_bytes(KEY_BYTES)
        row = {
            "commune_code": commune_code,
            "subject_id": subject_id,
            "subject_kind": kind,
            "kek_id": kek_id,
            "wrapped_key": self._wrap(subject_id, kek_id, raw),
            "created_at": now,
        }
        return SubjectKey(subject_id, AESGCM(raw)), row

    def load_keys(self, connection: Connection, subject_ids: Iterable[str]) -> dict[str, SubjectKey]:
        """Return the keys of those subjects that still have one, in one query. A missing subject was erased."""
        wanted = sorted(set(subject_ids))
        if not wanted:
            return {}
        columns = tables.subject_keys.c
        rows = connection.execute(
            select(columns.subject_id, columns.kek_id, columns.wrapped_key).where(among(columns.subject_id, wanted, connection))
        )
        return self.unwrap_living((subject_id, kek_id, wrapped) for subject_id, kek_id, wrapped in rows)

    def unwrap_living(self, rows: Iterable[tuple[str, str, bytes]]) -> dict[str, SubjectKey]:
        """Open wrapped keys (subject, period key, wrapped key); those of subjects noted as erased are left out."""
        self._follow()
        return {
            subject_id: _subject_key(subject_id, self._opened(subject_id, kek_id, wrapped))
            for subject_id, kek_id, wrapped in rows
            if subject_id not in self._shredded
        }

    def unwrap(self, subject_id: str, kek_id: str, wrapped: bytes) -> SubjectKey:
        """Open one wrapped key, or raise ``Untrusted("vault.key_retired" | "vault.damaged" | "vault.erased")``."""
        return _subject_key(subject_id, self._raw_keys(subject_id, kek_id, wrapped))

    def _raw_keys(self, subject_id: str, kek_id: str, wrapped: bytes) -> list[bytes]:
        """Return a subject's keys, the one in force first; more than one while it is rotated."""
        self._follow()
        return self._opened(subject_id, kek_id, wrapped)

    def _opened(self, subject_id: str, kek_id: str, wrapped: bytes) -> list[bytes]:
        """Open a wrapped key by what is remembered of the keys: the caller has followed."""
        cipher = self._period_cipher(kek_id)
        if subject_id in self._shredded:
            raise Untrusted("vault.erased", "", subject_id)
        try:
            raw = cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _wrap_context(subject_id, kek_id))
        except (InvalidTag, ValueError) as error:
            raise Untrusted("vault.damaged", "", f"key of {subject_id}") from error
        return [raw[at : at + KEY_BYTES] for at in range(0, len(raw), KEY_BYTES)]

    def seal(self, key: SubjectKey, cell: Cell, value: str | bytes | None) -> bytes | None:
        """Seal one field; None stays None."""
        if value is None:
            return None
        nonce = self._random_bytes(NONCE_BYTES)
        content = value.encode() if isinstance(value, str) else value
        return _VERSION + nonce + key.cipher.encrypt(nonce, content, _cell_context(cell))

    def open(self, key: SubjectKey, cell: Cell, sealed: bytes) -> bytes:
        """Open one field, or raise ``Untrusted("vault.damaged")``."""
        try:
            return key.cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], _cell_context(cell))
        except (InvalidTag, ValueError) as error:  # ValueError: cut short
            if key.former:  # its key is being rotated
                return self.open(SubjectKey(key.subject_id, key.former[0], key.former[1:]), cell, sealed)
            raise Untrusted("vault.damaged", "", ".".join(cell)) from error

    def open_text(self, key: SubjectKey, cell: Cell, sealed: bytes | None) -> str | None:
        """Open one text field; None stays None."""
        return None if sealed is None else self.open(key, cell, sealed).decode()

    def open_if_any(self, key: SubjectKey, cell: Cell, sealed: bytes | None) -> bytes | None:
        """Open a field whose content does not matter, to see that it opens; None stays None."""
        return None if sealed is None else self.open(key, cell, sealed)

    def holds(self, kek_id: str) -> bool:
        """Tell whether a period key is here and opens."""
        self._follow()
        try:
            self._period_cipher(kek_id)
        except Untrusted:
            return False
        return True

    def period_in_force(self, commune_code: str, now: datetime) -> str:
        """Return the name of the period key that new keys of a commune are wrapped under."""
        self._follow()
        period = period_key_id(commune_code, now)
        if period not in self._in_force:
            self._in_force[period] = self.provider.generation(period)
        return self._in_force[period]

    def rewrap(self, row: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
        """Return a ``subject_keys`` row with its key wrapped under the period key in force."""
        subject_id, kek_id = row["subject_id"], self.period_in_force(row["commune_code"], now)
        raw = b"".join(self._raw_keys(subject_id, row["kek_id"], row["wrapped_key"]))
        return {**row, "kek_id": kek_id, "wrapped_key": self._wrap(subject_id, kek_id, raw)}

    def with_new_key(self, row: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
        """Return a ``subject_keys`` row with a new key in force and the former ones behind it, to open what they sealed."""
        subject_id, kek_id = row["subject_id"], self.period_in_force(row["commune_code"], now)
        raw = [self._random_bytes(KEY_BYTES), *self._raw_keys(subject_id, row["kek_id"], row["wrapped_key"])]
        return {**row, "kek_id": kek_id, "wrapped_key": self._wrap(subject_id, kek_id, b"".join(raw))}

    def with_first_key_only(self, row: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
        """Return a ``subject_keys`` row with the key in force alone: what was sealed by the former ones is gone."""
        subject_id, kek_id = row["subject_id"], self.period_in_force(row["commune_code"], now)
        raw = self._raw_keys(subject_id, row["kek_id"], row["wrapped_key"])
        return {**row, "kek_id": kek_id, "wrapped_key": self._wrap(subject_id, kek_id, raw[0])}

    def _wrap(self, subject_id: str, kek_id: str, raw: bytes) -> bytes:
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + self._period_cipher(kek_id, create=True).encrypt(nonce, raw, _wrap_context(subject_id, kek_id))

    def _follow(self) -> None:
        """Forget what is remembered of the keys if anybody changed something about them since."""
        turn = self.provider.turn()
        if turn != self._turn:
            self._shredded = () if self._erasing else self.provider.shredded()
            self._period_ciphers.clear()
            self._in_force.clear()
            self._index_keys.clear()
            self._turn = turn

    def _period_cipher(self, kek_id: str, *, create: bool = False) -> AESGCM:
        cipher = self._period_ciphers.get(kek_id)
        if cipher is None:
            cipher = self._period_ciphers[kek_id] = AESGCM(self.provider.period_key(kek_id, create=create))
        return cipher


def _subject_key(subject_id: str, raw: list[bytes]) -> SubjectKey:
    first, *former = raw
    return SubjectKey(subject_id, AESGCM(first), tuple(map(AESGCM, former)))


def drawn_ahead(random_bytes: Callable[[int], bytes], drawn: int = 4096) -> Callable[[int], bytes]:
    """Return the same randomness with fewer calls to its source: one declaration needs a dozen small pieces. No piece is given twice."""
    pool, used = b"", 0

    def take(count: int) -> bytes:
        nonlocal pool, used
        if used + count > len(pool):
            pool, used = random_bytes(max(drawn, count)), 0
        used += count
        return pool[used - count : used]

    return take


def period_key_id(commune_code: str, now: datetime) -> str:
    """Name the period key in force: one per commune and calendar year in Vietnam."""
    return f"{commune_code}:{now.astimezone(VIETNAM).year}"


def _cell_context(cell: Cell) -> bytes:
    return "\x00".join((*cell, _SCHEMA)).encode()


def _wrap_context(subject_id: str, kek_id: str) -> bytes:
    return f"subject key\x00{subject_id}\x00{kek_id}".encode()
