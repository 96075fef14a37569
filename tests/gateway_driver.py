"""The real gateway process for tests of crashes: it can be told to die between the commit and the acknowledgement.

    python gateway_driver.py SETTINGS.json [--die-before-commit N] [--die-after-commit N] [--die-after-receipts N]

``N``: at the Nth batch. After the receipts: handed to the line, and nothing acknowledged. Dying is SIGKILL to itself: nothing is flushed, nobody is told.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import gateway.worker
from gateway.intake import Intake
from gateway.transport import MqttTransport
from luutru.logs import configure_logs
from luutru.processes.gateway import GatewaySettings, run


def die_at(owner, name, turn):
    """Kill this process when the method is called for the ``turn``-th time with something in hand."""
    method = getattr(owner, name)
    calls = 0

    def dying(self, batch, *others, **named):
        nonlocal calls
        calls += bool(batch)
        if calls == turn:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(self, batch, *others, **named)

    setattr(owner, name, dying)


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    for option, (owner, name) in {
        "--die-before-commit": (Intake, "take"),
        "--die-after-commit": (gateway.worker, "post"),
        "--die-after-receipts": (MqttTransport, "acknowledge"),
    }.items():
        if option in sys.argv:
            die_at(owner, name, int(sys.argv[sys.argv.index(option) + 1]))
    configure_logs()
    paths = {name: Path(settings.pop(name)) for name in ("vault", "keys", "tls")}
    run(GatewaySettings(**settings, **paths, sweep_every=None))


if __name__ == "__main__":
    main()
