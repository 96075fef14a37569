"""What ``luutru scan`` says of a device that is watched live: a camera or a serial scanner, until told to stop.

- The device is read exactly as a kiosk reads it, by the same readers; a code held still is printed once.
- Its health goes to standard error, in words, on change only; so does how to hold a card that a camera sees and cannot read.
- A device that is gone at the end is exit status 1.

Example: ``watch(SerialScanner("/dev/ttyUSB0", clock=clock), "serial /dev/ttyUSB0", seconds=0, show=print_json)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from luutru.commands.scan_files import Result, refusals
from residence.errors import problem

if TYPE_CHECKING:
    from edge_agent.readers.port import Capture, FrameSource, Reader, ReaderHealth
    from edge_agent.readers.watching import Guide
    from edge_agent.scanning.hint_codes import HintCode
    from residence.clock import Clock


def camera_reader(name: str) -> Reader:
    """Return the reader of one camera: by number or path, or ``picamera:0`` for a Raspberry Pi's own."""
    from edge_agent.readers.watching import FrameReader
    from luutru.system import SystemClock

    clock = SystemClock()
    return FrameReader(_source(name, clock), clock=clock, guide=in_words(f"camera {name}"))


def _source(name: str, clock: Clock) -> FrameSource:
    from edge_agent.readers.camera import Camera
    from edge_agent.readers.picamera import PiCamera

    kind, _, number = name.rpartition(":")
    if kind == "picamera" and number.isdigit():
        return PiCamera(int(number), clock=clock)
    return Camera(int(name) if name.isdigit() else name, clock=clock)


def in_words(source: str) -> Guide:
    """Return a guide that says each new hint once, in both languages, on standard error."""
    from edge_agent.kiosk.texts import Texts
    from edge_agent.readers.watching import Guide

    said: list[HintCode | None] = [None]

    def show(hint: HintCode | None) -> None:
        if hint is not None and hint != said[-1]:
            sentences = [Texts(language)(f"card.guide_{hint}") for language in ("vi", "en")]
            typer.echo(f"{source}: {' '.join(sentences)}", err=True)
        said[:] = [hint]

    return Guide(wanted=lambda: True, show=show)


def serial_reader(path: str, *, baud_rate: int) -> Reader:
    """Return the reader of one serial scanner."""
    from edge_agent.readers.serial_scanner import SerialScanner
    from luutru.system import SystemClock

    return SerialScanner(path, clock=SystemClock(), baud_rate=baud_rate)


def watch(reader: Reader, source: str, *, seconds: float, show: Callable[[Result], None]) -> None:
    """Print what the reader delivers until ``seconds`` are over (0: until Ctrl-C)."""

    def deliver(capture: Capture) -> None:
        try:
            text: str | None = capture.payload.decode("utf-8")
        except UnicodeDecodeError:
            text = None
        code = {"text": text, "bytes_hex": capture.payload.hex(), "format": capture.symbology, "reader": capture.reader}
        problems = refusals(text, capture.payload, pointer="/codes/0")
        show({"file": source, "codes": [code], "problems": problems, "ms": 0.0})

    def report(health: ReaderHealth) -> None:
        lost.append(health.state == "lost")
        text = problem(health.code).message.en if health.code else "works; hold a card before it"
        typer.echo(f"{source}: {text}", err=True)

    lost = [False]
    reader.start(deliver, report)
    try:
        threading.Event().wait(seconds or None)
    except KeyboardInterrupt:
        pass
    finally:
        reader.stop()
    if lost[-1]:
        raise typer.Exit(1)
