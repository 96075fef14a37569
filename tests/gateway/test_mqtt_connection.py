"""The protocol of one connection without a socket: split anywhere, fed anything, within bounds, never a crash."""

import contextlib
import itertools

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt_connection import ANSWER_SECONDS, MAX_PACKET, Broken, Hello, MqttConnection

HELLO = Hello(
    client_id="gateway", durable=["d/+"], latest=["s/+"], receive_maximum=40, keepalive_seconds=30, session_seconds=3600
)
AT_LEAST_ONCE = mqtt5.QoS.AT_LEAST_ONCE
codec_panics = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # mqtt5 reports a panic there, too


def feed(connection, data, now=0.0):
    for start in range(0, len(data), 4096):
        room, part = connection.room, data[start : start + 4096]
        room[: len(part)] = part
        connection.took(len(part), now)


def sent(connection):
    data, packets = memoryview(bytes(connection.to_send(0.0))), []
    while data:
        packet, length = mqtt5.read(data)
        packets.append(packet)
        data = data[length:]
    return packets


def accepted(*, subscribed=True, now=0.0, **properties):
    connection = MqttConnection(HELLO, number=7, now=now)
    feed(connection, mqtt5.ConnAckPacket(**properties).write(), now)
    if subscribed:
        feed(connection, mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write(), now)
    connection.to_send(now)
    return connection


def message(number, payload=b"x", **named):
    return mqtt5.PublishPacket("d/1", payload, qos=AT_LEAST_ONCE, packet_id=number, **named).write()


def raw_publish(topic=b"d/1", properties=b"", payload=b"x", flags=0x32, message_id=b"\x00\x05"):
    body = len(topic).to_bytes(2, "big") + topic + message_id + bytes([len(properties)]) + properties + payload
    return bytes([flags, len(body)]) + body


def test_it_says_hello_and_subscribes_without_clean_start_and_without_its_own_echo():
    connection = MqttConnection(HELLO, number=1, now=0.0)
    (hello,) = sent(connection)
    assert (hello.clean_start, hello.receive_max, hello.max_packet_size) == (False, 40, MAX_PACKET)
    feed(connection, mqtt5.ConnAckPacket().write())
    (subscribe,) = sent(connection)
    assert [(each.pattern, each.max_qos.value, each.no_local) for each in subscribe.topic_filters] == [
        ("d/+", 1, True),
        ("s/+", 0, True),
    ]


@given(cuts=st.lists(st.integers(0, 1500)), sizes=st.lists(st.sampled_from([0, 1, 100, 127, 128, 700]), min_size=1, max_size=6))
def test_wherever_the_bytes_are_split_the_same_messages_come(cuts, sizes):
    whole = b"".join(message(number, bytes(size)) for number, size in enumerate(sizes, start=1))
    connection = accepted()
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    for begin, end in itertools.pairwise(edges):
        feed(connection, whole[begin:end])
    assert [(each.message_id, len(each.payload), each.connection) for each in connection.parked] == [
        (number, size, 7) for number, size in enumerate(sizes, start=1)
    ]


@codec_panics
@given(st.binary(max_size=300), st.booleans())
def test_garbage_ends_the_connection_or_waits_for_more_and_never_crashes(data, ready):
    connection = accepted() if ready else MqttConnection(HELLO, number=1, now=0.0)
    with contextlib.suppress(Broken):
        feed(connection, data)


@codec_panics
@given(st.data())
def test_a_spoilt_byte_in_a_genuine_stream_never_crashes(data):
    stream = bytearray(
        message(3, b"abc")
        + mqtt5.PubAckPacket(2, reason_str="why").write()
        + mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_BUSY, reason_str="busy").write()
    )
    stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Broken):
        feed(accepted(), bytes(stream))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x30\xff\xff\xff\xff\x01", "malformed packet"),
        (b"\x32" + b"\x80\x80\x04", "packet too large"),
        (b"\x00\x00", "malformed packet"),
        (b"HTTP/1.1 400 Bad Request\r\n" + bytes(100), "malformed packet"),
        (raw_publish(message_id=b"\x00\x00"), "malformed packet"),
        (raw_publish(flags=0x34), "malformed packet"),
        (b"\x32\x02\x00\x09", "malformed packet"),
        (mqtt5.ConnAckPacket().write(), "unexpected ConnAckPacket"),
        (mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_SHUTTING_DOWN).write(), "SERVER_SHUTTING_DOWN"),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_with_a_reason(data, why):
    with pytest.raises(Broken, match=why):
        feed(accepted(), data)


@pytest.mark.parametrize(
    ("spoilt", "topic"),
    [({"topic": b"d/\xff"}, ""), ({"properties": b"\x26\x00\x01\xff\x00\x01a"}, "d/1"), ({"properties": b"\x7f"}, "d/1")],
)
def test_a_message_the_codec_cannot_read_is_delivered_and_can_be_acknowledged(spoilt, topic):
    connection = accepted()
    feed(connection, raw_publish(**spoilt) + message(6))
    assert [(each.topic, each.payload, each.message_id) for each in connection.parked] == [(topic, b"x", 5), ("d/1", b"x", 6)]
    connection.acknowledge([5, 6], 0.0)
    assert [packet.packet_id for packet in sent(connection)] == [5, 6]


def test_the_reason_of_a_refusal_is_told():
    connection = MqttConnection(HELLO, number=1, now=0.0)
    refusal = mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED, reason_str="no such gateway")
    with pytest.raises(Broken, match=r"NOT_AUTHORIZED \(no such gateway\)"):
        feed(connection, refusal.write())


def test_no_more_is_under_way_than_the_broker_takes_and_the_rest_follows_in_order():
    connection = accepted(receive_max=3)
    assert all(connection.publish("r/1", bytes([number]), retain=False) for number in range(8))
    first = sent(connection)
    assert [packet.payload for packet in first] == [b"\0", b"\1", b"\2"]
    assert connection.waits
    for packet in first[:2]:
        feed(connection, mqtt5.PubAckPacket(packet.packet_id).write())
    assert [packet.payload for packet in sent(connection)] == [b"\3", b"\4"]
    assert connection.backlog == 3 * len("r/1\0")


def test_ids_under_way_are_not_given_twice():
    connection = accepted()
    (slow,) = sent(connection) if connection.publish("r/1", b"", retain=False) else ()
    seen = set()
    for _ in range(65_600):
        connection.publish("r/1", b"", retain=False)
        (packet,) = sent(connection)
        seen.add(packet.packet_id)
        feed(connection, mqtt5.PubAckPacket(packet.packet_id).write())
    assert slow.packet_id not in seen
    assert 0 not in seen


def test_refused_publishes_are_counted_and_no_subscriber_is_no_refusal():
    connection = accepted()
    for code in (mqtt5.PubAckReasonCode.NOT_AUTHORIZED, mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS):
        connection.publish("r/1", b"", retain=False)
        (packet,) = sent(connection)
        feed(connection, mqtt5.PubAckPacket(packet.packet_id, reason_code=code).write())
    assert connection.refused_publishes == {"NOT_AUTHORIZED": 1}


def test_what_the_broker_does_not_take_is_said_at_once():
    connection = accepted(max_packet_size=100)
    assert not connection.publish("r/1", bytes(100), retain=False)
    assert not MqttConnection(HELLO, number=1, now=0.0).publish("r/1", b"", retain=False)


def test_a_silent_broker_is_asked_and_then_given_up():
    connection = accepted(server_keep_alive=20)
    connection.look_at_clock(10.0, all_read=True)
    assert sent(connection) == []
    connection.look_at_clock(11.0, all_read=True)
    assert [type(packet) for packet in sent(connection)] == [mqtt5.PingReqPacket]
    connection.look_at_clock(11.0 + ANSWER_SECONDS, all_read=True)
    connection.look_at_clock(999.0, all_read=False)  # what we did not read is no silence
    with pytest.raises(Broken, match="does not answer"):
        connection.look_at_clock(999.0, all_read=True)


def test_an_answer_is_a_sign_of_life():
    connection = accepted()
    connection.look_at_clock(16.0, all_read=True)
    feed(connection, mqtt5.PingRespPacket().write(), now=17.0)
    connection.look_at_clock(16.5 + ANSWER_SECONDS, all_read=True)


def test_a_broker_that_never_answers_is_given_up():
    connection = accepted(subscribed=False)
    with pytest.raises(Broken, match="in time"):
        connection.look_at_clock(ANSWER_SECONDS + 1, all_read=True)
