"""Asking a scanner over a line it also sends codes on: one question at a time, with patience, and nothing else lost.

- A reply does not say what it answers. So before each question the line is heard out, and after a lost reply it is heard out as
  long again: a late reply must not be taken for the next one's.
- Bytes that are no reply are somebody's code; they are kept in order and handed back by ``take_stray``.
- A lost or damaged reply is asked for again, three times in all; then ``scanner.no_answer`` or ``scanner.reply_crc``.
- A refusal is not asked again. A conversation that ``yields`` gives up as soon as a question stays unanswered and a code came
  meanwhile: somebody is scanning, and that goes first.

Example: ``Conversation(line, DIALECTS["grow"], clock=clock, reply_ms=300).ask(grow.read_register(0x000D))``
"""

from __future__ import annotations

from typing import Final, Protocol

from edge_agent.scanner_protocols.dialects import Dialect
from edge_agent.scanner_protocols.replies import Reply
from residence.clock import Clock
from residence.errors import LuutruError, Malformed, Refused

TRIES: Final = 3
_NS: Final = 1_000_000_000
_SHORT: Final = 0.05
_HEAR_OUT_AT_MOST: Final = 4  # times the patience: a line that is never silent must not hold us for ever


class Line(Protocol):
    """What a conversation needs of a line (``edge_agent/serial_line.py``)."""

    @property
    def baud_rate(self) -> int:
        """Return the host side's rate."""
        ...

    def set_baud(self, rate: int) -> None:
        """Change the host side's rate."""
        ...

    def read(self, seconds: float) -> bytes:
        """Return what arrived, waiting up to ``seconds`` for the first byte."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...


class Conversation:
    """Questions and answers with one scanner."""

    def __init__(self, line: Line, dialect: Dialect, *, clock: Clock, reply_ms: int, yields: bool = False) -> None:
        self.line: Final = line
        self.dialect: Final = dialect
        self._clock = clock
        self._patience = reply_ms / 1000
        self._yields = yields
        self._stray = b""

    def take_stray(self) -> bytes:
        """Return, once, the bytes that were no reply."""
        stray, self._stray = self._stray, b""
        return stray

    @property
    def was_interrupted(self) -> bool:
        """Tell whether anything but replies came."""
        return bool(self._stray)

    def ask(self, request: bytes, *, whole: bool = False, tries: int = TRIES) -> bytes:
        """Return the data of the answer."""
        trouble: LuutruError = Refused("scanner.no_answer")
        for _ in range(tries):
            self._hear_out(0.0)
            self.line.write(request)
            reply = self._await_reply(whole=whole)
            if reply is None and self._yields and self._stray:
                break
            if reply is None:
                trouble = Refused("scanner.no_answer")
                self._hear_out(self._patience)
            elif reply.error == "scanner.reply_crc":
                trouble = Malformed(reply.error)
            elif reply.error == "scanner.command_refused":
                raise Refused(reply.error)
            elif reply.error:
                raise Malformed(reply.error)
            else:
                return reply.data
        raise trouble

    def send(self, data: bytes) -> None:
        """Send what has no described answer, and hear out what comes all the same."""
        self.line.write(data)
        self._hear_out(self._patience)

    def _await_reply(self, *, whole: bool) -> Reply | None:
        deadline = self._clock.monotonic_ns() + int(self._patience * _NS)
        buffer = b""
        while (left := deadline - self._clock.monotonic_ns()) > 0:
            buffer += self.line.read(left / _NS)
            cut = self.dialect.cut(buffer, whole=whole)
            self._stray += cut.stray
            buffer = cut.rest
            if cut.reply is not None:
                self._stray += buffer
                return cut.reply
        self._stray += buffer
        return None

    def _hear_out(self, seconds: float) -> None:
        """Take in what comes until nothing does for ``seconds``; replies among it are too late and are dropped."""
        deadline = self._clock.monotonic_ns() + int(max(seconds, _SHORT) * _HEAR_OUT_AT_MOST * _NS)
        buffer = b""
        while chunk := self.line.read(seconds):
            buffer += chunk
            while (cut := self.dialect.cut(buffer, whole=False)).reply is not None:
                self._stray += cut.stray
                buffer = cut.rest
            if self._clock.monotonic_ns() > deadline:
                break
        self._stray += buffer
