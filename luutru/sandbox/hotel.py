"""The sandbox for hotel software: a real server with an invented commune, public credentials, a clock that is set, and errors when asked for.

- What answers is the server itself, on an empty registry in a folder that is thrown away: checks, receipts, limits and codes are the real ones.
- It begins at two in the afternoon of 10 July 2026, the day of every example in the documents, and goes on from there; it is set forward only.
- Its credentials are the same everywhere and protect nothing; it listens on loopback alone. The keys it signs with are made from a public phrase.
- ``Sandbox-Error: <code>`` on a call gives the answer the documents give for that code of that operation, and nothing else happens.
- Webhooks are sent as a gateway sends them: by https into the open internet, and into a network only if whoever starts it names that network.
  They bear this machine's time, for a receiver judges a message's age by its own clock.

Example: ``with hotel(folder, base_url="http://127.0.0.1:8790", base=system_clock(), random_bytes=random_bytes) as made: made.app``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luutru.paper_keys import make_paper_key
from luutru.processes.gateway_telling import build_telling
from luutru.sandbox.hotel_control import Control
from luutru.sandbox.hotel_people import IN_HOUSE
from luutru.throwaway import throwaway_keys
from registry import accounts, kiosks
from registry.accounts import KnownAccount, add_account
from registry.api_clients import ApiClient, add_client
from registry.database import connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.seed import DEMO_COMMUNE, seed_demo
from registry.vault import Vault
from residence.clock import Clock
from residence.stays.rules import load_rule_book
from residence.wire.webhook_reach import Reach
from server.app import create_app
from server.declaring import declare
from server.settings import ServerSettings
from server.visitor import account_of
from server.wiring import Server

if TYPE_CHECKING:
    from starlette.types import ASGIApp

BEGINS: Final = datetime(2026, 7, 10, 7, 0, tzinfo=UTC)
CLIENT: Final = ("luutru-sandbox", "lts_public-and-protects-nothing")
CLERK: Final = "letan"
HOUSE: Final = "htl-sao-mai"
GRANTS: Final = ("declare", "read", "reconcile")
LINK_LIFETIME: Final = timedelta(days=3)


class SandboxClock:
    """Begins at the day of the examples, goes as fast as the machine's, and is set forward."""

    def __init__(self, base: Clock) -> None:
        self._base: Final = base
        self._began: Final = base.monotonic_ns()
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the sandbox's instant."""
        return BEGINS + timedelta(microseconds=(self._base.monotonic_ns() - self._began) // 1000) + self._ahead

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary start; setting the clock does not move them."""
        return self._base.monotonic_ns()

    def set_forward(self, to: datetime) -> None:
        """Set the clock to a later instant."""
        self._ahead += max(timedelta(), to - self.now())


class Sandbox:
    """A running sandbox: what answers, and the link that lets a person see the desk's pages."""

    def __init__(self, app: ASGIApp, *, clock: SandboxClock, link: str) -> None:
        self.app: Final = app
        self.clock: Final = clock
        self.link: Final = link


@contextmanager
def hotel(
    folder: Path,
    *,
    base_url: str,
    base: Clock,
    random_bytes: Callable[[int], bytes],
    reach: Reach = Reach(),  # noqa: B008 - frozen value
) -> Iterator[Sandbox]:
    """Make a sandbox in an empty folder; it ends with the block. ``reach``: where its webhooks may go."""
    clock = SandboxClock(base)
    vault = Vault(FileKeyProvider(folder / "vault", random_bytes=random_bytes), random_bytes=random_bytes)
    url = f"sqlite:///{folder}/registry.db"
    upgrade(url)
    registry = connect(url, vault=vault)
    try:
        app = create_app(
            registry=registry,
            rules=load_rule_book(),
            signer=throwaway_keys().receipt,
            paper_key=make_paper_key(folder / "server-paper.pem", name="Luutru sandbox", now=clock.now()),
            clock=clock,
            random_bytes=random_bytes,
            settings=ServerSettings(base_url=base_url, relying_party="localhost"),
            webhook_reach=reach,
        )
        server: Server = app.state.server
        account = _fill(server)

        def new_link() -> str:
            token = random_bytes(24).hex()
            with registry.writing() as connection:
                accounts.add_link(connection, account, token, now=clock.now(), lifetime=LINK_LIFETIME)
            return f"{base_url}/sign-in/link/{token}"

        telling = build_telling(reach, registry=registry, clock=clock, stopping=threading.Event(), stamped_by=base)
        with telling.running():
            yield Sandbox(Control(app, clock=clock, new_link=new_link), clock=clock, link=new_link())
    finally:
        registry.close()


def _fill(server: Server) -> KnownAccount:
    keys, registry, now = throwaway_keys(), server.registry, server.clock.now()
    account = KnownAccount(
        account_id="sandbox-clerk", commune_code=DEMO_COMMUNE, sign_in_name=CLERK, role="clerk", areas=(HOUSE, "rnt-ngo-sau"), created_at=now
    )  # fmt: skip
    program = ApiClient(
        client_id=CLIENT[0], commune_code=DEMO_COMMUNE, account_id=account.account_id, label="Sandbox", grants=GRANTS, created_at=now
    )  # fmt: skip
    with registry.writing() as connection:
        seed_demo(connection, vault=registry.vault, now=now)
        for entry in keys.keyring.entries:
            if entry.use == "receipt":
                kiosks.add_key(connection, entry, commune_code=DEMO_COMMUNE)
        add_account(connection, account)
        add_client(connection, program, CLIENT[1])
    declare(server, IN_HOUSE, account=account_of(account), origin="web")
    return account
