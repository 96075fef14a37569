"""One kiosk's line as a thousand of them fit into a process: TLS with its own certificate and MQTT v5 on a socket that never blocks.

- What goes over the wire is what a kiosk sends: will, kept session, birth, signs of life, declarations at QoS 1. The sealing was done before.
- A connection is at most ``CONNECT_SECONDS`` in the making; whoever calls decides when the next begins.
- The TLS session of the last connection is offered when it is asked to, as the kiosk's line does (``edge_agent/line.py``).

Example: ``line.open(("127.0.0.1", 8883), resume=True)``; then ``line.advance()`` whenever its socket is ready
"""

from __future__ import annotations

import errno
import socket
import ssl
from contextlib import suppress
from typing import Final, Literal

from luutru.benchmarks.gateway_mqtt import Came, frames, packet, read_publish, text
from luutru.demo.pki import Identity
from residence.wire.state import KioskState, encode_state
from residence.wire.topics import GATEWAY_STATE, KioskTopics

CONNECT_SECONDS: Final = 30.0
SESSION_SECONDS: Final = 14 * 24 * 3600
KEEPALIVE_SECONDS: Final = 120
WILL_DELAY_SECONDS: Final = 10
_CONNACK, _PUBLISH, _PUBACK = 0x20, 0x30, 0x40
_READ: Final = 1 << 14
_FAILURE: Final = 0x10
State = Literal["off", "connecting", "shaking", "greeting", "up"]


class CrowdLine:
    """One connection after another of one kiosk."""

    def __init__(self, kiosk_id: str, topics: KioskTopics, identity: Identity, *, will_delay: int) -> None:
        self._will_delay = will_delay
        self.kiosk_id: Final = kiosk_id
        self.topics: Final = topics
        self.state: State = "off"
        self.wants_write = False
        self.resumed = False
        self.sessions = 0
        self.attempts = 0
        self.refused = 0
        self._tls = _context(identity)
        self._session: ssl.SSLSession | None = None
        self._resume = False
        self._host = ""
        self._socket: socket.socket | None = None
        self._in, self._out = bytearray(), bytearray()
        self._next_id = 0

    def fileno(self) -> int:
        """Return the socket, to wait for; -1 when there is none."""
        return self._socket.fileno() if self._socket is not None else -1

    def open(self, address: tuple[str, int], *, resume: bool) -> None:
        """Begin to connect."""
        self.close()
        self.attempts += 1
        self._host, self._resume = address[0], resume
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self.state, self.wants_write = plain, "connecting", True
        if (code := plain.connect_ex(address)) not in {0, errno.EINPROGRESS}:
            raise OSError(code, "connect")

    def close(self) -> None:
        """Drop the line as a power cut does: nothing is said."""
        if self._socket is not None:
            if isinstance(self._socket, ssl.SSLSocket) and self.state == "up":
                self._session = self._socket.session or self._session
            with suppress(OSError):
                self._socket.close()
        self._socket, self.state = None, "off"
        self._in.clear()
        self._out.clear()

    def advance(self) -> list[Came]:
        """Do what can be done now; return the messages that came. ``OSError`` when the line is lost."""
        if self.state == "connecting":
            self._begin_handshake()
        if self.state == "shaking" and not self._shake():
            return []
        self._flush()
        return self._receive()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send at QoS 1."""
        self._next_id = self._next_id % 65_535 + 1
        body = text(topic) + self._next_id.to_bytes(2, "big") + b"\x00" + payload
        self._send(packet(0x33 if retain else 0x32, body))

    def say_alive(self, at: str, *, depth: int = 0) -> None:
        """Publish the retained sign of life."""
        self.publish(self.topics.state, self._life_sign(at, online=True, depth=depth), retain=True)

    def _life_sign(self, at: str, *, online: bool, depth: int = 0) -> bytes:
        return encode_state(
            KioskState(
                kiosk_id=self.kiosk_id,
                session=self.sessions,
                online=online,
                at=at,
                outbox_depth=depth,
                time_state="synced",
                readers={"camera": "ok", "door": "ok"},
                version="0.1.0",
            )
        )

    def _begin_handshake(self) -> None:
        assert self._socket is not None  # noqa: S101 - we are connecting
        if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, "connect")
        session = self._session if self._resume else None
        self._socket = self._tls.wrap_socket(
            self._socket, server_hostname=self._host, do_handshake_on_connect=False, session=session
        )
        self.state = "shaking"

    def _shake(self) -> bool:
        assert isinstance(self._socket, ssl.SSLSocket)  # noqa: S101 - it was wrapped
        self.wants_write = False
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return False
        self.resumed = bool(self._socket.session_reused)
        self.sessions += 1
        self.state = "greeting"
        self._greet()
        return True

    def _greet(self) -> None:
        will = b"\x18" + self._will_delay.to_bytes(4, "big")
        properties = b"\x11" + SESSION_SECONDS.to_bytes(4, "big") + b"\x21" + (50).to_bytes(2, "big")
        dead = self._life_sign("1970-01-01T00:00:00Z", online=False)
        flags = 0b00101100  # will, QoS 1, retained; the session is kept
        body = text("MQTT") + bytes((5, flags)) + KEEPALIVE_SECONDS.to_bytes(2, "big") + bytes((len(properties),)) + properties
        body += text(self.kiosk_id) + bytes((len(will),)) + will + text(self.topics.state) + len(dead).to_bytes(2, "big") + dead
        self._send(packet(0x10, body))

    def _subscribe(self) -> None:
        wanted = (self.topics.receipts, self.topics.commands, GATEWAY_STATE)
        self._send(packet(0x82, b"\xff\xff\x00" + b"".join(text(each) + b"\x01" for each in wanted)))

    def _send(self, data: bytes) -> None:
        self._out += data
        self._flush()

    def _flush(self) -> None:
        assert self._socket is not None  # noqa: S101 - lines that are off are not asked
        while self._out:
            try:
                del self._out[: self._socket.send(self._out)]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                break
        self.wants_write = bool(self._out)

    def _receive(self) -> list[Came]:
        assert self._socket is not None  # noqa: S101 - lines that are off are not asked
        while True:
            try:
                data = self._socket.recv(_READ)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            if not data:
                raise ConnectionResetError("the broker closed the line")
            self._in += data
        return self._packets()

    def _packets(self) -> list[Came]:
        data, used, found = bytes(self._in), 0, []
        for first, start, end in frames(data):
            kind = first & 0xF0
            if kind == _CONNACK:
                if data[start + 1]:
                    raise ConnectionRefusedError(f"reason {data[start + 1]}")
                self.state = "up"
                self._subscribe()
            elif kind == _PUBLISH:
                came = read_publish(data, start, end, qos=first >> 1 & 3)
                if came.packet_id is not None:
                    self._send(b"\x40\x02" + came.packet_id)
                found.append(came)
            elif kind == _PUBACK and end - start > 2 and data[start + 2] >= _FAILURE:
                self.refused += 1
            used = end
        del self._in[:used]
        return found


def _context(identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(identity.ca)
    context.load_cert_chain(identity.certificate, identity.key)
    return context
