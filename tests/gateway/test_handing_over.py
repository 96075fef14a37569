"""What the reader process hands over arrives as it was."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from gateway.handing_over import pack, unpack
from gateway.port import Delivery
from gateway.reading import SetAside, read_delivery
from gateway.trust import Trust
from luutru.benchmarks.checkin_gateway import sealed
from luutru.benchmarks.fleet import COMMUNE, Fleet
from luutru.system import random_bytes
from registry.kiosks import Enrolment
from residence.wire.envelope import EnvelopeOpener
from residence.wire.keyring import Keyring
from residence.wire.topics import Topic

NOW = datetime(2026, 7, 10, 12, 30, 0, 250, tzinfo=UTC)


@pytest.fixture
def read(tmp_path):
    fleet = Fleet(kiosks=2, now=NOW - timedelta(days=1), random_bytes=random_bytes, keys=tmp_path)
    enrolments = {
        each.kiosk_id: Enrolment(kiosk_id=each.kiosk_id, premises_id=each.premises_id, commune_code=COMMUNE, profile="lobby")
        for each in fleet.kiosks
    }
    trust = Trust(keyring=Keyring([*fleet.authority, *(each.entry for each in fleet.kiosks)]), enrolments=enrolments)
    opener = EnvelopeOpener([fleet.sealing_key])
    envelopes = sealed(fleet, 4, NOW)

    def deliveries(spoil=lambda payload: payload):
        bare = [
            Delivery(topic=topic, payload=spoil(payload), connection=1_000_001, message_id=number)
            for number, (topic, _, payload) in enumerate(envelopes, start=1)
        ]
        return [dataclasses.replace(each, reading=read_delivery(each, trust=trust, opener=opener, at=NOW)) for each in bare]

    return deliveries


def test_read_deliveries_arrive_as_they_were(read):
    batch = read()
    assert not any(isinstance(each.reading, SetAside) for each in batch)
    assert unpack(pack(batch)) == batch


def test_what_could_not_be_read_arrives_with_its_reason(read):
    batch = read(spoil=lambda payload: payload[:-1] + bytes([payload[-1] ^ 1]))
    assert {each.reading.code for each in batch} == {"envelope.sealed"}
    assert all(each.reading.answer == "refused" and each.reading.header for each in batch)
    assert unpack(pack(batch)) == batch


def test_a_delivery_nobody_looked_at_arrives_bare():
    batch = [Delivery(topic="luutru/1/00/blk/kiosk-1/s", payload=b"", connection=1, message_id=0)]
    assert unpack(pack(batch)) == batch


def test_an_aside_without_a_topic_arrives():
    bare = Delivery(topic="\x00", payload=b"\xff" * 3, message_id=9)
    for topic in (None, Topic(shard=1, site="blk", kiosk="kiosk-1", leaf="d")):
        batch = [dataclasses.replace(bare, reading=SetAside(delivery=bare, code="topic.malformed", detail="x", topic=topic))]
        assert unpack(pack(batch)) == batch
