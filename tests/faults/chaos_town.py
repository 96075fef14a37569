"""The town of a chaos run: four kiosks, a broker, two gateways, PostgreSQL, a web server and a desk, each on a machine of its own.

- Every process is the product's own command or its own outbox and uplink; keys, certificates, profiles and the broker's configuration
  are made by the same code as the demo's (``luutru/demo``).
- Beside them, under the same faults, the planted ones: a kiosk that deletes on PUBACK, and a gateway that acknowledges on arrival and
  remembers in memory, with a site and a kiosk of its own. Nothing is asked of them but that the checker finds them.
- Each kiosk's outbox is on a small ext4 of its own, without reserved blocks. Effects are counted by triggers in the database, in the
  transaction that has them, so that what the product's own unique keys would hide is seen.

Example: ``town = Town(place, history, planted=True); town.begin(); town.tend()``
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from unittest import mock

import psycopg

from faults import postgres_disk
from faults.chaos_network import Network
from faults.chaos_parts import Part
from faults.loop_disk import LoopDisk
from luutru import system
from luutru.demo import layout as layouts
from luutru.demo.broker import Broker, find_mosquitto
from luutru.demo.layout import Layout, Ports
from luutru.demo.pki import Pki
from luutru.demo.prepare import Tools, prepare
from residence.wire.topics import SHARDS, shard_of

# kiosk -> site; the gateway of a site is the first whose list has it
KIOSKS = {"kiosk-1": "blk-hoa-binh", "kiosk-2": "htl-sao-mai", "kiosk-3": "rnt-ngo-sau", "kiosk-4": "hsh-hoa-sen"}
BELIEVER = "kiosk-believes-broker"
KIOSK_OF_BAD_GATEWAY = "kiosk-of-bad-gateway"
PLANTED_KIOSKS = {BELIEVER: "blk-hoa-binh", KIOSK_OF_BAD_GATEWAY: "hsh-cay-da"}
SITES = {
    "gateway-1": ("blk-hoa-binh", "rnt-ngo-sau"),
    "gateway-2": ("htl-sao-mai", "hsh-hoa-sen"),
    "gateway-bad": ("hsh-cay-da",),
}
GATEWAYS, BAD_GATEWAY = ("gateway-1", "gateway-2"), "gateway-bad"
DESK, DESK_SITE = "desk", "htl-sao-mai"
MACHINES = (*KIOSKS, *PLANTED_KIOSKS, "broker", *SITES, "database", "web")
BROKER_PORT, DATABASE_PORT, SERVER_PORT = 8883, 5432, 8300
DISK_MEGABYTES = 12
PERSONS_APART = 100_000
PLANTED_SLOWER = 3
DOMAIN = "luutru.test"
TRIGGERS = """
CREATE TABLE chaos_effects (position bigserial, declaration_id text, kiosk_id text, epoch text, sequence bigint);
CREATE TABLE chaos_receipts (position bigserial, declaration_id text, receipt_bytes bytea);
CREATE FUNCTION chaos_effect() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos_effects(declaration_id, kiosk_id, epoch, sequence) VALUES (NEW.declaration_id, NEW.kiosk_id, NEW.epoch, NEW.sequence);
  RETURN NULL; END $$;
CREATE FUNCTION chaos_receipt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos_receipts(declaration_id, receipt_bytes) VALUES (NEW.declaration_id, NEW.receipt_bytes); RETURN NULL; END $$;
CREATE TRIGGER chaos AFTER INSERT ON declarations FOR EACH ROW EXECUTE FUNCTION chaos_effect();
CREATE TRIGGER chaos AFTER INSERT OR UPDATE ON receipts FOR EACH ROW EXECUTE FUNCTION chaos_receipt();
"""


class Town:
    """The machines and what runs on them."""

    def __init__(self, place, history, *, every, resend, planted=True, slack=1.0):
        self.place, self.history = place, history
        self.every, self.resend, self.slack = every, resend, slack
        self.kiosks = KIOSKS | (PLANTED_KIOSKS if planted else {})
        self.gateways = (*GATEWAYS, BAD_GATEWAY) if planted else GATEWAYS
        self.network = Network(MACHINES)
        self.sockets = place / "sockets"
        self.inside_url = f"postgresql+psycopg://postgres@/luutru?host={self.sockets}"
        self.layout = Layout(
            directory=place / "town",
            ports=Ports(broker=BROKER_PORT, server=SERVER_PORT, kiosks=dict.fromkeys(self.kiosks, 8800)),
            registry_url=self.inside_url,
            broker_host=f"broker.{DOMAIN}",
            broker_listen="0.0.0.0",
        )
        self.tools = Tools(clock=system.SystemClock(), random_bytes=system.random_bytes, tell=lambda _: None)
        self.disks, self.parts = {}, {}
        self.busy = set()  # what is being done to cables, keys and gateways now

    def hosts(self):
        return {f"{name}.{DOMAIN}": address for name, address in self.network.addresses.items()}

    def begin(self):
        """Make everything and start it."""
        self._make_database()
        with mock.patch.dict(layouts.KIOSKS, self.kiosks, clear=True):
            prepare(self.layout, self.tools)
        self.ask(TRIGGERS)
        for kiosk_id in self.kiosks:
            self._furnish(kiosk_id)
        self._make_broker()
        for name in self.gateways:
            self._make_gateway(name)
        self._make_web()
        for part in self.parts.values():
            if not part.running:
                part.start()

    def tend(self, *, calm=False):
        """Start again what ended."""
        now = time.monotonic()
        for part in self.parts.values():
            part.tend(now, calm=calm)

    def ask(self, query):
        """Ask the database by its socket, which no network fault reaches."""
        with psycopg.connect(f"host={self.sockets} user=postgres dbname=luutru", autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def operator(self, *arguments):
        """Have somebody beside the database run one of the product's commands, again and again until it succeeds."""
        tries = 'for _ in $(seq 30); do "$@" && exit 0; sleep 0.3; done; exit 1'
        with (self.history / "operator.log").open("ab") as log:
            return subprocess.Popen(
                ["bash", "-c", tries, "operator", sys.executable, "-m", "luutru", *arguments],
                env={**os.environ, **self.environment(), "LUUTRU_REGISTRY": self.inside_url},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def record(self, name):
        return self.history / f"{name}.jsonl"

    def clock(self, kiosk_id):
        return self.place / f"clock-{kiosk_id}"

    def death(self, gateway):
        return self.place / f"die-{gateway}"

    def environment(self):
        return {
            "LUUTRU_REGISTRY": f"postgresql+psycopg://postgres@database.{DOMAIN}:{DATABASE_PORT}/luutru",
            "LUUTRU_VAULT": str(self.layout.vault),
            "LUUTRU_KEYS": str(self.layout.keys),
            "LUUTRU_TLS": str(self.layout.gateway),
        }

    def part(self, name, command, *, machine=None, environment=None):
        self.parts[name] = Part(
            name,
            [*self.network.enter(machine or name), *command],
            log=self.history / f"{name}.log",
            environment=self.environment() | (environment or {}),
        )

    def _make_database(self):
        owner = pwd.getpwnam("postgres")
        home = self.place / "postgres"
        for folder in (home, self.sockets):
            folder.mkdir()
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        programs, data = postgres_disk.BINARIES, home / "data"
        as_owner = postgres_disk.AS_OWNER
        made = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        subprocess.run([*as_owner, programs / "initdb", *made, data], check=True, capture_output=True, cwd="/")
        with (data / "pg_hba.conf").open("a", encoding="ascii") as rules:
            rules.write("host all all 10.77.0.0/24 trust\n")
        settings = {
            "listen_addresses": "*",
            "port": DATABASE_PORT,
            "unix_socket_directories": self.sockets,
            "max_connections": 100,
            "shared_buffers": "64MB",
            "track_commit_timestamp": "on",  # so that the checker knows what was committed when
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.part("database", [*as_owner, str(programs / "postgres"), "-D", str(data), *options])
        self.parts["database"].start()
        create = [programs / "createdb", f"--host={self.sockets}", "--username=postgres", "luutru"]
        end = time.monotonic() + 30 * self.slack
        while subprocess.run(create, capture_output=True, check=False, cwd="/").returncode != 0:
            if time.monotonic() > end or not self.parts["database"].running:
                raise RuntimeError(f"PostgreSQL did not start: {self.parts['database'].last_words()}")
            time.sleep(0.05)

    def _furnish(self, kiosk_id):
        folder, profile = self.layout.kiosk_folder(kiosk_id), self.layout.kiosk_profile(kiosk_id)
        disk = self.disks[kiosk_id] = LoopDisk(folder, megabytes=DISK_MEGABYTES)
        disk.power_on()
        text = profile.read_text("utf-8").replace("[broker]\n", f'[broker]\nhost = "broker.{DOMAIN}"\n')
        profile.write_text(f'{text}\n[store]\npath = "mnt/outbox.db"\n', "utf-8")
        number = list(self.kiosks).index(kiosk_id) + 1
        every = self.every if kiosk_id in KIOSKS else self.every * PLANTED_SLOWER
        words = [str(profile), str(self.record(kiosk_id)), "--every", str(every), "--resend", str(self.resend)]
        words += ["--first", str(number * PERSONS_APART)]
        if kiosk_id == KIOSK_OF_BAD_GATEWAY:  # recording twice takes long, and nobody else shall wait for its people
            words += ["--regulars"]
        if kiosk_id == BELIEVER:
            words += ["--bug", "delete-on-puback"]
        self.part(kiosk_id, _python("chaos_kiosk", *words), environment={"LUUTRU_DEMO_CLOCK": str(self.clock(kiosk_id))})

    def _make_broker(self):
        pki = Pki(self.layout.pki, broker_name=self.layout.broker_host)
        broker = Broker(self.layout.broker, pki=pki, port=BROKER_PORT, listen=self.layout.broker_listen)
        self.part("broker", [find_mosquitto(), "-c", str(broker.write_configuration())])

    def _make_gateway(self, name):
        own = {shard_of(site) for site in SITES[name]}
        if name == GATEWAYS[0]:  # and whatever belongs to nobody else
            taken = {shard_of(site) for other, sites in SITES.items() if other != name for site in sites}
            own = set(range(SHARDS)) - taken
        shards = ",".join(map(str, sorted(own)))
        words = ("gateway", "run", "--broker", f"broker.{DOMAIN}:{BROKER_PORT}", "--shards", shards, "--sweep-seconds")
        environment = {
            "LUUTRU_CHAOS_RECORD": str(self.record(name)),
            "LUUTRU_CHAOS_DEATH": str(self.death(name)),
            "LUUTRU_CHAOS_BUG": "1" if name == BAD_GATEWAY else "",
        }
        sweep = "10" if name == GATEWAYS[0] else "0"
        self.part(name, _python("chaos_gateway", *words, sweep), environment=environment)

    def _make_web(self):
        base = f"http://localhost:{SERVER_PORT}"
        self.part("server", [sys.executable, "-m", "luutru", "server", "run", "--port", str(SERVER_PORT)], machine="web")
        self.operator("account", "add", DESK, "--role", "clerk", "--premises", DESK_SITE).communicate()
        token = self.place / "token"
        token.write_bytes(self.operator("account", "token", DESK).communicate()[0].strip())
        words = [base, str(token), str(self.record(DESK)), "--premises", DESK_SITE, "--every", str(self.every * 4)]
        self.part(DESK, _python("chaos_web", *words), machine="web")


def _python(module, *words):
    return [sys.executable, "-m", f"tests.faults.{module}", *words]
