"""One kiosk of the simulation: the product's outbox, store, uplink, delivery and send plan, on a machine that fails.

- Real: ``Outbox``, ``Store`` (SQLite in a file), ``Declaring``, ``Anchor``, ``Uplink`` with its own loop, ``Delivery``, ``SendPlan``.
- Injected: both clocks, randomness, the MQTT client (``Client``: the calls of paho that the uplink makes), and where a process dies.
- A commit may be the last thing it does, or the last thing it does not do. What SQLite has synced outlives a power cut, the rest
  does not: the store's own ``synchronous`` setting says which is which.
- A person whose screen went dark before it said "kept" tries again, or gives up and is attempted only.
- A reset is a new, empty store: what waited in the old one is gone, said so to the history, and a new epoch begins.

Example: ``kiosk = Kiosk(world, "kiosk-lobby-1", site); kiosk.boot(); kiosk.scan()``
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass
from types import SimpleNamespace

from edge_agent.declaring import Machine
from edge_agent.line import Line
from edge_agent.outbox import Outbox
from edge_agent.store import Store
from edge_agent.uplink import Uplink, _Event
from faults.virtual_time import Killed, Mailbox, VirtualClock

SECURED = 2  # PRAGMA synchronous: FULL
LINE_PACE = {"resend_after": 2.0, "backoff_cap": 4.0, "hold_cap": 8.0}  # a few seconds of faults are to hold many attempts


class NotedOutbox(Outbox):
    """The product's outbox; what it settled is told to the history."""

    history = None

    def settle(self, receipt_bytes):
        receipt = super().settle(receipt_bytes)
        self.history.settled(receipt.declaration_id, receipt_bytes)
        return receipt


class FallibleStore(Store):
    """The product's store on a machine that may stop at any transaction."""

    def __init__(self, path, kiosk):
        self._kiosk = kiosk
        self.safe = None  # the files as of the last sync, when they are not what is there now
        super().__init__(path)
        self._synced = self._connection.execute("PRAGMA synchronous").fetchone()[0] >= SECURED

    @contextlib.contextmanager
    def transaction(self, *, growing=False):
        if not self._synced and self.safe is None:
            self.safe = self._image()
        try:
            with super().transaction(growing=growing) as cursor:
                yield cursor
                self._kiosk.may_die("kiosk died before its commit")
            self._kiosk.may_die("kiosk died after its commit")
        except Killed:
            self._kiosk.crash(power=self._kiosk.world.rng.random() < 0.5)
            raise

    def cut_power(self):
        """Leave behind what had been synced."""
        self._connection.close()
        if self.safe is not None:
            for path, data in self.safe.items():
                path.unlink(missing_ok=True) if data is None else path.write_bytes(data)

    def _image(self):
        paths = [self.path.with_name(self.path.name + end) for end in ("", "-wal", "-shm")]
        return {path: path.read_bytes() if path.exists() else None for path in paths}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A reason code as paho gives it."""

    value: int = 0
    is_failure: bool = False


class Client:
    """What the uplink asks of paho, answered by the simulated broker. One per connection, as in the product."""

    def __init__(self, kiosk, put):
        self._kiosk = kiosk
        self._put = put
        self._line = None
        self._mid = 0

    def connect(self, *_where, **_how):
        broker = self._kiosk.world.broker
        self._line = broker.connect(self._kiosk.kiosk_id, on_message=self._heard, on_closed=self._closed)
        self._kiosk.line = self._line

    def loop_start(self):
        self._line.carry(self._accepted)

    def subscribe(self, wanted):
        self._line.carry(self._kiosk.world.broker.subscribe, self._line, {topic for topic, _ in wanted})

    def publish(self, topic, payload, *, qos, retain=False):
        self._mid += 1
        mid = self._mid
        self._line.carry(self._offer, mid, topic, payload, retain)
        return SimpleNamespace(mid=mid)

    def ack(self, mid, qos):
        self._line.carry(self._kiosk.world.broker.acknowledge, self._line, mid)

    def disconnect(self):
        self._line.cut()

    def _accepted(self):
        self._kiosk.world.broker.attach(self._line)
        self._put(_Event("connected", self, Answer()))

    def _offer(self, mid, topic, payload, retain):
        def answer(code):
            self._put(_Event("acknowledged", self, (mid, code)))

        self._kiosk.world.broker.publish(self._line, topic, payload, retain, answer)

    def _heard(self, topic, payload, message_id):
        self._put(_Event("message", self, SimpleNamespace(topic=topic, payload=payload, mid=message_id, qos=int(message_id > 0))))

    def _closed(self):
        self._put(_Event("closed", self, ""))


class SimulatedUplink(Uplink):
    """The product's uplink with a mailbox, a client and a start of ours; its loop and all it decides are its own."""

    def __init__(self, kiosk, outbox, line):
        super().__init__(outbox, line, clock=kiosk.clock, jitter=kiosk.world.rng.random)
        self._kiosk = kiosk
        self._events = Mailbox()

    def start(self):
        self._kiosk.process = self._events.owner = self._kiosk.world.loop.start(self._run)

    def _new_client(self):
        return Client(self._kiosk, self._events.put)


class Kiosk:
    """One kiosk with its disk, its clock and the people before it."""

    def __init__(self, world, kiosk_id, site, *, keys):
        self.world = world
        self.kiosk_id = kiosk_id
        self.site = site
        self.clock = VirtualClock(world.loop)
        self.synced = True
        self.line = self.process = self.outbox = self._store = None
        self._keys = keys
        self._boots = 0
        self._lives = 0
        self._new_disk()

    @property
    def up(self):
        return self.outbox is not None

    def boot(self):
        """Start the machine or the process, unless it runs."""
        if self.up or self.world.over:
            return
        world = self.world
        machine = Machine(
            clock=self.clock,
            boot_id=f"b0070000-0000-4000-8000-{self._boots:012d}",
            random_bytes=world.rng.randbytes,
            clock_synced=lambda: self.synced,
        )
        try:
            self._store = world.parts.store(self.path, self)
            self.outbox = world.parts.outbox(
                self._store,
                kiosk_id=self.kiosk_id,
                signer=self._keys.signer,
                provisioned=world.authority.provisioned,
                machine=machine,
                built_at=world.built_at,
            )
        except Killed:
            return
        self.outbox.history = world.history
        world.parts.uplink(self, self.outbox, self._terms()).start()

    def scan(self, message=None):
        """A person declares and looks at the screen; at a dark one they wait a little. In the calm nobody comes: it is for settling."""
        if not self.world.chaos:
            return
        if not self.up:
            self.world.loop.call_after(self.world.rng.uniform(0.5, 2), self.scan)
            return
        message = message or self.world.people.declaration(self)
        self.world.history.said(message.declaration_id)
        life = self._lives
        try:
            self.outbox.keep(message)
        except Killed:
            if self.world.rng.random() < 0.5:  # "did it take that?"
                self.world.loop.call_after(self.world.rng.uniform(1, 8), self._again, message, life)
            return
        self.world.history.promised(message.declaration_id)

    def crash(self, *, power=False):
        """Kill the process, or cut the machine's power; both start again by themselves."""
        if self._store is not None:
            self._down(power=power)
            self.world.loop.call_after(self.world.rng.uniform(0.5, 8), self.boot)
            if self.process is not None:
                self.process.kill()  # does not return when it is this very process that dies

    def reset(self):
        """Give the kiosk an empty store."""
        self.note_store(wiped=True)
        self.crash(power=True)
        self._new_disk()
        self.world.loop.call_after(0.5, self.boot)
        self.world.loop.call_after(self.world.rng.uniform(0, 5), self.scan)  # whoever did it tries it

    def jump(self, step):
        """Move the wall clock."""
        self.clock.offset += step
        self.synced = self.world.rng.random() < 0.3  # now and then a time server confirms what is wrong

    def note_store(self, *, wiped=False):
        """Tell the history what the disk holds, whether the kiosk runs or not."""
        with contextlib.closing(sqlite3.connect(self.path)) as disk:
            waiting = {each for (each,) in disk.execute("SELECT declaration_id FROM outbox")}
            settled = {each for (each,) in disk.execute("SELECT declaration_id FROM settled")}
            used = disk.execute("SELECT coalesce(max(value), 0) FROM facts WHERE name = 'last_sequence'").fetchone()[0]
        history = self.world.history
        history.declared |= waiting | settled
        if int(used) != len(waiting | settled):
            history.wrong.append(f"{self.kiosk_id} used {used} numbers for {len(waiting | settled)} statements")
        if wiped:
            history.wiped |= waiting

    @property
    def depth(self):
        return self.outbox.depth() if self.up else 1

    def close(self):
        """End for good."""
        if self._store is not None:
            self._down(power=False)

    def _again(self, message, life):
        if life != self._lives:
            return  # before an empty store nobody asks about an earlier visit
        if self.up:
            self.scan(message)
        elif self.world.chaos:
            self.world.loop.call_after(1.0, self._again, message, life)

    def may_die(self, kind):
        """Stop here, sometimes."""
        if self.world.chaos and self.world.rng.random() < self.world.plan.dies_at_commit:
            self.world.history.struck(kind)
            raise Killed

    def _down(self, *, power):
        self.outbox, store, self._store = None, self._store, None
        if self.line is not None:
            self.line.drop()
        if power:
            store.cut_power()
            self._boots += 1
            self.clock.boot()
        else:
            store._connection.close()

    def _new_disk(self):
        self._lives += 1
        self.path = self.world.folder / f"{self.kiosk_id}-{self._lives}.db"
        shutil.copyfile(self.world.empty_store, self.path)

    def _terms(self):
        nowhere = self.world.folder / "no-file"
        return Line(
            host="simulated",
            port=1,
            site=self.site,
            kiosk_id=self.kiosk_id,
            ca_file=nowhere,
            certificate_file=nowhere,
            key_file=nowhere,
            **LINE_PACE,
        )
