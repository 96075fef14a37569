"""The kiosk's line to the authority: MQTT v5 over mutual TLS. It moves sealed rows up and receipts down, and decides nothing else.

- PUBACK settles nothing. 0x10 (nobody subscribed), 0x87 (not authorised), 0x97 (quota) and every other refusal keep the row.
- The line's state is one of ``line.ConnectionState``. What to send and what a receipt settles: ``delivery.py``.
- Each connection is a fresh client with clean_start=False: the broker keeps our receipts while we are away; what was in flight is sent again.
- Attempts are spread by full jitter of our own; a series of them ends when the broker has taken something from us, not when it let us in.
- Birth (retained state, session number) after each connection, death by will. Receipts are acknowledged after commit, or without room.
- One thread decides; paho's thread only queues what happened. The only file at the edge that imports paho.

Example: ``uplink = Uplink(outbox, line, on_state=print, ...); uplink.start()``
"""

from __future__ import annotations

import contextlib
import queue
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.asked import KioskPost
from edge_agent.delivery import NOT_AUTHORISED, REFUSALS, Delivery
from edge_agent.life_sign import life_sign
from edge_agent.line import REFUSED, SESSION_EXPIRY_SECONDS, STATE_EVERY_SECONDS, ConnectionState, Health, Line, Tls
from edge_agent.outbox import Outbox
from edge_agent.sending import WINDOW, SendPlan, backoff
from edge_agent.session_count import Session
from edge_agent.vitals import Vitals
from residence.clock import Clock
from residence.errors import LuutruError, Refused
from residence.wire import state as states
from residence.wire import topics

if TYPE_CHECKING:
    from edge_agent.trust_papers import TrustPapers  # brings curves, which only a kiosk with chips needs

_log = structlog.get_logger(__name__)


class _Event(msgspec.Struct, frozen=True):
    """Something paho's thread or the kiosk reported; ``client`` tells late events of an old connection apart."""

    kind: str  # connected, closed, acknowledged, message, kept, stop
    client: Any = None
    value: Any = None
    said: Any = None  # what the broker said of itself when it let us in


class Uplink:
    """The line of one kiosk. ``start`` and ``stop`` from anywhere; everything else happens on its own thread."""

    def __init__(
        self,
        outbox: Outbox,
        line: Line,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        vitals: Callable[[], Vitals] = Vitals,
        on_state: Callable[[Health], None] | None = None,
        post: KioskPost | None = None,
        trust: TrustPapers | None = None,
    ) -> None:
        self._outbox, self._line, self._clock, self._jitter = outbox, line, clock, jitter
        self._vitals, self._on_state, self._post, self._trust = vitals, on_state, post, trust
        self._topics, self._tls = topics.kiosk_topics(line.site, line.kiosk_id), Tls(line)
        self._plan = SendPlan(jitter=jitter, resend_after=line.resend_after)
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._client: Any = None
        self._delivery = Delivery(outbox, self._plan)
        self._health = Health(state=ConnectionState.STOPPED, session=0, attempts=0, trouble="", gateway_online=True)
        self._retry_at = self._state_due = self._hold_until = 0.0
        outbox.listen(lambda _: self._events.put(_Event("kept")))

    def health(self) -> Health:
        """Return the line's state; replaced whole, so any thread may read it."""
        return self._health

    def start(self) -> None:
        """Begin to connect; after a power cut somewhere in the first seconds, not all kiosks of a city at once."""
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self._thread.start()

    def stop(self, *, timeout: float = 5.0) -> None:
        """Say goodbye to the broker and end the thread."""
        self._events.put(_Event("stop"))
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        self._retry_at = self._seconds() + self._line.first_spread * self._jitter()
        self._change(state=ConnectionState.WAITING)
        while (event := self._next_event()) is None or event.kind != "stop":
            if event is not None and event.client in {None, self._client}:
                self._guarded(self._handle, event)
            if self._events.empty():  # a burst of receipts is taken as a whole before anything is sent
                self._guarded(self._go_on)
        self._guarded(self._say_goodbye)

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:
        """Run one step; a fault of ours (a failing disk, say) is logged and costs the connection, never the thread."""
        try:
            work(*arguments)
        except Exception:  # noqa: BLE001 - the thread is the edge of this process
            _log.exception("uplink.failed")
            self._lost("uplink.failed")

    def _next_event(self) -> _Event | None:
        with contextlib.suppress(queue.Empty):
            return self._events.get(timeout=self._idle_seconds())
        return None

    def _idle_seconds(self) -> float:
        moments = {
            ConnectionState.UP: (self._state_due, self._plan.next_due()),
            ConnectionState.HOLDING: (self._state_due, self._hold_until),
            ConnectionState.WAITING: (self._retry_at,),
        }.get(self._health.state, ())
        return min([1.0, *(max(0.01, each - self._seconds()) for each in moments if each is not None)])

    def _handle(self, event: _Event) -> None:  # "kept" needs nothing here: _go_on looks at the outbox
        if event.kind == "connected":
            self._connected(event.value, event.said)
        elif event.kind == "acknowledged":
            self._answered(*event.value)
        elif event.kind == "message":
            self._message(event.value)
        elif event.kind == "closed":
            # Mosquitto hangs up after it forbade a topic; then the refusal is the reason, not the hanging up
            forbidden = self._health.trouble == REFUSALS[NOT_AUTHORISED]
            self._lost(self._health.trouble if forbidden else str(event.value) or "uplink.unreachable")

    def _go_on(self) -> None:
        now = self._seconds()
        if self._health.state is ConnectionState.WAITING and now >= self._retry_at:
            self._connect()
        if self._health.state is ConnectionState.HOLDING and now >= self._hold_until:
            self._change(state=ConnectionState.UP)  # a stale "away" must not hold declarations for ever; trying loses nothing
        if self._health.state is ConnectionState.UP:
            self._delivery.send_rows(at=now, publish=self._publish_row)
            if self._post is not None and (events := self._post.due(at=now)) is not None:
                self._client.publish(self._topics.events, events, qos=0)
            self._change(trouble=self._health.trouble or self._delivery.trouble)
        due = now >= self._state_due or (self._post is not None and self._post.asked.has_news())
        if due and self._health.state in {ConnectionState.UP, ConnectionState.HOLDING}:
            self._publish_state(online=True)
            self._outbox.rest()

    def _connect(self) -> None:
        session = self._outbox.next_session()
        self._change(state=ConnectionState.CONNECTING, session=session.number, counting=session.counting)
        try:
            self._client = self._new_client()
            line, about = self._line, _connect_properties()
            self._client.connect(line.host, line.port, keepalive=line.keepalive, clean_start=False, properties=about)
            self._client.loop_start()
        except (OSError, ValueError) as error:
            _log.info("uplink.unreachable", kind=type(error).__name__)
            self._lost(REFUSED if isinstance(error, ssl.SSLError) else "uplink.unreachable")

    def _new_client(self) -> Any:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._line.kiosk_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.tls_set_context(self._tls.context())
        client.max_inflight_messages_set(WINDOW + 5)
        client.connect_timeout = 10.0
        will = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]  # paho
        will.WillDelayInterval = 10
        client.will_set(self._topics.state, self._state(online=False), qos=1, retain=True, properties=will)
        put = self._events.put
        client.on_connect = lambda c, _u, _f, code, said: put(_Event("connected", c, code, said))
        client.on_disconnect = lambda c, _u, _f, code, _p: put(
            _Event("closed", c, REFUSED if code.value in {0x87, 0x8A, 0x8C} else "")
        )
        client.on_publish = lambda c, _u, mid, code, _p: put(_Event("acknowledged", c, (mid, code.value)))
        client.on_subscribe = lambda c, *_: self._tls.remember(c.socket())
        client.on_message = lambda c, _u, message: put(_Event("message", c, message))
        return client

    def _connected(self, code: ReasonCode, said: Properties | None) -> None:
        if code.is_failure:
            self._client.disconnect()
            self._lost(REFUSED)
            return
        trusting = [topics.TRUST_PIECES] if self._trust is not None else []
        wanted = [self._topics.receipts, self._topics.commands, topics.GATEWAY_STATE, *trusting]
        if self._post is not None:
            wanted.append(f"{self._topics.papers}+")
            self._post.reopen()
        self._client.subscribe([(each, SubscribeOptions(qos=1)) for each in wanted])
        self._delivery.connected(largest_packet=getattr(said, "MaximumPacketSize", None), topic=self._topics.declarations)
        self._change(state=ConnectionState.UP, gateway_online=True)
        self._publish_state(online=True)

    def _lost(self, trouble: str) -> None:
        if self._health.state is ConnectionState.WAITING:
            return
        self._client, attempts, line = None, self._health.attempts, self._line
        self._delivery.connection_lost()
        self._retry_at = self._seconds() + backoff(attempts, jitter=self._jitter, base=line.backoff_base, cap=line.backoff_cap)
        self._change(state=ConnectionState.WAITING, attempts=attempts + 1, trouble=trouble)

    def _say_goodbye(self) -> None:
        client = self._client
        if client is not None and self._health.state in {ConnectionState.UP, ConnectionState.HOLDING}:
            with contextlib.suppress(RuntimeError, ValueError):  # paho's way to say that the line is gone
                self._publish_state(online=False).wait_for_publish(2.0)
            client.disconnect()
        self._client = None
        self._change(state=ConnectionState.STOPPED)

    def _answered(self, mid: int, code: int) -> None:
        """Take the broker's answer to a row or to our own state message; only a working line ends a series of attempts."""
        trouble = self._delivery.acknowledged(mid, code, at=self._seconds())
        if trouble is None:  # our own state message: says whether the line works, nothing about rows
            about_rows = self._health.trouble in {REFUSALS[0x10], REFUSALS[0x97]}
            trouble = REFUSALS[code] if code == NOT_AUTHORISED else self._health.trouble if about_rows else self._delivery.trouble
        if trouble != self._health.trouble:
            _log.warning("uplink.answer", trouble=trouble or "none", reason_code=code)
        self._change(trouble=trouble, attempts=self._health.attempts if code == NOT_AUTHORISED else 0)

    def _publish_row(self, envelope: bytes) -> int:
        return int(self._client.publish(self._topics.declarations, envelope, qos=1).mid)

    def _publish_state(self, *, online: bool) -> Any:
        self._state_due = self._seconds() + STATE_EVERY_SECONDS
        return self._client.publish(self._topics.state, self._state(online=online), qos=1, retain=True)

    def _state(self, *, online: bool) -> bytes:
        asks, vitals = self._post.asked.tell() if self._post is not None else ("", ""), self._vitals()
        session, trust = Session(number=self._health.session, counting=self._health.counting), self._trust
        return life_sign(self._outbox, self._line, session=session, online=online, vitals=vitals, trust=trust, asks=asks)

    def _message(self, message: Any) -> None:
        try:
            self._take(message.topic, message.payload)
        except Refused as error:  # no room: a receipt comes again with its row, an update with the next connection
            _log.warning(error.code)
            if message.topic != self._topics.receipts:
                return
        except LuutruError as error:  # not genuine or not readable: it will not get better by being sent again
            _log.warning(error.code, topic=message.topic)
        if message.qos:
            self._client.ack(message.mid, message.qos)

    def _take(self, topic: str, payload: bytes) -> None:
        if topic == self._topics.receipts:
            self._delivery.receipts(payload)
        elif topic == self._topics.commands:
            self._outbox.anchor.accept(payload, at=self._clock.now())
        elif topic == topics.GATEWAY_STATE:
            self._gateway_state(payload)
        elif self._trust is not None and mqtt.topic_matches_sub(topics.TRUST_PIECES, topic):
            self._trust.take(payload, at=self._clock.now())
        elif self._post is not None and topic.startswith(self._topics.papers):
            self._post.take(topic.removeprefix(self._topics.papers), payload)

    def _gateway_state(self, payload: bytes) -> None:
        online = states.decode_gateway_state(payload).online if payload else True
        if online:
            self._plan.reopen()
        self._hold_until = self._seconds() + self._line.hold_cap  # counts while holding only
        state = ConnectionState.UP if online else ConnectionState.HOLDING
        self._change(state=state, gateway_online=online, trouble="" if online else "uplink.no_gateway")

    def _change(self, **changes: Any) -> None:
        before = self._health
        self._health = msgspec.structs.replace(before, **changes)
        if self._on_state is not None and self._health != before:
            self._on_state(self._health)

    def _seconds(self) -> float:
        return self._clock.monotonic_ns() / 1e9


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
    properties.SessionExpiryInterval = SESSION_EXPIRY_SECONDS
    properties.ReceiveMaximum, properties.MaximumPacketSize = 50, 32 * 1024
    return properties
