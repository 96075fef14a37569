"""What a kiosk costs the machine it runs on: memory, the time until it can be used, and the processor while nobody is there.

- A real ``luutru kiosk run`` in a process of its own, with a door, without a browser and without a broker, as in a lobby whose network is away.
- Its camera is a film of an empty lobby at ten frames a second, with the noise of a sensor, so that no two frames are alike.
- Ready is when the page answers and the reader has reported; idle begins ``SETTLE_SECONDS`` later. Memory and time are of the agent and the process
  that holds the relay, together.
- The baselines are what any program on these libraries pays: Python with OpenCV, NumPy and the web server imported, and nothing done; and the
  same film decoded to grey pictures ten times a second and thrown away.

Example: ``run(quick=True).figures["rss_mib"]``
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import msgspec
import numpy as np

from luutru import keys, system
from luutru.benchmarks import door
from luutru.benchmarks.result import BenchResult
from luutru.demo.broker import free_port
from residence.wire.keyring import Keyring, KeyUse, dump_keyring

FRAMES_PER_SECOND: Final = 10
SIZE: Final = (1280, 720)
NOISE: Final = 2.0
FILM_SECONDS: Final = 4
SETTLE_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 120.0
LOOKS: Final = 8  # at the memory while it is idle
TARGETS: Final = {"rss_mib": 150, "start_seconds": 5, "idle_cpu_share": 0.05, "door_decision_p99_ms": 50}
_KEYS: Final[tuple[tuple[KeyUse, str], ...]] = (("kiosk-sign", "kiosk-bench-1"), ("seal", "authority"), ("receipt", "authority"))
_IMPORTS: Final = "import cv2, numpy, starlette.applications, uvicorn, jinja2, babel, paho.mqtt.client, cryptography, zxingcpp"
_PROFILE: Final = """
[kiosk]
id = "kiosk-bench-1"
site = "blk-bench"
[premises]
id = "blk-bench"
kind = "apartment-block"
commune_code = "demo-01"
name = "Bench"
units = ["101", "102"]
[broker]
port = {broker}
[page]
port = {page}
[[readers]]
kind = "video"
source = "lobby.avi"
[[doors]]
name = "lobby"
pins = "pretend"
output_pin = 17
"""


def run(*, quick: bool = False) -> BenchResult:
    """Start a kiosk, wait until it is ready, and look at it while nobody comes."""
    seconds = 4.0 if quick else 30.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        address = _lay_out(folder)
        began = time.perf_counter()
        with _running(folder) as process:
            _wait_until_ready(address, process)
            start, worked = time.perf_counter() - began, _cpu_seconds(process.pid)
            time.sleep(SETTLE_SECONDS)
            before, since, looks = _cpu_seconds(process.pid), time.perf_counter(), list[float]()
            while time.perf_counter() - since < seconds:
                time.sleep(seconds / LOOKS)
                looks.append(_rss_mib(process.pid))
            share = (_cpu_seconds(process.pid) - before) / (time.perf_counter() - since)
            memory = statistics.median(looks)  # a helper process that lives for a moment is not what a kiosk takes
        film = _film_share(folder / "lobby.avi")
    at_the_door = door.run(quick=quick).figures["door_decision_p99_ms"]
    figures = {"rss_mib": round(memory, 1), "start_seconds": round(start, 2), "idle_cpu_share": round(share, 4)}
    imported, importing = _imports()
    figures |= {
        "start_cpu_seconds": round(worked, 2)
    }  # what of the start is work: the rest is waiting for the processor and the disk
    return BenchResult(
        name="kiosk",
        figures=figures | {"door_decision_p99_ms": at_the_door},
        baselines={
            "film_cpu_share": round(film, 4),
            "imports_rss_mib": round(imported, 1),
            "imports_seconds": round(importing, 2),
        },
        ratios={
            "idle_to_film": round(share / film, 2),
            "rss_to_imports": round(memory / imported, 2),
            "start_to_imports": round(start / importing, 2),
        },
        settings={
            "idle_seconds": seconds,
            "frames_per_second": FRAMES_PER_SECOND,
            "load_before": os.getloadavg()[0],
            "targets": TARGETS,
        },
    )


def _lay_out(folder: Path) -> str:
    """Write profile, keys and film; return the page's address."""
    now, trusted = system.system_clock().now(), []
    for use, owner in _KEYS:
        path = folder / f"{'signing' if use == 'kiosk-sign' else use}.key"
        made = keys.make_key(path, key_id=f"{use}-1", use=use, owner=owner, now=now, random_bytes=system.random_bytes)
        trusted += [made] if owner == "authority" else []
    (folder / "keyring.json").write_bytes(dump_keyring(Keyring(trusted, serial=1)))
    page = free_port()
    (folder / "kiosk.toml").write_text(_PROFILE.format(broker=free_port(), page=page), "utf-8")
    _film(folder / "lobby.avi")
    return f"http://127.0.0.1:{page}"


def _film(path: Path) -> None:
    """Write a still scene with a sensor's noise."""
    chance = np.random.default_rng(1)
    scene = cv2.GaussianBlur(chance.integers(0, 255, (SIZE[1] // 40, SIZE[0] // 40), dtype=np.uint8), (0, 0), 1)
    scene = cv2.resize(scene, SIZE, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FRAMES_PER_SECOND, SIZE)
    for _ in range(FRAMES_PER_SECOND * FILM_SECONDS):
        noisy = np.clip(scene + chance.normal(0, NOISE, scene.shape), 0, 255).astype(np.uint8)
        film.write(cv2.cvtColor(noisy, cv2.COLOR_GRAY2BGR))
    film.release()


def _film_share(path: Path) -> float:
    """Return what share of a core it takes to decode the film at its own rate and do nothing with it."""
    film, frames, began = cv2.VideoCapture(str(path)), 0, time.process_time()
    while True:
        good, picture = film.read()
        if not good:
            break
        cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        frames += 1
    film.release()
    return (time.process_time() - began) / frames * FRAMES_PER_SECOND


@contextmanager
def _running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log.txt").open("wb") as log:
        command = [sys.executable, "-m", "luutru", "kiosk", "run", str(folder / "kiosk.toml")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:  # noqa: S310 - our own page on loopback
                if msgspec.json.decode(answer.read())["readers"]:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the kiosk was not ready in {PATIENCE_SECONDS:.0f} s")


def _family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    family = [pid]
    for each in family:
        for thread in _threads(each):  # the kernel lists a child under the thread that started it
            try:
                family += [int(child) for child in (thread / "children").read_text("ascii").split()]
            except OSError:
                continue
    return family


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _told(pid: int, name: str) -> Iterator[list[str]]:
    """Yield what the kernel says of each process of the family in /proc, without its name; one that has just ended says nothing."""
    for each in _family(pid):
        try:
            yield Path(f"/proc/{each}/{name}").read_text("ascii").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue


def _cpu_seconds(pid: int) -> float:
    return sum(int(fields[11]) + int(fields[12]) for fields in _told(pid, "stat")) / os.sysconf("SC_CLK_TCK")


def _rss_mib(pid: int) -> float:
    return sum(int(fields[1]) for fields in _told(pid, "statm")) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _imports() -> tuple[float, float]:
    """Return memory and time of a program that imports the same libraries and does nothing."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", f"{_IMPORTS}\nprint('there', flush=True)\ninput()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError(_IMPORTS)
        seconds, memory = time.perf_counter() - began, _rss_mib(process.pid)
        process.communicate(b"\n")
    return memory, seconds
