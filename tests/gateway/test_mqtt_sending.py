"""What was received is acknowledged once the broker has what answers it: never before, never out of order, never never."""

import mqtt5
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt_sending import RECEIPT_SECONDS, Sending


def said(sending):
    """What went out since: (published payloads by packet id, acknowledged message ids)."""
    data, published, acknowledged = memoryview(bytes(sending.take())), {}, []
    while data:
        packet, length = mqtt5.read(data)
        data = data[length:]
        if isinstance(packet, mqtt5.PublishPacket):
            published[packet.packet_id] = packet.payload
        else:
            acknowledged.append(packet.packet_id)
    return published, acknowledged


@pytest.fixture
def sending():
    return Sending(b"")


def answer(sending, *receipts):
    for receipt in receipts:
        sending.publish("r/1", receipt, retain=False)


def test_a_batch_is_acknowledged_when_the_last_of_its_receipts_is_answered(sending):
    answer(sending, b"a", b"b")
    sending.acknowledge([5, 6], 0.0)
    published, acknowledged = said(sending)
    assert acknowledged == []
    first, second = published
    sending.answered(first)
    assert said(sending) == ({}, [])
    assert sending.waits
    sending.answered(second)
    assert said(sending) == ({}, [5, 6])
    assert not sending.waits


def test_what_needs_no_answer_is_acknowledged_at_once(sending):
    sending.acknowledge([5], 0.0)
    assert said(sending) == ({}, [5])


def test_what_is_published_later_holds_up_nothing(sending):
    answer(sending, b"a")
    sending.acknowledge([5], 0.0)
    answer(sending, b"b")
    (first, _second), _ = said(sending)
    sending.answered(first)
    assert said(sending) == ({}, [5])


def test_a_later_batch_waits_for_an_earlier_one_for_order_is_order_of_arrival(sending):
    answer(sending, b"a")
    sending.acknowledge([5], 0.0)
    answer(sending, b"b")
    sending.acknowledge([6], 0.0)
    (first, second), _ = said(sending)
    sending.answered(second)
    assert said(sending) == ({}, [])
    sending.answered(first)
    assert said(sending) == ({}, [5, 6])


def test_receipts_the_broker_has_no_room_for_are_waited_for_too(sending):
    sending.window = 2
    answer(sending, b"a", b"b", b"c")
    sending.acknowledge([5], 0.0)
    (first, second), _ = said(sending)
    sending.answered(first)
    sending.answered(second)
    (third,), acknowledged = said(sending)
    assert acknowledged == []
    sending.answered(third)
    assert said(sending) == ({}, [5])


def test_a_broker_that_never_answers_is_not_waited_for_for_ever_and_what_it_missed_is_counted(sending):
    answer(sending, b"a", b"b")
    sending.acknowledge([5], 100.0)
    sending.acknowledge([6], 105.0)
    said(sending)
    assert sending.give_up_waiting(100.0 + RECEIPT_SECONDS) == 0
    assert sending.give_up_waiting(100.1 + RECEIPT_SECONDS) == 2
    assert said(sending) == ({}, [5, 6])  # the second one had nothing of its own to wait for
    assert sending.answered(2)  # late: it changes nothing more
    assert said(sending) == ({}, [])


def test_an_answer_to_nothing_is_no_answer(sending):
    assert not sending.answered(9)


STEPS = st.lists(st.one_of(st.just("publish"), st.just("acknowledge"), st.integers(0, 5)), max_size=60)


@settings(deadline=None)
@given(STEPS, st.integers(1, 4))
def test_whatever_the_order_of_answers_each_acknowledgement_follows_all_that_was_published_before_it(steps, window):
    sending, under_way = Sending(b""), []
    sending.window = window
    published = acknowledged = 0
    unanswered, waiting_for = set(), {}  # message id -> numbers of what was published before it and is not answered
    order = []

    def look():
        out, done = said(sending)
        under_way.extend((packet_id, int(payload)) for packet_id, payload in out.items())
        order.extend(done)
        assert len(under_way) <= window
        for each in done:
            assert not waiting_for[each] & unanswered

    for step in steps:
        if step == "publish":
            unanswered.add(published)
            sending.publish("r/1", str(published).encode(), retain=False)
            published += 1
        elif step == "acknowledge":
            acknowledged += 1
            waiting_for[acknowledged] = set(unanswered)
            sending.acknowledge([acknowledged], 0.0)
        elif under_way:
            packet_id, number = under_way.pop(step % len(under_way))
            unanswered.discard(number)
            sending.answered(packet_id)
        look()
    while under_way:
        packet_id, number = under_way.pop()
        unanswered.discard(number)
        sending.answered(packet_id)
        look()
    assert order == list(range(1, acknowledged + 1))
    assert not sending.waits
