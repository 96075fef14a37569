r"""Simulated scanners that take commands, without their lines: a DE2120 and one with SYN M CR menus. Invented, as the model files say.

- Bytes in, bytes out; nothing here waits. Settings persist by themselves.
- The DE2120 acknowledges and tells nothing; the menu scanner repeats the command with a status before each mark and can be asked.
- A suffix is added to those there are, so it must be cleared first: that is why the model file has ``before``.

>>> DyscanBrain().feed(b"^_^232UTF1.^_^NOSUCH1.")
[b'\x06', b'\x15']
>>> MenuBrain().feed(b"\x16M\r232BAD?.")
[b'232BAD9\x06.']
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from firmware_config.scanner_models import load_model

_DYSCAN: Final = re.compile(rb"\^_\^([0-9A-Z]+)\.")
_MENU: Final = re.compile(rb"\x16M\r([0-9A-Za-z?;]+)([.!])")
_ACK, _ENQ, _NAK = b"\x06", b"\x05", b"\x15"
_LONGEST: Final = 120


class DyscanBrain:
    """A DE2120 on TTL serial, as from the factory: 115200 baud, GBK, manual reading."""

    def __init__(self) -> None:
        self.held = {"232UTF": "0", "SCM": "MAN", "232BAD": "9", "UTFEAN": "0"}
        self._rates = {code: int(rate) for rate, code in load_model("de2120").baud_codes.items()}
        self._heard = b""

    @property
    def baud_rate(self) -> int:
        """Return the rate in force."""
        return self._rates[self.held["232BAD"]]

    def power_cut(self) -> None:
        """Lose nothing."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return the replies."""
        self._heard = (self._heard + data)[-_LONGEST:]
        replies = [self._answer(found[1].decode("ascii")) for found in _DYSCAN.finditer(self._heard)]
        self._heard = self._heard[self._heard.rfind(b".") + 1 :]
        return replies

    def show(self, payload: bytes) -> bytes:
        """Return what leaves the engine when it reads a code."""
        if self.held["SCM"] == "MAN":
            return b""
        as_utf8 = self.held["232UTF"] == "1"
        return (payload if as_utf8 else payload.decode("utf-8", "replace").encode("gb18030")) + b"\r"

    def show_setup_code(self, changes: Mapping[str, str]) -> bytes:
        """Change settings as a shown code does; nothing is said on the line."""
        self.held.update(changes)
        return b""

    def _answer(self, word: str) -> bytes:
        if word == "DSPYFW":
            return b"DE2120 SIM 1.0" + _ACK
        tag = next((each for each in self.held if word.startswith(each)), None)
        if tag is None or (tag == "232BAD" and word.removeprefix(tag) not in self._rates):
            return _NAK
        self.held[tag] = word.removeprefix(tag)
        return _ACK


class MenuBrain:
    """A scanner with SYN M CR menus on a COM port, as from the factory: 115200 baud, CR after each code."""

    def __init__(self) -> None:
        self.held = {"232BAD": "9", "SUFBK2": "990D", "PAPPST": ""}
        self._rates = {code: int(rate) for rate, code in load_model("honeywell").baud_codes.items()}
        self._heard = b""

    @property
    def baud_rate(self) -> int:
        """Return the rate in force."""
        return self._rates[self.held["232BAD"]]

    def power_cut(self) -> None:
        """Lose nothing: only commands kept for good are known here."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return the replies."""
        self._heard = (self._heard + data)[-_LONGEST:]
        replies = [self._answer(found[1].decode("ascii"), found[2]) for found in _MENU.finditer(self._heard)]
        last = max(self._heard.rfind(mark) for mark in (b".", b"!"))
        self._heard = self._heard[last + 1 :]
        return replies

    def show(self, payload: bytes) -> bytes:
        """Return what leaves the scanner when it reads a code: its bytes as they are, and the suffixes."""
        return payload + bytes.fromhex(self.held["SUFBK2"].replace("99", "", 1))

    def show_setup_code(self, changes: Mapping[str, str]) -> bytes:
        """Change settings as a shown code does; nothing is said on the line."""
        self.held.update(changes)
        return b""

    def _answer(self, words: str, mark: bytes) -> bytes:
        said = [self._one(word.upper()) for word in words.split(";")]
        return b";".join(said) + mark

    def _one(self, word: str) -> bytes:
        if word == "REVINF":
            return b"Product Name: simulated scanner\r\nSoftware Revision: SIM 1.0\r\n" + word.encode() + _ACK
        if word == "SUFCA2":
            self.held["SUFBK2"] = ""
            return word.encode() + _ACK
        tag = next((each for each in self.held if word.startswith(each)), None)
        if tag is None:
            return word.encode() + _ENQ
        data = word.removeprefix(tag)
        if data == "?":
            return f"{tag}{self.held[tag]}".encode() + _ACK
        if tag == "232BAD" and data not in self._rates:
            return word.encode() + _NAK
        self.held[tag] = self.held[tag] + data if tag == "SUFBK2" else data
        return word.encode() + _ACK
