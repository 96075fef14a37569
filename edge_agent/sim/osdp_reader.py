"""An OSDP reader that is not there, on a pseudo-terminal: libosdp's other half, with cards, keys, and the faults real ones have.

- It answers at its address with the key it was given, or asks to be installed; what it is told to show is kept for whoever looks.
- ``damage`` spoils its next answers, ``power_cycle`` forgets everything but the key, ``unplug`` takes the line away, ``exchange`` puts another reader in
  its place. With ``denies_security`` it says it has no cryptography, as somebody on the wire makes it say.
- One thread turns the library, and nobody else touches it.

Example: ``with SimulatedReader(Path("/tmp/rs485"), address=1, key=key) as reader: reader.hold("wiegand", 26, bytes.fromhex("05181cc0"))``
"""

from __future__ import annotations

import os
import pty
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Self

PAUSE: Final = 0.005
_CAPABILITIES: Final = (
    ("CAP_CONTACT_STATUS_MONITORING", 1, 2),
    ("CAP_OUTPUT_CONTROL", 1, 1),
    ("CAP_CARD_DATA_FORMAT", 1, 1),
    ("CAP_READER_LED_CONTROL", 1, 1),
    ("CAP_READER_AUDIBLE_OUTPUT", 1, 1),
    ("CAP_READERS", 1, 1),
    ("CAP_COMMUNICATION_SECURITY", 1, 1),
)


class SimulatedReader:
    """One reader behind a link in the file system. ``key`` None: it does without a Secure Channel, as old readers do."""

    def __init__(
        self, link: Path, *, address: int = 0, key: bytes | None = None, installing: bool = False, denies_security: bool = False
    ) -> None:
        import osdp_sys

        self._lib: Any = osdp_sys
        self._link = link
        self._address = address
        self.key = key
        self._installing = installing
        self._denies_security = denies_security
        self.shown: list[dict[str, Any]] = []
        self._master, self._slave = -1, -1
        self._damaged = 0
        self._todo: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="osdp-reader", daemon=True)
        osdp_sys.set_loglevel(osdp_sys.LOG_EMERG)

    def __enter__(self) -> Self:
        """Plug it in and switch it on."""
        self.plug()
        self._device = self._new_device()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._ending.set()
        self._thread.join(5)
        self.unplug()

    def plug(self) -> None:
        """Put the line there."""
        master, slave = pty.openpty()
        tty.setraw(master)
        tty.setraw(slave)
        os.set_blocking(master, False)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(os.ttyname(slave))
        self._master, self._slave = master, slave

    def unplug(self) -> None:
        """Take the line away, as a pulled cable of a USB converter does."""
        master, slave, self._master, self._slave = self._master, self._slave, -1, -1
        self._link.unlink(missing_ok=True)
        for each in (slave, master):
            if each >= 0:
                os.close(each)

    def hold(self, form: Literal["raw", "wiegand", "ascii"], bits: int, data: bytes) -> None:
        """Hold a card before it."""
        lib = self._lib
        formats = {"raw": lib.CARD_FMT_RAW_UNSPECIFIED, "wiegand": lib.CARD_FMT_RAW_WIEGAND, "ascii": lib.CARD_FMT_ASCII}
        event = {"reader_no": 0, "format": formats[form], "direction": 0, "length": bits, "data": data}
        self._submit({"event": lib.EVENT_CARDREAD, **event})

    def press(self, keys: str) -> None:
        """Press keys."""
        self._submit({"event": self._lib.EVENT_KEYPRESS, "reader_no": 0, "data": keys.encode()})

    def tamper(self, *, on: bool) -> None:
        """Open or close its lid."""
        self._submit({"event": self._lib.EVENT_STATUS, "type": self._lib.STATUS_REPORT_LOCAL, "report": bytes([on, 0])})

    def inputs(self, *on: bool) -> None:
        """Set the inputs of its board."""
        self._submit({"event": self._lib.EVENT_STATUS, "type": self._lib.STATUS_REPORT_INPUT, "report": bytes(on)})

    def damage(self, answers: int) -> None:
        """Spoil one bit of each of its next answers."""
        with self._lock:
            self._damaged = answers

    def power_cycle(self) -> None:
        """Switch it off and on: it keeps its key and forgets the channel."""

        def anew() -> None:
            self._device = self._new_device()

        with self._lock:
            self._todo.append(anew)

    def exchange(self, *, key: bytes | None, installing: bool) -> None:
        """Put another reader in its place."""
        with self._lock:
            self.key, self._installing = key, installing
        self.power_cycle()

    def answers_no(self) -> None:
        """Have it refuse the next command."""
        with self._lock:
            self._refusals = 1

    # ---- what libosdp asks of a line --------------------------------------------------------------------------------------

    id = 0

    def read(self, most: int) -> bytes:
        """Return what the panel sent."""
        try:
            return os.read(self._master, most) if self._master >= 0 else b""
        except OSError:  # nothing there, or nobody at the other end
            return b""

    def write(self, data: bytes) -> int:
        """Send an answer, perhaps a spoilt one."""
        if self._damaged and len(data) > 6:  # noqa: PLR2004 - not the lone mark before a frame
            self._damaged -= 1
            data = bytes([*data[:-1], data[-1] ^ 1])
        try:
            return os.write(self._master, data) if self._master >= 0 else len(data)
        except OSError:
            return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    _refusals = 0
    _device: Any = None

    def _submit(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._todo.append(lambda: self._device.submit_event(event))

    def _work(self) -> None:
        while not self._ending.wait(PAUSE):
            with self._lock:
                todo, self._todo = self._todo, []
                for each in todo:
                    each()
                self._device.refresh()

    def _new_device(self) -> Any:
        lib = self._lib
        about = {
            "name": "simulated",
            "address": self._address,
            "flags": lib.FLAG_INSTALL_MODE if self._installing else 0,
            "scbk": self.key,
            "channel": self,
            "version": 1,
            "model": 1,
            "vendor_code": 0,
            "serial_number": 1,
            "firmware_version": 1,
        }
        able = [
            {"function_code": getattr(lib, name), "compliance_level": level, "num_items": items}
            for name, level, items in _CAPABILITIES
            if not (self._denies_security and name == "CAP_COMMUNICATION_SECURITY")
        ]
        device = lib.PeripheralDevice(about, capabilities=able)
        device.set_command_callback(self._obey)
        return device

    def _obey(self, command: dict[str, Any]) -> tuple[int, None]:
        if self._refusals:
            self._refusals -= 1
            return -1, None
        if command["command"] == self._lib.CMD_KEYSET:
            self.key, self._installing = bytes(command["data"]), False
        self.shown.append(command)
        return 0, None
