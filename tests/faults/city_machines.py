"""Three machines that hold a city's registry: etcd, Patroni and PostgreSQL, from the files in ``deploy/city``, filled in as its page says.

- Each machine is an address of the loopback and a folder; ports are the usual ones, so it runs inside ``chaos_enclosure`` only.
- ``telling`` are the processes by which a leader is heard of; ``kill_machine`` ends etcd, Patroni, PostgreSQL and all its children at one moment, as losing power
  would; ``kill_database`` ends PostgreSQL alone.
- ``ask`` finds the leader as the product does: by asking all three for the one that takes writes.

Example: ``machines = DatabaseMachines(place, authority, history=folder); machines.begin(); machines.leader()``
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import ssl
import string
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import psycopg

from faults.chaos_parts import Part, send
from faults.postgres_disk import AS_OWNER

FILES = Path(__file__).resolve().parents[2] / "deploy" / "city"
DOMAIN = "luutru.test"
MACHINES = {"db1": "127.0.0.11", "db2": "127.0.0.12", "db3": "127.0.0.13"}
PASSWORD = "invented-for-one-run"
BEGIN_SECONDS = 90
# Of whoever asks them, as the city's page has it.
PATIENCE = "connect_timeout=2&keepalives_idle=4&keepalives_interval=2&keepalives_count=3&tcp_user_timeout=10000"


def filled(name, **words):
    """Return a file of ``deploy/city`` with every ``${...}`` filled in; one that is forgotten raises ``KeyError``."""
    return string.Template((FILES / name).read_text("utf-8")).substitute(words)


class DatabaseMachines:
    """The cluster: ``synchronous=False`` is the control, a leader that answers before anybody else has what it committed."""

    def __init__(self, place, authority, *, history, synchronous=True, names=tuple(MACHINES)):
        self.place, self.history, self.names = place, history, names
        self._authority, self._synchronous = authority, synchronous
        self.parts = {}
        self.client = authority.give(place / "client", name=f"client.{DOMAIN}")
        self._context = ssl.create_default_context(cafile=self.client / "ca.pem")
        self._context.load_cert_chain(self.client / "machine.pem", self.client / "machine.key")

    @property
    def url(self):
        """The registry's address, as the processes of a city are told it."""
        hosts = "&".join(f"host={name}.{DOMAIN}:5432" for name in self.names)
        return (
            f"postgresql+psycopg://luutru:{PASSWORD}@/luutru?{hosts}&target_session_attrs=read-write&{PATIENCE}&{self._tls('&')}"
        )

    def _tls(self, between):
        return between.join(
            (
                "sslmode=verify-full",
                f"sslrootcert={self.client}/ca.pem",
                f"sslcert={self.client}/machine.pem",
                f"sslkey={self.client}/machine.key",
            )
        )

    def ask(self, query, *, user="luutru", database="luutru"):
        """Ask whoever leads; raises ``psycopg.OperationalError`` while nobody does."""
        hosts = ",".join(f"{name}.{DOMAIN}" for name in self.names)
        words = (
            f"host={hosts} user={user} password={PASSWORD} dbname={database} connect_timeout=2 target_session_attrs=read-write"
        )
        with psycopg.connect(f"{words} {self._tls(' ')}", autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def begin(self):
        """Start all machines, and make the registry's role and database once somebody leads and a second one follows."""
        for name in self.names:
            self._furnish(name)
        for part in self.parts.values():
            part.start()
        end = time.monotonic() + BEGIN_SECONDS
        while not self.is_whole():
            if time.monotonic() > end:
                raise RuntimeError("; ".join(f"{name}: {part.last_words()}" for name, part in self.parts.items()))
            time.sleep(0.3)
        self.ask(f"CREATE ROLE luutru LOGIN PASSWORD '{PASSWORD}'", user="postgres", database="postgres")
        self.ask("CREATE DATABASE luutru OWNER luutru", user="postgres", database="postgres")

    def is_whole(self):
        """Tell whether every machine says that one leads, the others follow and, unless it is the control, both of them may lead.

        One alone may say so for a while after another is gone.
        """
        whole = ["leader", *["sync_standby" if self._synchronous else "replica"] * (len(self.names) - 1)]
        return all(self._roles_by(name) == whole for name in self.names)

    def _roles_by(self, name):
        with suppress(OSError, ValueError):
            url = f"https://{name}.{DOMAIN}:8008/cluster"
            with urllib.request.urlopen(url, timeout=2, context=self._context) as answer:
                members = json.loads(answer.read())["members"]
            return sorted(each["role"] for each in members if each["state"] in {"running", "streaming"})
        return []

    def leader(self):
        """Return the name of the machine that takes writes."""
        address = self.ask("SELECT host(inet_server_addr())", user="postgres", database="postgres")[0][0]
        return next(name for name, known in MACHINES.items() if known == address)

    def tend(self):
        """Start again what ended."""
        now = time.monotonic()
        for part in self.parts.values():
            part.tend(now)

    def database_pids(self, name):
        """Return PostgreSQL's processes on a machine, the first one first; none while it is down."""
        with suppress(OSError, ValueError, IndexError):
            first = int((self.place / name / "postgresql" / "postmaster.pid").read_text("ascii").split()[0])
            children = Path(f"/proc/{first}/task/{first}/children").read_text("ascii").split()
            return [first, *map(int, children)]
        return []

    def kill_database(self, name):
        """End PostgreSQL and all its children at once; Patroni lives and sees it."""
        pids = self.database_pids(name)
        for pid in pids:
            send(pid, signal.SIGKILL)
        return bool(pids)

    def kill_machine(self, name, *, away):
        """End everything on a machine at once; it is started again ``away`` seconds later."""
        pids = self.database_pids(name)
        for kind in ("patroni", "etcd"):
            self.parts[f"{kind}-{name}"].kill(again_after=away)
        for pid in pids:
            send(pid, signal.SIGKILL)
        return bool(pids)

    def telling(self, name):
        """Return the processes of a machine that tell the others what it commits."""
        found = []
        for pid in self.database_pids(name):
            with suppress(OSError):
                if b"walsender" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def _furnish(self, name):
        folder = self.place / name
        # On one machine all speak from the loopback's first address, whatever they listen on.
        self._authority.give(folder, name=f"{name}.{DOMAIN}", addresses=(MACHINES[name], "127.0.0.1"))
        words = {
            "MACHINE": name,
            "NAME": f"{name}.{DOMAIN}",
            "ADDRESS": MACHINES[name],
            "FOLDER": str(folder),
            "MEMBERS": ",".join(f"{each}=https://{each}.{DOMAIN}:2380" for each in self.names),
            "ETCD": "[" + ", ".join(f"{each}.{DOMAIN}:2379" for each in self.names) + "]",
            "SUPERUSER_PASSWORD": PASSWORD,
            "REPLICATION_PASSWORD": PASSWORD,
            "WATCHDOG": "automatic",
        }
        for file in ("etcd.yml", "patroni.yml"):
            text = filled(file, **words)
            if not self._synchronous:
                text = text.replace("synchronous_mode: true", "synchronous_mode: false").replace(
                    "synchronous_mode_strict: true", "synchronous_mode_strict: false"
                )
            (folder / file).write_text(text, "utf-8")
        owner = pwd.getpwnam("postgres")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        for kind, command in (
            ("etcd", ["etcd", "--config-file", str(folder / "etcd.yml")]),
            ("patroni", ["patroni", str(folder / "patroni.yml")]),
        ):
            key = f"{kind}-{name}"
            self.parts[key] = Part(key, [*AS_OWNER, *command], log=self.history / f"{key}.log")
