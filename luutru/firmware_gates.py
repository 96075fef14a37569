"""Rendered files held against the programs that will read them: systemd, udev, chrony, cloud-init, Mosquitto. A file that looks right proves nothing.

- A gate runs the real program on the real file. What it says is kept; a program that is not there is a gate that has not passed.
- The programs come from this machine, or from a *room*: a folder with a Debian in it that is entered by ``chroot`` (``scripts/bootstrap`` makes one).
- Mosquitto has no way of only reading its configuration: it is started on a loopback port with certificates made for the moment, and asked for a connection.
- Nothing outside a folder of its own is written; in a room also a placeholder for each program the units start, which systemd looks for.

Example: ``all(each.passed for each in run_gates(machine, files, room=Path(".tools/kiosk-room")))``
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from firmware_config.machines import Machine
from firmware_config.units import SCORES

SECONDS: Final = 60
_UNITS: Final = "etc/systemd/system"
Outcome = Literal["passed", "failed", "not run"]


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one program said of one file, or of several."""

    gate: str
    outcome: Outcome
    said: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether it stands."""
        return self.outcome == "passed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where the files lie, as this process and as the programs see it."""

    folder: Path
    seen_as: str
    enter: tuple[str, ...]
    path: str

    def run(self, gate: str, words: Sequence[str]) -> GateResult:
        """Run one program; the first word is its name."""
        if shutil.which(words[0], path=self.path) is None:
            return GateResult(gate=gate, outcome="not run", said=f"{words[0]} is not installed")
        done = subprocess.run(
            [*self.enter, *words], capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
        said = "\n".join(filter(None, (done.stdout.strip(), done.stderr.strip())))
        return GateResult(gate=gate, outcome="passed" if done.returncode == 0 else "failed", said=said[-2000:])

    def at(self, name: str) -> str:
        """Return a file's path as the programs see it."""
        return f"{self.seen_as}/{name}"


def run_gates(machine: Machine, files: Mapping[str, str], *, room: Path | None = None) -> list[GateResult]:
    """Run every gate on rendered files."""
    units = [name for name in files if name.startswith(f"{_UNITS}/") and not name.endswith("/")]
    with _bench(files, room) as bench:
        results = [
            bench.run("systemd-analyze verify", ["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", *map(bench.at, units)]),
            *(
                bench.run(
                    f"systemd-analyze security {unit} <= {SCORES[unit] / 10}",
                    ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={SCORES[unit]}", bench.at(f"{_UNITS}/{unit}")],
                )
                for unit in SCORES
                if f"{_UNITS}/{unit}" in files
            ),
            bench.run("systemd-sysusers", ["systemd-sysusers", "--dry-run", bench.at("etc/sysusers.d/luutru.conf")]),
            bench.run("udevadm verify", ["udevadm", "verify", "--resolve-names=never", bench.at("etc/udev/rules.d/70-luutru.rules")]),
            bench.run("chronyd -p", ["chronyd", "-p", "-f", bench.at("etc/chrony/chrony.conf")]),
            bench.run("cloud-init schema", ["cloud-init", "schema", "--config-file", bench.at("etc/cloud/cloud.cfg.d/90-luutru.cfg")]),
        ]  # fmt: skip
    if machine.bridge.enabled:
        results.append(_site_broker(machine))
    return results


@contextmanager
def _bench(files: Mapping[str, str], room: Path | None) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="luutru-gates-", dir=room) as name:
        folder = Path(name)
        folder.chmod(0o755)
        lay_down(files, folder)
        if room is None:
            yield Bench(folder=folder, seen_as=str(folder), enter=(), path=f"{os.defpath}:/usr/local/bin:/usr/sbin:/sbin")
            return
        _stand_in(files, room)
        enter = ("chroot", str(room)) if os.geteuid() == 0 else ("unshare", "--map-root-user", "chroot", str(room))
        path = ":".join(str(room / each) for each in ("usr/bin", "usr/sbin"))
        yield Bench(folder=folder, seen_as=f"/{folder.name}", enter=enter, path=path)


def lay_down(files: Mapping[str, str], folder: Path) -> list[str]:
    """Write files below a folder and return which of them changed."""
    changed = []
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            changed.append(name)
    return changed


def _stand_in(files: Mapping[str, str], room: Path) -> None:
    for text in files.values():
        for program in re.findall(r"^ExecStart=(/\S+)", text, re.MULTILINE):
            path = room / program.lstrip("/")
            if not path.exists():
                path.write_text("#!/bin/sh\n", "ascii")
                path.chmod(0o755)


def _site_broker(machine: Machine) -> GateResult:
    from firmware_config.site_bridge import bridge_configuration, site_access_rules
    from luutru.demo.broker import find_mosquitto, free_port
    from luutru.demo.pki import Pki
    from luutru.site_broker import SiteBroker

    gate = "mosquitto of the site, on a loopback port"
    if find_mosquitto() is None:
        return GateResult(gate=gate, outcome="not run", said="mosquitto is not installed")
    with tempfile.TemporaryDirectory(prefix="luutru-gates-") as name:
        folder = Path(name)
        here = msgspec.structs.replace(
            machine.bridge, listen="127.0.0.1", listen_port=free_port(), address="127.0.0.1", port=free_port()
        )
        text = bridge_configuration(msgspec.structs.replace(machine, bridge=here), folder=str(folder), data=str(folder))
        said = SiteBroker(folder, Pki(folder / "pki"), text, site_access_rules(), port=here.listen_port, site=here.site).try_out()
    return GateResult(gate=gate, outcome="failed" if said else "passed", said=said)
