"""A version that can be run: a commit's files in a folder of their own, and an interpreter with the packages of that commit's own lock.

- The one before is the newest release this checkout comes after (``luutru/releases/released.toml``); a tag may be missing in a clone, its commit must be there.
- It is run as ``python -m luutru`` in its folder, never with a line of this checkout on its path.

Example: ``with checked_out("v0.1.0", place) as before: before.run("registry", "upgrade")``
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from luutru.releases.released import released

ROOT = Path(__file__).resolve().parents[2]
LOCK = "requirements/demo.txt"


@dataclass
class Version:
    """One side of the matrix."""

    name: str
    folder: Path
    python: Path
    environment: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        """Return what its processes are told."""
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("LUUTRU_", "PYTHON"))}
        return bare | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"} | self.environment

    def start(self, *words: object, log: Path) -> subprocess.Popen[bytes]:
        """Start ``luutru`` with these words."""
        with log.open("ab") as file:
            command = [str(self.python), "-m", "luutru", *map(str, words)]
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environ(), stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def run(self, *words: object) -> str:
        """Run it to its end, which must be good."""
        command = [str(self.python), "-m", "luutru", *map(str, words)]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ(), capture_output=True, text=True, timeout=1800, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, words))}: {done.stdout[-1500:]} {done.stderr[-1500:]}")
        return done.stdout

    def refused(self, *words: object) -> str:
        """Run what must not begin, to its end; returns what it said."""
        command = [str(self.python), "-m", "luutru", *map(str, words)]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ(), capture_output=True, text=True, timeout=900, check=False
        )
        if done.returncode == 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, words))} began, and must not")
        return done.stdout + done.stderr

    def head(self) -> str:
        """Return the newest revision of its tables."""
        asked = "from registry.database import newest_revision; print(newest_revision())"
        done = subprocess.run(
            [self.python, "-c", asked], cwd=self.folder, env=self.environ(), capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def number(self) -> str:
        """Return what it calls itself."""
        return str(tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))["project"]["version"])

    def kiosk(self, *words: object, log: Path) -> subprocess.Popen[bytes]:
        """Start this version's kiosk without a screen."""
        driver = self.folder / "tests" / "acceptance" / "driver_kiosk.py"
        with log.open("ab") as file:
            command = [str(self.python), str(driver), *map(str, words)]
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environ(), stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )


def here() -> Version:
    """Return this checkout as it stands."""
    return Version(name="new", folder=ROOT, python=Path(sys.executable))


def before() -> str:
    """Return the commit of the newest release before this checkout."""
    for each in released():
        if each.commit != _git("rev-parse", "HEAD").strip() and _is_behind(each.commit):
            return each.commit
    raise RuntimeError("no released commit is in this clone's history: fetch it, or name one with --before")


def _is_behind(commit: str) -> bool:
    asked = ["git", "merge-base", "--is-ancestor", commit, "HEAD"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0


@contextmanager
def checked_out(ref: str, place: Path) -> Iterator[Version]:
    """Lay a commit out, with the packages of its own lock, until the block ends."""
    folder, packages = place / "before", place / "before-packages"
    _git("worktree", "add", "--quiet", "--detach", str(folder), ref)
    try:
        uv = ROOT / ".tools" / "bin" / "uv"
        subprocess.run([uv, "venv", "--quiet", "--python", _system_python(), packages], check=True)
        python = packages / "bin" / "python"
        pip = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", folder / LOCK]
        subprocess.run(pip, check=True)
        own = [uv, "pip", "install", "--quiet", "--python", python, "--no-build-isolation", "--no-deps", "-e", folder]
        subprocess.run(own, check=True)  # it asks its own package for its version
        vendor = ROOT / "server" / "static" / "vendor"  # fetched by npm, the same for both when its lock is
        if vendor.is_dir() and not (folder / "server" / "static" / "vendor").exists():
            shutil.copytree(vendor, folder / "server" / "static" / "vendor")
        yield Version(name=_git("describe", "--always", "--tags", ref).strip(), folder=folder, python=python)
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _system_python() -> str:
    """Return the interpreter the checkout's own environment was made from."""
    return str(Path(sys.executable).resolve())


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
