"""The web process: where settings, registry, keys and the application are put together, and uvicorn runs it.

- It signs receipts with a key of its own (the newest ``server-receipt*.key`` there was at the start), so a gateway's key never leaves
  the gateway.
- Behind a proxy that ends TLS, ``--base-url https://...`` makes cookies ``Secure``; who asks is read from the
  right-most ``X-Forwarded-For`` entry, from loopback only (``server/wiring.py``); uvicorn itself believes no such header.
- SIGTERM and Ctrl-C finish the requests in hand and end with status 0.

Example: ``run(ServerProcess(registry="sqlite:////var/lib/luutru/registry.db", vault=Path("vault"), keys=Path("keys"), base_url=...))``
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from luutru.chip_trust import ChipTrust
from luutru.keys import key_files, read_signing_key, receipt_signer
from luutru.opening import open_for_work
from luutru.paper_keys import newest_paper_key
from luutru.system import random_bytes, system_clock
from registry.key_changes import keyring_if_reachable
from residence.cases.offices import read_offices
from residence.cases.queues import read_queues
from residence.choices import Choices
from server.accounts.issuers import Issuer, read_issuers
from server.app import create_app
from server.settings import ServerSettings
from server.static_files import missing_vendor_files

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import FastAPI

    from residence.wire.signing import SigningKey
    from server.paper_signature import PaperKey

RECEIPT_KEYS: Final = "server-receipt"
PASS_KEYS: Final = "server-door-pass"  # noqa: S105 - the name of files
STREAMS_END: Final = 5  # seconds; a stream to an open page has no end of its own that a stop could wait for
log = structlog.get_logger("luutru.server")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerProcess:
    """What one web process is told. See docs/settings.md."""

    registry: str
    vault: Path
    keys: Path  # holds server-receipt*.key
    base_url: str = "http://localhost:8300"
    relying_party: str = "localhost"
    host: str = "127.0.0.1"
    port: int = 8300
    session_idle: timedelta = timedelta(minutes=30)
    chip_trust: Path | None = None  # as for the gateway
    log: Path | None = None  # folder of the log of looks; None: it is not shown
    kiosk_broker: str = "127.0.0.1:8883"  # what claimed kiosks are told
    kiosk_way_in_level: int = 5  # what a chip must have shown that opens its person's page
    kiosk_withheld_after: timedelta = timedelta(hours=1)  # before a gap in a kiosk's own count is an alarm
    queues: Path | None = None  # a file like server/police/queues.toml; None: that file
    offices: Path | None = None  # a file like server/police/offices.toml; None: that file
    issuers: Path | None = None  # a file of identity providers (server/accounts/issuers.py); None: none
    choices: Choices = field(default_factory=Choices)


def build(process: ServerProcess) -> FastAPI:
    """Put the application together; nothing listens yet."""
    settings = ServerSettings(
        base_url=process.base_url.rstrip("/"),
        relying_party=process.relying_party,
        session_idle=process.session_idle,
        log=process.log,
        kiosk_broker=process.kiosk_broker,
        kiosk_way_in_level=process.kiosk_way_in_level,
        kiosk_withheld_after=process.kiosk_withheld_after,
    )
    missing = missing_vendor_files(settings.static)
    if missing:
        log.warning("front-end files are missing; run scripts/bootstrap", files=missing)
    registry, clock = open_for_work(process.registry, process.vault), system_clock()
    return create_app(
        registry=registry,
        rules=process.choices.rules,
        card_policy=process.choices.card,
        case_times=process.choices.case_times,
        webhook_reach=process.choices.webhooks,
        signer=receipt_signer(process.keys, RECEIPT_KEYS, keyring=keyring_if_reachable(registry), now=clock.now()),
        door_signer=pass_signer(process.keys),
        paper_key=_paper_key(process.keys, now=clock.now()),
        clock=clock,
        random_bytes=random_bytes,
        settings=settings,
        queues=read_queues(process.queues.read_bytes()) if process.queues else None,
        offices=read_offices(process.offices.read_bytes()) if process.offices else None,
        issuers=_issuers(process.issuers) if process.issuers else (),
        chip_trust=ChipTrust(process.chip_trust, keyring=lambda: keyring_if_reachable(registry)).current,
    )


def _issuers(path: Path) -> tuple[Issuer, ...]:
    """Read the file of providers, and the secrets it names beside it."""
    issuers = read_issuers(path.read_bytes())
    return tuple(
        msgspec.structs.replace(each, secret=(path.parent / each.secret_file).read_text("utf-8").strip())
        if each.secret_file
        else each
        for each in issuers
    )


def _paper_key(keys: Path, *, now: datetime) -> PaperKey | None:
    """Return the newest key papers are signed with, and say when there is none or it ends soon."""
    found = newest_paper_key(keys)
    if found is None:
        log.warning("papers go unsigned: no server-paper*.pem", folder=str(keys))
    elif found.valid_to < now + timedelta(days=30):
        log.warning("the certificate papers are signed with ends soon", until=found.valid_to.isoformat())
    return found


def pass_signer(keys: Path) -> SigningKey | None:
    """Return the newest key that signs door passes; None when there is none, and then no pass is shown."""
    found = key_files(keys, PASS_KEYS)
    return read_signing_key(found[-1], use="door-pass") if found else None


def run(process: ServerProcess) -> None:
    """Serve until a signal asks us to stop."""
    import uvicorn

    # uvicorn stops by itself and then hands the signal on; the default would end us before the registry is closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    app = build(process)
    log.info("server starts", address=process.base_url)
    uvicorn.run(
        app,
        host=process.host,
        port=process.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STREAMS_END,
    )
    app.state.server.registry.close()
    log.info("server ended")
