"""What a runbook needs of systemd, where there is none: ``systemctl`` for the units of ``deploy/machine``, started by their own lines.

- A unit's ``ExecStart``, ``EnvironmentFile``, ``WorkingDirectory``, ``Restart``, ``RestartSec``, ``TimeoutStopSec``, ``User`` and ``UMask`` count. What else shuts
  a unit in does not: that is read by ``systemd-analyze``, which the first runbook runs.
- Each started unit has a process that keeps it running and ends with it, as systemd would; it is told by SIGTERM.

    systemctl enable --now PATH...|start|stop|restart|is-active|disable --now NAME...
"""

from __future__ import annotations

import configparser
import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STATE = Path("/srv/.units")
STARTED = 20.0


def unit(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(path, "utf-8")
    return dict(parser["Service"])


def seconds(text: str) -> float:
    return float(text.removesuffix("ms")) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


def environment(service: dict[str, str]) -> dict[str, str]:
    known = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if "EnvironmentFile" in service:
        lines = Path(service["EnvironmentFile"]).read_text("utf-8").splitlines()
        known |= dict(each.split("=", 1) for each in lines if each and not each.startswith("#"))
    return known


def identity(service: dict[str, str]) -> dict[str, Any]:
    """Return as whom a unit's process runs; as systemd would, nobody else may read what it may."""
    if "User" not in service:
        return {}
    account = pwd.getpwnam(service["User"])
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def keep(name: str, path: Path) -> None:
    """Keep a unit's process running until SIGTERM: the life of one unit."""
    ending: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def end(number: int, _frame: object) -> None:
        ending.append(number)
        if process is not None and process.poll() is None:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    service = unit(path)
    while not ending:
        service = unit(path)
        with (STATE / f"{name}.log").open("ab") as log:
            try:
                process = subprocess.Popen(
                    shlex.split(service["ExecStart"]),
                    env=environment(service),
                    cwd=service["WorkingDirectory"],
                    **identity(service),
                    umask=int(service.get("UMask", "0022"), 8),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                time.sleep(seconds(service["RestartSec"]))
                continue
        (STATE / f"{name}.child").write_text(str(process.pid))
        process.wait()
        if service.get("Restart") != "always":
            break
        if not ending:
            time.sleep(seconds(service["RestartSec"]))
    (STATE / f"{name}.pid").unlink(missing_ok=True)
    (STATE / f"{name}.child").unlink(missing_ok=True)


def alive(path: Path) -> bool:
    try:
        pid = path.read_text().strip()
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_active(name: str) -> bool:
    return alive(STATE / f"{name}.pid") and alive(STATE / f"{name}.child")


def start(name: str) -> None:
    if alive(STATE / f"{name}.pid"):
        return
    path = (STATE / f"{name}.service").resolve(strict=True)
    keeper = subprocess.Popen(
        [sys.executable, __file__, "keep", name, str(path)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (STATE / f"{name}.pid").write_text(str(keeper.pid))
    end = time.monotonic() + STARTED
    while not is_active(name) and time.monotonic() < end:
        time.sleep(0.02)


def stop(name: str) -> None:
    pid = STATE / f"{name}.pid"
    if not alive(pid):
        return
    patience = seconds(unit((STATE / f"{name}.service").resolve()).get("TimeoutStopSec", "90"))
    keeper, child = int(pid.read_text()), STATE / f"{name}.child"
    os.kill(keeper, signal.SIGTERM)
    end = time.monotonic() + patience
    while Path(f"/proc/{keeper}").exists() and alive(pid):
        if time.monotonic() > end:
            os.kill(int(child.read_text()), signal.SIGKILL)
            end += patience
        time.sleep(0.02)


def enable(path: Path) -> None:
    link = STATE / path.name
    link.unlink(missing_ok=True)
    link.symlink_to(path)


def main(words: list[str]) -> int:
    STATE.mkdir(exist_ok=True)
    verb, now = words[0], "--now" in words
    names = [each for each in words[1:] if not each.startswith("--")]
    if verb == "keep":
        keep(names[0], Path(names[1]))
        return 0
    if verb == "is-active":
        states = [is_active(name) for name in names]
        sys.stdout.write("".join(f"{'active' if each else 'inactive'}\n" for each in states))
        return 0 if all(states) else 3
    for name in names:
        act(verb, name, now=now)
    return 0


def act(verb: str, name: str, *, now: bool) -> None:
    match verb:
        case "enable":
            enable(Path(name))
            if now:
                start(Path(name).stem)
        case "start":
            start(name)
        case "stop":
            stop(name)
        case "restart":
            stop(name)
            start(name)
        case "disable":
            if now:
                stop(name)
            (STATE / f"{name}.service").unlink()
        case _:
            sys.exit(f"Unknown command verb {verb}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
