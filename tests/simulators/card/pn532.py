"""A PN532 on a pseudo-terminal with the simulated card in its field. Frames are written and read here by themselves, not with our codec.

It speaks as the user manual says: asleep until woken, an acknowledgement for each frame, targets listed by type, exchanges with a status.
"""

from __future__ import annotations

import contextlib
import os
import pty
import threading
import tty

ATS = bytes.fromhex("067577810280")  # length first, and counted in it


class Pn532OnTerminal:
    """``lay`` and ``take_away`` move the card; the other attributes are troubles to make."""

    def __init__(
        self, card=None, *, type_b=False, noise=b"", damaged_answers=0, mute=False, chip=0x32, pieces=0, other_tag=False
    ):
        self.card, self.type_b, self.noise, self.damaged, self.mute = card, type_b, noise, damaged_answers, mute
        self.chip, self.pieces, self.other_tag = chip, pieces, other_tag
        self.awake = self.field_on = self.listed = False
        self.left = b""
        self.frames = []
        self.last = b""
        self.board, host = pty.openpty()
        tty.setraw(host)
        self.path, self.host = os.ttyname(host), host
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unplug()
        os.close(self.host)

    def lay(self, card):
        card.reset()
        self.card, self.listed = card, False

    def take_away(self):
        self.card = None

    def unplug(self):
        if self.board is not None:
            board, self.board = self.board, None
            os.close(board)

    def _serve(self):
        held = b""
        with contextlib.suppress(OSError, TypeError):
            while True:
                held += os.read(self.board, 512)
                held = self._frames_of(held)

    def _frames_of(self, held):
        if b"\x55\x55" in held[:2]:
            self.awake = True
        while (at := held.find(b"\x00\x00\xff")) >= 0 and len(held) >= at + 6:
            if held[at + 3 : at + 5] in {b"\x00\xff", b"\xff\x00"}:
                if held[at + 3] == 0xFF:  # the host did not understand: once more
                    self._write(self.last)
                held = held[at + 6 :]
                continue
            if held[at + 3 : at + 5] == b"\xff\xff":
                size, start = int.from_bytes(held[at + 5 : at + 7], "big"), at + 8
                assert sum(held[at + 5 : at + 8]) % 256 == 0
            else:
                size, start = held[at + 3], at + 5
                assert sum(held[at + 3 : at + 5]) % 256 == 0
            if len(held) < start + size + 2:
                return held
            body = held[start : start + size]
            assert sum(held[start : start + size + 1]) % 256 == 0
            assert body[0] == 0xD4
            held = held[start + size + 2 :]
            self._command(body[1:])
        return held

    def _command(self, command):
        if self.mute or not self.awake:
            return
        self.frames.append(command)
        self._write(self.noise + bytes.fromhex("0000FF00FF00"))
        answer = bytes([command[0] + 1]) + self._answer(command)
        body = b"\xd5" + answer
        if len(body) > 255:
            head = b"\xff\xff" + len(body).to_bytes(2, "big")
            head += bytes([-(head[2] + head[3]) % 256])
        else:
            head = bytes([len(body), -len(body) % 256])
        self.last = b"\x00\x00\xff" + head + body + bytes([-sum(body) % 256, 0])
        sent = self.last
        if self.damaged:
            self.damaged -= 1
            sent = sent[:-3] + bytes([sent[-3] ^ 0x10]) + sent[-2:]
        # in two pieces, as a line brings them
        self._write(sent[:4])
        self._write(sent[4:])

    def _answer(self, command):
        kind = command[0]
        if kind == 0x02:
            return bytes([self.chip, 1, 6, 7])
        if kind == 0x32 and command[1] == 1:
            self.field_on = self.listed = False
            if self.card is not None:
                self.card.reset()
        if kind == 0x4A:
            return self._listing(command[2])
        if kind == 0x40:
            return self._exchange(command[2:])
        return b""

    def _listing(self, kind):
        if self.other_tag and kind == 0:
            return bytes.fromhex("0101000408") + b"\x04" + b"\x01\x02\x03\x04"
        # a card that is open already does not answer a call; it does again after the field was off
        if self.card is None or self.listed or (kind == 3) is not self.type_b:
            return b"\x00"
        self.listed = True
        if self.type_b:
            return b"\x01\x01" + bytes(range(0x50, 0x5C)) + b"\x01\x00"
        return bytes.fromhex("0101004420") + b"\x07" + bytes(range(7)) + ATS

    def _exchange(self, data):
        if self.left:
            whole, self.left = self.left, b""
        elif self.card is None or not self.listed:
            return b"\x01"  # the target did not answer
        else:
            whole = self.card.transceive(data)
        if self.pieces and len(whole) > self.pieces:
            whole, self.left = whole[: self.pieces], whole[self.pieces :]
            return b"\x40" + whole
        return b"\x00" + whole

    def _write(self, data):
        if self.board is not None:
            with contextlib.suppress(OSError):
                os.write(self.board, data)
