"""Keyed digests by which sealed values are found, compared or proved without being opened.

- HMAC-SHA-256, 16 bytes: numbers by kind; name words inside one commune only. Sex, birth date, nationality get none: few values, so an
  index would tell them.
- The keys come from the vault's key provider and are never in the database; each purpose has its own.
- While the key of numbers, name words and telephones is rotated an index is one of two: it is compared and written as the one in force, and
  ``every`` names both for whoever asks the database. One batch keeps the keys it began with.

Example: ``vault.number_index("personal", "001095000117")``
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from registry.index_keys import ROTATED

INDEX_BYTES: Final = 16


class TwofoldIndex(bytes):
    """An index while its key is rotated: the bytes a row is written with, and what rows may still, or already, say instead."""

    others: tuple[bytes, ...] = ()


def every(index: bytes) -> tuple[bytes, ...]:
    """Return all the forms in which rows may hold an index; nearly always one."""
    return (bytes(index), *index.others) if isinstance(index, TwofoldIndex) else (index,)


class BlindIndexes:
    """The part of a vault that makes indexes. ``keys_of``: purpose -> its 32-byte keys, the one that writes first."""

    def __init__(self, keys_of: Callable[[str], tuple[bytes, ...]]) -> None:
        self._keys_of = keys_of
        self._index_keys: dict[str, tuple[bytes, ...]] = {}
        self._batch_keys: dict[str, tuple[bytes, ...]] = {}
        self._remembered: dict[tuple[str, str, str], bytes] | None = None

    def number_index(self, kind: str, value: str) -> bytes:
        """Return the blind index of one identifier; the same in every commune, so that a person is found where they move to."""
        return self._index("number", kind, value)

    def in_two_forms(self) -> bool:
        """Tell whether rows may hold an index of numbers in two forms now."""
        return len(self._live_keys("number")) > 1

    def index_marks(self) -> tuple[str, ...]:
        """Return what tells the keys of numbers apart, the one in force first; nothing follows from it."""
        return tuple(form.hex() for form in every(self._make_index("number", "mark", "")))

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

    def deletion_code(self, person_id: str) -> bytes:
        """Return what the code of a person's certificate of deletion is made of; kept nowhere, and the same before and after."""
        return self._make_index("deletion", "", person_id)

    def stay_code_seed(self, declaration_id: str, issue: int) -> bytes:
        """Return the 16 bytes a desk's code for a stay follows from; kept nowhere, another for each issue."""
        return self._make_index("stay-code", str(issue), declaration_id)

    def source_index(self, source: str, kind: str, reference: str) -> bytes:
        """Return the blind index of a row of a file taken over: a register's own reference may be a number of its person."""
        return self._make_index("source", f"{source}\x00{kind}", reference)

    def _index(self, purpose: str, scope: str, value: str) -> bytes:
        if self._remembered is None:
            return self._make_index(purpose, scope, value)
        asked = (purpose, scope, value)
        index = self._remembered.get(asked)
        if index is None:
            index = self._remembered[asked] = self._make_index(purpose, scope, value)
        return index

    def _make_index(self, purpose: str, scope: str, value: str) -> bytes:
        said = f"{scope}\x00{value}".encode()
        made = [hmac.digest(key, said, "sha256")[:INDEX_BYTES] for key in self._live_keys(purpose)]
        if len(made) == 1:
            return made[0]
        index = TwofoldIndex(made[0])
        index.others = tuple(made[1:])
        return index

    def _index_key(self, purpose: str) -> bytes:
        return self._live_keys(purpose)[0]

    def _live_keys(self, purpose: str) -> tuple[bytes, ...]:
        batch = self._batch_keys.get(purpose)
        if batch is not None:
            return batch
        if purpose in ROTATED:
            self._follow()
        keys = self._index_keys.get(purpose)
        if keys is None:
            keys = self._index_keys[purpose] = self._keys_of(purpose)
        return keys

    def _follow(self) -> None:
        """Forget what is remembered of the keys if anybody changed something about them since; the vault knows how."""
