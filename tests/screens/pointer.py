"""A mouse for a screen without one: the compositor's virtual pointer, spoken to on its own socket.

- The wire is Wayland's: object, size and opcode, then words of 32 bits; texts carry their length and a final zero, filled to four bytes.
- A pointer lives as long as its connection.

Example: ``with Pointer(folder / "run/wayland-1") as pointer: pointer.click(100, 200, "right", size=(800, 480))``
"""

from __future__ import annotations

import socket
import struct
import time

DISPLAY, REGISTRY, SYNC, MAKER, POINTER = 1, 2, 3, 4, 5
BUTTONS = {"left": 0x110, "right": 0x111, "middle": 0x112, "back": 0x113, "forward": 0x114}
MAKER_NAME = "zwlr_virtual_pointer_manager_v1"


class Pointer:
    """One mouse."""

    def __init__(self, path):
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(10)
        self._line.connect(str(path))
        self._send(DISPLAY, 1, REGISTRY)
        self._send(DISPLAY, 0, SYNC)
        name = self._number_of_maker()
        self._line.sendall(_message(REGISTRY, 0, struct.pack("=I", name) + _text(MAKER_NAME) + struct.pack("=II", 1, MAKER)))
        self._send(MAKER, 0, 0, POINTER)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._line.close()

    def click(self, x, y, button, *, size):
        """Go there and press a button once."""
        self._send(POINTER, 1, _now(), x, y, *size)
        self._send(POINTER, 4)
        time.sleep(0.3)
        for down in (1, 0):
            self._send(POINTER, 2, _now(), BUTTONS[button], down)
            self._send(POINTER, 4)
            time.sleep(0.1)

    def _send(self, which, opcode, *words):
        self._line.sendall(_message(which, opcode, struct.pack(f"={len(words)}I", *words)))

    def _number_of_maker(self):
        told, found = b"", None
        while True:
            told += self._line.recv(65536)
            while len(told) >= 8 and len(told) >= (size := struct.unpack_from("=I", told, 4)[0] >> 16):
                which, opcode = struct.unpack_from("=I", told)[0], struct.unpack_from("=I", told, 4)[0] & 0xFFFF
                body, told = told[8:size], told[size:]
                if which == REGISTRY and opcode == 0 and MAKER_NAME.encode() in body:
                    found = struct.unpack_from("=I", body)[0]
                if which == SYNC:
                    if found is None:
                        raise RuntimeError("the compositor has no virtual pointer")
                    return found


def _message(which, opcode, body):
    return struct.pack("=II", which, (8 + len(body)) << 16 | opcode) + body


def _text(text):
    data = text.encode() + b"\0"
    return struct.pack("=I", len(data)) + data + bytes(-len(data) % 4)


def _now():
    return int(time.monotonic() * 1000) & 0xFFFFFFFF
