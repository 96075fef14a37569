"""The envelope's header: everything about a declaration that a hop may know, and nothing about the person.

- A deterministic CBOR map with small integer labels (table ``_LABELS``). Labels 1 to 31 are critical: an unknown one is refused.
  Labels from 32 on may be added later and are carried along unread, signed like the rest.
- UUIDs are 16 bytes on the wire and text in Python; ``sequence`` starts at 1 and has no gaps within an epoch.

Example: ``decode_header(encode_header(header)) == header``
"""

from __future__ import annotations

import re
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from residence.clock import TimeState, parse_instant
from residence.errors import Malformed
from residence.wire import cbor
from residence.wire.datakey import NONCE_BYTES, WRAPPED_BYTES
from residence.wire.times import Times

VERSION: Final = 1
MAX_HEADER_BYTES: Final = 1024
MAX_TEXT: Final = 64
FIRST_FREE_LABEL: Final = 32
MAX_SEQUENCE: Final = (1 << 63) - 1
DIGEST_BYTES: Final = 32
_TIME_STATES: Final = frozenset({"unset", "rtc_only", "synced", "jumped"})
_TIMES_PARTS: Final = 4
_CANONICAL_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# name -> label on the wire
_LABELS: Final = {
    "version": 1,
    "kiosk_id": 2,
    "key_id": 3,
    "recipient_key_id": 4,
    "epoch": 5,
    "sequence": 6,
    "declaration_id": 7,
    "schema": 8,
    "times": 9,
    "body_digest": 10,
    "data_key_id": 11,
    "wrapped_key": 12,
    "nonce": 13,
}


# A header as every kiosk writes it: thirteen labels in order, texts of printable ASCII. What fits is read at a third of the price of a
# general decoder; what does not is left to that one. Lengths and shortest forms, which a pattern cannot tell, are checked after it.
_TEXT: Final = rb"([\x61-\x77]|\x78[\x18-\x40])([ -~]{1,64})"
_UINT: Final = rb"([\x00-\x17]|\x18.|\x19.{2}|\x1a.{4}|\x1b.{8})"
_USUAL: Final = re.compile(
    rb"\xad\x01\x01\x02" + _TEXT + rb"\x03" + _TEXT + rb"\x04" + _TEXT + rb"\x05\x50(.{16})\x06" + _UINT
    + rb"\x07\x50(.{16})\x08" + _TEXT + rb"\x09\x84\x50(.{16})" + _UINT + _TEXT + rb"(\x65unset|\x68rtc_only|\x66synced|\x66jumped)"
    + rb"\x0a\x58\x20(.{32})\x0b\x50(.{16})\x0c\x58\x50(.{80})\x0d\x4c(.{12})",
    re.DOTALL,
)  # fmt: skip


_SMALLER: Final = {
    2: 23,
    3: (1 << 8) - 1,
    5: (1 << 16) - 1,
    9: (1 << 32) - 1,
}  # length with its head -> the most a shorter one holds


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The signed, readable part of an envelope."""

    version: int
    kiosk_id: str
    key_id: str
    recipient_key_id: str
    epoch: str  # UUID, new at each birth of an outbox
    sequence: int
    declaration_id: str  # UUIDv7
    schema: str
    times: Times
    body_digest: bytes  # SHA-256 of the body, 32 bytes
    data_key_id: str  # 32 hex digits
    wrapped_key: bytes
    nonce: bytes


def encode_header(header: Header) -> bytes:
    """Write the header; the result is what is signed and what the seal is bound to.

    An id that is not a UUID in its canonical spelling is ``Malformed("header.malformed")``: it would come back changed.
    """
    times = header.times
    for name, text in (("epoch", header.epoch), ("declaration_id", header.declaration_id), ("times/0", times.boot_id)):
        if not _CANONICAL_UUID.fullmatch(text):
            raise Malformed("header.malformed", f"/{name}")
    values: dict[str, Any] = {
        **{name: getattr(header, name) for name in _LABELS},
        "epoch": UUID(header.epoch).bytes,
        "declaration_id": UUID(header.declaration_id).bytes,
        "times": [UUID(times.boot_id).bytes, times.monotonic_ns, times.wall, times.time_state],
        "data_key_id": bytes.fromhex(header.data_key_id),
    }
    return cbor.encode({label: values[name] for name, label in _LABELS.items()})


def decode_header(data: bytes) -> Header:
    """Read a header, or raise ``Malformed("header.*")`` with a pointer to the field."""
    if len(data) > MAX_HEADER_BYTES:
        raise Malformed("header.too_long")
    return _read_usual(data) or _read_any(data)


def _read_usual(data: bytes) -> Header | None:
    """Return a header of the usual form, None for every other: ``_read_any`` reads it or says what is wrong."""
    match = _USUAL.fullmatch(data)
    if match is None:
        return None
    kiosk, kiosk_id, key, key_id, recipient, recipient_key_id, epoch, sequence, own_id, name, schema, boot_id, *rest = (
        match.groups()
    )
    monotonic, wall_head, wall, time_state, body_digest, data_key_id, wrapped_key, nonce = rest
    for head, text in ((kiosk, kiosk_id), (key, key_id), (recipient, recipient_key_id), (name, schema), (wall_head, wall)):
        if head[-1] - (0x60 if len(head) == 1 else 0) != len(text):
            return None
    numbers = _shortest(sequence), _shortest(monotonic)
    if not 1 <= numbers[0] <= MAX_SEQUENCE or not 0 <= numbers[1] <= MAX_SEQUENCE:
        return None
    written = wall.decode()
    parse_instant(written, "/times/2")
    return Header(
        version=VERSION,
        kiosk_id=kiosk_id.decode(),
        key_id=key_id.decode(),
        recipient_key_id=recipient_key_id.decode(),
        epoch=_uuid(epoch),
        sequence=numbers[0],
        declaration_id=_uuid(own_id),
        schema=schema.decode(),
        times=Times(
            boot_id=_uuid(boot_id), monotonic_ns=numbers[1], wall=written, time_state=cast("TimeState", time_state[1:].decode())
        ),
        body_digest=body_digest,
        data_key_id=data_key_id.hex(),
        wrapped_key=wrapped_key,
        nonce=nonce,
    )


def _shortest(head: bytes) -> int:
    """Return an unsigned integer, -1 when it could have been written shorter (RFC 8949 section 4.2.1)."""
    if len(head) == 1:
        return head[0]
    value = int.from_bytes(head[1:], "big")
    return value if value > _SMALLER[len(head)] else -1


def _read_any(data: bytes) -> Header:
    fields = cbor.decode(data, code="header.malformed")
    if not isinstance(fields, dict):
        raise Malformed("header.malformed", "", "not a map")
    _check_labels(fields)
    if type(fields[1]) is not int or fields[1] != VERSION:  # True == 1 in Python, not on the wire
        raise Malformed("header.version", "/version", f"version {fields[1]!r}")
    return Header(
        version=VERSION,
        kiosk_id=_text(fields, "kiosk_id"),
        key_id=_text(fields, "key_id"),
        recipient_key_id=_text(fields, "recipient_key_id"),
        epoch=_uuid(_bytes(fields, "epoch", 16)),
        sequence=_sequence(fields),
        declaration_id=_uuid(_bytes(fields, "declaration_id", 16)),
        schema=_text(fields, "schema"),
        times=_times(fields[_LABELS["times"]]),
        body_digest=_bytes(fields, "body_digest", DIGEST_BYTES),
        data_key_id=_bytes(fields, "data_key_id", 16).hex(),
        wrapped_key=_bytes(fields, "wrapped_key", WRAPPED_BYTES),
        nonce=_bytes(fields, "nonce", NONCE_BYTES),
    )


def _check_labels(fields: dict[Any, Any]) -> None:
    for label in fields:
        if type(label) is not int or label < 1:
            raise Malformed("header.malformed", "", "labels are positive integers")
        if label < FIRST_FREE_LABEL and label not in _LABELS.values():
            raise Malformed("header.unknown_label", "", f"label {label}")
    missing = [name for name, label in _LABELS.items() if label not in fields]
    if missing:
        raise Malformed("header.missing", f"/{missing[0]}")


def _text(fields: dict[int, Any], name: str) -> str:
    value = fields[_LABELS[name]]
    if type(value) is not str or not 0 < len(value) <= MAX_TEXT:
        raise Malformed("header.malformed", f"/{name}")
    return value


def _bytes(fields: dict[int, Any], name: str, length: int) -> bytes:
    value = fields[_LABELS[name]]
    if type(value) is not bytes or len(value) != length:
        raise Malformed("header.malformed", f"/{name}")
    return value


def _uuid(value: bytes) -> str:
    """Return the text form; ten times faster than ``uuid.UUID``, and this is the gateway's hot path."""
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _sequence(fields: dict[int, Any]) -> int:
    value = fields[_LABELS["sequence"]]
    if type(value) is not int or not 1 <= value <= MAX_SEQUENCE:
        raise Malformed("header.malformed", "/sequence")
    return value


def _times(value: Any) -> Times:
    shapes = (bytes, int, str, str)
    if not isinstance(value, list) or len(value) != _TIMES_PARTS or tuple(map(type, value)) != shapes:
        raise Malformed("header.malformed", "/times")
    boot_id, monotonic_ns, wall, time_state = value
    if len(boot_id) != 16 or not 0 <= monotonic_ns <= MAX_SEQUENCE or len(wall) > MAX_TEXT or time_state not in _TIME_STATES:  # noqa: PLR2004
        raise Malformed("header.malformed", "/times")
    parse_instant(wall, "/times/2")
    return Times(boot_id=_uuid(boot_id), monotonic_ns=monotonic_ns, wall=wall, time_state=time_state)
