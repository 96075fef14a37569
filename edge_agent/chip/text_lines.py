r"""What a chip reader that speaks lines of text says: words, a person's fields as JSON over several lines, groups as lines of base64.

- Bytes may be cut anywhere. CR, LF and both end a line. A word is understood wherever it stands, also inside JSON and base64: readers answer a
  ping whenever it comes.
- Every line of base64 has its own padding, so every line is decoded by itself. DG2 is passed over unread: no picture is taken.
- Everything is bounded: a line that is too long is let go, and so is JSON or a group that does not end. What is not understood is nothing.
- JSON that breaks off and begins anew is read from where it began anew, if that is a person.

Example: ``TextLines(load_text_reader("hn212")).take(b"NFC_DETECTED\r\n") == [Word(kind="detected")]``
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from firmware_config.text_readers import Block, TextReaderModel

LONGEST_LINE: Final = 4096
LONGEST_JSON: Final = 16 * 1024
LONGEST_GROUP: Final = 64 * 1024
_LINE_END: Final = re.compile(rb"[\r\n]")
_PICTURE: Final = "DG2"

WordKind = Literal["detected", "finished", "failed", "removed", "ping", "pong"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """Something happened."""

    kind: WordKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """A person's fields under our names, as the reader wrote them; those it has no text for are left out."""

    texts: dict[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group of the chip, whole."""

    name: str
    raw: bytes = field(repr=False)


Said = Word | Fields | Group


class TextLines:
    """The lines of one reader, from bytes to what they say."""

    def __init__(self, model: TextReaderModel) -> None:
        self._words: dict[str, WordKind] = {model.ping: "ping", model.pong: "pong"}
        kinds: tuple[WordKind, ...] = ("detected", "finished", "failed", "removed")
        for kind in kinds:
            self._words |= dict.fromkeys(getattr(model, kind), kind)
        self._keys = msgspec.structs.asdict(model.keys)
        self._starts = {each.start: each for each in model.blocks}
        self._line = b""
        self._too_long = False
        self.forget()

    def forget(self) -> None:
        """Forget what has begun and is not whole, but for the line in hand."""
        self._json: list[str] = []
        self._block: Block | None = None
        self._raw = b""

    @property
    def held(self) -> int:
        """Return how much is held of what is not whole yet."""
        return len(self._line) + sum(map(len, self._json)) + len(self._raw)

    def take(self, data: bytes) -> list[Said]:
        """Take bytes; return what they complete."""
        *whole, rest = _LINE_END.split(self._line + data)
        said: list[Said] = []
        for line in whole:
            if not self._too_long and line.strip() and len(line) <= LONGEST_LINE:
                said += self._take_line(line)
            self._too_long = False
        self._too_long = self._too_long or len(rest) > LONGEST_LINE
        self._line = b"" if self._too_long else rest
        return said

    def flush(self) -> list[Said]:
        """Return the group that ended with the silence, where its end mark did not come."""
        return self._end_block()

    def _take_line(self, raw: bytes) -> list[Said]:
        try:
            line = raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            self.forget()  # whatever it was part of is not whole any more
            return []
        if line in self._words:
            return [Word(kind=self._words[line])]
        if line in self._starts:
            said = self._end_block()
            self._json, self._block, self._raw = [], self._starts[line], b""
            return said
        if self._block is not None:
            return self._take_base64(self._block, line)
        return self._take_json(line)

    def _take_base64(self, block: Block, line: str) -> list[Said]:
        if line == block.end:
            return self._end_block()
        if line.startswith("{"):
            return [*self._end_block(), *self._take_json(line)]
        if block.group == _PICTURE:
            return []
        try:
            self._raw += base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            self.forget()
        if len(self._raw) > LONGEST_GROUP:
            self.forget()
        return []

    def _end_block(self) -> list[Said]:
        block, raw = self._block, self._raw
        self._block, self._raw = None, b""
        return [Group(name=block.group, raw=raw)] if block is not None and raw else []

    def _take_json(self, line: str) -> list[Said]:
        if not self._json and not line.startswith("{"):
            return []
        self._json.append(line)
        if sum(map(len, self._json)) > LONGEST_JSON:
            self._json = []
        if not line.endswith("}"):
            return []
        texts = self._person_of(self._json)
        if texts is None:  # an inner brace, not whole yet, or begun anew
            last = max((at for at, each in enumerate(self._json) if each.startswith("{")), default=0)
            texts = self._person_of(self._json[last:]) if last else None
            if not texts:
                return []
        self._json = []
        return [Fields(texts=texts)]

    def _person_of(self, lines: list[str]) -> dict[str, str] | None:
        try:
            whole = msgspec.json.decode("\n".join(lines))
        except (msgspec.DecodeError, RecursionError):
            return None
        texts = {ours: whole.get(theirs) for ours, theirs in self._keys.items()} if isinstance(whole, dict) else {}
        return {name: text.strip() for name, text in texts.items() if isinstance(text, str) and text.strip()}
