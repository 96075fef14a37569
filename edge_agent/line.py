"""The words for a kiosk's line to the authority: where it goes, in what state it is, what may be shown of it.

- One state at a time: stopped, connecting, up, holding (the gateway says it is away), waiting (before the next attempt).
- ``trouble`` is an error code of ``outbox.toml``, or "" when there is none; screens show its sentence.

Example: ``Health(state=ConnectionState.UP, session=3, attempts=0, trouble="", gateway_online=True)``
"""

from __future__ import annotations

import ssl
from enum import StrEnum
from pathlib import Path

import msgspec


class ConnectionState(StrEnum):
    """Where the line is."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    UP = "up"
    HOLDING = "holding"
    WAITING = "waiting"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect, as whom. Times in seconds."""

    host: str
    port: int
    site: str
    kiosk_id: str
    ca_file: Path
    certificate_file: Path
    key_file: Path
    version: str = ""
    boot_id: str = ""
    resend_after: float = 30.0
    backoff_base: float = 1.0
    backoff_cap: float = 120.0
    hold_cap: float = 300.0  # how long a gateway's "away" is believed
    keepalive: int = 30


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a screen or a monitor may know of the line."""

    state: ConnectionState
    session: int
    attempts: int
    trouble: str
    gateway_online: bool
    counting: str = ""  # by what ``session`` is counted


def tls_context(line: Line) -> ssl.SSLContext:
    """Return TLS 1.3 with the kiosk's certificate, trusting the one given authority and no other."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(line.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(str(line.certificate_file), str(line.key_file))
    return context
