"""Who may pass which door, as the authority signs it: hashes of random tokens, no name, no number, no unit.

- A token is 16 random bytes drawn for one stay. The list holds ``SHA-256(kind, token)``: whoever steals it can open nothing and learns of
  nobody (2^128 guesses). The kind keeps what was read in one way from serving in another.
- A PIN is never on the list: ``pin_hash`` is a hash of token and PIN together, so without the token its few digits cannot be tried.
- A list travels in parts of one version, signed each for itself (key use ``door-list``); a kiosk goes by a version when it has all of it.
- Orders come in between, at once: revoked hashes, modes of doors, and how often anti-passback was forgiven. Their serial must rise.
- Both are judged by the key in force when they were issued, never by the kiosk's clock, which may be wrong.

Example: ``part = accept_part(data, keyring=ring, site="blk-hoa-binh"); part.entries[0].window``
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

import msgspec

from residence.clock import parse_instant
from residence.doors.words import DoorMode
from residence.errors import Malformed, Untrusted
from residence.wire import signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

LIST_TYPE: Final = "application/vnd.luutru.door-list+json"
ORDERS_TYPE: Final = "application/vnd.luutru.door-orders+json"
TOKEN_BYTES: Final = 16
PIN_HASH_BYTES: Final = 16
ENTRIES_A_PART: Final = 80  # a part stays below the 15 KiB a broker takes
MOST_PARTS: Final = 64
MOST_DOORS: Final = 30
MOST_REVOKED: Final = 200
MAX_BYTES: Final = 15 * 1024

TokenKind = Literal["pass", "nfc", "card"]  # the phone's code, an application on a card or phone, a number of a card
_Kind = TypeVar("_Kind")

# Flags of an entry.
EXTENDED: Final = 1  # the door stays unlocked longer for this person
ANY_TIME: Final = 2  # schedules do not bind: staff
OVERRIDE: Final = 4  # passes a lock-down: staff of the house in an emergency
NO_PASSBACK: Final = 8  # anti-passback does not bind
ALONE: Final = 16  # the two-person rule does not bind
PIN_ALWAYS: Final = 32  # the token alone is not enough at any door


class DoorCredential(msgspec.Struct, frozen=True, array_like=True):
    """One entry: the hash, the doors as bits by their place on the list, the window as seconds since 1970, the flags."""

    token_hash: bytes
    doors: int
    not_before: int
    not_after: int
    flags: int = 0
    pin_hash: bytes = b""
    duress_hash: bytes = b""


class DoorListPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of one version of a site's list. ``doors``: the names the bits stand for."""

    site: str
    version: int
    part: int
    parts: int
    issued: str
    expires: str
    doors: tuple[str, ...]
    entries: tuple[DoorCredential, ...]


class DoorOrders(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds at once, whatever the list says."""

    site: str
    serial: int
    issued: str
    revoked: tuple[bytes, ...] = ()
    modes: dict[str, DoorMode] = {}
    forgiven: int = 0  # anti-passback begins anew whenever this is another number


def token_hash(token: bytes, kind: TokenKind) -> bytes:
    """Return what a list holds of a token."""
    return hashlib.sha256(b"luutru door " + kind.encode() + b"\0" + token).digest()


def pin_hash(token: bytes, pin: str) -> bytes:
    """Return what a list holds of a token's PIN."""
    return hashlib.sha256(b"luutru door pin\0" + token + pin.encode()).digest()[:PIN_HASH_BYTES]


def duress_pin(pin: str) -> str:
    """Return the PIN that opens and calls for help: the last digit one higher.

    >>> duress_pin("2049")
    '2040'
    """
    return pin[:-1] + str((int(pin[-1]) + 1) % 10)


def split_list(entries: Sequence[DoorCredential]) -> list[tuple[DoorCredential, ...]]:
    """Cut a list into parts that travel; an empty list is one empty part. ``Malformed("door.list_malformed")``: too many."""
    parts = [tuple(entries[start : start + ENTRIES_A_PART]) for start in range(0, len(entries), ENTRIES_A_PART)] or [()]
    if len(parts) > MOST_PARTS:
        raise Malformed("door.list_malformed", "/entries", f"{len(entries)} entries")
    return parts


def sign_part(part: DoorListPart, signer: SigningKey) -> bytes:
    """Return the signed part."""
    return signing.sign1(msgspec.json.encode(part), LIST_TYPE, signer)


def sign_orders(orders: DoorOrders, signer: SigningKey) -> bytes:
    """Return the signed orders."""
    return signing.sign1(msgspec.json.encode(orders), ORDERS_TYPE, signer)


def accept_part(data: bytes, *, keyring: Keyring, site: str) -> DoorListPart:
    """Return the part if the authority signed it for this site, or raise ``Malformed`` / ``Untrusted``."""
    parts = _opened(data, LIST_TYPE)
    part = _decoded(parts.payload, DoorListPart)
    _check(parts, issued=part.issued, site=(part.site, site), keyring=keyring)
    if not 0 <= part.part < part.parts <= MOST_PARTS or len(part.doors) > MOST_DOORS:
        raise Malformed("door.list_malformed", "/part")
    if any(len(each.token_hash) != hashlib.sha256().digest_size for each in part.entries):
        raise Malformed("door.list_malformed", "/entries")
    parse_instant(part.expires, "/expires")
    return part


def accept_orders(data: bytes, *, keyring: Keyring, site: str) -> DoorOrders:
    """Return the orders if the authority signed them for this site, or raise ``Malformed`` / ``Untrusted``."""
    parts = _opened(data, ORDERS_TYPE)
    orders = _decoded(parts.payload, DoorOrders)
    _check(parts, issued=orders.issued, site=(orders.site, site), keyring=keyring)
    return orders


def seconds(instant: datetime) -> int:
    """Return an instant as an entry writes it.

    >>> seconds(datetime(2026, 7, 10, 7, 0, tzinfo=UTC))
    1783666800
    """
    return int(instant.astimezone(UTC).timestamp())


def _opened(data: bytes, content_type: str) -> signing.Sign1Parts:
    if len(data) > MAX_BYTES:
        raise Malformed("door.list_malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, content_type)
    return parts


def _check(parts: signing.Sign1Parts, *, issued: str, site: tuple[str, str], keyring: Keyring) -> None:
    key = keyring.find_for_record(parts.key_id, "door-list", signed_at=parse_instant(issued, "/issued"))
    signing.check_parts(parts, key.public_key)
    said, ours = site
    if said != ours:
        raise Untrusted("door.list_elsewhere", "/site", said)


def _decoded(payload: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("door.list_malformed", "", str(error)) from error
