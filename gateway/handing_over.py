"""A batch with its readings as one byte string, from the reader process to the one that records.

- A third of what pickling costs on either side, and no code travels: decoded into declared shapes only.
- The message itself is not packed: its JSON is in the body that was signed, and is read from there again.
- Bytes never leave the two processes of one gateway; the form may change with every version.

Example: ``unpack(pack(deliveries)) == deliveries``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

import msgspec

from gateway.port import Delivery
from gateway.reading import Answer, Read, SetAside, statement_of
from registry.kiosks import Enrolment
from residence.stays.declaration import StayDeclaration
from residence.wire.envelope import SALT_BYTES, Header
from residence.wire.messages import Presence, decode_message
from residence.wire.topics import Topic


class _Held(msgspec.Struct, frozen=True, array_like=True):
    """What a ``Read`` holds beside its delivery."""

    topic: Topic
    header: Header
    enrolment: Enrolment
    body: bytes
    signed: bytes
    at: datetime


class _Failed(msgspec.Struct, frozen=True, array_like=True):
    """What a ``SetAside`` holds beside its delivery."""

    code: str
    detail: str
    topic: Topic | None
    header: Header | None
    answer: Answer | None
    enrolment: Enrolment | None


class _Handed(msgspec.Struct, frozen=True, array_like=True):
    """One delivery; neither ``held`` nor ``failed`` when it could not be read now."""

    topic: str
    payload: bytes
    connection: int
    message_id: int
    held: _Held | None = None
    failed: _Failed | None = None


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[_Handed])


def pack(deliveries: Sequence[Delivery]) -> bytes:
    """Write a batch."""
    return _ENCODER.encode([_handed(each) for each in deliveries])


def unpack(data: bytes) -> list[Delivery]:
    """Read a batch as it was packed."""
    return [_delivery(each) for each in _DECODER.decode(data)]


def _handed(delivery: Delivery) -> _Handed:
    reading = delivery.reading
    held = failed = None
    if isinstance(reading, Read):
        statement = reading.statement
        signed = statement.source.signed if statement.source else b""
        held = _Held(reading.topic, reading.header, reading.enrolment, statement.body, signed, statement.received_at)
    elif isinstance(reading, SetAside):
        failed = _Failed(reading.code, reading.detail, reading.topic, reading.header, reading.answer, reading.enrolment)
    return _Handed(delivery.topic, delivery.payload, delivery.connection, delivery.message_id, held, failed)


def _delivery(handed: _Handed) -> Delivery:
    bare = _bare(handed)
    reading: Read | SetAside
    if handed.held is not None:
        reading = _read(bare, handed.held)
    elif handed.failed is not None:
        reading = SetAside(delivery=bare, **msgspec.structs.asdict(handed.failed))
    else:
        return bare
    return _bare(handed, reading)


def _bare(handed: _Handed, reading: Read | SetAside | None = None) -> Delivery:
    return Delivery(
        topic=handed.topic,
        payload=handed.payload,
        connection=handed.connection,
        message_id=handed.message_id,
        reading=reading,
    )


def _read(bare: Delivery, held: _Held) -> Read:
    header = held.header
    message = cast("StayDeclaration | Presence", decode_message(header.schema, held.body[SALT_BYTES:]))  # the reader saw to it
    statement = statement_of(bare, header, message=message, body=held.body, signed=held.signed, at=held.at)
    return Read(delivery=bare, topic=held.topic, header=header, enrolment=held.enrolment, statement=statement)
