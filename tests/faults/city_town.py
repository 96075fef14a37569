"""A city's town for the failover campaign: three database machines, two web machines, two gateways, a broker, two kiosks and two desks.

- Everything is started by the commands and from the files an authority uses (``deploy/city``); kiosks and desks are those of ``chaos``.
- A desk speaks TLS to one web machine, whose HAProxy asks the other machine while its own server is away.
- It is a town as ``chaos_checker`` knows one: ``record``, ``ask``, ``disks``, ``kiosks``.

Example: ``town = CityTown(place, history); town.begin(); town.tend()``
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from types import SimpleNamespace
from unittest import mock

from faults.chaos_parts import Part
from faults.chaos_town import BROKER_PORT, PERSONS_APART, TRIGGERS
from faults.city_certificates import CityAuthority
from faults.city_machines import DOMAIN, MACHINES, DatabaseMachines, filled
from luutru import system
from luutru.demo import layout as layouts
from luutru.demo.broker import Broker, find_mosquitto
from luutru.demo.layout import Layout, Ports
from luutru.demo.pki import Pki
from luutru.demo.prepare import Tools, prepare
from residence.wire.topics import SHARDS, shard_of

KIOSKS = {"kiosk-1": "blk-hoa-binh", "kiosk-2": "htl-sao-mai"}
GATEWAYS = ("gateway-1", "gateway-2")
WEB = {"web1": ("127.0.0.21", 8301), "web2": ("127.0.0.22", 8302)}
DESKS, DESK_SITE = {"desk-1": "web1", "desk-2": "web2"}, "htl-sao-mai"
HOSTS = {f"{name}.{DOMAIN}": address for name, address in (MACHINES | {name: each[0] for name, each in WEB.items()}).items()}
START_SECONDS = 30


class CityTown:
    """What runs, by name, in ``parts``; ``machines`` are the database's."""

    def __init__(self, place, history, *, every=0.25, synchronous=True):
        self.place, self.history, self.every = place, history, every
        self.kiosks = KIOSKS
        authority = CityAuthority()
        self.machines = DatabaseMachines(place, authority, history=history, synchronous=synchronous)
        self.parts = self.machines.parts
        self.layout = Layout(
            directory=place / "town",
            ports=Ports(broker=BROKER_PORT, kiosks=dict.fromkeys(KIOSKS, 8800)),
            registry_url=self.machines.url,
        )
        self.disks = {kiosk_id: SimpleNamespace(mount=self.layout.kiosk_folder(kiosk_id)) for kiosk_id in KIOSKS}
        for name, (address, _) in WEB.items():
            authority.give(place / name, name=f"{name}.{DOMAIN}", addresses=(address,))
        self.tools = Tools(clock=system.SystemClock(), random_bytes=system.random_bytes, tell=lambda _: None)

    def begin(self):
        """Make everything and start it."""
        self.machines.begin()
        with mock.patch.dict(layouts.KIOSKS, KIOSKS, clear=True):
            prepare(self.layout, self.tools)
        self.ask(TRIGGERS)
        broker = Broker(self.layout.broker, pki=Pki(self.layout.pki), port=BROKER_PORT)
        self._part("broker", [find_mosquitto(), "-c", str(broker.write_configuration())])
        for name in WEB:
            self._make_web(name)
        own = {shard_of(KIOSKS["kiosk-2"])}
        for name, shards in zip(GATEWAYS, (set(range(SHARDS)) - own, own), strict=True):
            self._make_gateway(name, shards)
        self.tend()
        self._make_people()
        self.tend()

    def tend(self, *, calm=False):
        """Start again what ended."""
        now = time.monotonic()
        for part in self.parts.values():
            part.tend(now, calm=calm)

    def ask(self, query):
        """Ask the registry."""
        return self.machines.ask(query)

    def record(self, name):
        return self.history / f"{name}.jsonl"

    def stop(self, name):
        """Ask a part to end, as a service manager does when it is rolled, wait for it, and start it again."""
        part = self.parts[name]
        os.kill(part.pid, signal.SIGTERM)
        end = time.monotonic() + START_SECONDS
        while part.running and time.monotonic() < end:
            time.sleep(0.05)
        clean = not part.running
        part.kill()
        part.start()
        return clean

    def is_serving(self, name):
        """Tell whether a web machine's own server answers."""
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{WEB[name][1]}/healthz", timeout=2) as answer:
            return answer.status == 200
        return False

    def _environment(self):
        return {
            "LUUTRU_REGISTRY": self.machines.url,
            "LUUTRU_VAULT": str(self.layout.vault),
            "LUUTRU_KEYS": str(self.layout.keys),
            "LUUTRU_TLS": str(self.layout.gateway),
        }

    def _part(self, name, command, **environment):
        self.parts[name] = Part(name, command, log=self.history / f"{name}.log", environment=self._environment() | environment)

    def _operator(self, *words):
        command = [sys.executable, "-m", "luutru", *words]
        done = subprocess.run(command, env={**os.environ, **self._environment()}, stdout=subprocess.PIPE, check=True)
        return done.stdout.strip()

    def _make_web(self, name):
        address, port = WEB[name]
        peers = "".join(
            f"    server {other} {other}.{DOMAIN}:8444 check ssl verify required verifyhost {other}.{DOMAIN}"
            f" ca-file {self.place / name}/tls/ca.pem crt {self.place / name}/tls/web.pem backup\n"
            for other in WEB
            if other != name
        )
        words = {"ADDRESS": address, "FOLDER": str(self.place / name), "SERVER_PORT": port, "PEERS": peers}
        words |= {"REQUESTS_IN_TEN_SECONDS": 2000, "CONNECTIONS": 200}
        (self.place / name / "haproxy.cfg").write_text(filled("haproxy.cfg", **words), "utf-8")
        self._part(f"haproxy-{name}", ["haproxy", "-db", "-f", str(self.place / name / "haproxy.cfg")])
        base = f"https://{name}.{DOMAIN}:8443"
        serve = ("server", "run", "--port", str(port), "--base-url", base)
        self._part(f"server-{name}", [sys.executable, "-m", "luutru", *serve])

    def _make_gateway(self, name, shards):
        words = ("gateway", "run", "--broker", f"127.0.0.1:{BROKER_PORT}", "--shards", ",".join(map(str, sorted(shards))))
        sweep = ("--sweep-seconds", "10" if name == GATEWAYS[0] else "0")
        death = {"LUUTRU_CHAOS_DEATH": str(self.place / f"die-{name}"), "LUUTRU_CHAOS_BUG": ""}
        told = {"LUUTRU_CHAOS_RECORD": str(self.record(name))}
        self._part(name, _python("chaos_gateway", *words, *sweep), **told, **death)

    def _make_people(self):
        for number, kiosk_id in enumerate(KIOSKS, start=1):
            profile = self.layout.kiosk_profile(kiosk_id)
            profile.write_text(f'{profile.read_text("utf-8")}\n[store]\npath = "outbox.db"\n', "utf-8")
            words = (
                str(profile),
                str(self.record(kiosk_id)),
                "--every",
                str(self.every),
                "--resend",
                "15",
                "--first",
                str(number * PERSONS_APART),
            )
            self._part(kiosk_id, _python("chaos_kiosk", *words))
        token = self.place / "token"
        self._operator("account", "add", "desk", "--role", "clerk", "--premises", DESK_SITE)
        token.write_bytes(self._operator("account", "token", "desk"))
        trust = {"SSL_CERT_FILE": str(self.machines.client / "ca.pem")}
        for desk, web in DESKS.items():
            words = (f"https://{web}.{DOMAIN}:8443", str(token), str(self.record(desk)), "--premises", DESK_SITE)
            self._part(desk, _python("chaos_web", *words, "--every", str(self.every * 2)), **trust)


def _python(module, *words):
    return [sys.executable, "-m", f"tests.faults.{module}", *words]
