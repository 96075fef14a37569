"""The houses of the front desk's benchmark: one clerk, one open session and a hundred rooms each, in one commune.

Example: ``fill(folder, desks=200)``
"""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from registry.accounts import KnownAccount, add_account
from registry.database import Registry, connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.premises import add_premises
from registry.sessions import BEARER, Beginning, open_session
from registry.vault import Vault
from residence.places.premises import Premises, PremisesKind
from residence.stays.rules import load_rule_book
from residence.wire.signing import SigningKey
from server.app import create_app
from server.settings import ServerSettings
from server.wiring import Server

NOW: Final = datetime(2026, 7, 10, 7, 0, tzinfo=UTC)
COMMUNE: Final = "bench-01"
PREMISES: Final = "bench-{:03}"
ROOMS: Final = tuple(str(100 + number) for number in range(100))


class Standing:
    """Stands at one afternoon and goes on by milliseconds, so that ids of one moment differ."""

    def __init__(self) -> None:
        self._began: Final = time.monotonic_ns()

    def now(self) -> datetime:
        """Return the instant."""
        return NOW + timedelta(microseconds=(time.monotonic_ns() - self._began) // 1000)

    def monotonic_ns(self) -> int:
        """Return the machine's own."""
        return time.monotonic_ns()


def _registry(folder: Path) -> Registry:
    folder.mkdir(parents=True, exist_ok=True)
    vault = Vault(FileKeyProvider(folder / "vault", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    upgrade(f"sqlite:///{folder}/registry.db")
    return connect(f"sqlite:///{folder}/registry.db", vault=vault)


def fill(folder: Path, *, desks: int) -> None:
    """Lay a registry with so many houses, their clerks and their sessions."""
    registry = _registry(folder)
    with registry.writing() as connection:
        for desk in range(desks):
            premises_id = PREMISES.format(desk)
            place = Premises(
                premises_id=premises_id, kind=PremisesKind.HOTEL, commune_code=COMMUNE, name=f"Khách sạn Đo {desk}", units=ROOMS
            )  # fmt: skip
            add_premises(connection, place, vault=registry.vault, now=NOW)
            clerk = KnownAccount(
                account_id=f"clerk-{desk}", commune_code=COMMUNE, sign_in_name=f"letan{desk}", role="clerk", areas=(premises_id,), created_at=NOW
            )  # fmt: skip
            add_account(connection, clerk)
            token = hashlib.sha256(f"desk {desk}".encode()).hexdigest()
            open_session(connection, clerk, token, beginning=Beginning(method=BEARER), now=NOW, lifetime=timedelta(days=1))
    registry.close()


def open_house(folder: Path, *, base_url: str, now: Any) -> tuple[Any, Server]:
    """Return the application on a registry that is laid, and what it is wired with."""
    app = create_app(
        registry=_registry(folder),
        rules=load_rule_book(),
        signer=SigningKey("bench-1", bytes(32)),
        clock=now,
        random_bytes=secrets.token_bytes,
        settings=ServerSettings(base_url=base_url),
    )
    return app, app.state.server


def house(folder: Path) -> tuple[Server, str]:
    """Return one house with a registry of its own."""
    fill(folder, desks=1)
    return open_house(folder, base_url="http://127.0.0.1", now=Standing())[1], PREMISES.format(0)
