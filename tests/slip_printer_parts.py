"""A slip printer on a pty that understands what we send and answers status questions, truthfully or not at all."""

from __future__ import annotations

import os
import select
import threading
import tty

from PIL import Image

WELL = {2: 0x12, 4: 0x12}


class PtyPrinter:
    """``paper``: the pictures printed so far, each one a slip; ``answers``: status bytes by question, empty when it is silent."""

    def __init__(self, answers=WELL):
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        self.answers = dict(answers)
        self.paper, self._bands, self._bytes = [], [], bytearray()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join(5)
        os.close(self.master)
        os.close(self._slave)

    def _work(self):
        while not self._ending.is_set():
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                self._bytes += os.read(self.master, 4096)
                while self._took_one():
                    pass

    def _took_one(self):
        data = self._bytes
        for begins, take in ((b"\x1b@", self._begin), (b"\x10\x04", self._ask), (b"\x1dV", self._cut), (b"\x1dv0", self._band)):
            if data.startswith(begins):
                used = take(data)
                del data[:used]
                return used > 0
        assert len(data) < 3, f"no command of a slip: {bytes(data[:8])!r}"
        return False

    def _begin(self, _data):
        self._bands = []
        return 2

    def _ask(self, data):
        if len(data) < 3:
            return 0
        if data[2] in self.answers:
            os.write(self.master, bytes([self.answers[data[2]]]))
        return 3

    def _cut(self, data):
        if len(data) < 4:
            return 0
        slip = Image.new("1", (self._bands[0].width, sum(each.height for each in self._bands)), 1)
        top = 0
        for band in self._bands:
            slip.paste(band, (0, top))
            top += band.height
        self.paper.append(slip)
        return 4

    def _band(self, data):
        if len(data) < 8:
            return 0
        across, rows = int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")
        if len(data) < 8 + across * rows:
            return 0
        dots = bytes(each ^ 0xFF for each in data[8 : 8 + across * rows])
        self._bands.append(Image.frombytes("1", (across * 8, rows), dots))
        return 8 + across * rows
