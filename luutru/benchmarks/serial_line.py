"""How long after its last byte a card from a serial scanner is delivered, on a pseudo-terminal paced as a line of 115200 baud.

- The shipped reader (``SerialScanner``) on one side; on the other a thread that writes an invented card in pieces of 16 bytes at the
  line's pace and notes when the last piece was written. The kiosk's own care for a scanner's settings is not running.
- With CR LF, as a set scanner sends; without any line end, where a silence must do; and in pieces cut anywhere with pauses of 5 ms,
  as a USB adapter hands them on.
- Baseline: what most scripts do, pyserial's ``readline`` with a time-out of 0.1 s, on the same bytes in the same run.
- ``cards_missed``: not delivered, or cut in two because the writing thread itself stood still for more than 0.3 s (a busy machine).
- A pseudo-terminal has no adapter: a USB adapter's latency timer (often 16 ms) comes on top. Not measured on hardware.

Example: ``luutru bench serial --quick --json``
"""

from __future__ import annotations

import os
import pty
import queue
import statistics
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from edge_agent.readers.port import Capture
from edge_agent.readers.serial_scanner import SerialScanner
from luutru.benchmarks.result import BenchResult
from luutru.system import SystemClock

BAUD: Final = 115_200
TARGET_MS: Final = 60.0
_PIECE: Final = 16
_PATIENCE: Final = 5.0
_NAMES: Final = ("Trần Văn An", "Lê Ngọc Bảo Trân", "Vũ Đình Phước", "Nguyễn Thị Ánh Nguyệt")


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a scanner sends: what ends a card, and how long the line stands still between pieces beside its own pace."""

    end: bytes = b"\r\n"
    pause: float = 0.0


MANNERS: Final = {
    "last_byte_to_capture": Manner(),
    "without_line_end": Manner(end=b""),
    "with_pauses": Manner(pause=0.005),
}


def run(*, quick: bool) -> BenchResult:
    """Measure each manner of sending, and the baseline."""
    cards = 12 if quick else 200
    figures: dict[str, float] = {}
    missed = 0
    for name, manner in MANNERS.items():
        waits = _with_reader(cards, manner)
        missed += cards - len(waits)
        figures |= _spread(name, waits)
    baseline = _spread("readline", _with_readline(cards))
    ratio = figures["last_byte_to_capture_p95_ms"] / baseline["readline_p95_ms"]
    return BenchResult(
        name="serial",
        figures={**figures, "cards_missed": missed},
        baselines=baseline,
        ratios={"last_byte_to_readline": round(ratio, 4)},
        settings={"cards": cards, "baud_rate": BAUD, "target_ms": TARGET_MS, "piece_bytes": _PIECE},
    )


def _spread(name: str, waits: list[float]) -> dict[str, float]:
    p95 = statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else 0.0
    return {f"{name}_p50_ms": round(statistics.median(waits), 3), f"{name}_p95_ms": round(p95, 3)}


def _card(number: int) -> bytes:
    """Return an invented card of some 110 to 130 bytes; each number another, so that none counts as still held."""
    born = f"{number % 28 + 1:02}0{number % 9 + 1}1995"
    text = f"001095{number:06}||{_NAMES[number % 4]}|{born}|Nam|Số {number} Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
    return text.encode()


def _send(scanner: int, data: bytes, manner: Manner) -> int:
    """Write at the pace of the line; return when the last byte was written."""
    began = time.perf_counter()
    for start in range(0, len(data), _PIECE):
        piece = data[start : start + _PIECE]
        due = began + (start + len(piece)) * 10 / BAUD + manner.pause * (start // _PIECE)
        threading.Event().wait(max(0.0, due - time.perf_counter()))
        os.write(scanner, piece)
    return time.monotonic_ns()


@contextmanager
def _terminal() -> Iterator[tuple[int, str]]:
    scanner, host = pty.openpty()
    tty.setraw(host)
    try:
        yield scanner, os.ttyname(host)
    finally:
        os.close(host)
        os.close(scanner)


def _with_reader(cards: int, manner: Manner) -> list[float]:
    delivered: queue.Queue[tuple[bytes, int]] = queue.Queue()
    ready = threading.Event()

    def deliver(capture: Capture) -> None:
        delivered.put((capture.payload, time.monotonic_ns()))

    with _terminal() as (scanner, path):
        reader = SerialScanner(path, clock=SystemClock(), baud_rate=BAUD)
        reader.start(deliver, lambda _: ready.set())
        ready.wait(_PATIENCE)
        try:
            return _waits(cards, scanner, manner, lambda: delivered.get(timeout=_PATIENCE))
        finally:
            reader.stop()


def _waits(cards: int, scanner: int, manner: Manner, take: Callable[[], tuple[bytes, int]]) -> list[float]:
    """Send cards one after the other; return the milliseconds from last byte to delivery of those that came whole."""
    waits: list[float] = []
    for number in range(cards):
        card = _card(number)
        sent_ns = _send(scanner, card + manner.end, manner)
        try:
            payload, at_ns = take()
            while payload != card and not card.endswith(
                payload
            ):  # the first half of a card that was cut; its end is the last of it
                payload, at_ns = take()
        except queue.Empty:
            continue
        if payload == card:
            waits.append((at_ns - sent_ns) / 1e6)
    return waits


def _with_readline(cards: int) -> list[float]:
    import serial

    delivered: queue.Queue[tuple[bytes, int]] = queue.Queue()
    stopping = threading.Event()

    with _terminal() as (scanner, path), serial.Serial(path, BAUD, timeout=0.1) as port:

        def read() -> None:
            while not stopping.is_set():
                line = port.readline()
                if line:
                    delivered.put((line.rstrip(b"\r\n"), time.monotonic_ns()))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            return _waits(cards, scanner, MANNERS["last_byte_to_capture"], lambda: delivered.get(timeout=_PATIENCE))
        finally:
            stopping.set()
            thread.join()
