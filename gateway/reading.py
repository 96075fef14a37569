"""From one delivery to one statement, or to a reason why not; touches no database.

- Order: topic, size and frame, signature, whose topic it came on, seal, digest, schema, shape, whose premises. Nothing later is
  looked at before the earlier held.
- Until the signature holds the sender is nobody: such bytes are set aside without an answer.
- A genuine header whose body cannot be used is answered, so that its kiosk knows: ``refused`` when the kiosk is at fault,
  ``received`` when only we cannot read it yet (a sealing key or a schema this gateway lacks); both keep the envelope.
- The topic must name the header's own kiosk and the premises that kiosk is enrolled at; a kiosk speaks for no other premises, and never
  as an officer, whose word reaches them all.

Example: ``read_delivery(delivery, trust=trust, opener=opener, at=now)``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple, cast

import msgspec

from gateway.port import Delivery
from gateway.trust import Trust
from registry.kiosks import Enrolment
from registry.recording import Source, Statement
from residence.errors import LuutruError, Malformed, Refused, Untrusted
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import FindingSeverity
from residence.wire.envelope import ClaimedEnvelope, EnvelopeOpener, Header, OpenedEnvelope
from residence.wire.messages import Presence, ReceiptFinding, decode_message
from residence.wire.topics import Topic, parse_topic

Answer = Literal["refused", "received"]


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A statement ready to be recorded, and where its receipt goes."""

    delivery: Delivery
    topic: Topic
    header: Header
    enrolment: Enrolment
    statement: Statement


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that cannot be recorded. ``header`` and ``answer`` are there only when the signature held."""

    delivery: Delivery
    code: str
    detail: str
    topic: Topic | None = None
    header: Header | None = None
    answer: Answer | None = None
    severity: FindingSeverity | None = None  # of the answer's finding; None: as the answer is
    enrolment: Enrolment | None = None

    def finding(self) -> ReceiptFinding:
        """Return what the answer says of the reason."""
        return ReceiptFinding(code=self.code, severity=self.severity or ("error" if self.answer == "refused" else "info"))


def read_delivery(delivery: Delivery, *, trust: Trust, opener: EnvelopeOpener, at: datetime) -> Read | SetAside:
    """Read one delivery; never raises for anything a sender can do."""
    return read_deliveries([delivery], trust=trust, opener=opener, at=at)[0]


def read_deliveries(
    deliveries: Iterable[Delivery], *, trust: Trust, opener: EnvelopeOpener, at: datetime
) -> list[Read | SetAside]:
    """Read a batch, one step for all of it after the other (ADR 37)."""
    means = _Means(trust, opener, at)
    readings = [_Reading(each) for each in deliveries]
    for step in (_Reading.claim, _Reading.prove, _Reading.place, _Reading.open, _Reading.decode):
        for reading in readings:
            if reading.result is None:
                try:
                    step(reading, means)
                except LuutruError as error:
                    reading.set_aside(error, means)
    return [each.result for each in readings if each.result is not None]


class _Means(NamedTuple):
    trust: Trust
    opener: EnvelopeOpener
    at: datetime


class _Reading:
    """One delivery on its way; ``result`` is there when it has ended."""

    __slots__ = ("_claimed", "_delivery", "_enrolment", "_opened", "_topic", "_verified", "result")

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._topic: Topic | None = None
        self._enrolment: Enrolment | None = None
        self.result: Read | SetAside | None = None

    def claim(self, means: _Means) -> None:
        self._topic = parse_topic(self._delivery.topic)
        self._claimed = ClaimedEnvelope(self._delivery.payload, keyring=means.trust.keyring, at=means.at)

    def prove(self, _means: _Means) -> None:
        self._claimed.prove()

    def place(self, means: _Means) -> None:
        self._verified = self._claimed.verified()
        self._enrolment = _check_origin(cast("Topic", self._topic), self._verified.header, means.trust)

    def open(self, means: _Means) -> None:
        self._opened = means.opener.open(self._verified)

    def decode(self, means: _Means) -> None:
        topic = cast("Topic", self._topic)
        self.result = Read(
            delivery=self._delivery,
            topic=topic,
            header=self._verified.header,
            enrolment=cast("Enrolment", self._enrolment),
            statement=_statement(self._opened, self._delivery, topic, at=means.at),
        )

    def set_aside(self, error: LuutruError, means: _Means) -> None:
        if self._enrolment is None:  # the sender is nobody
            self.result = SetAside(delivery=self._delivery, code=error.code, detail=error.detail, topic=self._topic)
            return
        header = self._verified.header
        self.result = SetAside(
            delivery=self._delivery,
            code=error.code,
            detail=error.pointer or error.code,  # the detail may quote the opened body: never stored, never logged
            topic=self._topic,
            header=header,
            answer=_answer_to(error, header, means.trust),
            enrolment=self._enrolment,
        )


def _check_origin(topic: Topic, header: Header, trust: Trust) -> Enrolment:
    if topic.leaf != "d":
        raise Malformed("topic.malformed", detail=f"no envelopes on {topic.leaf}")
    if topic.kiosk != header.kiosk_id:
        raise Untrusted("intake.kiosk_mismatch", detail=f"{header.kiosk_id} on the topic of {topic.kiosk}")
    enrolment = trust.enrolments.get(header.kiosk_id)
    if enrolment is None:
        raise Untrusted("intake.kiosk_not_enrolled", detail=header.kiosk_id)
    if topic.site != enrolment.premises_id:
        raise Untrusted("intake.site_mismatch", detail=f"{header.kiosk_id} stands at {enrolment.premises_id}, not {topic.site}")
    return enrolment


def _statement(opened: OpenedEnvelope, delivery: Delivery, topic: Topic, *, at: datetime) -> Statement:
    header = opened.header
    message = decode_message(header.schema, opened.message_json)
    if not isinstance(message, StayDeclaration | Presence):
        raise Refused("intake.not_a_statement", detail=header.schema)
    if message.declaration_id != header.declaration_id:
        raise Untrusted("intake.id_mismatch", "/declaration_id")
    if message.premises_id != topic.site:
        raise Refused("intake.premises_mismatch", "/premises_id")
    if isinstance(message, StayDeclaration) and message.declarant.role == "officer":
        raise Refused("intake.officer_at_kiosk", "/declarant/role")
    return statement_of(delivery, header, message=message, body=opened.body, signed=opened.signed, at=at)


def statement_of(
    delivery: Delivery, header: Header, *, message: StayDeclaration | Presence, body: bytes, signed: bytes, at: datetime
) -> Statement:
    """Return the statement of an envelope that was verified and opened."""
    return Statement(
        schema=header.schema,
        message=message,
        body=body,
        body_digest=header.body_digest.hex(),
        received_at=at,
        origin="kiosk",
        source=Source(
            kiosk_id=header.kiosk_id,
            epoch=header.epoch,
            sequence=header.sequence,
            signed=signed,
            kept_at=header.times.wall,
            time_state=header.times.time_state,
            boot_id=header.times.boot_id,
            monotonic_ns=header.times.monotonic_ns,
            topic=delivery.topic,
            envelope=delivery.payload,
        ),
    )


def _answer_to(error: LuutruError, header: Header, trust: Trust) -> Answer:
    if error.code == "message.schema_unknown":
        return "received"
    ours = any(entry.use == "seal" and entry.key_id == header.recipient_key_id for entry in trust.keyring.entries)
    return "received" if error.code == "envelope.recipient" and ours else "refused"
