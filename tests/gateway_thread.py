"""A gateway's real worker on a real broker, on a thread of the test."""

from __future__ import annotations

import threading
import time

from luutru.processes.gateway import GatewaySettings, build
from luutru.system import system_clock


def eventually(holds, seconds=120.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


class GatewayThread:
    """Works from the start on; ``stop`` ends it as a signal would."""

    def __init__(self, office, broker, folder, *, traced=None, **changes):
        broker.pki.gateway().copy_to(folder, as_name="luutru-gateway")
        settings = GatewaySettings(
            registry=office.url,
            vault=office.vault_folder,
            keys=office.keys,
            tls=folder,
            host=broker.host,
            port=broker.port,
            sweep_every=None,
            **changes,
        )
        self.registry = office.open_registry()
        worker = build(settings, registry=self.registry, clock=system_clock())
        if traced is not None:
            worker.trace(traced)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=worker.run, args=(self.stopping,), daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(60)
        self.registry.close()
