"""One RS-485 line with its readers, through libosdp. The only file that knows the library (ADR 69).

- Secure Channel is enforced on every reader: none that has lost its key, claims another, or asks to be installed gets on line.
- libosdp 3.2.9 gives a reader up for five minutes after one damaged answer, one NAK or a restart of the reader. Whoever is not on his
  Secure Channel is therefore let go of and taken up again twice a second; the reader is back as soon as its line is.
- ``commissioning`` is the one case without enforcement: one reader, a new key, and nothing a reader reads is handed on.
- The library is turned from here, by ``turn``; it has no thread of its own that could end unseen.

Example: ``bus = Bus(order, line, clock=time.monotonic); bus.turn(); bus.said()``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from edge_agent.osdp.words import MOST_KEYS, CardSaid, InputsSaid, KeysSaid, Lamp, LineOrder, LinkSaid, Said, TamperSaid

AGAIN_SECONDS: Final = 0.5
REST_SECONDS: Final = 0.1  # between letting go and taking up: an answer still on the wire must be over
_KEY_LETTERS: Final = {**{ord(each): each for each in "0123456789*#"}, 0x7F: "*", 0x0D: "#"}
_RED, _GREEN, _AMBER = 1, 2, 3


class Line(Protocol):
    """Bytes in and out, never waiting."""

    def read(self, most: int) -> bytes:
        """Return what is there."""
        ...

    def write(self, data: bytes) -> int:
        """Send, and return how much was taken."""
        ...


class Bus:
    """The control panel of one line."""

    def __init__(self, order: LineOrder, line: Line, *, clock: Callable[[], float]) -> None:
        import osdp_sys

        self._lib: Any = osdp_sys
        self._order = order
        self._clock = clock
        self._said: list[Said] = []
        self._secure = [False] * len(order.readers)
        self._default_key = [False] * len(order.readers)
        self._told: list[LinkSaid | None] = [None] * len(order.readers)
        self._next = [0.0] * len(order.readers)
        self._resting = [False] * len(order.readers)
        osdp_sys.set_loglevel(osdp_sys.LOG_EMERG)
        channel = _channel(line)
        self._panel: Any = osdp_sys.ControlPanel([self._described(each, channel) for each in order.readers])
        self._panel.set_event_callback(self._hear)
        now = clock()
        self._next = [now + AGAIN_SECONDS for _ in order.readers]

    def turn(self) -> None:
        """Let the library work, and look after whoever is off line. To be called some fifty times a second."""
        self._panel.refresh()
        online, secure = self._panel.status(), self._panel.sc_status()
        for place, reader in enumerate(self._order.readers):
            good = bool(online >> place & secure >> place & 1)
            self._secure[place] = good
            link = LinkSaid(reader=reader.name, state="secure" if good else "lost", default_key=good and self._default_key[place])
            if link != self._told[place]:
                self._told[place] = link
                self._said.append(link)
            self._tend(place, good=good)

    def said(self) -> list[Said]:
        """Return what was heard since, and forget it."""
        heard, self._said = self._said, []
        return heard

    def show(self, reader: str, lamp: Lamp) -> None:
        """Have a reader show and sound something; one that is off line misses it."""
        place = next((place for place, each in enumerate(self._order.readers) if each.name == reader), None)
        if place is None or not self._secure[place]:
            return
        colour, seconds, beeps = _LAMPS[lamp]
        self._panel.submit_command(place, self._lamp(colour, seconds))
        if beeps:
            self._panel.submit_command(place, self._buzzer(beeps))

    def _tend(self, place: int, *, good: bool) -> None:
        now = self._clock()
        if good and not self._resting[place]:
            self._next[place] = now + AGAIN_SECONDS
        elif now >= self._next[place]:
            if self._resting[place]:
                self._panel.enable_pd(place)
            else:
                self._panel.disable_pd(place)
            self._resting[place] = not self._resting[place]
            self._next[place] = now + (REST_SECONDS if self._resting[place] else AGAIN_SECONDS)

    def _hear(self, place: int, event: dict[str, Any]) -> int:
        lib, name, kind = self._lib, self._order.readers[place].name, event["event"]
        if kind == lib.EVENT_NOTIFICATION:
            self._notice(place, event)
        elif self._order.commissioning:
            return 0  # nobody is let in by a reader whose key everybody may have
        elif kind == lib.EVENT_CARDREAD:
            self._card(name, event)
        elif kind == lib.EVENT_KEYPRESS:
            keys = "".join(_KEY_LETTERS.get(each, "") for each in event["data"][:MOST_KEYS])
            if keys:
                self._said.append(KeysSaid(reader=name, keys=keys))
        elif kind == lib.EVENT_STATUS:
            self._status(name, event)
        return 0

    def _notice(self, place: int, event: dict[str, Any]) -> None:
        if event["type"] == self._lib.EVENT_NOTIFICATION_SC_STATUS:
            self._default_key[place] = bool(event["arg0"] and event["arg1"])
        elif event["type"] == self._lib.EVENT_NOTIFICATION_PD_STATUS and not event["arg0"]:
            self._next[place] = self._clock()  # given up: begin at once

    def _card(self, name: str, event: dict[str, Any]) -> None:
        forms = {self._lib.CARD_FMT_RAW_UNSPECIFIED: "raw", self._lib.CARD_FMT_RAW_WIEGAND: "wiegand"}
        form = forms.get(event["format"])
        if form == "raw":
            self._said.append(CardSaid(reader=name, format="raw", bits=event["length"], data=bytes(event["data"])))
        elif form == "wiegand":
            self._said.append(CardSaid(reader=name, format="wiegand", bits=event["length"], data=bytes(event["data"])))

    def _status(self, name: str, event: dict[str, Any]) -> None:
        report = [bool(each) for each in event["report"]]
        if event["type"] == self._lib.STATUS_REPORT_LOCAL:
            tamper, power, *_ = (*report, False, False)
            self._said.append(TamperSaid(reader=name, tamper=tamper, power=power))
        elif event["type"] == self._lib.STATUS_REPORT_INPUT:
            self._said.append(InputsSaid(reader=name, on=tuple(report[:32])))

    def _described(self, reader: Any, channel: Any) -> dict[str, Any]:
        enforced = 0 if self._order.commissioning else self._lib.FLAG_ENFORCE_SECURE
        return {
            "name": reader.name,
            "address": reader.address,
            "flags": enforced | self._lib.FLAG_ENABLE_NOTIFICATION,
            "scbk": reader.key,
            "channel": channel,
            # the library wants these of a panel, too, and does not look at them
            "version": 0,
            "model": 0,
            "vendor_code": 0,
            "serial_number": 0,
            "firmware_version": 0,
        }

    def _lamp(self, colour: int, seconds: int) -> dict[str, Any]:
        return {
            "command": self._lib.CMD_LED,
            "reader": 0,
            "led_number": 0,
            "control_code": 2,  # for a while, then as before
            "on_count": 1,
            "off_count": 0,
            "on_color": colour,
            "off_color": 0,
            "timer_count": seconds * 10,
            "temporary": True,
        }

    def _buzzer(self, beeps: int) -> dict[str, Any]:
        return {
            "command": self._lib.CMD_BUZZER,
            "reader": 0,
            "control_code": 2,
            "on_count": 1,
            "off_count": 1,
            "rep_count": beeps,
        }


# colour, seconds, beeps: told apart by sound as well as by colour
_LAMPS: Final[dict[Lamp, tuple[int, int, int]]] = {
    "granted": (_GREEN, 3, 1),
    "denied": (_RED, 2, 3),
    "wait": (_AMBER, 10, 2),
}


def _channel(line: Line) -> Any:
    """Return the line as the library wants it: an object with read, write, flush and an id."""

    class _Channel:
        id = 0

        def read(self, most: int) -> bytes:
            return line.read(most)

        def write(self, data: bytes) -> int:
            return line.write(data)

        def flush(self) -> None:
            """Nothing is held back."""

    return _Channel()
