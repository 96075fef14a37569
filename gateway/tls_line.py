"""A byte line over TLS that never blocks: whoever pumps it decides how long to wait.

- TLS runs in memory, beside the socket: one ``recv`` takes up to 128 KiB of records, where an ``SSLSocket`` makes two system calls and one
  call of ours per record, and Mosquitto writes one record per message (ADR 24).
- What was said is encrypted at once and sent as far as the kernel takes it; ``unsent`` bytes wait, and ``wait`` wakes when there is room.
- The end of the line, however it comes, is one exception with a reason: ``LineLost``. What arrived before it is returned first.
- ``finish`` says goodbye so that nothing said before is lost: a socket closed with unread bytes resets the connection.

Example: ``line = TlsLine.connect("broker.example", 8883, context, seconds=10.0); line.say(data); line.flush()``
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Final, Self

RECEIVE_BYTES: Final = 128 * 1024
CLOSED: Final = "the other side closed the connection"


class LineLost(Exception):
    """The line has ended; the text says why."""


class TlsLine:
    """One connected socket with TLS on it. For one thread at a time."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = plain
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self._chunk = memoryview(bytearray(RECEIVE_BYTES))
        self._unsent = bytearray()
        self._poll = select.poll()
        self._poll.register(plain, select.POLLIN)
        self._ended = ""

    @classmethod
    def connect(cls, host: str, port: int, context: ssl.SSLContext, *, seconds: float) -> Self:
        """Connect and shake hands within ``seconds`` each, or raise ``LineLost``."""
        try:
            plain = socket.create_connection((host, port), timeout=seconds)
        except OSError as error:
            raise LineLost(str(error)) from error
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = cls(plain, context, host)
        try:
            line._shake_hands(time.monotonic() + seconds)
        except BaseException:
            line.close()
            raise
        return line

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return len(self._unsent)

    def receive_into(self, room: memoryview) -> int:
        """Read what has arrived, as far as there is room; 0 when nothing has."""
        count = self._decrypt_into(room)
        if not count and self._fetch():
            count = self._decrypt_into(room)
        return count

    def say(self, data: bytes | bytearray) -> None:
        """Encrypt; ``flush`` sends."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise LineLost(str(error)) from error
        self._unsent += self._leaving.read()

    def flush(self) -> None:
        """Send as much as the kernel takes now."""
        if not self._unsent:
            return
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError as error:
            raise LineLost(str(error)) from error
        del self._unsent[:sent]

    def wait(self, seconds: float) -> None:
        """Wait until something arrives, or until what waits to be sent can be."""
        self._poll.modify(self._socket, select.POLLIN | select.POLLOUT if self._unsent else select.POLLIN)
        self._poll.poll(max(seconds, 0.0) * 1000)

    def finish(self, until: float) -> None:
        """Send what is left, say that no more comes, and hear the other side out; then close."""
        with contextlib.suppress(LineLost, OSError):
            self.flush()
            while self._unsent and time.monotonic() < until:
                self.wait(until - time.monotonic())
                self.flush()
                self._fetch()
            self._socket.shutdown(socket.SHUT_WR)
            while time.monotonic() < until:
                self.wait(until - time.monotonic())
                if not self._socket.recv_into(self._chunk):
                    break
        self.close()

    def close(self) -> None:
        """Let go of the socket. Harmless when called twice."""
        self._socket.close()

    def _shake_hands(self, until: float) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:  # the other side's certificate, or it has none
                self._send_handshake()
                raise LineLost(str(error)) from error
            else:
                self._send_handshake()
                return
            self._send_handshake()
            if time.monotonic() >= until:
                raise LineLost("no TLS handshake in time")
            self.wait(until - time.monotonic())
            self._fetch()

    def _send_handshake(self) -> None:
        self._unsent += self._leaving.read()
        self.flush()

    def _fetch(self) -> bool:
        """Take encrypted bytes from the kernel; tell whether there were any."""
        if self._ended:
            raise LineLost(self._ended)
        try:
            count = self._socket.recv_into(self._chunk)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LineLost(str(error)) from error
        if not count:
            self._ended = CLOSED
            raise LineLost(CLOSED)
        self._arrived.write(self._chunk[:count])
        return True

    def _decrypt_into(self, room: memoryview) -> int:
        count = 0
        try:
            while count < len(room):
                read: int = self._tls.read(len(room) - count, room[count:])  # type: ignore[assignment]  # typeshed: bytes
                if not read:  # TLS was closed in order; asked again it would say so for ever
                    self._ended = CLOSED
                    break
                count += read
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = CLOSED
        except ssl.SSLError as error:
            self._ended = str(error)
        if self._ended and not count:
            raise LineLost(self._ended)
        return count
