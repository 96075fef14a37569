"""Contactless readers through PC/SC: Debian's own service and drivers, called through ctypes on libpcsclite, without a compiler.

- One ``PcscCard`` is one card in one reader; its only method is ``transceive``. A card that was taken away, or a reader that was unplugged, is
  ``Refused("chip.card_gone")``; a service that does not answer is ``Refused("chip.no_reader")``.
- Readers are listed and waited for by name; insertion and removal are events of the service, not polling of the card. ``watch`` tells what
  comes and goes, readers too; a service that stops takes its readers along, and one that comes back brings them back.
- A command of extended length that the driver does not carry, while the card lies there, is answered 6700 as a card would that knows none; only
  where nothing is protected yet, which is where it is found out.
- ``reset`` powers the card off and on: the only way back to a fresh start after a broken channel.
- A machine without the library has no chip readers, and says so.

Example: ``with PcscCard(service, service.names()[0]) as card: card.transceive(apdu)``
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Literal, Self

import msgspec

from residence.errors import Refused

_LIBRARY: Final = "libpcsclite.so.1"
_SCOPE_SYSTEM: Final = 2
_SHARED: Final = 2
_ANY_PROTOCOL: Final = 3
_UNPOWER_CARD: Final = 2
_PRESENT: Final = 0x20
_TIMEOUT: Final = 0x8010000A
_NO_READERS: Final = 0x8010002E
_UNKNOWN_READER: Final = 0x80100009
_CHANGED: Final = 0x02
_PLUGGING: Final = rb"\\?PnP?\Notification"  # the service's own name for "a reader was plugged in or out"
_COUNT: Final = 16  # the number of readers stands in the upper half of its state
_LOOK_SECONDS: Final = 1.0
_BUFFER: Final = 65_538
_Word: Final = ctypes.c_ulong
_ATR_BYTES: Final = 33
_STATUS_BYTES: Final = 2
# Parameter, buffer too small, protocol, not transacted, feature: what drivers say of commands longer than they carry.
_NOT_CARRIED: Final = {0x80100004, 0x80100008, 0x8010000F, 0x80100011, 0x80100016, 0x8010001F, 0x80100022}
_NO_EXTENDED_LENGTH: Final = b"\x67\x00"
_SHORT_HEAD: Final = 5
_LENGTH_AT: Final = 4
_PROTECTED: Final = 0x0C


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
        self._seen: dict[str, int] = {}
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

    def look(self, *, seconds: float) -> dict[str, bool]:
        """Return each reader with whether a card lies on it, after waiting for something to change since the last look."""
        names = self.names()
        states = [*(_State(reader=each.encode(), current=self._seen.get(each, 0)) for each in names), _State(reader=_PLUGGING)]
        states[-1].current = len(names) << _COUNT  # a reader more or less is a change, too
        array = (_State * len(states))(*states)
        known = set(names) == set(self._seen)
        code = self.library.SCardGetStatusChange(
            self.context, _Word(int(seconds * 1000) if known else 0), array, _Word(len(states))
        )
        if code & 0xFFFFFFFF == _UNKNOWN_READER:  # one left while we asked; the next look begins anew
            before, self._seen = self._seen, {}
            return _with_cards(before)
        if code & 0xFFFFFFFF != _TIMEOUT:
            self._check(code)
            self._seen = {each.reader.decode(): each.event & ~_CHANGED for each in array[:-1]}
        return _with_cards(self._seen)


def _with_cards(states: dict[str, int]) -> dict[str, bool]:
    return {reader: bool(state & _PRESENT) for reader, state in states.items()}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that came or went."""

    what: Literal["reader-there", "card-there", "card-gone", "reader-gone"]
    reader: str


def watch(
    go_on: Callable[[], bool], *, connect: Callable[[], Service] = Service, pause: Callable[[float], object]
) -> Iterator[Event]:
    """Tell what comes and goes until ``go_on`` says no; a service that is away is asked for again and again."""
    service: Service | None = None
    before: dict[str, bool] = {}
    while go_on():
        now: dict[str, bool] = {}
        try:
            service = service or connect()
            now = service.look(seconds=_LOOK_SECONDS)
        except Refused:
            if service is not None:
                service.close()
            service = None
            pause(_LOOK_SECONDS)
        yield from _differences(before, now)
        before = now
    if service is not None:
        service.close()


def _differences(before: dict[str, bool], now: dict[str, bool]) -> Iterator[Event]:
    for reader, had_card in before.items():
        if had_card and not now.get(reader, False):
            yield Event(what="card-gone", reader=reader)
        if reader not in now:
            yield Event(what="reader-gone", reader=reader)
    for reader, has_card in now.items():
        if reader not in before:
            yield Event(what="reader-there", reader=reader)
        if has_card and not before.get(reader, False):
            yield Event(what="card-there", reader=reader)


def _is_plain_and_extended(apdu: bytes) -> bool:
    return len(apdu) > _SHORT_HEAD and not apdu[_LENGTH_AT] and not apdu[0] & _PROTECTED


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
        if code & 0xFFFFFFFF in _NOT_CARRIED and _is_plain_and_extended(apdu) and self.about:
            return _NO_EXTENDED_LENGTH
        self._check(code)
        if length.value < _STATUS_BYTES:  # some drivers call it a success when the card left while it was thinking
            raise Refused("chip.card_gone", "", f"an answer of {length.value} bytes")
        return buffer.raw[: length.value]

    @property
    def about(self) -> bytes:
        """Return the card's answer to reset, as the service has it; empty when the card is gone."""
        answer, length = ctypes.create_string_buffer(_ATR_BYTES), _Word(_ATR_BYTES)
        code = self._service.library.SCardStatus(self._handle, None, None, None, None, answer, ctypes.byref(length))
        return b"" if code & 0xFFFFFFFF else answer.raw[: length.value]

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
