"""What the process on an OSDP line may still do once its line is open: read and write what is open, look at the clock, end.

- The reader hangs outside the door, and what parses its bytes is C. Whoever takes this process over finds no files, no network, no other
  program, no new memory to run: Linux refuses every call that is not on a short list (seccomp), and limits hold besides.
- It fails closed: where the kernel or the processor is not known, there is no OSDP.
- The line is opened before; a line that is lost ends the process, and another opens it anew.

Example: ``seal()``
"""

from __future__ import annotations

import ctypes
import platform
import resource
import struct
from collections.abc import Sequence
from typing import Final

from residence.errors import Refused

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 4, 38, 22
_FILTER_MODE: Final = 2
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_REFUSE: Final = 0x00050000 | 1  # an errno, EPERM
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _PROTECTION_AT = 0, 4, 32  # in the kernel's seccomp_data; the last is the third argument
_EXECUTABLE: Final = 4
MEMORY_BYTES: Final = 512 * 1024 * 1024  # of addresses, most of them never touched
# name -> number by processor; the protections of the last two are looked at
_CALLS: Final[dict[str, dict[str, int]]] = {
    "x86_64": {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "munmap": 11, "brk": 12, "rt_sigaction": 13,
        "rt_sigprocmask": 14, "rt_sigreturn": 15, "ioctl": 16, "readv": 19, "writev": 20, "select": 23, "sched_yield": 24,
        "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "fcntl": 72, "gettimeofday": 96, "gettid": 186,
        "sigaltstack": 131, "futex": 202, "restart_syscall": 219, "clock_gettime": 228, "clock_nanosleep": 230, "exit_group": 231,
        "pselect6": 270, "ppoll": 271, "getrandom": 318, "mmap": 9, "mprotect": 10,
    },
    "aarch64": {
        "fcntl": 25, "ioctl": 29, "close": 57, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pselect6": 72,
        "ppoll": 73, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98, "nanosleep": 101, "clock_gettime": 113,
        "clock_nanosleep": 115, "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
        "rt_sigprocmask": 135, "rt_sigreturn": 139, "gettimeofday": 169, "getpid": 172, "gettid": 178, "brk": 214, "munmap": 215,
        "mremap": 216, "madvise": 233, "getrandom": 278, "mmap": 222, "mprotect": 226,
    },
}  # fmt: skip
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_GUARDED: Final = ("mmap", "mprotect")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def seal() -> None:
    """Give up everything that is not needed any more, for good; ``Refused("osdp.sandbox_missing")`` where that cannot be done."""
    machine = platform.machine()
    if machine not in _CALLS:
        raise Refused("osdp.sandbox_missing", "", machine)
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        resource.setrlimit(limit, (most, most))
    instructions = filter_for(machine)
    program = _Program(len(instructions) // 8, instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in (
        (_PR_SET_DUMPABLE, 0, 0, 0, 0),
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*words) != 0:
            raise Refused("osdp.sandbox_missing", "", f"prctl {words[0]}: error {ctypes.get_errno()}")


def filter_for(machine: str) -> bytes:
    """Return the filter's instructions, eight bytes each."""
    calls = _CALLS[machine]
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),  # the other calling convention of the same processor
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for name, number in calls.items():
        code += _guarded(number) if name in _GUARDED else [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    code.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(struct.pack("=HBBI", *each) for each in code)


def _guarded(number: int) -> Sequence[tuple[int, int, int, int]]:
    """Allow a call unless it asks for memory that can be run."""
    return (
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _PROTECTION_AT),
        (_ANY_BIT, 0, 1, _EXECUTABLE),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    )
