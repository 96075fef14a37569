"""A machine within the machine: the campaign's own processes, mounts and network, gone with it however it ends.

- ``enter`` starts the module again below ``unshare``: what it starts, mounts and connects is seen by nobody else, and when its first
  process dies, by Ctrl-C or by kill -9, the kernel ends the rest. Nothing has a name outside that could be left over.
- ``disk`` is a file system in memory; names of hosts are a file laid over /etc/hosts.
- Root is needed, and a kernel with namespaces. Where either is missing this ends with a sentence and status 2, never a skip.

Example: ``enter("tests.faults.chaos", sys.argv[1:]); place = disk()``
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

INSIDE = "LUUTRU_CHAOS_INSIDE"
PLACES = ("/mnt", "/media", "/srv")
ENCLOSURE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
TOOLS = ("unshare", "nsenter", "ip", "tc", "nft", "strace", "mkfs.ext4", "losetup")
CANNOT_ENCLOSE = 2


def enter(module, arguments):
    """Go on inside: returns there, and only there."""
    if os.environ.get(INSIDE) == "1":
        return
    missing = [each for each in TOOLS if subprocess.run(["which", each], capture_output=True, check=False).returncode != 0]
    if os.geteuid() != 0:
        _refuse("chaos makes namespaces, mounts and packet filters: run it as root")
    if missing:
        _refuse(f"chaos needs {', '.join(missing)}: run scripts/bootstrap test")
    tried = subprocess.run([*ENCLOSURE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        _refuse(f"namespaces are not allowed here, chaos needs root with CAP_SYS_ADMIN: {tried.stderr.strip()}")
    python = [sys.executable, "-m"]
    os.execvpe(  # noqa: S606 - this very command, inside
        ENCLOSURE[0],
        [*ENCLOSURE, *python, "tests.faults.chaos_enclosure", *python, module, *arguments],
        {**os.environ, INSIDE: "1"},
    )


def disk(*, megabytes=4096):
    """Mount a file system in memory and return where; it is nobody else's and ends with us."""
    place = next((Path(each) for each in PLACES if Path(each).is_dir() and not any(Path(each).iterdir())), None)
    if place is None:
        _refuse(f"chaos needs one empty folder to mount its disk on, of {', '.join(PLACES)}")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "none", str(place)], check=True)
    return place


def name_hosts(place, names):
    """Let every process inside find the hosts by name."""
    path = place / "hosts"
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names.items())]
    path.write_text("".join(f"{line}\n" for line in lines), "ascii")
    subprocess.run(["mount", "--bind", str(path), "/etc/hosts"], check=True)


def _refuse(sentence):
    print(sentence, file=sys.stderr)
    raise SystemExit(CANNOT_ENCLOSE)


def first_process(command):
    """Be process 1: start the campaign, bury whoever dies without a parent, end as the campaign ends."""
    child = os.fork()
    if child == 0:
        os.execv(command[0], command)  # noqa: S606 - what we were started for
    signal.signal(signal.SIGINT, lambda *_: None)  # the campaign hears it too, and tidies up
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGINT))
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(first_process(sys.argv[1:]))
