"""The machine a rehearsal has to itself: mounts, network and processes of its own, gone with it however it ends.

- ``/srv`` is a disk in memory with those of another machine (``/srv/backup``) and of the kiosk (``/srv/kiosk``) mounted in it; ``/etc`` is this machine's with
  what is written above it. The network is a loopback, so ports are those of the page.
- ``systemctl`` is ``units.py``, and where the page says ``mount`` it was done.
- The kiosk is the screenless one of the acceptance tests (real outbox and uplink); it declares without a pause and writes down what it was told.

Example: ``with Machine(long=False) as machine: machine.run("luutru --help")``
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from acceptance_stage import Account

from tests.runbooks.page import FIRST, ROOT, runbooks

INSIDE = "LUUTRU_RUNBOOKS_INSIDE"
ENCLOSURE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
SRV, KIOSK, BACKUP = Path("/srv"), Path("/srv/kiosk"), Path("/srv/backup")
STORE_MIB = 700
SETTLED_WITHIN = 90.0
# Where the checkout lies in /srv it is mounted read-only in the machine's own folder, and is not the machine's to give away.
CHOWN = """#!/bin/sh
said=$(/bin/chown "$@" 2>&1 | grep -v 'Read-only file system')
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
"""
DRIVER = ROOT / "tests" / "acceptance" / "driver_kiosk.py"


def enter(module: str, arguments: list[str]) -> None:
    """Go on inside: returns there, and only there. ``CalledProcessError`` tells what is not allowed here."""
    if os.environ.get(INSIDE) == "1":
        return
    if os.geteuid() != 0:
        sys.exit("a rehearsal makes namespaces and mounts: run it as root")
    command = [*_enclosure(), sys.executable, "-m", module, *arguments]
    os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})  # noqa: S606 - this very command, inside


def _enclosure() -> tuple[str, ...]:
    """Return how to get inside. Where the root is no mount point (a chroot) its mounts cannot be made private."""
    tried = subprocess.run([*ENCLOSURE, "true"], capture_output=True, check=False)
    return ENCLOSURE if tried.returncode == 0 else (ENCLOSURE[0], "--propagation", "unchanged", *ENCLOSURE[1:])


def mount_everything(megabytes: int) -> None:
    """Lay this machine's disks. A mount ends with the namespace."""
    checkout = os.open(ROOT, os.O_PATH | os.O_DIRECTORY)
    _mount_memory(SRV, f"size={megabytes}m")
    if ROOT.is_relative_to(SRV):  # what runs here must not vanish under the disk, and nothing here may touch it
        ROOT.mkdir(parents=True)
        subprocess.run(
            ["mount", "--no-canonicalize", "--bind", f"/proc/self/fd/{checkout}", str(ROOT)], check=True, pass_fds=(checkout,)
        )
        subprocess.run(["mount", "-o", "remount,bind,ro", str(ROOT)], check=True)
    os.close(checkout)
    for place, options in ((KIOSK, "size=100m"), (BACKUP, "size=700m"), (SRV / ".etc", "size=10m")):
        _mount_memory(place, options)
    for name in ("upper", "work"):
        (SRV / ".etc" / name).mkdir()
    above = "lowerdir=/etc,upperdir=/srv/.etc/upper,workdir=/srv/.etc/work"
    subprocess.run(["mount", "-t", "overlay", "-o", above, "overlay", "/etc"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _mount_memory(place: Path, options: str) -> None:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options},mode=0755", "none", str(place)], check=True)


class Failed(Exception):
    """A block did not end as the page says it does."""


class Machine:
    """One machine, from bare to gone."""

    def __init__(self, *, long: bool) -> None:
        self.long = long
        self.kiosk: subprocess.Popen[bytes] | None = None
        self.ledger = KIOSK / "ledger"
        self.first = runbooks()[FIRST].blocks[0].text
        self.lines = 0
        self.lost: set[str] = set()  # with a loss of the registry: what had a receipt and did not come back

    def prepare(self) -> None:
        """Make what is on the machine before anybody installs anything."""
        mount_everything(STORE_MIB * (2 if self.long else 1))
        own = SRV / ".bin"
        own.mkdir()
        (own / "systemctl").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("units.py")} "$@"\n', "utf-8")
        (own / "systemctl").chmod(0o755)
        if ROOT.is_relative_to(SRV):
            (own / "chown").write_text(CHOWN, "utf-8")
            (own / "chown").chmod(0o755)
        (SRV / "luutru").mkdir(exist_ok=True)  # with a checkout in it, perhaps
        self.environment = dict(os.environ)
        if self.long:
            made = Path(os.environ["LUUTRU_RELEASE"])
            shutil.copytree(made / "release", SRV / "release")
            shutil.copy(made / "release.pub", SRV)
            # No network here: the packages were fetched by the script, and pip compares their hashes all the same.
            self.environment |= {
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(made / "wheels"),
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            }
        else:
            (SRV / "luutru" / "program").symlink_to(ROOT / ".venv")
        self.path = f"{own}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"
        # The authority is a day old: keys made this minute would not be valid for a clock that is behind.
        (SRV / ".born").write_text("-86400", "ascii")

    def run(self, text: str, *, born: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a block as whoever is on call would, in one shell, ending at its first line that fails."""
        ready = (SRV / "luutru" / "settings").exists() and (SRV / "luutru" / "registry.db").exists()
        environment = {**self.environment, "PATH": self.path} | ({"LUUTRU_DEMO_CLOCK": str(SRV / ".born")} if born else {})
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", (self.first if ready or self._settled() else "") + text],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def _settled(self) -> bool:
        return (SRV / "luutru" / "units").exists()

    def must(self, text: str, *, born: bool = False) -> str:
        """Run a block that has to succeed; returns what it said."""
        done = self.run(text, born=born)
        self.lines += len([line for line in text.splitlines() if line])
        if done.returncode != 0:
            raise Failed(f"status {done.returncode} of:\n{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{self.logs()}")
        return done.stdout

    def must_fail(self, text: str) -> None:
        """Run a look that has to say that something is wrong."""
        self.lines += len([line for line in text.splitlines() if line])
        if self.run(text).returncode == 0:
            raise Failed(f"this should have shown that something is wrong:\n{text}")

    def logs(self) -> str:
        """Return the last words of every unit."""
        said = []
        for path in sorted((SRV / ".units").glob("*.log")):
            said.append(f"-- {path.name}\n{path.read_text('utf-8', 'replace')[-1200:]}")
        return "\n".join(said)

    def place_kiosk(self) -> None:
        """Put the lobby's kiosk on its own disk, as the machine it is; it knows where to hand in its last word."""
        for path in (SRV / "luutru" / "kiosk-lobby-1").iterdir():
            shutil.copy(path, KIOSK)
        profile = KIOSK / "kiosk.toml"
        profile.write_text(
            profile.read_text("utf-8").replace("[broker]\n", '[broker]\ncertificates_url = "http://127.0.0.1:8300"\n'), "utf-8"
        )

    def start_kiosk(self, *, synced: bool = False) -> None:
        """Declare without a pause."""
        words = [str(KIOSK / "kiosk.toml"), str(self.ledger), "--every", "0.25", "--settle", str(SETTLED_WITHIN)]
        words += ["--first", str(len(self.account().attempted) + 1)] + (["--synced"] if synced else [])
        with (KIOSK / "kiosk.log").open("ab") as log:
            self.kiosk = subprocess.Popen([sys.executable, str(DRIVER), *words], stdout=log, stderr=log, cwd=ROOT)

    def stop_kiosk(self) -> None:
        """Let the kiosk end between two declarations."""
        if self.kiosk is not None and self.kiosk.poll() is None:
            self.kiosk.send_signal(signal.SIGTERM)
            self.kiosk.wait(60)

    def account(self) -> Account:
        """Return what the kiosk was told."""
        return Account.read(self.ledger)

    def settle(self, *, most_missing: int = 0) -> dict[str, int]:
        """Wait until everything that was kept by now has its receipt and stands in the registry, once."""
        kept = self.account().kept
        end = time.monotonic() + SETTLED_WITHIN
        while not set(kept) <= self.account().settled.keys():
            if time.monotonic() > end:
                missing = set(kept) - self.account().settled.keys()
                raise Failed(
                    f"{len(missing)} of {len(kept)} have no receipt\n{(KIOSK / 'kiosk.log').read_text()[-800:]}\n{self.logs()}"
                )
            time.sleep(0.1)
        there = self.recorded()
        missing = set(kept) - there - self.lost
        self.lost |= missing
        if len(missing) > most_missing:
            raise Failed(f"{len(missing)} of {len(kept)} have a receipt and are not in the registry")
        return {"kept": len(kept), "missing": len(missing)}

    def recorded(self) -> set[str]:
        """Return the ids of all recorded declarations."""
        said = self.must(
            "python3 - <<'END'\nimport sqlite3\nfor row in sqlite3.connect('/srv/luutru/registry.db').execute('SELECT declaration_id FROM declarations'): print(row[0])\nEND\n"
        )
        return set(said.split())

    def persons_in(self, path: str) -> int:
        """Return how many persons an incident's file names."""
        lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
        assert lines[0]["persons"] == len(lines) - 1
        return len(lines) - 1
