"""A release made from a commit: exported, built, counted and signed; the same commit gives the same files.

- What is built is the commit, never what lies about in the folder: ``git archive`` into a folder of its own.
- Every time in the wheel is the commit's (``SOURCE_DATE_EPOCH``), so two builds are equal byte by byte.
- A version that was released is built of its own commit only, and no released migration may have been edited (``released.py``).
- The front-end files are those of ``node_modules``, whose hashes npm compared with its lock file.

Example: ``build(Path("."), Path("out"), signer=signer)``
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from luutru.releases.bill import bill_of
from luutru.releases.locked import Component, read_npm, read_requirements, together
from luutru.releases.manifest import NAME, Listed, Release, listed, sign
from luutru.releases.released import changed, released, taken_by
from luutru.system import child_environment
from residence.errors import Refused
from residence.transparency.notes import Signer

MIGRATIONS: Final = "registry/migrations/versions"
SBOM: Final = "sbom.cdx.json"
# These lock files build or test; every other one is installed on a machine of an authority's or of a kiosk's.
NOT_SHIPPED: Final = ("test.txt", "tools.txt", "osdp-peer.txt", "demo.txt")


def build(root: Path, folder: Path, *, signer: Signer) -> Release:
    """Build the commit the checkout stands at into an empty folder; ``Refused("release.*")``."""
    if folder.exists() and any(folder.iterdir()):
        raise Refused("release.folder_not_empty", "", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    commit = _git(root, "rev-parse", "HEAD").decode().strip()
    seconds = int(_git(root, "show", "-s", "--format=%ct", "HEAD"))
    with tempfile.TemporaryDirectory(prefix="luutru-release-") as name:
        source = Path(name)
        with zipfile.ZipFile(io.BytesIO(_git(root, "archive", "--format=zip", "HEAD"))) as exported:
            exported.extractall(source)
        _may_be_released(source, commit)
        (source / "node_modules").symlink_to((root / "node_modules").absolute())
        _run(source, sys.executable, "scripts/assets")
        (source / "node_modules").unlink()
        epoch = {"SOURCE_DATE_EPOCH": str(seconds)}
        _run(source, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.absolute()), **epoch)
        wheel = next(folder.glob("*.whl"))
        version = wheel.name.split("-")[1]
        components = locked(source)
        (folder / SBOM).write_bytes(bill_of(components, version=version, made_at=datetime.fromtimestamp(seconds, UTC)))
        for path in sorted((source / "requirements").glob("*.txt")):
            if path.name not in NOT_SHIPPED:
                (folder / f"requirements-{path.name}").write_bytes(path.read_bytes())
    release = Release(version=version, commit=commit, files=dict(found(folder)))
    (folder / NAME).write_text(sign(release, signer), "utf-8")
    return release


def _may_be_released(source: Path, commit: str) -> None:
    version = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if other := taken_by(version, commit, released()):
        raise Refused("release.version_taken", "", f"{version} is {other}")
    files = {path.name: path.read_bytes() for path in (source / MIGRATIONS).glob("*.py")}
    if edited := changed(files, released()):
        raise Refused("release.migration_edited", "", ", ".join(edited))


def locked(root: Path) -> list[Component]:
    """Return every component of the lock files under ``root``."""
    components = read_npm((root / "package-lock.json").read_bytes(), "package-lock.json")
    for path in sorted((root / "requirements").glob("*.txt")):
        name = f"requirements/{path.name}"
        components += read_requirements(path.read_text("utf-8"), name, shipped=path.name not in NOT_SHIPPED)
    return together(components)


def found(folder: Path) -> Iterator[tuple[str, Listed]]:
    """Give every file of a release's folder but the list itself."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / NAME:
            yield str(path.relative_to(folder)), listed(path.read_bytes())


def _git(root: Path, *words: str) -> bytes:
    done = subprocess.run(["git", "-C", str(root), *words], check=False, capture_output=True)
    if done.returncode != 0:
        raise Refused("release.not_a_checkout", "", done.stderr.decode("utf-8", "replace").strip()[-300:])
    return done.stdout


def _run(folder: Path, *words: str, **more: str) -> None:
    done = subprocess.run(list(words), check=False, capture_output=True, text=True, cwd=folder, env=child_environment(**more))
    if done.returncode != 0:
        raise Refused("release.not_built", "", (done.stderr + done.stdout).strip()[-500:])
