"""A Mosquitto with the configuration of an authority's broker, on loopback: one port for kiosks, one for gateways."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

from luutru.broker_text import BrokerSettings, configuration_text
from luutru.demo.broker import Broker, free_port


class ProductionBroker(Broker):
    """``port`` is the gateways'; ``kiosks`` is where kiosks come in."""

    def __init__(self, directory, *, pki, **limits):
        super().__init__(directory, pki=pki)
        self.kiosks = SimpleNamespace(host=self.host, port=free_port(), pki=pki)
        self.settings = BrokerSettings(
            folder=str(self.directory),
            data=str(self.directory / "data"),
            kiosks_host=self.host,
            kiosks_port=self.kiosks.port,
            gateways_host=self.host,
            gateways_port=self.port,
            **limits,
        )

    def write_configuration(self):
        path = super().write_configuration()
        path.write_text(configuration_text(self.settings, user="user root\n" if os.geteuid() == 0 else ""), "utf-8")
        return path

    @property
    def rss_mib(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) // 1024
