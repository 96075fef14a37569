"""What a gateway's connection to its broker is told, and how patient it is.

Example: ``TransportSettings(host="127.0.0.1", port=8883, ca=ca, certificate=certificate, key=key, batch=500)``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from residence.wire.topics import SHARDS

KEEPALIVE_SECONDS: Final = 30


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
    keepalive_seconds: int = KEEPALIVE_SECONDS
