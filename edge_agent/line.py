"""The words for a kiosk's line to the authority: where it goes, in what state it is, what may be shown of it.

- One state at a time: stopped, connecting, up, holding (the gateway says it is away), waiting (before the next attempt).
- ``trouble`` is an error code of ``outbox.toml``, or "" when there is none; screens show its sentence.
- After a power cut the first attempt falls anywhere in ``spread`` seconds: a whole city boots at once, and a broker's core does some 400
  whole handshakes a second (docs/brokers.md). A kiosk that is only started again does not wait, nor one whose broker is on its own machine.
- A line that comes again to a broker that lived on takes its TLS session up: two thirds of the broker's work. A session is offered once, so one that is
  refused cannot keep us out; other files (a renewed certificate) begin anew. What was revoked stays out: that begins the broker anew, too.

Example: ``Health(state=ConnectionState.UP, session=3, attempts=0, trouble="", gateway_online=True)``
"""

from __future__ import annotations

import ssl
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

_Context = TypeVar("_Context", bound=ssl.SSLContext)
SESSION_EXPIRY_SECONDS: Final = 14 * 24 * 3600
STATE_EVERY_SECONDS: Final = 60.0
REFUSED: Final = "uplink.refused"
JUST_BOOTED_SECONDS: Final = 300.0


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
    first_spread: float = 0.0  # the first attempt falls anywhere in it
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


def first_spread(host: str, *, spread: float, since_boot: float) -> float:
    """Return over how many seconds the first attempt is spread: ``spread`` when this machine has just booted, else nothing.

    >>> (
    ...     first_spread("broker.example", spread=30.0, since_boot=12.0),
    ...     first_spread("broker.example", spread=30.0, since_boot=7200.0),
    ... )
    (30.0, 0.0)
    """
    return 0.0 if since_boot >= JUST_BOOTED_SECONDS or _is_this_machine(host) else spread


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Tls:
    """How one line makes its TLS connections, one after another."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._files: tuple[bytes, ...] = ()
        self._context: _Offering | None = None

    def context(self) -> ssl.SSLContext:
        """Return what the next connection is made with; the files are read each time."""
        line = self._line
        files = tuple(each.read_bytes() for each in (line.ca_file, line.certificate_file, line.key_file))
        if self._context is None or files != self._files:
            context = _Offering(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(line.ca_file)
            self._context, self._files = _with_certificate(context, line), files
        return self._context

    def remember(self, connection: Any) -> None:
        """Keep the session of a connection that works; called where that connection is read, for a TLS connection is one thread's."""
        context = self._context
        if context is not None and isinstance(connection, ssl.SSLSocket) and connection.context is context:
            context.session = connection.session


class _Offering(ssl.SSLContext):
    """A context that offers the session it remembers, once."""

    session: ssl.SSLSession | None = None

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        """Begin a connection with the session that was remembered."""
        session, self.session = self.session, None
        return super().wrap_socket(*arguments, **{**named, "session": session})


def tls_context(line: Line) -> ssl.SSLContext:
    """Return TLS 1.3 with the kiosk's certificate, trusting the one given authority and no other."""
    return _with_certificate(ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(line.ca_file)), line)


def _with_certificate(context: _Context, line: Line) -> _Context:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(str(line.certificate_file), str(line.key_file))
    return context
