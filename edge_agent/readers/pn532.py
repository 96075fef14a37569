"""A PN532 on a serial line as a chip reader: an optional plug-in with honest limits, for kiosks without a reader that PC/SC knows.

- Short commands only: an extended one is answered here with 6700, as a reader that does not carry it would, and smaller pieces follow.
  Answers of exactly 256 bytes are never asked for (``CAREFUL``), so a long RSA signature of Active Authentication is left out.
- 106 kbit/s, one card at a time, type A or B. The antenna of cheap boards is small: how well a card couples was never tried.
- What the line loses is asked for again once (a refusal of the frame); after that, and after ``PATIENCE`` seconds without a word, it is
  ``Refused("chip.no_reader")``. A card that does not answer any more is ``Refused("chip.card_gone")``.
- ``reset`` turns the field off and finds the card again, which ends its sessions.
- ``Pn532Place`` is the same board as a kiosk uses it. A card that was opened answers no second call, so whether one still lies there is looked
  for with the field turned off in between.

Example: ``with Pn532("/dev/ttyUSB0", clock=clock) as reader: reader.wait_for_card(seconds=10)``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self

from edge_agent.chip import pn532
from edge_agent.chip.apdu import LONGEST_ANSWER
from edge_agent.chip.files import LADDER, Link
from edge_agent.chip.pn532 import Frame, FrameReader, Target
from edge_agent.serial_line import SerialLine
from residence.clock import Clock
from residence.errors import LuutruError, Refused

BAUD: Final = 115_200
PATIENCE: Final = 5.0
_ACK_SECONDS: Final = 1.0
_CHIP: Final = 0x32
_NOT_EXTENDED: Final = b"\x67\x00"


def careful_link() -> Link:
    """Return what this reader carries: short pieces, and no answer of 256 bytes."""
    return Link(step=LADDER.index(223), longest_answer=255)


class Pn532:
    """One board on one line, and the card on it."""

    def __init__(self, path: str, *, clock: Clock, baud_rate: int = BAUD, patience: float = PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._frames = FrameReader()
        self._waiting: list[Frame] = []
        self._target: Target | None = None  # found, and not yet left alone
        self.name: Final = f"PN532 {path}"
        self._line = _opened(path, baud_rate)
        try:
            self._write(pn532.WAKE_UP)
            firmware = self._ask(pn532.NORMAL_MODE, then=pn532.GET_FIRMWARE)
            if firmware[1:2] != bytes([_CHIP]):
                raise Refused("chip.no_reader", "", f"{path} is no PN532")
            self._ask(pn532.FEW_TRIES)
            self.turn_off()  # whoever had the board before may have left a card opened
        except LuutruError:
            self._line.close()
            raise

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Let the card and the board go."""
        self.close()

    def close(self) -> None:
        """Turn the field off and give the line back."""
        try:
            self.turn_off()
        except LuutruError:
            pass  # unplugged; there is no field any more
        finally:
            self._line.close()

    @property
    def about(self) -> bytes:
        """Return what the card said of itself when it was found, for the memory of links."""
        return self._target.about if self._target else b""

    def wait_for_card(self, *, seconds: float) -> bool:
        """Look for a chip card until one is there; False when none came in time."""
        until = self._clock.monotonic_ns() + int(seconds * 1e9)
        while True:
            for listing, type_b in ((pn532.LIST_TYPE_A, False), (pn532.LIST_TYPE_B, True)):
                self._target = pn532.target_of(self._ask(listing), type_b=type_b)
                if self._target is not None:
                    return True
            if self._clock.monotonic_ns() >= until:
                return False

    def transceive(self, apdu: bytes) -> bytes:
        """Send one command and return the answer."""
        if not pn532.fits(apdu):
            return _NOT_EXTENDED
        if self._target is None:
            raise Refused("chip.card_gone")
        head = bytes([pn532.EXCHANGE, self._target.number])
        answer, data = b"", apdu
        while True:
            back = pn532.exchanged(self._ask(head + data))
            if back is None:
                self._target = None
                raise Refused("chip.card_gone")
            answer, data = answer + back.data, b""
            if len(answer) > LONGEST_ANSWER:
                raise Refused("chip.too_slow", "", "an answer without end")
            if not back.more:
                return answer

    def wait_until_gone(self, *, seconds: float) -> bool:
        """Look until no chip card is there; False when one lay there all the time."""
        until = self._clock.monotonic_ns() + int(seconds * 1e9)
        while True:
            self.turn_off()
            if not self.wait_for_card(seconds=0):
                return True
            if self._clock.monotonic_ns() >= until:
                return False

    def turn_off(self) -> None:
        """Turn the field off, which ends whatever a card had begun."""
        self._ask(pn532.FIELD_OFF)
        self._target = None

    def reset(self) -> None:
        """Turn the field off and find the card again."""
        self.turn_off()
        if not self.wait_for_card(seconds=1):
            raise Refused("chip.card_gone")

    # the line

    def _ask(self, command: bytes, *, then: bytes = b"") -> bytes:
        """Send a command and return its answer, which begins with the command's number plus one; ``then`` is sent after it."""
        self._frames.forget()
        self._waiting.clear()
        self._write(pn532.frame(command))
        acknowledged = self._next(_ACK_SECONDS)
        while acknowledged.kind == "damaged":  # noise of a line just opened
            acknowledged = self._next(_ACK_SECONDS)
        if acknowledged.kind != "ack":
            raise self._silent("no acknowledgement")
        answer = self._next(self._patience)
        if answer.kind == "damaged":
            self._write(pn532.NACK)  # say it again
            answer = self._next(self._patience)
        if answer.kind != "answer" or answer.data[:1] != bytes([command[0] + 1]):
            raise self._silent(f"answer to {command[0]:02X}: {answer.kind}")
        return self._ask(then) if then else answer.data

    def _next(self, seconds: float) -> Frame:
        until = self._clock.monotonic_ns() + int(seconds * 1e9)
        while not self._waiting:
            left = (until - self._clock.monotonic_ns()) / 1e9
            if left <= 0:
                self._write(pn532.ACK)  # gives the command up
                raise self._silent("no answer")
            self._waiting += self._frames.take(self._read(left))
        return self._waiting.pop(0)

    def _silent(self, detail: str) -> Refused:
        return Refused("chip.no_reader", "", f"{self.name}: {detail}")

    def _read(self, seconds: float) -> bytes:
        try:
            return self._line.read(seconds)
        except Refused as error:
            raise self._silent(error.code) from None

    def _write(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except Refused as error:
            raise self._silent(error.code) from None


def _opened(path: str, baud_rate: int) -> SerialLine:
    try:
        return SerialLine(path, baud_rate)
    except Refused as error:
        raise Refused("chip.no_reader", "", f"{path}: {error.code}") from None


class Pn532Place:
    """One board as a kiosk uses it. Made for each reading, so plugging in helps at once, and no field is on between people."""

    def __init__(self, path: str, *, clock: Clock) -> None:
        self._device = Pn532(path, clock=clock)

    def wait(self, seconds: float, *, present: bool) -> bool:
        """Wait until a card lies there, or none does."""
        return self._device.wait_for_card(seconds=seconds) if present else self._device.wait_until_gone(seconds=seconds)

    @contextmanager
    def card(self) -> Iterator[Pn532]:
        """Return the card that lies there, and end its session afterwards."""
        try:
            yield self._device
        finally:
            with suppress(LuutruError):  # unplugged; there is no field any more
                self._device.turn_off()

    def close(self) -> None:
        """Turn the field off and give the line back."""
        self._device.close()
