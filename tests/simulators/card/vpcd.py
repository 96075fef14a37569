"""The simulated card in the virtual reader of Debian's vpcd, behind the real pcscd. The card side connects to the reader's port."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from pathlib import Path

PORT = 35963
ATR = bytes.fromhex("3B80800101")
SOCKET = Path("/run/pcscd/pcscd.comm")
_CONTROL = {0: "off", 1: "on", 2: "reset", 4: "atr"}


class CardInReader:
    """Lays a card on the virtual reader; ``take_away`` pulls it."""

    def __init__(self, card):
        self.card = card
        self.asked = threading.Event()  # by the service: it sees the card
        self.line = socket.create_connection(("127.0.0.1", PORT), timeout=10)
        self.line.settimeout(None)
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _receive(self, count):
        data = b""
        while len(data) < count:
            # vpcd writes length and body apart; without this each command waits for a delayed acknowledgement
            self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self.line.recv(count - len(data))
            if not part:
                raise OSError
            data += part
        return data

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                message = self._receive(int.from_bytes(self._receive(2), "big"))
                self.asked.set()
                if len(message) == 1:
                    if _CONTROL.get(message[0]) == "atr":
                        self._answer(ATR)
                    else:
                        self.card.reset()
                else:
                    self._answer(self.card.transceive(message))

    def _answer(self, data):
        self.line.sendall(len(data).to_bytes(2, "big") + data)

    def take_away(self):
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)
        self.line.close()
        self.thread.join(5)


@contextlib.contextmanager
def pcscd():
    """Run the real service; None where it cannot run here, with the reason raised as OSError."""
    if SOCKET.exists():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(SOCKET))
            message = "a pcscd runs already"
            raise RuntimeError(message)
    process = subprocess.Popen(["/usr/sbin/pcscd", "--foreground"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
                break
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)  # until then another cannot be started
        process.wait(20)
