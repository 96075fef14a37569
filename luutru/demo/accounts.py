"""The demo's accounts: one per role and a second officer, each with a fresh one-time sign-in link at every start. The resident's is that of the first invented resident.

Example: ``invite(layout, tools, base_url="http://localhost:8300")[0].link``
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from luutru.demo.layout import Layout
from luutru.demo.prepare import Tools, open_registry
from registry import accounts
from registry.persons import search_by_number
from registry.seed import DEMO_COMMUNE, demo_residents
from residence.clock import uuid7

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.vault import Vault

# sign-in name -> (role, premises the role is for)
ACCOUNTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "letan": ("clerk", ("htl-sao-mai",)),
    "canbo": ("officer", ()),
    "canbo2": ("officer", ()),  # what one asks for, the other sees (docs/police.md, a second person)
    "thanhtra": ("inspector", ()),
    "cudan": ("resident", ()),
    "vanhanh": ("operator", ()),
}
LINK_LIFETIME: Final = timedelta(days=3)  # longer than a night that the demo's clock may skip
SIGN_IN_PATH: Final = "/sign-in/link"


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoAccount:
    """One account and its link of today."""

    name: str
    role: str
    link: str


def invite(layout: Layout, tools: Tools, *, base_url: str) -> list[DemoAccount]:
    """Make the accounts that are missing, and a new link for each."""
    registry = open_registry(layout, tools)
    now = tools.clock.now()
    invited = []
    with registry.writing() as connection:
        for name, (role, areas) in ACCOUNTS.items():
            account = accounts.find_account(connection, name)
            if account is None:
                account = accounts.KnownAccount(
                    account_id=str(uuid7(now, tools.random_bytes(10))),
                    commune_code=DEMO_COMMUNE,
                    sign_in_name=name,
                    role=role,
                    areas=areas,
                    person_id=_first_resident(connection, registry.vault) if role == "resident" else None,
                    created_at=now,
                )
                accounts.add_account(connection, account)
            token = base64.urlsafe_b64encode(tools.random_bytes(32)).rstrip(b"=").decode()
            accounts.add_link(connection, account, token, now=now, lifetime=LINK_LIFETIME)
            invited.append(DemoAccount(name=name, role=role, link=f"{base_url}{SIGN_IN_PATH}/{token}"))
    registry.close()
    return invited


def _first_resident(connection: Connection, vault: Vault) -> str | None:
    number = demo_residents()[0].person.personal_number or ""
    return next(iter(search_by_number(connection, "personal", number, vault=vault)), None)
