"""The outside of every process in one place: the clock, randomness and the environment.

- The only file that may call ``datetime.now``, ``time.monotonic_ns`` or read ``os.environ``; everything else is handed these.
- Settings are ``LUUTRU_*`` variables; each has a working default or an option of the command that needs it.
- ``LUUTRU_DEMO_CLOCK`` names a file with a number of seconds by which every process of the demo shifts its clock, so that a night
  passes when you say so. It is for the demo: a process that runs with it says so in its log.

Example: ``clock = system_clock()``
"""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

TIME_ERROR: Final = 5
_PR_SET_DUMPABLE: Final = 4
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """Return the monotonic clock in nanoseconds."""
        return time.monotonic_ns()


class DemoClock(SystemClock):
    """The machine's clock shifted by the number of seconds in a file, which may change while we run."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """Return the shifted instant; an unreadable file means no shift."""
        try:
            seconds = float(self._offset.read_text(encoding="ascii"))
        except (OSError, ValueError):
            seconds = 0.0
        return super().now() + timedelta(seconds=seconds)


def system_clock() -> SystemClock:
    """Return the clock a process runs on."""
    offset = setting("LUUTRU_DEMO_CLOCK")
    return DemoClock(Path(offset)) if offset else SystemClock()


def no_core_dumps() -> None:
    """Have the kernel write nothing of this process's memory to disk when it crashes, and let no other account look into it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def account_name() -> str:
    """Return the name of the account this process runs under; its number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def rss_mib() -> int:
    """Return how much memory this process holds now, in MiB; 0 where the kernel does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def random_bytes(count: int) -> bytes:
    """Return ``count`` bytes from the operating system's generator."""
    return secrets.token_bytes(count)


def setting(name: str, default: str = "") -> str:
    """Read one ``LUUTRU_*`` variable."""
    return os.environ.get(name, default)


def telemetry() -> dict[str, str]:
    """Return OpenTelemetry's own variables."""
    return {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}


def child_environment(**more: str) -> dict[str, str]:
    """Return what a child process is given: what we were given, and more."""
    return {**os.environ, **more}


def fraction() -> float:
    """Return a number in [0, 1) drawn from the operating system's generator: for spreading retries."""
    return secrets.randbits(53) / (1 << 53)


def boot_id() -> str:
    """Return the UUID Linux draws at each boot; elsewhere one drawn for this process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def seconds_since_boot() -> float:
    """Return how long this machine has been running."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def machine_serial() -> str:
    """Return the machine's own serial number, as its maker or its board says it; else the id of its installation. Empty: none is to be had."""
    for name in ("/proc/device-tree/serial-number", "/sys/class/dmi/id/product_serial", "/etc/machine-id"):
        try:
            found = Path(name).read_text(encoding="ascii").strip("\0 \n")
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return "-".join(found.split())[:64]
    return ""


def clock_synced() -> bool:
    """Ask the kernel whether a time service keeps its clock (adjtimex); False when it cannot say."""
    try:
        # struct timex is 208 bytes on 64-bit Linux; all zero means "read only". Five is TIME_ERROR: unsynchronised.
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(256))
    except (OSError, AttributeError):
        return False
    return 0 <= state < TIME_ERROR


def keep_memory_together() -> None:
    """Let glibc take memory from one place and give large pieces back at once; must run before threads begin.

    A kiosk has ten threads and a picture of megabytes ten times a second: with a heap for each thread, and pictures among small things, it keeps 12 MiB
    that it does not use. Elsewhere than on glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, 1 << 20), (_M_TRIM_THRESHOLD, 1 << 18)):
        mallopt(option, value)


def keep_linear_algebra_on_one_thread() -> None:
    """Let NumPy's BLAS use one thread unless somebody chose otherwise; must run before NumPy is imported.

    The scanner's matrices are small: with two threads they take four times as long, for the threads wait for each other.
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def let_picture_threads_sleep() -> None:
    """Let OpenCV's threads sleep while there is nothing for them, unless somebody chose otherwise; must run before OpenCV is imported.

    After each small step they would turn in circles for the next one: with ten frames a second that is a sixth of what an idle kiosk takes.
    """
    for name in ("OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER", "OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN"):
        os.environ.setdefault(name, "0")
