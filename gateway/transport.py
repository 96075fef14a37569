"""The gateway's durable subscription at the broker, with acknowledgement after the commit: MQTT v5 on a TLS line of our own (ADR 24).

- The session outlives the process: a fixed client id, ``clean_start`` False, session expiry. (Mosquitto 2.0.11 stores no session
  that began with a clean start, whatever its expiry.) Plain subscriptions on topic shards, never ``$share``.
- Every connect subscribes again, whatever the broker says about the session; messages may arrive before the SUBACK.
- Acknowledgements are ours, in order of arrival, and only on the connection that brought the message (an id of an earlier one may mean another
  by now). They wait until the broker has answered what was published before.
- Receive maximum is four batches, so the broker never waits for a batch that waits for the broker. What bounds our memory is that nobody
  reads on when two such windows are parked; the rest stays in the socket, and then with the broker.
- The line is pumped by whoever calls: a thread beside a busy one would wait milliseconds for the interpreter at each read. A keeper
  thread of our own connects, and pings, flushes and listens while nobody calls (registry away, long commit).
- What we publish is held up to ``BACKLOG_BYTES``. What was under way when a connection ends goes again when what it answers comes again.
- After a lost connection: a pause drawn from 0 to a cap that doubles up to ``PAUSE_CAP`` ("full jitter").
- Retained ``luutru/1/gateway/state`` says whether this gateway takes; the will says it when we cannot.

Example: ``MqttTransport(settings, random_bytes=random_bytes, on_state=log_state).start()``
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.mqtt_connection import Broken, Hello, MqttConnection
from gateway.port import ConnectionState, Delivery
from gateway.shut_topics import ShutTopics
from gateway.tls_line import LineLost, TlsLine
from gateway.transport_settings import TransportSettings
from residence.wire.topics import GATEWAY_STATE, Leaf, shard_filter

__all__ = ["MqttTransport", "TransportSettings"]

SESSION_SECONDS: Final = 14 * 24 * 3600  # as long as the broker keeps a silent client
CONNECT_SECONDS: Final = 10.0
FAREWELL_SECONDS: Final = 2.0
PAUSE_FIRST: Final = 0.5
PAUSE_CAP: Final = 30.0
MAX_RECEIVE: Final = 65_535
WINDOW_BATCHES: Final = 4  # one being recorded, one arrived, and as much on the way
BACKLOG_BYTES: Final = 8 * 1024 * 1024
LATEST: Final[tuple[Leaf, ...]] = ("s", "e")
TICK_SECONDS: Final = 1.0  # how often the keeper looks
GREETING_SECONDS: Final = 0.01  # and until we are subscribed; when leaving, how often we look whether all is said


@dataclass(frozen=True, kw_only=True, slots=True)
class _Link:
    """A line and the protocol on it."""

    line: TlsLine
    mqtt: MqttConnection


class MqttTransport:
    """One connection, kept up for ever. ``online`` and ``offline`` are the retained state before and after us."""

    def __init__(
        self,
        settings: TransportSettings,
        *,
        random_bytes: Callable[[int], bytes],
        online: Callable[[], bytes] = lambda: b"",
        offline: bytes = b"",
        on_state: Callable[[ConnectionState, str], None] = lambda _state, _why: None,
    ) -> None:
        self._settings = settings
        self._random_bytes = random_bytes
        self._online = online
        self._offline = offline
        self._on_state = on_state
        self._state = ConnectionState.STOPPED
        self._connection = 0  # number of the latest one
        self._window = min(max(WINDOW_BATCHES * settings.batch, 20), MAX_RECEIVE)
        self._lock = threading.Lock()  # whoever holds it may use the link
        self._link: _Link | None = None
        self._shut: Final = ShutTopics()
        self._why = ""
        self._linked = threading.Event()
        self._ended = threading.Event()  # wakes the keeper: the link was lost, or we stop
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> ConnectionState:
        """Return where the connection stands now."""
        return self._state

    def start(self) -> None:
        """Begin connecting; return at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_connected, name="mqtt", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Say that we stop taking, disconnect politely (no will), keep the session."""
        if self._thread is None:
            return
        self._stopping.set()
        self._ended.set()
        self._thread.join()
        self._thread = None
        with self._lock:
            if self._link is not None:
                self._take_leave(self._link)
            self._link = None
            self._linked.clear()
        self._stopping.clear()
        self._become(ConnectionState.STOPPED)

    def collect(self, limit: int, *, wait_seconds: float, fill_seconds: float) -> list[Delivery]:
        """Return up to ``limit`` deliveries; ``fill_seconds`` after its first one a batch ends.

        What came while the batch before was worked on has waited for that long already: it goes on at once. So batches grow by themselves
        when much comes, and a busy hour's receipts wait for no filling.
        """
        batch = self._collect_some(limit, 0.0)
        if batch:
            return batch
        until = time.monotonic() + wait_seconds
        while True:
            remaining = until - time.monotonic()
            found = self._collect_some(limit - len(batch), max(remaining, 0.0))
            if found and not batch:
                until = time.monotonic() + fill_seconds
            batch += found
            if len(batch) >= limit or remaining <= 0:
                return batch

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Send the acknowledgements of one committed batch, in order of arrival, when the broker has answered its receipts."""
        with self._lock:
            link = self._link
            if link is not None:
                number = link.mqtt.number
                own = [each.message_id for each in deliveries if each.message_id and each.connection == number]
                link.mqtt.acknowledge(own, time.monotonic())
                self._pump(link, enough=0)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send at QoS 1 while connected; a receipt that cannot be sent now is asked for again by its kiosk."""
        # Not "while CONNECTED": what waited in our session comes before the SUBACK, and its receipts need not wait for a resend.
        with self._lock:
            link = self._link
            if link is None or self._shut.holds(topic, time.monotonic()) or link.mqtt.backlog + link.line.unsent > BACKLOG_BYTES:
                return False
            return link.mqtt.publish(topic, payload, retain=retain)

    def flush(self) -> None:
        """Send what was published."""
        with self._lock:
            if self._link is not None:
                self._pump(self._link, enough=0)

    def _collect_some(self, limit: int, seconds: float) -> list[Delivery]:
        if not self._linked.wait(seconds):
            return []
        with self._lock:
            link = self._link
            if link is None:
                return []
            parked = link.mqtt.parked
            self._pump(link, enough=limit, wait_seconds=0.0 if parked else seconds)
            return [parked.popleft() for _ in range(min(limit, len(parked)))]

    def _pump(self, link: _Link, *, enough: int, wait_seconds: float = 0.0) -> None:
        """Send what is due and read until ``enough`` deliveries are parked or nothing more arrives; wait for that once."""
        try:
            self._send(link)
            while len(link.mqtt.parked) < enough:
                count = link.line.receive_into(link.mqtt.room)
                now = time.monotonic()
                if count:
                    link.mqtt.took(count, now)
                else:
                    link.mqtt.look_at_clock(now, all_read=True)
                self._notice(link)
                self._send(link)
                if not count:
                    if not wait_seconds:
                        return
                    link.line.wait(wait_seconds)
                    wait_seconds = 0.0
            link.mqtt.look_at_clock(time.monotonic(), all_read=False)
        except (Broken, LineLost) as error:
            self._drop(link, error)

    def _send(self, link: _Link) -> None:
        data = link.mqtt.to_send(time.monotonic())
        if data:
            link.line.say(data)
        link.line.flush()

    def _notice(self, link: _Link) -> None:
        """Say what the last bytes changed: subscribed now, publishes refused."""
        if link.mqtt.subscribed and self._state is not ConnectionState.CONNECTED:
            # Only now: a kiosk that hears "online" earlier would be told that nobody takes its declarations.
            self._become(ConnectionState.CONNECTED, ", ".join(link.mqtt.refused_filters))
            self._announce(link, self._online())
        if link.mqtt.refused_publishes:
            said = ", ".join(f"{name} {count}x" for name, count in sorted(link.mqtt.refused_publishes.items()))
            link.mqtt.refused_publishes.clear()
            self._shut.refused(link.mqtt.refused_topics, time.monotonic())
            link.mqtt.refused_topics.clear()
            self._on_state(self._state, f"publish refused: {said}")

    def _announce(self, link: _Link, payload: bytes) -> None:
        if payload:
            link.mqtt.publish(GATEWAY_STATE, payload, retain=True)

    def _drop(self, link: _Link, error: Exception) -> None:
        """Let go of a link that has ended; what it delivered and was not handed out comes again."""
        if isinstance(error, Broken) and error.code is not None:
            with contextlib.suppress(LineLost):
                link.mqtt.say_goodbye(error.code)
                self._send(link)
        link.line.close()
        self._shut.connection_ended(link.mqtt.unanswered_topics(), time.monotonic())
        self._link, self._why = None, str(error)
        self._linked.clear()
        self._ended.set()

    def _take_leave(self, link: _Link) -> None:
        until = time.monotonic() + FAREWELL_SECONDS
        self._announce(link, self._offline if link.mqtt.subscribed else b"")
        with contextlib.suppress(Broken, LineLost):
            while link.mqtt.waits and self._link is link and time.monotonic() < until:  # the broker takes only so many at once
                self._pump(link, enough=MAX_RECEIVE, wait_seconds=GREETING_SECONDS)
            link.mqtt.say_goodbye()
            self._send(link)
        link.line.finish(until)

    def _keep_connected(self) -> None:
        cap = PAUSE_FIRST
        while not self._stopping.is_set():
            self._become(ConnectionState.CONNECTING)
            was_connected = self._keep_one()
            if self._stopping.is_set():
                break
            cap = PAUSE_FIRST if was_connected else min(cap * 2, PAUSE_CAP)
            self._become(ConnectionState.WAITING, self._why)
            self._stopping.wait(cap * int.from_bytes(self._random_bytes(4), "big") / 2**32)

    def _keep_one(self) -> bool:
        """Connect and look after the connection until it ends or we stop; return whether we were subscribed."""
        try:
            link = self._connect()
        except (OSError, LineLost) as error:
            self._why = str(error)
            return False
        with self._lock:
            self._link = link
            self._linked.set()
        while not self._ended.wait(TICK_SECONDS if link.mqtt.subscribed else GREETING_SECONDS):
            if not self._lock.acquire(blocking=False):
                continue  # somebody is pumping
            try:
                if self._link is link:
                    # Twice the window: what is not acknowledged, and kiosks' states, which need no acknowledgement.
                    self._pump(link, enough=2 * self._window)
            finally:
                self._lock.release()
        return link.mqtt.subscribed

    def _connect(self) -> _Link:
        settings = self._settings
        line = TlsLine.connect(settings.host, settings.port, self._tls(), seconds=CONNECT_SECONDS)
        self._ended.clear()
        if self._stopping.is_set():
            self._ended.set()
        self._connection += 1
        hello = Hello(
            client_id=settings.client_id,
            durable=[shard_filter(shard, "d") for shard in settings.shards],
            # States are retained, the newest is all we want; door events are sent again until we say that they are kept.
            latest=[shard_filter(shard, leaf) for shard in settings.shards for leaf in LATEST],
            receive_maximum=self._window,
            keepalive_seconds=settings.keepalive_seconds,
            session_seconds=SESSION_SECONDS,
            will_topic=GATEWAY_STATE,
            will=self._offline,
        )
        return _Link(line=line, mqtt=MqttConnection(hello, number=self._connection, now=time.monotonic()))

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._settings.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self._settings.certificate, self._settings.key)
        return context

    def _become(self, state: ConnectionState, why: str = "") -> None:
        if state is not self._state or why:
            self._state = state
            self._on_state(state, why)
