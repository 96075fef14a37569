"""A desktop chip reader that opens chips itself and speaks lines of text ("HN212" and the like), as a kiosk uses it.

- It is given number, birth and expiry of the card that was shown, and says what the chip holds. Each expiry that can be computed is tried once.
- Its word is compared with the card, and that is all it can show: no signature travels, so the level stays what the card's own code gave, and
  a gateway cannot judge anything again. A difference is told to the officer as a failed check with its findings.
- Only what comes after the command counts: what stands on the line from before is let go, for it may be about somebody else. Where a reading was given
  up in the middle, the reader is let end it first: a picture is read in silence, and what comes after that is about the person before.
- A reading is whole with the fields and the word that it is finished, in any order and any number of times, and then a silence.
- The reader's pings are answered. It is waited for without end until a card is there; then for ``PATIENCE`` seconds.

Example: ``TextChipStation("/dev/edge/chip0", model=load_text_reader("hn212"), baud_rate=115_200, clock=clock).begin(own_id, reading, tell)``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge_agent.chip.one_at_a_time import OneAtATime, Request, still_wanted
from edge_agent.chip.text_lines import Fields, Group, Said, TextLines, Word
from edge_agent.kiosk.chip_states import READER_REFUSED, ChipPhase
from edge_agent.kiosk.news import ChipProgressed, ChipTaken
from edge_agent.serial_line import SerialLine
from firmware_config.text_readers import TextReaderModel
from residence.clock import Clock
from residence.credentials.chip.access_keys import keys_of
from residence.credentials.chip.carried import MOST_FINDINGS, ChipEvidence
from residence.credentials.chip.claims import fields_of
from residence.credentials.chip.cross_check import cross_check
from residence.credentials.chip.dg13 import Dg13, parse_dg13
from residence.credentials.evidence import Evidence, Reading
from residence.errors import LuutruError, Refused
from residence.people.person import Person

PATIENCE: Final = 30.0  # seconds from the card to the last word
_LOOK: Final = 0.1
_NO_READER: Final = "chip.no_reader"
_DRAINED: Final = 3.0
_OWED: Final = 15.0  # seconds a reader may take to end what was given up
_ENDS: Final = frozenset({"finished", "failed", "removed"})
_OF_DETAILS: Final = frozenset({"residence", "issued"})  # what a kiosk compares of DG13 besides


def commands_for(person: Person, model: TextReaderModel) -> tuple[str, ...]:
    """Return the commands that may open this person's card, likeliest first; none for a document this reader does not open."""
    keys = keys_of(person)
    if not keys.can or person.personal_number is None:
        return ()
    # a key is number, birth and expiry with a check digit behind each: 9 + 1, 6 + 1, 6 + 1 signs
    return tuple(
        model.command.format(number=person.personal_number, birth=key[10:16], expiry=key[17:23]) for key in keys.mrz_keys
    )


@dataclass(slots=True)
class _Reading:
    """What has come of one command so far."""

    fields: dict[str, str] = field(default_factory=dict, repr=False)
    groups: dict[str, bytes] = field(default_factory=dict, repr=False)
    seen: bool = False
    finished: bool = False
    failed: bool = False
    removed: bool = False

    def add(self, said: Said) -> None:
        match said:
            case Fields(texts=texts):
                self.fields = texts
            case Group(name=name, raw=raw):
                self.groups[name] = raw
            case Word(kind="finished"):
                self.finished = True
            case Word(kind="failed"):
                self.failed = True
            case Word(kind="removed"):
                self.removed = True
            case Word():
                pass
        self.seen = self.seen or not (isinstance(said, Word) and said.kind in {"ping", "pong", "removed"})


class TextChipStation(OneAtATime):
    """One reader on one line; the line is opened for each reading, so plugging in helps at once."""

    def __init__(self, path: str, *, model: TextReaderModel, baud_rate: int, clock: Clock) -> None:
        super().__init__()
        self._path = path
        self._model = model
        self._baud_rate = baud_rate
        self._clock = clock
        self._owes = False  # the reader has begun to answer, and has not ended

    def read(self, request: Request) -> ChipTaken:
        """Have the card read that is laid down next."""
        reading = request.reading
        commands = commands_for(reading.person, self._model) if reading else ()
        if reading is None or not commands:
            raise Refused(_NO_READER, "", "no number, birth and expiry of a card")
        try:
            with SerialLine(self._path, self._baud_rate) as line:
                talk = _Conversation(line, request, model=self._model, clock=self._clock, owes=self._owes)
                try:
                    said = talk.read(commands)
                finally:
                    self._owes = talk.owes
        except Refused as error:
            raise (Refused(_NO_READER, "", error.code) if error.code.startswith("reader.") else error) from None
        return ChipTaken(own_id=request.own_id, evidence=compared(reading, said.fields, said.groups))


class _Conversation:
    """What is said on the line for one reading."""

    def __init__(self, line: SerialLine, request: Request, *, model: TextReaderModel, clock: Clock, owes: bool) -> None:
        self._line = line
        self._request = request
        self._model = model
        self._clock = clock
        self._quiet = model.unknown.quiet_ms / 1000
        self._lines = TextLines(model)
        self._pinged = clock.monotonic_ns()
        self._phase: ChipPhase = "waiting"
        self.owes = owes

    def read(self, commands: tuple[str, ...]) -> _Reading:
        """Send one command after the other until one opens the chip."""
        self._until_ended()
        self._until_quiet(_DRAINED)
        if self._model.unknown.command_when == "card":
            while not any(each == Word(kind="detected") for each in self._hear(_LOOK)):
                still_wanted(self._request)
        for command in commands:
            self._lines.forget()
            self._send(command)
            heard = self._answer()
            if not heard.failed:
                return heard
            self._until_quiet(_DRAINED)  # a refusal may be said twice
        raise Refused(READER_REFUSED)

    def _answer(self) -> _Reading:
        reading, began = _Reading(), None
        while True:
            still_wanted(self._request)
            said = self._hear(self._quiet if reading.finished and reading.fields else _LOOK)
            reading.seen = reading.seen or self._lines.held > 0
            for each in said:
                reading.add(each)
            self.owes = reading.seen and not (reading.finished or reading.failed or reading.removed)
            self._tell(reading)
            if reading.failed or (reading.finished and reading.fields and not said):
                for each in self._lines.flush():
                    reading.add(each)
                return reading
            if reading.removed and reading.seen and not (reading.finished and reading.fields):
                raise Refused("chip.card_gone")
            reading.removed = False  # else it was the card of somebody before
            began = began or (self._clock.monotonic_ns() if reading.seen else None)
            if began is not None and self._clock.monotonic_ns() - began > PATIENCE * 1e9:
                raise Refused("chip.too_slow")

    def _hear(self, seconds: float) -> list[Said]:
        """Return what comes within a time, answering pings; an empty list when the line is silent."""
        every = self._model.unknown.ping_every_ms * 1_000_000
        if every and self._clock.monotonic_ns() - self._pinged >= every:
            self._pinged = self._clock.monotonic_ns()
            self._send(self._model.ping)
        data = self._line.read(seconds)
        said = self._lines.take(data)
        for each in said:
            if each == Word(kind="ping"):
                self._send(self._model.pong)
        # half a line is no silence
        return said or ([Word(kind="pong")] if data else [])

    def _until_ended(self) -> None:
        """Wait for the end of what was given up, where there is something to wait for."""
        until = self._clock.monotonic_ns() + int(_OWED * 1e9)
        while self.owes and self._clock.monotonic_ns() < until:
            still_wanted(self._request)
            self.owes = not any(isinstance(each, Word) and each.kind in _ENDS for each in self._hear(_LOOK))
        self.owes = False

    def _until_quiet(self, most: float) -> None:
        until = self._clock.monotonic_ns() + int(most * 1e9)
        while self._hear(self._quiet) and self._clock.monotonic_ns() < until:
            still_wanted(self._request)
        self._lines.forget()

    def _send(self, text: str) -> None:
        self._line.write((text + self._model.unknown.line_end).encode("ascii"))

    def _tell(self, reading: _Reading) -> None:
        phase: ChipPhase = "reading" if reading.fields or reading.groups else "opening" if reading.seen else "waiting"
        if phase != self._phase:
            self._phase = phase
            self._request.tell(ChipProgressed(own_id=self._request.own_id, phase=phase))


def compared(reading: Reading, fields: dict[str, str], groups: dict[str, bytes]) -> Evidence:
    """Return the card's evidence with what the reader's word adds: one check and its findings, and no level."""
    details = Dg13(texts={**_details(fields, groups.get("DG13", b"")), **fields})
    found = cross_check(card=fields_of(reading.person, residence=True), zone=None, details=details)
    codes = tuple(dict.fromkeys(each.code for each in found.findings))[:MOST_FINDINGS]
    before = reading.evidence
    return msgspec.structs.replace(
        before, checks={**before.checks, "cross_check": found.check}, chip=ChipEvidence(findings=codes)
    )


def _details(fields: dict[str, str], raw: bytes) -> dict[str, str]:
    """Return what DG13 has besides, when it speaks of the same number."""
    try:
        texts = parse_dg13(raw).texts if raw else {}
    except LuutruError:
        return {}
    same = texts.get("personal_number") == fields.get("personal_number")
    return {name: text for name, text in texts.items() if same and name in _OF_DETAILS}
