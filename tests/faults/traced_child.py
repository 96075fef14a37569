"""A piece of real code in a process of its own under strace: killed, or given an error, at one exact system call.

- The process is forked from this one, so that a fault costs milliseconds and not the start of a Python; it opens every file itself.
- It stops before the work begins; strace is attached; only the work's own calls are counted.
- It reports in words over a socket, ``sendto``, which stands between the other calls in the trace. Words sent before a kill count.
- strace that is missing or not allowed to trace is an error, never a skip.

Example: ``ended = run_traced(work, folder=folder, inject="fdatasync:signal=KILL:when=3"); ended.words``
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass

CHANGING = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "rename")
PR_SET_PDEATHSIG = 1
PR_SET_PTRACER, ANYONE = 0x59616D61, 2**64 - 1
WORD = "sendto"
TRACED = (*CHANGING, WORD)
_LINE = re.compile(r"^\d+ +(\w+)\((.*)$")
_PATH = re.compile(r'^(?:\d+<|")([^>"]*)')


@dataclass(frozen=True, kw_only=True)
class Call:
    """One system call as strace saw it."""

    name: str
    path: str
    failed: bool
    injected: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the child ended, what it had said by then, and what it had called."""

    words: list
    calls: list
    killed: bool
    status: int


def fork_child(work):
    """Start ``work(say)`` in a forked process that waits for SIGCONT; return its pid and the socket its words come over."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    code = 1
    try:
        library = ctypes.CDLL(None)
        library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # never outlive the campaign
        library.prctl(PR_SET_PTRACER, ctypes.c_ulong(ANYONE))  # strace is a sibling, not a parent; without Yama this does nothing
        ours.close()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.kill(os.getpid(), signal.SIGSTOP)
        work(lambda word: theirs.sendall(word.encode() + b"\n"))
        code = 0
    except BaseException as error:
        theirs.sendall(f"failed {type(error).__name__} {error}\n".encode())
    finally:
        os._exit(code)


def run_traced(work, *, folder, inject=None):
    """Run the work to its end, or to the fault."""
    if shutil.which("strace") is None:
        raise RuntimeError("strace is missing: run scripts/bootstrap test")
    pid, channel = fork_child(work)
    os.waitpid(pid, os.WUNTRACED)
    trace = folder / "trace"
    command = ["strace", "-f", "-y", "-s", "120", "-o", str(trace), "-e", "trace=" + ",".join(TRACED), "-p", str(pid)]
    command += ["-e", f"inject={inject}"] if inject else []
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        said = tracer.stderr.readline()
        if "attached" not in said:
            os.kill(pid, signal.SIGKILL)
            raise RuntimeError(f"strace could not attach: {said}{tracer.stderr.read()}")
    finally:
        os.kill(pid, signal.SIGCONT)
    words = hear(channel)
    _, status = os.waitpid(pid, 0)
    tracer.communicate()
    calls = [call for line in trace.read_text().splitlines() if (call := _call(line))]
    return Ended(words=words, calls=calls, killed=os.WIFSIGNALED(status), status=status)


def run_plain(work):
    """Run the work in a forked process without a fault; return its words."""
    pid, channel = fork_child(work)
    os.waitpid(pid, os.WUNTRACED)
    os.kill(pid, signal.SIGCONT)
    words = hear(channel)
    os.waitpid(pid, 0)
    return words


def hear(channel, *, heard=b""):
    """Every whole line until the other end is gone, after what was heard already."""
    with channel:
        data = heard + b"".join(iter(lambda: channel.recv(1 << 16), b""))
    return data[: data.rfind(b"\n") + 1].decode().splitlines()


def points(calls, names=TRACED):
    """Every call of these names as (name, its number among its own), as strace's ``when`` counts."""
    seen, found = {}, []
    for call in calls:
        seen[call.name] = seen.get(call.name, 0) + 1
        if call.name in names:
            found.append((call, seen[call.name]))
    return found


def answered_unsynced(calls, *, log, answers):
    """Answers given though the log file had a write that no successful sync followed: a promise that a power cut breaks."""
    dirty, found = False, []
    for call in calls:
        if call.path.endswith(log) and not call.failed:
            dirty = True if call.name == "pwrite64" else dirty and call.name not in {"fdatasync", "fsync"}
        if call.name == WORD and dirty and (word := re.search(r'"(\w+) ?([^\\"]*)', call.text)) and word[1] in answers:
            found.append(f"{word[1]} {word[2]}")
    return found


def _call(line):
    match = _LINE.match(line)
    if match is None:
        return None
    path = _PATH.match(match[2])
    text = match[2]
    return Call(
        name=match[1],
        path=path[1] if path else "",
        failed=") = -1" in text.replace(")  ", ") ") or re.search(r"\)\s+= -1 ", text) is not None,
        injected="(INJECTED)" in text,
        text=text,
    )
