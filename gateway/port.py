"""What the gateway needs of a broker connection, and nothing of MQTT: the one port between transport and intake.

- A ``Delivery`` is handed out as it arrived; it is acknowledged only by ``acknowledge``, in order of arrival, after the commit, and only
  once the broker has answered all that was published before: so what is not answered yet comes again when we die (ADR 15).
- An unacknowledged delivery comes again after the next connect; intake must bear that, and messages out of nowhere.
- ``publish`` never waits: a burst is held within bounds, what exceeds them is dropped and said so. A kiosk that misses a receipt sends
  again. Nor does ``acknowledge``: it only says what may be acknowledged from now on.
- ``flush`` sends what ``publish`` gathered; the next ``collect`` would, too.
- ``collect``, ``acknowledge``, ``publish`` and ``flush`` are called from one thread.
- A connection has one of four states, all of them visible; nothing is concluded from an exception.

Example: ``deliveries = transport.collect(500, wait_seconds=1.0, fill_seconds=0.005)``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ConnectionState(StrEnum):
    """Where the connection to the broker stands."""

    STOPPED = "stopped"  # not started, or ended on purpose
    CONNECTING = "connecting"  # a connection attempt is under way
    CONNECTED = "connected"  # subscribed; deliveries of an earlier session may have come before
    WAITING = "waiting"  # the last attempt failed or the connection was lost; trying again after a random pause


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message as it came. ``connection`` and ``message_id`` are the transport's own; 0 needs no acknowledgement."""

    topic: str
    payload: bytes
    connection: int = 0  # number of the connection it came over: message ids mean nothing on another one
    message_id: int = 0


class Transport(Protocol):
    """A durable subscription to some shards, and the way back to kiosks."""

    @property
    def state(self) -> ConnectionState:
        """Return where the connection stands now."""
        ...

    def start(self) -> None:
        """Begin connecting on an own thread; return at once."""
        ...

    def stop(self) -> None:
        """Say that this gateway stops taking, disconnect, keep the session. Harmless when called twice."""
        ...

    def collect(self, limit: int, *, wait_seconds: float, fill_seconds: float) -> list[Delivery]:
        """Return up to ``limit`` deliveries: what is there; else wait for a first one, then ``fill_seconds`` for more. Empty when none came."""
        ...

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Let these go: committed, and answered by what was published before. Those of an earlier connection come again."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send towards a kiosk; ``retain``: the broker gives it to whoever comes later, too. False when it cannot be taken now."""
        ...

    def flush(self) -> None:
        """Send now what was published since the last time."""
        ...
