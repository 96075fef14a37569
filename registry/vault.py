"""Personal fields at rest: the one module that seals, opens and indexes them.

- Every field is AES-256-GCM under a key of its own subject (a person; or a premises, presence, account, dead letter). The
  associated data is table, column, row id and schema version, so a value moved to another cell does not open.
- A subject's key is stored wrapped under the period key of its commune (``registry/key_provider.py``), which the database never holds.
  Deleting the row in ``subject_keys`` deletes the subject.
- Blind indexes are HMAC-SHA-256, 16 bytes, keyed: numbers by kind; name words inside one commune only. Sex, birth date, nationality get
  none: few values, so an index would tell them.
- Sealed form: 1 byte version, 12 bytes nonce, ciphertext and tag.

Example: ``vault.open(key, Cell("persons", "full_name", person_id), row.full_name_sealed)``
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.key_provider import KEY_BYTES, NONCE_BYTES, KeyProvider
from residence.clock import VIETNAM
from residence.errors import Untrusted

SubjectKind = Literal["person", "premises", "presence", "account", "declaration", "quarantine", "guest-list", "webhook"]
INDEX_BYTES: Final = 16
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


class Vault:
    """Seals, opens and indexes. Holds unwrapped period keys, so one per process."""

    def __init__(self, provider: KeyProvider, *, random_bytes: Callable[[int], bytes]) -> None:
        self._provider = provider
        self._random_bytes = random_bytes
        self._period_ciphers: dict[str, AESGCM] = {}
        self._index_keys: dict[str, bytes] = {}
        self._remembered: dict[tuple[str, str, str], bytes] | None = None

    def for_batch(self) -> Vault:
        """Return this vault for one batch: it draws randomness in one go, and remembers the indexes it gives (one number's, five times)."""
        vault = copy(self)
        vault._random_bytes = drawn_ahead(self._random_bytes)  # noqa: SLF001 - its own kind
        vault._remembered = {}  # noqa: SLF001 - as above
        return vault

    def new_key(
        self, subject_id: str, kind: SubjectKind, *, commune_code: str, now: datetime
    ) -> tuple[SubjectKey, dict[str, Any]]:
        """Make a subject's key; returns it and the row for ``subject_keys`` the caller inserts in its transaction."""
        kek_id = period_key_id(commune_code, now)
        raw, nonce = self._random_bytes(KEY_BYTES), self._random_bytes(NONCE_BYTES)
        wrapped = nonce + self._period_cipher(kek_id, create=True).encrypt(nonce, raw, _wrap_context(subject_id, kek_id))
        row = {
            "commune_code": commune_code,
            "subject_id": subject_id,
            "subject_kind": kind,
            "kek_id": kek_id,
            "wrapped_key": wrapped,
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
        return {subject_id: self.unwrap(subject_id, kek_id, wrapped) for subject_id, kek_id, wrapped in rows}

    def unwrap(self, subject_id: str, kek_id: str, wrapped: bytes) -> SubjectKey:
        """Open one wrapped key, or raise ``Untrusted("vault.key_retired" | "vault.damaged")``."""
        try:
            raw = self._period_cipher(kek_id).decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _wrap_context(subject_id, kek_id)
            )
        except (InvalidTag, ValueError) as error:
            raise Untrusted("vault.damaged", "", f"key of {subject_id}") from error
        return SubjectKey(subject_id, AESGCM(raw))

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
            raise Untrusted("vault.damaged", "", ".".join(cell)) from error

    def open_text(self, key: SubjectKey, cell: Cell, sealed: bytes | None) -> str | None:
        """Open one text field; None stays None."""
        return None if sealed is None else self.open(key, cell, sealed).decode()

    def open_if_any(self, key: SubjectKey, cell: Cell, sealed: bytes | None) -> bytes | None:
        """Open a field whose content does not matter, to see that it opens; None stays None."""
        return None if sealed is None else self.open(key, cell, sealed)

    def number_index(self, kind: str, value: str) -> bytes:
        """Return the blind index of one identifier; the same in every commune, so that a person is found where they move to."""
        return self._index("number", kind, value)

    def token_index(self, commune_code: str, word: str) -> bytes:
        """Return the blind index of one word of a name, good inside one commune only."""
        return self._index("name", commune_code, word)

    def pseudonym(self, premises_id: str, identity: str) -> bytes:
        """Return who was seen, as far as one premises is concerned: two premises' pseudonyms cannot be joined without the key."""
        return self._index("pseudonym", premises_id, identity)

    def contact_index(self, phone: str) -> bytes:
        """Return the blind index of a telephone number: whoever gives the same one, in any commune."""
        return self._index("contact", "", phone)

    def state_digest(self, scope: str, state: bytes) -> str:
        """Return whether something changed and nothing else: the same data under another scope have another digest."""
        return hmac.digest(self._index_key("state"), scope.encode() + b"\x00" + state, "sha256")[:INDEX_BYTES].hex()

    def claim_secret(self, claim_id: str) -> bytes:
        """Return the 16 bytes by which a new kiosk and the authority know each other's word; kept nowhere, and shown with the claim."""
        return hmac.digest(self._index_key("claim"), claim_id.encode(), "sha256")[:INDEX_BYTES]

    def address_index(self, address: str) -> bytes:
        """Return the blind index of a network address in the audit of sign-in."""
        return self._index("address", "", address)

    def identity_index(self, issuer: str, subject: str) -> bytes:
        """Return the blind index of an identity of another provider: a subject may be somebody's number."""
        return self._make_index("identity", issuer, subject)

    def desk_key(self, account_id: str) -> bytes:
        """Return the 32-byte key under which an account's pages keep what they could not send."""
        return hmac.digest(self._index_key("desk"), account_id.encode(), "sha256")

    def visit_key(self, period: str) -> bytes:
        """Return the 32-byte X25519 key to which officers' phones seal the visits of one month."""
        return hmac.digest(self._index_key("visit"), period.encode(), "sha256")

    def link_proof(self, message_id: str) -> str:
        """Return what a message's link proves itself by: whoever has it was sent it; it is kept nowhere and is the same when sent again."""
        return self._make_index("link", "", message_id).hex()

    def source_index(self, source: str, kind: str, reference: str) -> bytes:
        """Return the blind index of a row of a file taken over: a register's own reference may be a number of its person."""
        return self._make_index("source", f"{source}\x00{kind}", reference)

    def holds(self, kek_id: str) -> bool:
        """Tell whether a period key is here and opens."""
        try:
            self._period_cipher(kek_id)
        except Untrusted:
            return False
        return True

    def retire(self, kek_id: str) -> None:
        """Destroy a period key; every key still wrapped under it is gone (``registry/rotation.py`` re-wraps the living first)."""
        self._period_ciphers.pop(kek_id, None)
        self._provider.retire(kek_id)

    def rewrap(self, row: dict[str, Any], *, now: datetime) -> dict[str, Any]:
        """Return a ``subject_keys`` row with its key wrapped under the current period's key."""
        subject_id = row["subject_id"]
        old = self._period_cipher(row["kek_id"])
        wrapped = row["wrapped_key"]
        raw = old.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _wrap_context(subject_id, row["kek_id"]))
        kek_id = period_key_id(row["commune_code"], now)
        nonce = self._random_bytes(NONCE_BYTES)
        renewed = nonce + self._period_cipher(kek_id, create=True).encrypt(nonce, raw, _wrap_context(subject_id, kek_id))
        return {**row, "kek_id": kek_id, "wrapped_key": renewed}

    def _period_cipher(self, kek_id: str, *, create: bool = False) -> AESGCM:
        cipher = self._period_ciphers.get(kek_id)
        if cipher is None:
            cipher = self._period_ciphers[kek_id] = AESGCM(self._provider.period_key(kek_id, create=create))
        return cipher

    def _index(self, purpose: str, scope: str, value: str) -> bytes:
        if self._remembered is None:
            return self._make_index(purpose, scope, value)
        asked = (purpose, scope, value)
        index = self._remembered.get(asked)
        if index is None:
            index = self._remembered[asked] = self._make_index(purpose, scope, value)
        return index

    def _make_index(self, purpose: str, scope: str, value: str) -> bytes:
        return hmac.digest(self._index_key(purpose), f"{scope}\x00{value}".encode(), "sha256")[:INDEX_BYTES]

    def _index_key(self, purpose: str) -> bytes:
        key = self._index_keys.get(purpose)
        if key is None:
            key = self._index_keys[purpose] = self._provider.index_key(purpose)
        return key


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
