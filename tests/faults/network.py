"""A broker and its lines, at their worst: what MQTT allows to happen to a message happens to some of them.

- Every message takes its own time, so messages overtake each other; some are delivered twice; receipts may come very late.
- A lost message is what TCP makes of it: the line is dead from there on, each end notices in its own time, and whatever either
  says meanwhile vanishes too.
- PUBACK is given when the broker has queued a message in memory, and means no more: the broker's death empties all queues and may
  forget sessions and retained messages as well. Nobody subscribed: 0x10. Now and then the quota is used up: 0x97.
- A session keeps what was not acknowledged and gives it again to the next connection of the same client.
- Calm is a switch: from then on messages are quick, and arrive, once.

Example: ``line = broker.connect("kiosk-1", on_message=..., on_closed=...)``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

TAKEN, NOBODY, QUOTA = 0, 0x10, 0x97
_SHARD_ENDS = len("luutru/1/00")


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How often a message meets what. Seconds are means."""

    cut: float = 0.04
    duplicate: float = 0.10
    late: float = 0.10
    quota: float = 0.02
    delay: float = 0.3
    lateness: float = 6.0
    notice: float = 2.0  # until an end sees that its line is dead


CALM = Weather(cut=0, duplicate=0, late=0, quota=0, delay=0.02)


@dataclass(kw_only=True)
class Session:
    """What the broker holds for one client."""

    topics: set = field(default_factory=set)
    waiting: dict = field(default_factory=dict)  # message id -> (topic, payload), unacknowledged
    line: Line = None


class Line:
    """One connection of one client, as the broker sees it. ``on_message(topic, payload, message_id)``."""

    def __init__(self, broker, client, on_message, on_closed):
        self.client = client
        self.dead = False  # nothing gets through any more
        self._broker = broker
        self._on_message = on_message
        self._on_closed = on_closed
        self._told = False

    def carry(self, work, *arguments, late=False):
        """Bring something to the other end, or be cut by trying."""
        broker = self._broker
        if self.dead:
            return
        if broker.chance() < broker.weather.cut:
            broker.history.struck("message lost with its line")
            self.cut()
            return
        delay = broker.rng.expovariate(1 / broker.weather.delay)
        if late and broker.chance() < broker.weather.late:
            broker.history.struck("late receipt")
            delay += broker.rng.expovariate(1 / broker.weather.lateness)
        broker.loop.call_after(delay, self._arrive, work, arguments)

    def _arrive(self, work, arguments):
        if not self.dead:
            work(*arguments)

    def cut(self):
        """Let the line die; both ends find out by and by."""
        if self.dead:
            return
        self.dead = True
        notice = self._broker.weather.notice
        self._broker.loop.call_after(self._broker.rng.expovariate(1 / notice), self.tell)

    def tell(self):
        """Let our client know; a process that has died hears nothing."""
        self.dead = True
        if not self._told:
            self._told = True
            self._on_closed()

    def drop(self):
        """Forget the client: its process is gone."""
        self.dead = self._told = True

    def deliver(self, topic, payload, message_id):
        """Give a message to the client."""
        self._on_message(topic, payload, message_id)


class Broker:
    """One broker and all its lines."""

    def __init__(self, loop, rng, history):
        self.loop = loop
        self.rng = rng
        self.chance = rng.random
        self.history = history
        self.weather = Weather()
        self.up = True
        self.unreachable = set()  # clients on the far side of a partition
        self._sessions = {}
        self._retained = {}
        self._lines = []
        self._numbers = count(1)

    def connect(self, client, *, on_message, on_closed):
        """Return a line, or raise ``OSError``."""
        if not self.up or client in self.unreachable:
            raise ConnectionRefusedError
        line = Line(self, client, on_message, on_closed)
        self._lines.append(line)
        return line

    def attach(self, line):
        """Bind a session to its newest line; what was not acknowledged comes again."""
        session = self._sessions.setdefault(line.client, Session())
        if session.line is not None and session.line is not line:
            session.line.cut()
        session.line = line
        for message_id, (topic, payload) in list(session.waiting.items()):
            self._send(line, topic, payload, message_id)

    def subscribe(self, line, topics):
        """Add to a session's topics and give what is retained."""
        session = self._sessions.setdefault(line.client, Session())
        session.topics |= topics
        for topic, payload in list(self._retained.items()):
            if _matches(topics, topic):
                self._send(line, topic, payload, 0)

    def publish(self, line, topic, payload, retain=False, answer=lambda _code: None):
        """Take a message from a client, queue it for whoever subscribed, and answer."""
        if self.chance() < self.weather.quota:
            self.history.struck("quota used up")
            line.carry(answer, QUOTA)
        else:
            line.carry(answer, TAKEN if self.announce(topic, payload, retain=retain) else NOBODY)

    def announce(self, topic, payload, *, retain=True):
        """Queue a message for whoever subscribed, and tell whether anybody had; wills come this way too."""
        if retain:
            self._retained[topic] = payload
        takers = [each for each in self._sessions.values() if _matches(each.topics, topic)]
        if not takers and topic.endswith("/d"):
            self.history.struck("nobody subscribed")
        for session in takers:
            self._queue(session, topic, payload)
            if self.chance() < self.weather.duplicate:
                self.history.struck("duplicate receipt" if topic.endswith("/r") else "duplicate message")
                self._queue(session, topic, payload)
        return bool(takers)

    def acknowledge(self, line, message_id):
        """Let a message go."""
        session = self._sessions.get(line.client)
        if session is not None:
            session.waiting.pop(message_id, None)

    def partition(self, client):
        """Cut one client off until ``heal``."""
        self.unreachable.add(client)
        for line in self._lines:
            if line.client == client:
                line.cut()

    def heal(self, client):
        """Let it connect again."""
        self.unreachable.discard(client)

    def die(self, *, forget):
        """Stop; everything queued is gone, and with ``forget`` every session and retained message too."""
        self.up = False
        for session in self._sessions.values():
            session.waiting.clear()
            session.line = None
        if forget:
            self._sessions.clear()
            self._retained.clear()
        for line in self._lines:
            line.cut()
        self._lines.clear()

    def rise(self):
        """Take connections again."""
        self.up = True

    def _queue(self, session, topic, payload):
        message_id = 0  # kiosk states are taken at QoS 0
        if not topic.endswith("/s"):
            message_id = next(self._numbers)
            session.waiting[message_id] = (topic, payload)
        if session.line is not None:
            self._send(session.line, topic, payload, message_id)

    def _send(self, line, topic, payload, message_id):
        line.carry(line.deliver, topic, payload, message_id, late=topic.endswith("/r"))


def _matches(wanted, topic):
    """Tell whether a session's topics take a message: named whole, or by our one form of filter, a shard's."""
    head, _, leaf = topic.rpartition("/")
    return topic in wanted or f"{head[:_SHARD_ENDS]}/+/+/{leaf}" in wanted
