"""A bare MQTT v5 line for measuring: as little as a client can do, so that what is measured is the other side.

- One TLS socket, QoS 1, no reconnecting, no persistence of its own; the product's own lines are elsewhere and share nothing with it.
- ``publish_all`` keeps a window full and fails on a reason code that says "not taken"; ``receive`` hands over whole reads.
- Also the floor of the stage *receive*: nobody gets messages out of a socket in Python for much less.

Example: ``with connect(("127.0.0.1", 8883), identity, "bench-kiosks") as line: line.publish_all([(topic, payload)])``
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Final, NamedTuple

from luutru.demo.pki import Identity

SESSION_SECONDS: Final = 3600
KEEPALIVE_SECONDS: Final = 60
WINDOW: Final = 500
TIMEOUT_SECONDS: Final = 60.0
_READ: Final = 1 << 16
_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 0x20, 0x30, 0x40, 0x90
_FAILURE: Final = 0x10  # "no matching subscribers" counts as one here: a message nobody keeps is not queued
PING: Final = b"\xc0\x00"


class Came(NamedTuple):
    """One message as it came. ``packet_id`` is None at QoS 0."""

    topic: str
    payload: bytes
    packet_id: bytes | None


class Line:
    """One connection."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._next_id = 0
        self.acknowledged = 0  # of what we published

    def fileno(self) -> int:
        """Return the socket, to wait for."""
        return self._connection.fileno()

    def subscribe(self, filters: Sequence[str], *, qos: int) -> None:
        """Subscribe and wait for the answer; what comes before it is not lost, ``receive`` has it."""
        body = b"".join((self._id(), b"\x00", *(text(each) + bytes((qos | 0x04,)) for each in filters)))  # 0x04: no local
        self._send(packet(0x82, body))
        self._wait_for(_SUBACK)

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> int:
        """Send at QoS 1 and return how many went; their acknowledgements are counted as they are read."""
        packets = [packet(0x32, text(topic) + self._id() + b"\x00" + payload) for topic, payload in messages]
        self._send(b"".join(packets))
        return len(packets)

    def publish_all(self, messages: Iterable[tuple[str, bytes]], *, window: int = WINDOW) -> int:
        """Send everything, a window at a time; return when the broker has taken it all."""
        waiting, sent = iter(messages), 0
        start = self.acknowledged
        while chunk := list(islice(waiting, window // 2)):
            sent += self.publish(chunk)
            while sent - (self.acknowledged - start) > window // 2:
                self._read(TIMEOUT_SECONDS)
                self._drop_packets()
        while self.acknowledged - start < sent:
            self._read(TIMEOUT_SECONDS)
            self._drop_packets()
        return sent

    def receive(self, seconds: float) -> list[Came]:
        """Return what has come; wait at most so long for the first byte."""
        found = self._messages()
        if not found and self._read(seconds):
            found = self._messages()
        return found

    def acknowledge(self, messages: Iterable[Came]) -> None:
        """Acknowledge in one write."""
        self._send(b"".join(b"\x40\x02" + each.packet_id for each in messages if each.packet_id is not None))

    def ping(self) -> None:
        """Say that we are still there."""
        self._send(PING)

    def greet(self, client_id: str, *, clean: bool, window: int) -> bool:
        """Send CONNECT; return whether the broker had a session of this name."""
        properties = b"\x11" + SESSION_SECONDS.to_bytes(4, "big") + b"\x21" + window.to_bytes(2, "big")
        if clean:
            properties = properties[5:]
        header = text("MQTT") + bytes((5, 2 if clean else 0)) + KEEPALIVE_SECONDS.to_bytes(2, "big")
        self._send(packet(0x10, header + bytes((len(properties),)) + properties + text(client_id)))
        body = self._wait_for(_CONNACK)
        if body[1]:
            raise RuntimeError(f"the broker refused {client_id}: reason {body[1]}")
        return bool(body[0] & 1)

    def _id(self) -> bytes:
        self._next_id = self._next_id % 65_535 + 1
        return self._next_id.to_bytes(2, "big")

    def _send(self, data: bytes) -> None:
        if data:
            self._connection.sendall(data)

    def _read(self, seconds: float) -> bool:
        if not self._connection.pending() and not select.select([self._connection], [], [], seconds)[0]:
            if seconds == TIMEOUT_SECONDS:
                raise RuntimeError("the broker does not answer")
            return False
        data = self._connection.recv(_READ)
        if not data:
            raise RuntimeError("the broker closed the connection")
        self._buffer += data
        return True

    def _wait_for(self, kind: int) -> bytes:
        while True:
            at = 0
            for first, start, end in frames(self._buffer):
                if first & 0xF0 == kind:
                    body = bytes(self._buffer[start:end])
                    del self._buffer[at:end]  # messages before and after it stay
                    return body
                at = end
            self._read(TIMEOUT_SECONDS)

    def _drop_packets(self) -> None:
        self._messages()

    def _messages(self) -> list[Came]:
        data = bytes(self._buffer)
        found, used = [], 0
        for first, start, end in frames(data):
            kind = first & 0xF0
            if kind == _PUBLISH:
                found.append(read_publish(data, start, end, qos=first >> 1 & 3))
            elif kind == _PUBACK:
                if end - start > 2 and data[start + 2] >= _FAILURE:
                    raise RuntimeError(f"the broker did not take a message: reason {data[start + 2]:#x}")
                self.acknowledged += 1
            used = end
        del self._buffer[:used]
        return found


@contextmanager
def connect(
    address: tuple[str, int], identity: Identity, client_id: str, *, clean: bool = True, window: int = 65_535
) -> Iterator[Line]:
    """Connect with a client certificate; disconnect at the end."""
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(identity.certificate, identity.key)
    with (
        socket.create_connection(address, timeout=TIMEOUT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) as connection,
    ):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(connection)
        line.greet(client_id, clean=clean, window=window)
        yield line
        with suppress(OSError):  # a line that has been silent for long may have been cut already
            connection.sendall(b"\xe0\x00")


def text(value: str) -> bytes:
    """Return a string as MQTT writes it."""
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def packet(first: int, body: bytes) -> bytes:
    """Return a packet with its length."""
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes((first,)) + bytes(digits) + body


def frames(data: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    """Yield (first byte, start of the body, end) of each whole packet."""
    at, size = 0, len(data)
    while at + 1 < size:
        length, shift, start = 0, 0, at + 1
        while start < size:
            digit = data[start]
            length |= (digit & 0x7F) << shift
            start, shift = start + 1, shift + 7
            if digit < 0x80:
                break
        else:
            return
        if start + length > size:
            return
        yield data[at], start, start + length
        at = start + length


def read_publish(data: bytes, start: int, end: int, *, qos: int) -> Came:
    """Take a PUBLISH apart; ``start`` and ``end`` are its body's."""
    at = start + 2 + int.from_bytes(data[start : start + 2], "big")
    topic = data[start + 2 : at].decode()
    packet_id = None
    if qos:
        packet_id, at = data[at : at + 2], at + 2
    length = data[at]  # of the properties; ours and our gateway's are shorter than 128 bytes
    return Came(topic, data[at + 1 + length : end], packet_id)
