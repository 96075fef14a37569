"""Contactless readers through PC/SC: Debian's own service and drivers, called through ctypes on libpcsclite, without a compiler.

- One ``PcscCard`` is one card in one reader; its only method is ``transceive``. A card that was taken away, or a reader that was unplugged, is
  ``Refused("chip.card_gone")``; a service that does not answer is ``Refused("chip.no_reader")``.
- Readers are listed and waited for by name; insertion and removal are events of the service, not polling of the card.
- ``reset`` powers the card off and on: the only way back to a fresh start after a broken channel.
- A machine without the library has no chip readers, and says so.

Example: ``with PcscCard(service, service.names()[0]) as card: card.transceive(apdu)``
"""

from __future__ import annotations

import ctypes
from types import TracebackType
from typing import Any, Final, Self

from residence.errors import Refused

_LIBRARY: Final = "libpcsclite.so.1"
_SCOPE_SYSTEM: Final = 2
_SHARED: Final = 2
_ANY_PROTOCOL: Final = 3
_UNPOWER_CARD: Final = 2
_PRESENT: Final = 0x20
_TIMEOUT: Final = 0x8010000A
_NO_READERS: Final = 0x8010002E
_BUFFER: Final = 65_538
_Word: Final = ctypes.c_ulong
_ATR_BYTES: Final = 33


class _Request(ctypes.Structure):
    _fields_ = (("protocol", ctypes.c_ulong), ("length", ctypes.c_ulong))


class _State(ctypes.Structure):
    _fields_ = (
        ("reader", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
        ("current", ctypes.c_ulong),
        ("event", ctypes.c_ulong),
        ("atr_length", ctypes.c_ulong),
        ("atr", ctypes.c_ubyte * _ATR_BYTES),
    )


def _library() -> Any:
    try:
        return ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise Refused("chip.no_reader", "", str(error)) from None


class Service:
    """One connection to the smart-card service."""

    def __init__(self) -> None:
        self.library: Final = _library()
        self.context: Final = ctypes.c_long()
        self._check(self.library.SCardEstablishContext(_Word(_SCOPE_SYSTEM), None, None, ctypes.byref(self.context)))

    @staticmethod
    def _check(code: int, *, refusal: str = "chip.no_reader") -> None:
        if code & 0xFFFFFFFF:
            raise Refused(refusal, "", f"PC/SC {code & 0xFFFFFFFF:08X}")

    def close(self) -> None:
        """Give the connection back."""
        self.library.SCardReleaseContext(self.context)

    def names(self) -> tuple[str, ...]:
        """Return the readers that are plugged in."""
        length = _Word(0)
        code = self.library.SCardListReaders(self.context, None, None, ctypes.byref(length)) & 0xFFFFFFFF
        if code == _NO_READERS:
            return ()
        self._check(code)
        buffer = ctypes.create_string_buffer(length.value)
        self._check(self.library.SCardListReaders(self.context, None, buffer, ctypes.byref(length)))
        return tuple(each.decode() for each in buffer.raw[: length.value].split(b"\0") if each)

    def wait_for_card(self, reader: str, *, seconds: float, present: bool = True) -> bool:
        """Wait until a card lies on the reader, or until it was taken away; False when that did not happen in time."""
        state = _State(reader=reader.encode(), current=0)
        while True:
            code = self.library.SCardGetStatusChange(self.context, _Word(int(seconds * 1000)), ctypes.byref(state), _Word(1))
            if code & 0xFFFFFFFF == _TIMEOUT:
                return False
            self._check(code)
            if bool(state.event & _PRESENT) is present:
                return True
            state.current = state.event & ~2


class PcscCard:
    """One card in one reader."""

    def __init__(self, service: Service, reader: str) -> None:
        self._service = service
        self._handle = ctypes.c_long()
        self._protocol = _Word()
        self.reader: Final = reader
        code = service.library.SCardConnect(
            service.context,
            reader.encode(),
            _Word(_SHARED),
            _Word(_ANY_PROTOCOL),
            ctypes.byref(self._handle),
            ctypes.byref(self._protocol),
        )
        self._check(code)

    def __enter__(self) -> Self:
        """Return the card."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Let the card go and power it off: its session keys end there too."""
        self._service.library.SCardDisconnect(self._handle, _Word(_UNPOWER_CARD))

    @staticmethod
    def _check(code: int) -> None:
        if code & 0xFFFFFFFF:
            raise Refused("chip.card_gone", "", f"PC/SC {code & 0xFFFFFFFF:08X}")

    def transceive(self, apdu: bytes) -> bytes:
        """Send one command and return the answer."""
        request = _Request(protocol=self._protocol.value, length=ctypes.sizeof(_Request))
        buffer, length = ctypes.create_string_buffer(_BUFFER), _Word(_BUFFER)
        code = self._service.library.SCardTransmit(
            self._handle, ctypes.byref(request), apdu, _Word(len(apdu)), None, buffer, ctypes.byref(length)
        )
        self._check(code)
        return buffer.raw[: length.value]

    def reset(self) -> None:
        """Power the card off and on."""
        code = self._service.library.SCardReconnect(
            self._handle, _Word(_SHARED), _Word(_ANY_PROTOCOL), _Word(_UNPOWER_CARD), ctypes.byref(self._protocol)
        )
        self._check(code)


class PcscPlace:
    """One reader as a kiosk uses it: the first whose name holds ``part``. Made for each reading, so plugging in helps at once."""

    def __init__(self, part: str = "") -> None:
        self._service = Service()
        try:
            self.reader: Final = next(each for each in self._service.names() if part in each)
        except StopIteration:
            self._service.close()
            raise Refused("chip.no_reader", "", part) from None
        except Refused:
            self._service.close()
            raise

    def wait(self, seconds: float, *, present: bool) -> bool:
        """Wait until a card lies there, or none does."""
        return self._service.wait_for_card(self.reader, seconds=seconds, present=present)

    def card(self) -> PcscCard:
        """Return the card that lies there."""
        return PcscCard(self._service, self.reader)

    def close(self) -> None:
        """Give the service back."""
        self._service.close()
