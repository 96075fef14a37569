"""Each process starts with only its own extra installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".tools" / "bin" / "uv"


@pytest.fixture(scope="module", params=["kiosk", "gateway", "server"])
def installed(request, tmp_path_factory):
    """A virtual environment with the pinned packages of one extra and nothing else."""
    place = tmp_path_factory.mktemp(request.param)
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, place / "venv"], check=True)
    python = place / "venv" / "bin" / "python"
    install = [UV, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", ROOT / "requirements" / f"{request.param}.txt"], check=True)
    (place / "venv" / "lib" / "python3.11" / "site-packages").joinpath("luutru.pth").write_text(str(ROOT))
    return request.param, python


def test_the_process_starts_with_its_own_extra_alone(installed):
    extra, python = installed
    probe = subprocess.run([python, "-m", "luutru", extra, "run", "--help"], capture_output=True, text=True, timeout=60)
    assert probe.returncode == 0, probe.stderr
    # the composition root and everything below it can be imported
    probe = subprocess.run(
        [python, "-c", f"import luutru.processes.{extra}"], capture_output=True, text=True, timeout=60, cwd=place_of(python)
    )
    assert probe.returncode == 0, probe.stderr


def test_the_help_of_the_whole_command_needs_no_other_extra(installed):
    _, python = installed
    probe = subprocess.run([python, "-m", "luutru", "--help"], capture_output=True, text=True, timeout=60)
    assert probe.returncode == 0, probe.stderr
    assert "kiosk" in probe.stdout


def place_of(python: Path) -> Path:
    return python.parent
