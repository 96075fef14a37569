"""A simulated scanner on a pseudo-terminal and a line to it, for the tests of serial scanners."""

from __future__ import annotations

from contextlib import contextmanager

from edge_agent.scanner_protocols.tending import Wish
from edge_agent.serial_line import SerialLine
from edge_agent.sim.scanners import BRAINS, Behaviour, SimulatedScanner
from luutru.system import SystemClock

CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021".encode()
OTHER = "079188004321|023456789|Lê Ngọc Bảo Trân|09091988|Nữ|123/45 Lê Văn Sỹ, Quận 3, TP.Hồ Chí Minh|20102021".encode()
CLOCK = SystemClock()
FAST = Wish(baud_rate=115_200)


@contextmanager
def simulated(kind, folder, **behaviour):
    """Plug in a simulated scanner under a link in ``folder``."""
    link = folder / "qr0"
    with SimulatedScanner(BRAINS[kind](), link=link, behaviour=Behaviour(**behaviour)) as scanner:
        scanner.path = str(link)
        yield scanner


@contextmanager
def line_to(scanner, baud_rate=9_600):
    """Open a line to it."""
    with SerialLine(scanner.path, baud_rate) as line:
        yield line
