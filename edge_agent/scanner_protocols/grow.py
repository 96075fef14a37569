r"""The register protocol of Grow modules (GM60, GM65, GM805, GM812, GM861) and of Newland engines: frames and their CRC.

- Request: ``7E 00 | type | length | address high, low | data | CRC``; type 07 reads, 08 writes, 09 saves to flash.
- Reply: ``02 00 | type | length | data | CRC``; type 00 done, 01 the request's CRC was wrong, 03 no such command. Length 00 means 256.
- The CRC is CRC-16/XMODEM from the type to the last byte of data. The wild card ``AB CD`` ("do not check") is never sent by us.
- A reply names no register: whoever asks must not ask the next thing before the answer has come or can no longer come.
- Two-byte values (baud) are low byte first: 9600 is ``39 01``, register 002A.

>>> read_register(0x2A, 2).hex(" ")
'7e 00 07 01 00 2a 02 d8 0f'
>>> cut_reply(bytes.fromhex("02000001003331")).reply
Reply(data=b'\x00', error='')
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import Final

from edge_agent.scanner_protocols.replies import Cut, Reply

BAUD_REGISTER: Final = 0x002A
_READ, _WRITE, _SAVE = 7, 8, 9
_HEAD: Final = b"\x02\x00"
_ERRORS: Final = {0: "", 1: "scanner.reply_crc", 3: "scanner.command_refused"}
_BEFORE_DATA: Final = 4
_CRC: Final = 2


def crc(body: bytes) -> bytes:
    """Return CRC-16/XMODEM of what stands between the head and the CRC."""
    return crc_hqx(body, 0).to_bytes(2)


def _request(kind: int, address: int, data: bytes, *, length: int) -> bytes:
    body = bytes([kind, length]) + address.to_bytes(2) + data
    return b"\x7e\x00" + body + crc(body)


def read_register(address: int, count: int = 1) -> bytes:
    """Return the request for ``count`` registers from ``address``."""
    return _request(_READ, address, bytes([count]), length=1)


def write_register(address: int, data: bytes) -> bytes:
    """Return the request that writes one register, or several that follow each other."""
    return _request(_WRITE, address, data, length=len(data))


def save() -> bytes:
    """Return the request that keeps all registers over a power cut."""
    return _request(_SAVE, 0, b"\x00", length=1)


def reply_frame(data: bytes, *, kind: int = 0) -> bytes:
    """Return a reply as a scanner sends it; for simulators."""
    body = bytes([kind, len(data) % 256]) + data
    return _HEAD + body + crc(body)


def cut_reply(buffer: bytes) -> Cut:
    """Find the first whole reply with a right CRC; one with a wrong CRC counts only when nothing better can still come."""
    unfinished: int | None = None
    damaged: tuple[int, int] | None = None
    for start in _heads(buffer):
        end = _end_of_frame(buffer, start)
        if end is None:
            unfinished = start if unfinished is None else unfinished
        elif crc(buffer[start + 2 : end - _CRC]) == buffer[end - _CRC : end]:
            data = buffer[start + _BEFORE_DATA : end - _CRC]
            error = _ERRORS.get(buffer[start + 2], "scanner.reply_malformed")
            return Cut(reply=Reply(data=data, error=error), stray=buffer[:start], rest=buffer[end:])
        else:
            damaged = damaged or (start, end)
    if damaged is not None and unfinished is None:
        return Cut(reply=Reply(error="scanner.reply_crc"), stray=buffer[: damaged[0]], rest=buffer[damaged[1] :])
    begin = unfinished if unfinished is not None else len(buffer) - buffer.endswith(_HEAD[:1])
    return Cut(stray=buffer[:begin], rest=buffer[begin:])


def _heads(buffer: bytes) -> list[int]:
    return [start for start in range(len(buffer) - 1) if buffer[start : start + 2] == _HEAD]


def _end_of_frame(buffer: bytes, start: int) -> int | None:
    """Return where the frame at ``start`` ends, or None when the buffer ends before it does."""
    if len(buffer) < start + _BEFORE_DATA:
        return None
    end = start + _BEFORE_DATA + (buffer[start + 3] or 256) + _CRC
    return end if end <= len(buffer) else None
