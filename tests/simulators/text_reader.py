"""A desktop chip reader of lines of text on a pseudo-terminal, which misbehaves as such readers are said to.

- It opens the card that lies on it when the command's number, birth and expiry are the card's; what it then says is what the test gave it.
- Words come twice, pongs fall into base64, JSON comes in pieces cut anywhere, marks stay away: each when asked for.
"""

from __future__ import annotations

import base64
import contextlib
import os
import pty
import re
import select
import threading
import tty
from dataclasses import dataclass, field

COMMAND = re.compile(rb"CCCD:(\d{12})\|BIRTH:(\d{6})\|EXPIRY:(\d{6})")


@dataclass
class TextCard:
    """What lies on it: the key it opens with, and what is said of it."""

    key: tuple[str, str, str]
    fields: dict
    dg13: bytes = b""


@dataclass
class TextReaderOnTerminal:
    """``with TextReaderOnTerminal(...) as reader: reader.lay(card)``"""

    twice: bool = False  # every word of an ending
    pongs_inside: bool = False  # of base64 and of JSON
    pieces: int = 0  # bytes written at once; 0: whole
    no_end: bool = False  # of the block of DG13
    word_first: bool = False  # that it is finished, before what it has to say
    pulled: bool = False  # while it says it
    mute: bool = False
    greeting: bytes = b""  # what stands on the line from before
    ping: bool = False
    commands: list = field(default_factory=list)
    heard: bytes = b""
    card: TextCard | None = None

    def __enter__(self):
        self.board, host = pty.openpty()
        self.host = host
        tty.setraw(host)
        self.path = os.ttyname(host)
        self.ended, self.asked, self.waiting = threading.Event(), threading.Event(), None
        self.lock = threading.Lock()
        self.write(self.greeting)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for end in (self.board, self.host):
            with contextlib.suppress(OSError):
                os.close(end)

    def lay(self, card):
        with self.lock:
            self.card = card
            self.say("NFC_DETECTED")
            if self.waiting:
                self._read(self.waiting)

    def say(self, *lines):
        self.write("".join(f"{line}\r\n" for line in lines).encode())

    def write(self, data):
        size = self.pieces or len(data) or 1
        for start in range(0, len(data), size):
            with contextlib.suppress(OSError):
                os.write(self.board, data[start : start + size])

    def _listen(self):
        while not self.ended.is_set():
            if not select.select([self.board], [], [], 0.02)[0]:
                continue
            try:
                self.heard += os.read(self.board, 512)
            except OSError:
                return
            *lines, self.heard = self.heard.split(b"\r\n")
            for line in lines:
                self._hear(line)

    def _hear(self, line):
        self.commands.append(line)
        self.asked.set()
        found = COMMAND.fullmatch(line)
        if line == b"PING":
            self.say("PONG")
        if not found or self.mute:
            return
        with self.lock:
            key = tuple(each.decode() for each in found.groups())
            if self.ping:
                self.say("PING")
            if self.card is None:
                self.waiting = key
            else:
                self._read(key)

    def _read(self, key):
        self.waiting = None
        times = 2 if self.twice else 1
        if key != self.card.key:
            self.say(*["SCAN_FAIL"] * times)
            return
        ending = ["SUCCESS", "SCAN_DONE"] * times
        said = self._fields() if self.pulled else [*self._fields(), *self._groups()]
        if self.pulled:
            self.say(*said[:3], "CARD_REMOVED")
            return
        self.say(*(ending + said if self.word_first else said + ending))

    def _fields(self):
        lines = ["{", *(f'  "{key}": "{text}",' for key, text in self.card.fields.items())]
        lines[-1] = lines[-1].rstrip(",")
        return [*lines[:2], *(["PONG"] if self.pongs_inside else []), *lines[2:], "}"]

    def _groups(self):
        def block(group, raw, end=True):
            rows = [base64.b64encode(raw[at : at + 40]).decode() for at in range(0, len(raw), 40)]
            inside = ["PONG"] if self.pongs_inside else []
            return [f"[{group}_RAW_START]", *rows[:1], *inside, *rows[1:], *([f"[{group}_RAW_END]"] if end else [])]

        return [*block("DG2", b"\xff\xd8\xff" + bytes(200)), *block("DG13", self.card.dg13, end=not self.no_end)]
