"""MQTT v5 by paho: the gateway's durable subscription, with acknowledgement after the commit. The only paho file here.

- The session outlives the process: a fixed client id, ``clean_start`` False, session expiry. (Mosquitto 2.0.11 stores no session
  that began with a clean start, whatever its expiry.) Plain subscriptions on topic shards, never ``$share``.
- Every connect subscribes again, whatever the broker says about the session; messages may arrive before the SUBACK.
- Acknowledgements are ours (``manual_ack``), in order of arrival, and only on the connection that brought the message: a message
  id of an earlier connection may by now mean a different message.
- Receive maximum is four batches, so the broker never waits for a batch that waits for the broker.
- After a lost connection: a pause drawn from 0 to a cap that doubles up to ``PAUSE_CAP`` ("full jitter"; paho has none).
- All socket work is on one thread of ours; other threads only queue.
- Retained ``luutru/1/gateway/state`` says whether this gateway takes; the will says it when we cannot.

Example: ``PahoTransport(settings, random_bytes=random_bytes, on_state=log_state).start()``
"""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.port import ConnectionState, Delivery
from residence.wire.topics import GATEWAY_STATE, SHARDS, shard_filter

SESSION_SECONDS: Final = 14 * 24 * 3600  # as long as the broker keeps a silent client
KEEPALIVE_SECONDS: Final = 30
CONNECT_SECONDS: Final = 10.0
PAUSE_FIRST: Final = 0.5
PAUSE_CAP: Final = 30.0
MAX_RECEIVE: Final = 65_535
WINDOW_BATCHES: Final = 4  # one being recorded, one read ahead, and as much on the way


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportSettings:
    """Where the broker is, who we are to it, and which shards are ours."""

    host: str
    port: int
    ca: Path
    certificate: Path
    key: Path
    client_id: str = "luutru-gateway"
    shards: tuple[int, ...] = field(default_factory=lambda: tuple(range(SHARDS)))
    batch: int = 500


class PahoTransport:
    """One connection, kept up for ever. ``online`` and ``offline`` are the retained state before and after us."""

    def __init__(
        self,
        settings: TransportSettings,
        *,
        random_bytes: Callable[[int], bytes],
        online: Callable[[], bytes] = lambda: b"",
        offline: bytes = b"",
        on_state: Callable[[ConnectionState, str], None] = lambda _state, _why: None,
        first_connection: int = 0,
    ) -> None:
        self._settings = settings
        self._random_bytes = random_bytes
        self._online = online
        self._offline = offline
        self._on_state = on_state
        self._state = ConnectionState.STOPPED
        self._deliveries: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._connection = first_connection
        self._lock = threading.Lock()  # guards the pair "number of the connection, what is queued on it"
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._client = self._make_client()

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
        if self._state is ConnectionState.CONNECTED:
            self._announce(self._offline)
        self._stopping.set()
        self._thread.join(CONNECT_SECONDS + 5)
        self._thread = None
        self._stopping.clear()

    def collect(self, limit: int, *, wait_seconds: float, fill_seconds: float) -> list[Delivery]:
        """Return up to ``limit`` deliveries; an idle queue ends the batch after ``fill_seconds``."""
        batch: list[Delivery] = []
        until = time.monotonic() + wait_seconds
        while len(batch) < limit:
            try:
                batch.append(self._deliveries.get_nowait())
            except queue.Empty:
                remaining = until - time.monotonic()
                if remaining <= 0:
                    break
                try:
                    batch.append(self._deliveries.get(timeout=remaining))
                except queue.Empty:
                    break
            if len(batch) == 1:
                until = time.monotonic() + fill_seconds
        return batch

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Queue the acknowledgements of one committed batch, in order of arrival."""
        with self._lock:
            for delivery in deliveries:
                if delivery.message_id and delivery.connection == self._connection:
                    self._client.ack(delivery.message_id, 1)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send at QoS 1 while connected; a receipt that cannot be sent now is asked for again by its kiosk."""
        # Not "while CONNECTED": what waited in our session comes before the SUBACK, and its receipts need not wait for a resend.
        if not self._client.is_connected():
            return False
        return self._client.publish(topic, payload, qos=1, retain=retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            self._settings.client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.tls_set_context(self._tls())
        client.connect_timeout = CONNECT_SECONDS
        client.max_inflight_messages_set(0)  # the broker's receive maximum is the limit; a scan per message is not
        # With this callback set, other threads only queue and the loop's thread writes (paho writes at once otherwise).
        client.on_socket_register_write = lambda _client, _userdata, _socket: None
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        client.on_publish = self._published
        if self._offline:
            client.will_set(GATEWAY_STATE, self._offline, qos=1, retain=True)
        return client

    def _keep_connected(self) -> None:
        cap = PAUSE_FIRST
        while not self._stopping.is_set():
            self._become(ConnectionState.CONNECTING)
            why, was_connected = self._run_once()
            if self._stopping.is_set():
                break
            cap = PAUSE_FIRST if was_connected else min(cap * 2, PAUSE_CAP)
            self._become(ConnectionState.WAITING, why)
            self._stopping.wait(cap * int.from_bytes(self._random_bytes(4), "big") / 2**32)
        self._become(ConnectionState.STOPPED)

    def _run_once(self) -> tuple[str, bool]:
        """Connect and serve until the connection ends; return (why, whether it had been accepted)."""
        with self._lock:
            self._connection += 1  # from here on, acknowledgements of the connection before are left out
        try:
            self._client.connect(
                self._settings.host,
                self._settings.port,
                keepalive=KEEPALIVE_SECONDS,
                clean_start=False,
                properties=self._connect_properties(),
            )
        except (OSError, ValueError) as error:
            return str(error), False
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and not self._stopping.is_set():
            code = self._client.loop(0.2)
        was_connected = self._state is ConnectionState.CONNECTED
        if self._stopping.is_set():
            self._drain_and_disconnect()
        return mqtt.error_string(code), was_connected

    def _drain_and_disconnect(self) -> None:
        until = time.monotonic() + 2
        while self._client.want_write() and time.monotonic() < until:
            if self._client.loop(0.05) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
        self._client.disconnect()
        while self._client.loop(0.05) == MQTTErrorCode.MQTT_ERR_SUCCESS and time.monotonic() < until:
            pass

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._settings.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self._settings.certificate, self._settings.key)
        return context

    def _connect_properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_SECONDS
        properties.ReceiveMaximum = min(max(WINDOW_BATCHES * self._settings.batch, 20), MAX_RECEIVE)
        return properties

    def _connected(self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._become(ConnectionState.WAITING, str(reason))
            return
        durable = SubscribeOptions(qos=1, noLocal=True)
        latest = SubscribeOptions(qos=0, noLocal=True)  # a kiosk's state is retained: the newest is all we want
        wanted = [(shard_filter(shard, "d"), durable) for shard in self._settings.shards]
        wanted += [(shard_filter(shard, "s"), latest) for shard in self._settings.shards]
        client.subscribe(wanted)

    def _subscribed(self, _client: mqtt.Client, _userdata: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        # Only now: a kiosk that hears "online" earlier would be told that nobody takes its declarations.
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._become(ConnectionState.CONNECTED, ", ".join(sorted(set(refused))))
        self._announce(self._online())

    def _announce(self, payload: bytes) -> None:
        if payload:
            self._client.publish(GATEWAY_STATE, payload, qos=1, retain=True)

    def _received(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic of ours; intake sets it aside
        self._deliveries.put(
            Delivery(
                topic=topic,
                payload=bytes(message.payload),
                connection=self._connection,
                message_id=message.mid if message.qos else 0,
            )
        )

    def _published(self, _client: mqtt.Client, _userdata: Any, _mid: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._on_state(self._state, f"publish refused: {reason}")

    def _become(self, state: ConnectionState, why: str = "") -> None:
        if state is not self._state or why:
            self._state = state
            self._on_state(state, why)
