"""Ending a kiosk's session at the broker: by taking its client id, which every MQTT broker answers by closing the older connection.

- It works where the broker cannot be started anew, and there leaves the rules as they are: the kiosk may come back.
- Then a topic is written that only the new rules allow. Refused, or nobody there: the broker has not begun anew yet; taken again. Allowed:
  the last taking came first, and from there on the rules keep the kiosk out.
- A clean start that expires at once: the kiosk's subscriptions and whatever waited for it are gone, too.
- paho here for its handshake; no message is received or acknowledged.

Example: ``cut_session(line, "kiosk-lobby-1", proof=access_edition(rules.edition), patience=10) == Cut(ended=True, in_force=True)``
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TAKEN: Final = frozenset({0x00, 0x10})  # written, and nobody reads it
PAUSE_SECONDS: Final = 0.05
TRY_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CutLine:
    """The broker, and the gateway's own certificate."""

    host: str
    port: int
    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """What happened. ``ended``: whatever connection and session there was; ``in_force``: the proof was allowed."""

    ended: bool
    in_force: bool


def cut_session(line: CutLine, kiosk_id: str, *, proof: str, patience: float) -> Cut:
    """End a kiosk's session until the broker goes by the rules that allow ``proof``. ``OSError`` when the broker cannot be reached."""
    until = time.monotonic() + patience
    ended = False
    while True:
        code = None
        try:
            attempt = _Attempt(line, kiosk_id)
            code = attempt.write(proof)
            ended = ended or attempt.accepted
        except OSError:
            if time.monotonic() > until:
                raise
        if code in TAKEN or time.monotonic() > until:
            return Cut(ended=ended, in_force=code in TAKEN)
        time.sleep(PAUSE_SECONDS)


class _Attempt:
    """One connection in the kiosk's place."""

    def __init__(self, line: CutLine, kiosk_id: str) -> None:
        self.accepted: bool = False
        self._refused = False
        self._answer: int | None = None
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, kiosk_id, protocol=mqtt.MQTTv5, manual_ack=True, reconnect_on_failure=False
        )
        context = ssl.create_default_context(cafile=str(line.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(line.certificate, line.key)
        self._client.tls_set_context(context)
        self._client.on_connect = self._connected
        self._client.on_publish = self._published
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
        properties.SessionExpiryInterval = 0
        self._client.connect(line.host, line.port, keepalive=30, clean_start=True, properties=properties)

    def write(self, topic: str) -> int | None:
        """Write an empty message and return the broker's reason code; None when it hung up instead."""
        until = time.monotonic() + TRY_SECONDS
        sent = False
        while self._answer is None and not self._refused and time.monotonic() < until:
            if self._client.loop(0.2) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
            if self.accepted and not sent:
                self._client.publish(topic, b"", qos=1)
                sent = True
        self._client.disconnect()
        self._client.loop(0.05)
        return self._answer

    def _connected(self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._refused = bool(reason.is_failure)
        self.accepted = not self._refused

    def _published(self, _client: Any, _userdata: Any, _mid: int, reason: Any, _properties: Any) -> None:
        self._answer = int(reason.value)
