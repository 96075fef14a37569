"""A barcode scanner on a serial line or USB virtual COM port.

- Framing, floods, noise and setup codes are decided in ``edge_agent/scanning/framing.py``; a shown setup code leaves the
  reader ``degraded`` until it is opened anew or a look at its settings finds them right; other notes until the next good read.
- Unplugging ends the session; the same path is opened again until it is back. Name the device by USB path (udev), for cheap
  adapters have no serial number.
- Without ``care`` we only listen, and that works with every model. With ``care`` (``edge_agent/scanner_protocols/caring.py``) the
  scanner's settings are looked at too; what is wrong with them stands in the reader's health until a look finds them right.
- A silence is counted up to a moment *before* the line was found empty, so a busy machine never cuts a payload in two.
- Keyboard-wedge scanners are not supported: key codes cannot carry Vietnamese letters. Switch them to virtual COM.
- Tested on pty pairs and simulated scanners, not on a scanner.

Example: ``SerialScanner("/dev/edge/qr0", clock=clock, baud_rate=115_200).start(deliver, report)``
"""

from __future__ import annotations

from typing import Final

from edge_agent.readers.port import Capture, Deliver, Report
from edge_agent.readers.supervising import Supervisor
from edge_agent.scanner_protocols.caring import Care, Looked
from edge_agent.scanning.framing import Framed, Framer, gap_at
from edge_agent.scanning.shown import NewlyShown
from edge_agent.serial_line import SerialLine
from residence.clock import Clock

_IDLE_SECONDS: Final = 0.1
_WAITING_SECONDS: Final = 0.005


class SerialScanner:
    """A ``Reader`` on one serial device. ``model`` names it in the evidence ("serial:gm65")."""

    def __init__(
        self, path: str, *, clock: Clock, baud_rate: int = 9_600, model: str = "scanner", care: Care | None = None
    ) -> None:
        self.name: Final = f"serial:{model}"
        self._path = path
        self._clock = clock
        self._baud_rate = baud_rate
        self._care = care
        self._shown = NewlyShown()
        self._supervisor = Supervisor(self.name, clock=clock)
        self._standing = ""  # a warning that a good read does not lift

    def start(self, deliver: Deliver, report: Report) -> None:
        """Begin listening on an own daemon thread."""
        self._supervisor.start(lambda: self._session(deliver), report)

    def stop(self) -> None:
        """End listening and give the port back."""
        self._supervisor.stop()

    @property
    def beat_ns(self) -> int | None:
        """Return when the thread last showed that it is not stuck."""
        return self._supervisor.beat_ns

    def _session(self, deliver: Deliver) -> None:
        with SerialLine(self._path, self._baud_rate) as line:
            self._standing = ""
            if self._care is None:
                self._supervisor.say("ok")
            else:
                self._care.look_soon()
            self._listen(line, deliver)

    def _listen(self, line: SerialLine, deliver: Deliver) -> None:
        framer = Framer(gap_ns=gap_at(line.baud_rate))
        while not self._supervisor.stopping.is_set():
            before_ns = self._clock.monotonic_ns()
            if self._care is not None and not framer.is_waiting and self._care.is_due(before_ns):
                chunk = self._look(self._care, line)
                framer = Framer(gap_ns=gap_at(line.baud_rate))
            else:
                chunk = line.read(_WAITING_SECONDS if framer.is_waiting else _IDLE_SECONDS)
            now_ns = self._clock.monotonic_ns() if chunk else before_ns
            if chunk and self._care is not None:
                self._care.heard(now_ns)
            self._hand_on(framer.feed(chunk, now_ns=now_ns) if chunk else framer.rest(now_ns=now_ns), now_ns, deliver)

    def _look(self, care: Care, line: SerialLine) -> bytes:
        """Let the settings be looked at; return bytes of codes that came meanwhile."""
        looked = care.look(line)
        if looked.finished:
            self._standing = _standing_after(looked, self._standing)
            code = looked.code or self._standing
            self._supervisor.say("degraded" if code else "ok", code)
        return looked.stray

    def _hand_on(self, framed: Framed, now_ns: int, deliver: Deliver) -> None:
        for note in framed.notes:
            self._supervisor.say("degraded", note)
            if note == "reader.setup_code":
                self._standing = note
            if self._care is not None:
                _tell(self._care, note, now_ns)
        for payload in framed.payloads:
            if not framed.notes:
                self._supervisor.say("degraded" if self._standing else "ok", self._standing)
            if self._shown.is_new(payload, now_ns):
                deliver(Capture(payload=payload, symbology="unknown", reader=self.name, seen_at_ns=now_ns))


def _tell(care: Care, note: str, now_ns: int) -> None:
    if note == "reader.setup_code":
        care.look_soon()
    if note == "reader.noise":
        care.noise(now_ns)


def _standing_after(looked: Looked, standing: str) -> str:
    """Return the warning that stays: a repair is told once; a setup code is forgiven when every setting was seen to be right."""
    if looked.code:
        return "" if looked.code == "scanner.settings_repaired" else looked.code
    return standing if standing == "reader.setup_code" and not looked.sure else ""
