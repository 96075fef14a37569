"""Every kind of fault of a chaos run: how it strikes, how it ends, and whether it was really felt.

- A strike begins at once and says what ends it: a function that undoes it and returns whether anything was hit. Without one it is over.
- Felt means: the process was alive, packets were taken, a commit was refused, an error was injected, somebody declared by that clock.
  What was not felt is not counted.
- A strike that cannot begin now (the machine is cut off already, the process is down) returns None and is not counted either.

Example: ``ending = STRIKES["kiosk: disk full"].begin(town, "kiosk-1", chance); ...; felt = ending()``
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from faults.chaos_deaths import (
    ENDED,
    LATER,
    kill,
    kill_after_commit,
    kill_child,
    kill_postmaster,
    stop,
    wipe_broker,
    wipe_rows,
)
from faults.chaos_parts import freeze
from faults.chaos_record import since, size_of
from faults.chaos_town import GATEWAYS, KIOSKS

HOUR_BACK, THREE_YEARS_ON = -3600, 3 * 365 * 86400
LOSS_PERCENT = 25
SLOW_KILOBITS = 192


def on_cable(begin, end, kind):
    """Do something to a machine's cable, once at a time."""

    def strike(town, name, _chance):
        network = town.network
        key = (name, kind)
        if key in town.busy:
            return None
        town.busy.add(key)
        begin(network, name)

        def ending():
            town.busy.discard(key)
            return end(network, name) > 0

        return ending

    return strike


def cut_and_kill(town, name, chance):
    """Let a machine die while it is cut off: nobody is told that its connections are gone."""
    ending = CUT(town, name, chance)
    if ending is None:
        return None
    killed = town.parts[name].kill(again_after=chance.uniform(0, 0.8))

    def end():
        return ending() | killed

    return end


def fill_disk(town, name, _chance):
    filler, before = town.disks[name].mount / "filler", size_of(town.record(name))
    if filler.exists() or not fill(filler):
        return None

    def end():
        with suppress(OSError):
            filler.unlink(missing_ok=True)
            subprocess.run(["sync", "-f", str(filler.parent)], check=False)  # a power cut must not bring it back
        return b'"refused"' in since(town.record(name), before)

    return end


def inject(call, error):
    """Have a kiosk's system calls fail under it."""

    def begin(town, name, chance):
        part = town.parts[name]
        if not part.running:
            return None
        told = town.place / f"strace-{name}-{chance.getrandbits(32):08x}"
        rule = f"inject={call}:error={error}:when={chance.randint(1, 6)}+{chance.randint(1, 3)}"
        words = ["strace", "-f", "-qq", "-p", str(part.pid), "-o", str(told), "-e", f"trace={call}", "-e", rule]
        tracer = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            tracer.terminate()
            tracer.wait()
            felt = told.exists() and b"(INJECTED)" in told.read_bytes()
            told.unlink(missing_ok=True)
            return felt

        return end

    return begin


def cut_power(town, name, _chance):
    """Freeze first: no word gets out of a machine without power, so none may once the cut has begun."""
    part, disk = town.parts[name], town.disks[name]
    if not part.running or not freeze(part.pid):
        return None
    disk.cut()
    part.kill()
    disk.power_on()
    return ENDED


def set_clock(seconds):
    def begin(town, name, _chance):
        clock, before = town.clock(name), size_of(town.record(name))
        if clock.exists():
            return None
        draft = clock.with_suffix(".new")
        draft.write_text(str(seconds), "ascii")
        draft.replace(clock)

        def end():
            clock.unlink()
            return b'"attempted"' in since(town.record(name), before)

        return end

    return begin


def rotate(purpose):
    """Give the authority a new key, trying again while the registry is away; a gateway signs with it from its next start."""

    def begin(town, name, chance):
        if purpose in town.busy:
            return None
        town.busy.add(purpose)
        operator = town.operator("gateway", "keys", "rotate", purpose)
        again_after = chance.uniform(0, 0.5)

        def end():
            if operator.poll() is None:
                return LATER
            town.busy.discard(purpose)
            if operator.returncode == 0:
                town.parts[name].kill(again_after=again_after)
            return operator.returncode == 0

        return end

    return begin


def fill(path):
    """Write until there is no room; tell whether that was reached."""
    with suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for piece in (1 << 16, 1 << 10):
                with suppress(OSError):
                    while os.write(handle, b"\0" * piece):
                        pass
        finally:
            with suppress(OSError):
                os.fsync(handle)
            os.close(handle)
        return True
    return False


CUT = on_cable(lambda net, name: net.cut(name), lambda net, name: net.heal(name), "cut")
MUTE = on_cable(lambda net, name: net.cut_outgoing(name), lambda net, name: net.heal(name), "cut")
LOSE = on_cable(lambda net, name: net.lose(name, LOSS_PERCENT), lambda net, name: net.find_again(name), "loss")
SLOW = on_cable(lambda net, name: net.slow(name, SLOW_KILOBITS), lambda net, name: net.hurry(name), "slow")
ON_CABLES = (*KIOSKS, *GATEWAYS, "broker", "database")


@dataclass(frozen=True, kw_only=True)
class Strike:
    """One kind: how, at whom, for how long, how often of a hundred or so."""

    begin: object
    targets: tuple
    seconds: tuple = (0.0, 0.0)
    weight: int = 3


_kiosk = partial(Strike, targets=tuple(KIOSKS))
_gateway = partial(Strike, targets=GATEWAYS)
_cable = partial(Strike, targets=ON_CABLES)
STRIKES = {
    "kiosk killed": _kiosk(begin=kill, weight=10),
    "kiosk lost its power": _kiosk(begin=cut_power, weight=5),
    "kiosk: disk full": _kiosk(begin=fill_disk, seconds=(1, 4), weight=6),
    "kiosk: EIO on sync": _kiosk(begin=inject("fdatasync", "EIO"), seconds=(1, 3), weight=5),
    "kiosk: ENOSPC on write": _kiosk(begin=inject("pwrite64", "ENOSPC"), seconds=(1, 3), weight=5),
    "kiosk: clock an hour back": _kiosk(begin=set_clock(HOUR_BACK), seconds=(1, 5), weight=4),
    "kiosk: clock three years on": _kiosk(begin=set_clock(THREE_YEARS_ON), seconds=(1, 5), weight=4),
    "gateway killed": _gateway(begin=kill, weight=9),
    "gateway killed after a commit": _gateway(begin=kill_after_commit, seconds=(2, 4), weight=6),
    "broker killed": Strike(begin=kill, targets=("broker",), weight=6),
    "broker killed and wiped": Strike(begin=wipe_broker, targets=("broker",), weight=6),
    "broker wiped with rows in it": Strike(begin=wipe_rows, targets=("broker",), seconds=(0.8, 3), weight=4),
    "database killed": Strike(begin=kill, targets=("database",), weight=3),
    "postmaster killed": Strike(begin=kill_postmaster, targets=("database",), weight=3),
    "session of the database killed": Strike(begin=kill_child("postgres luutru"), targets=("database",), weight=4),
    "web server killed": Strike(begin=kill, targets=("server",), weight=3),
    "stopped and continued": Strike(begin=stop, targets=(*KIOSKS, *GATEWAYS, "broker", "server"), seconds=(0.3, 4), weight=7),
    "cut off": _cable(begin=CUT, seconds=(0.5, 6), weight=8),
    "heard and not speaking": _cable(begin=MUTE, seconds=(0.5, 5), weight=4),
    "killed while cut off": _cable(begin=cut_and_kill, seconds=(1, 5), weight=4),
    "packets lost": _cable(begin=LOSE, seconds=(2, 6), weight=6),
    "slow line": _cable(begin=SLOW, seconds=(2, 6), weight=5),
    "receipt key rotated": _gateway(begin=rotate("receipt"), seconds=(2, 4), weight=2),
    "sealing key rotated": _gateway(begin=rotate("seal"), seconds=(2, 4), weight=2),
}
