"""Every runbook of docs/operations.md carried out as it stands, on a machine that was broken for it. The long run is ``scripts/test-runbooks``.

- For each: break what it is about; its look must fail; its steps must succeed, line by line; its second look must succeed; then everything the kiosk was told
  is kept has its receipt and stands in the registry. What a runbook promises besides is asked after it (``AFTER``).
- The order is that of one machine's life. ``--only`` leaves out others, not the first.

Example: ``PYTHONPATH=tests python -m tests.runbooks.rehearsal --only "Broker lost" --json``
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.runbooks.machine import BACKUP, SRV, Failed, Machine, enter
from tests.runbooks.page import Runbook, runbooks

ORDER = (
    "Install",
    "Broker lost",
    "Lost gateway key",
    "Upgrade",
    "Wrong time",
    "Disk full",
    "Key ceremony and rotation",
    "Breach in 72 hours",
    "Restore",
    "Decommission",
)
HOME = SRV / "luutru"
WRONG_CLOCK = f"LUUTRU_DEMO_CLOCK={SRV / '.wrong'}\n"


def kill(machine: Machine, name: str) -> None:
    """Kill a unit's process as a power cut would; whatever keeps it running starts it again."""
    pid = (SRV / ".units" / f"luutru-{name}.child").read_text()
    subprocess.run(["kill", "-9", pid], check=True)


def lose_broker(machine: Machine) -> None:
    kill(machine, "broker")
    subprocess.run(["rm", "-rf", str(HOME / "broker")], check=True)


def lose_keys(machine: Machine) -> None:
    for path in [*(HOME / "keys").glob("gateway-seal*.key"), *(HOME / "keys").glob("gateway-receipt*.key")]:
        path.unlink()
    kill(machine, "gateway")


def set_clock_wrong(machine: Machine) -> None:
    """Three hours behind, for the gateway; the kiosk's clock is confirmed."""
    machine.stop_kiosk()
    (SRV / ".wrong").write_text("-10800", "ascii")
    with (HOME / "settings").open("a", encoding="utf-8") as file:
        file.write(WRONG_CLOCK)
    machine.must("systemctl restart luutru-gateway\n")
    machine.start_kiosk(synced=True)
    end = time.monotonic() + 60
    while machine.run('test -z "$(luutru gateway dead-letters list --jsonl)"').returncode == 0:
        if time.monotonic() > end:
            raise Failed(f"no letter came\n{machine.logs()}")


def set_clock_right(machine: Machine) -> None:
    (HOME / "settings").write_text((HOME / "settings").read_text("utf-8").replace(WRONG_CLOCK, ""), "utf-8")


def fill_disk(machine: Machine) -> None:
    with (HOME / "what-did-not-belong-there").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 20)):
            pass
    time.sleep(3)  # somebody goes on declaring
    if machine.run('test "$(df --output=avail --block-size=1M /srv | tail -n 1)" -gt 0').returncode == 0:
        raise Failed("the disk is not full")


def lose_registry(machine: Machine) -> None:
    """The disk dies at once, under everybody: processes killed, files gone."""
    for name in ("gateway", "server", "log", "backup", "metrics"):
        kill(machine, name)
    for path in HOME.glob("registry.db*"):
        path.unlink()


def stop_declaring(machine: Machine) -> None:
    machine.settle()
    machine.stop_kiosk()


BREAK: dict[str, Callable[[Machine], None]] = {
    "Broker lost": lose_broker,
    "Lost gateway key": lose_keys,
    "Wrong time": set_clock_wrong,
    "Disk full": fill_disk,
    "Restore": lose_registry,
    "Decommission": stop_declaring,
}


def incident_files_name_people(machine: Machine) -> None:
    folder = BACKUP / "incidents"
    assert machine.persons_in(f"{folder}/2026-1-kiosk.jsonl") > 0
    assert machine.persons_in(f"{folder}/2026-1-commune.jsonl") > 0
    assert machine.persons_in(f"{folder}/2026-1-account.jsonl") == 0, "nobody was looked at"


def registry_handed_over(machine: Machine) -> None:
    assert (BACKUP / "handed-over.db").stat().st_size > 100_000
    assert "public_key" not in "".join(path.name for path in Path("/srv/kiosk").iterdir())


AFTER: dict[str, Callable[[Machine], None]] = {
    "Breach in 72 hours": incident_files_name_people,
    "Decommission": registry_handed_over,
}


def rehearse(machine: Machine, runbook: Runbook) -> dict[str, object]:
    """Carry one out; returns what it took."""
    began, before = time.monotonic(), machine.lines
    BREAK.get(runbook.name, lambda _: None)(machine)
    for block in runbook.blocks:
        if block.long and not machine.long:
            continue
        if block.part == "know":
            machine.must_fail(block.text)
            if runbook.name == "Wrong time":
                set_clock_right(machine)
            continue
        machine.must(block.text, born="demo prepare" in block.text)
    if runbook.name == "Install":
        machine.place_kiosk()
        machine.start_kiosk()
        while len(machine.account().kept) < 3:
            time.sleep(0.1)
    told = {} if runbook.name == "Decommission" else machine.settle(most_missing=12 if runbook.name == "Restore" else 0)
    AFTER.get(runbook.name, lambda _: None)(machine)
    return {"runbook": runbook.name, "lines": machine.lines - before, "seconds": round(time.monotonic() - began, 1), **told}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", default=ORDER, choices=ORDER)
    parser.add_argument("--long", action="store_true", help="install the program from a release, too")
    options = parser.parse_args(words)
    enter("tests.runbooks.rehearsal", words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    machine, page = Machine(long=options.long), runbooks()
    machine.prepare()
    for name in ORDER:
        if name == "Install" or name in options.only:
            try:
                told = rehearse(machine, page[name])
            except Failed as failure:
                sys.stdout.write(f"{name}: {failure}\n")
                return 1
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
    machine.stop_kiosk()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
