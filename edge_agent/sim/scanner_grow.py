r"""A simulated Grow module without its line: registers, frames, and how a card's bytes leave it. Invented; it shows no real device's faults.

- Bytes in, bytes out; nothing here waits. Registers act as soon as they are written; only saved ones survive ``power_cut``.
- ``gm65`` and ``gm812`` differ as the model files say: 000D is the output of the one and the encoding of the other.
- GBK is played with GB 18030: the letters leave in bytes that are no UTF-8. What a real module does with them is not known.
- An open setup code changes registers and is answered on the line like a command; a locked one leaves as an ordinary payload.

>>> GrowBrain("gm65").feed(bytes.fromhex("7E000701002A02D80F"))[0].hex(" ")
'02 00 00 02 39 01 c1 4c'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from edge_agent.scanner_protocols.grow import BAUD_REGISTER, crc, reply_frame
from firmware_config.scanner_models import load_model

GrowKind = Literal["gm65", "gm812"]
_HEAD: Final = b"\x7e\x00"
_UNCHECKED: Final = b"\xab\xcd"
_SHORTEST: Final = 9
_LOCK_TEXT: Final = b"_SET_CODE_OFF"
# as they might leave the factory: manual reading, no line end, GBK
_FACTORY: Final[dict[GrowKind, dict[int, int]]] = {
    "gm65": {0x0000: 0xD4, 0x0003: 0x00, 0x000D: 0xA0, 0x0060: 0x60, 0x002A: 0x39, 0x002B: 0x01, 0x00E1: 0x64, 0x00E2: 0x69},
    "gm812": {0x0000: 0xD6, 0x0003: 0x00, 0x000D: 0x02, 0x000E: 0x04, 0x002A: 0x39, 0x002B: 0x01},
}
_TAILS_65: Final = (b"\r", b"\r\n", b"\t", b"")
_TAILS_812: Final = (b"\r", b"\n", b"\r\n", b"\t", b"")


class GrowBrain:
    """What a module knows and answers."""

    def __init__(self, kind: GrowKind) -> None:
        self.kind: Final = kind
        self.registers = dict(_FACTORY[kind])
        self._flash = dict(self.registers)
        self._locked_by_text = False
        self._heard = b""
        self._rates = {bytes.fromhex(code): int(rate) for rate, code in load_model(kind).baud_codes.items()}

    @property
    def baud_rate(self) -> int:
        """Return the rate in force."""
        return self._rates.get(bytes(self.registers[BAUD_REGISTER + step] for step in (0, 1)), 9_600)

    @property
    def is_locked(self) -> bool:
        """Tell whether setup codes are without effect."""
        return self._locked_by_text or bool(self.kind == "gm65" and self.registers[0x0003] & 0x02)

    def power_cut(self) -> None:
        """Forget what was not saved."""
        self.registers = dict(self._flash)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return the replies."""
        self._heard += data
        replies: list[bytes] = []
        while (start := self._heard.find(_HEAD)) >= 0 and len(self._heard) >= start + _SHORTEST:
            self._note_text(self._heard[:start])
            end = start + 6 + max(1, self._heard[start + 3]) + 2
            if len(self._heard) < end:
                return replies
            replies.append(self._answer(self._heard[start + 2 : end - 2], self._heard[end - 2 : end]))
            self._heard = self._heard[end:]
        if start < 0:
            self._note_text(self._heard)
            self._heard = self._heard[-len(_LOCK_TEXT) + 1 :]
        return replies

    def show(self, payload: bytes) -> bytes:
        """Return what leaves the module when it reads a code."""
        if self.kind == "gm65":
            to_serial = self.registers[0x000D] & 0x03 in {0x00, 0x03}
            return payload + _TAILS_65[self.registers[0x0060] >> 5 & 0x03] if to_serial and self.registers[0x0000] & 0x02 else b""
        sent = _as_gbk(payload) if self.registers[0x000D] >= 2 else payload  # noqa: PLR2004 -- 0 RAW, 1 UTF-8
        return sent + _TAILS_812[min(self.registers[0x000E], 4)]

    def show_setup_code(self, changes: Mapping[int, int]) -> bytes:
        """Return what leaves the module when somebody shows it a code that would change registers."""
        if self.is_locked:
            return self.show(b"_SET_CODE_ON")
        self.registers.update(changes)
        return reply_frame(b"\x00")

    def _note_text(self, text: bytes) -> None:
        self._locked_by_text = self._locked_by_text or (self.kind == "gm812" and _LOCK_TEXT in text)

    def _answer(self, body: bytes, check: bytes) -> bytes:
        if check not in {crc(body), _UNCHECKED}:
            return reply_frame(b"\x00", kind=1)
        address, data = int.from_bytes(body[2:4]), body[4:]
        match body[0]:
            case 7:
                return reply_frame(bytes(self.registers.get(address + step, 0) for step in range(data[0] or 256)))
            case 8:
                self.registers.update({address + step: value for step, value in enumerate(data)})
            case 9:
                self._flash = dict(self.registers)
            case _:
                return reply_frame(b"\x00", kind=3)
        return reply_frame(b"\x00")


def _as_gbk(payload: bytes) -> bytes:
    return payload.decode("utf-8", "replace").encode("gb18030")
