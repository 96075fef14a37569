"""Commands to a chip and its answers (ISO 7816-4), and the channel that protects and counts them.

- A ``Card`` has one method: bytes in, bytes out. A card that was taken away is ``Refused("chip.card_gone")`` from there.
- A command is written short where it fits; extended length is used only when asked for or needed.
- Once secure messaging is on, nothing is sent or taken without it. The first answer that breaks it ends the channel: its keys are
  dropped and every further command is ``Refused("chip.channel_closed")``.
- An answer in pieces (61xx) is put together with GET RESPONSE before it is looked at; the pieces are the transport's, not protected.
- More answers than ``MOST_ANSWERS``, or more time than ``deadline_ns``, end the channel too: a card may be slow, but not for ever.

>>> Command(ins=0xA4, p1=2, p2=0x0C, data=bytes.fromhex("011E")).encode().hex()
'00a4020c02011e'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from residence.errors import LuutruError, Malformed, Refused

OK: Final = 0x9000
END_OF_FILE: Final = 0x6282
WRONG_SECRET: Final = 0x6300
NOT_FOUND: Final = 0x6A82
NOT_ALLOWED: Final = 0x6982
LONGEST_SHORT_DATA: Final = 255
MOST_SHORT_LE: Final = 256
MOST_ANSWERS: Final = 2_000
LONGEST_ANSWER: Final = 65_536 + 2
_MORE_TO_COME: Final = 0x61
_GET_RESPONSE: Final = bytes.fromhex("00C00000")


class Card(Protocol):
    """Whatever carries bytes to a card and back."""

    def transceive(self, apdu: bytes) -> bytes:
        """Send one command and return the whole answer, status included."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command. ``le`` is how much may come back; None asks for nothing."""

    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes = b""
    le: int | None = None
    cla: int = 0
    extended: bool = False

    def encode(self) -> bytes:
        """Return the command as bytes."""
        head = bytes((self.cla, self.ins, self.p1, self.p2))
        le = self.le
        if self.extended or len(self.data) > LONGEST_SHORT_DATA or (le or 0) > MOST_SHORT_LE:
            body = len(self.data).to_bytes(3, "big") + self.data if self.data else b""
            if le is None:
                return head + body
            return head + body + (le & 0xFFFF).to_bytes(2 if body else 3, "big")
        body = bytes([len(self.data)]) + self.data if self.data else b""
        return head + body + (b"" if le is None else bytes([le & 0xFF]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back: data and the two status bytes as one number."""

    data: bytes
    status: int

    @property
    def is_ok(self) -> bool:
        """Tell whether the command did all it should."""
        return self.status == OK

    def expect(self, code: str) -> bytes:
        """Return the data, or raise ``Refused(code)`` with the status as detail."""
        if not self.is_ok:
            raise Refused(code, "", f"{self.status:04X}")
        return self.data


def decode_answer(raw: bytes) -> Answer:
    """Take an answer apart."""
    if not 2 <= len(raw) <= LONGEST_ANSWER:
        raise Malformed("chip.apdu", "", f"{len(raw)} bytes")
    return Answer(data=raw[:-2], status=int.from_bytes(raw[-2:], "big"))


class Guard(Protocol):
    """Secure messaging, as the channel needs it."""

    def protect(self, command: Command) -> bytes:
        """Return the protected command."""
        ...

    def open(self, raw: bytes) -> Answer:
        """Check and return the protected answer."""
        ...


class Channel:
    """One conversation with one card."""

    def __init__(self, card: Card, *, monotonic_ns: Callable[[], int], deadline_ns: int) -> None:
        self._card = card
        self._monotonic_ns = monotonic_ns
        self._deadline_ns = deadline_ns
        self._guard: Guard | None = None
        self._closed = False
        self.sent = 0
        self.sent_bytes = 0
        self.received_bytes = 0
        self.last_exchange: tuple[bytes, bytes] = (b"", b"")

    @property
    def is_protected(self) -> bool:
        """Tell whether secure messaging is on."""
        return self._guard is not None

    def protect_with(self, guard: Guard) -> None:
        """Turn secure messaging on, or change to new keys."""
        self._guard = guard

    def start_again(self) -> None:
        """Forget keys and faults; only after the card itself was reset."""
        self._guard, self._closed = None, False

    def send(self, command: Command) -> Answer:
        """Send one command, protected when secure messaging is on."""
        if self._closed:
            raise Refused("chip.channel_closed")
        if self.sent >= MOST_ANSWERS or self._monotonic_ns() > self._deadline_ns:
            self.close()
            raise Refused("chip.too_slow")
        try:
            return self._exchange(command)
        except LuutruError:
            self.close()
            raise

    def close(self) -> None:
        """Drop the keys; nothing is sent any more."""
        self._guard, self._closed = None, True

    def _exchange(self, command: Command) -> Answer:
        sent = command.encode() if self._guard is None else self._guard.protect(command)
        received = self._carry(sent)
        while len(received) >= 2 and received[-2] == _MORE_TO_COME:
            if self.sent >= MOST_ANSWERS or len(received) > LONGEST_ANSWER:
                raise Refused("chip.too_slow", "", "an answer without end")
            received = received[:-2] + self._carry(_GET_RESPONSE + received[-1:])
        self.last_exchange = (sent, received)
        return decode_answer(received) if self._guard is None else self._guard.open(received)

    def _carry(self, sent: bytes) -> bytes:
        received = self._card.transceive(sent)
        self.sent += 1
        self.sent_bytes += len(sent)
        self.received_bytes += len(received)
        return received
