"""What a web process may be told: addresses, lifetimes and limits. Every one has a working default.

- ``base_url`` decides cookies: an ``https`` address gets ``Secure`` cookies with the ``__Host-`` prefix.
- Passkeys belong to ``relying_party`` (a host name, no scheme, no port); changing it makes every passkey useless.
- Nothing secret is in here; keys are handed to ``create_app`` on their own.

>>> ServerSettings(base_url="https://luutru.example").secure
True
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

STATIC: Final = Path(__file__).parent / "static"


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """At most ``times`` attempts by one caller in ``per``, and ``together`` by everybody: the second wall, for many addresses."""

    times: int
    per: timedelta
    together: int = 600


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one web process."""

    base_url: str = "http://localhost:8300"
    relying_party: str = "localhost"
    relying_party_name: str = "Luutru"
    session_idle: timedelta = timedelta(minutes=30)
    session_absolute: timedelta = timedelta(hours=12)
    lock_after: timedelta = timedelta(minutes=10)  # an officer's or operator's page that nobody touches; zero: never
    proof_lasts: timedelta = timedelta(minutes=10)  # a sensitive act asks for the passkey again when it was longer ago
    link_lifetime: timedelta = timedelta(hours=24)
    child_until: int = 14  # years; so long a guardian of a child acts for them (residence/access/acting.py)
    recovery_waits: timedelta = timedelta(days=3)  # a way back in by paper that no second officer opened; ours, no law says it
    kiosk_way_in_level: int = 5  # what a chip must show that opens its person's page at a kiosk; with 4 a copy of it does, too
    sign_in_allowance: Allowance = Allowance(times=10, per=timedelta(minutes=5))
    receipt_allowance: Allowance = Allowance(times=20, per=timedelta(minutes=1))
    api_allowance: Allowance = Allowance(times=3000, per=timedelta(minutes=1), together=60_000)  # requests; a batch is one
    person_allowance: Allowance = Allowance(
        times=30, per=timedelta(hours=1)
    )  # what one person asks for or says of others, by account
    kiosk_allowance: Allowance = Allowance(
        times=300, per=timedelta(minutes=5), together=60_000
    )  # machines that ask for certificates
    kiosk_broker: str = "127.0.0.1:8883"  # what new kiosks are told; host:port
    claim_lifetime: timedelta = timedelta(hours=24)
    token_allowance: Allowance = Allowance(times=60, per=timedelta(minutes=5))
    api_token_lifetime: timedelta = timedelta(hours=1)
    kiosk_silent_after: timedelta = timedelta(minutes=10)
    kiosk_withheld_after: timedelta = timedelta(hours=1)  # so long a gap in a kiosk's count may stand before it is an alarm
    check_out_hour: int = 12  # local; what a form offers as the departure after one night
    live_for: timedelta = timedelta(seconds=50)  # how long one stream to a desk's page lasts before the browser asks anew
    largest_form: int = 65536  # bytes
    largest_upload: int = 16 * 1024 * 1024  # bytes; of the one page that takes a file (server/uploads.py)
    largest_batch: int = 4 * 1024 * 1024  # bytes of one request of a program
    static: Path = STATIC
    log: Path | None = None  # folder of the log of looks, as its own process writes it

    @property
    def secure(self) -> bool:
        """Tell whether cookies may travel over https only."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def origin(self) -> str:
        """Return scheme, host and port as a browser writes them in ``Origin``."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"
