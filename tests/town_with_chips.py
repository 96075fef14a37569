"""A web process beside a gateway that judges chips, on one registry; its kiosk's house has a clerk."""

from __future__ import annotations

import html
import secrets
from datetime import timedelta

import chip_parts as chips
import msgspec
from authority import Authority
from chip_parts import evidence
from factories import EVENING
from server_parts import COMMUNE, World

from gateway.trust import TrustStore
from registry import accounts
from registry.accounts import KnownAccount
from registry.stays import stays_at
from server.app import create_app
from server.settings import ServerSettings

HOUSE = "clerk of the house"


class Town(World):
    """A web process on the registry a gateway writes into; both trust ``store``."""

    def __init__(self, folder, store):
        self.gateway, self.store, self._clients = Authority(folder, kiosks=1), store, []
        self.registry, self.clock = self.gateway.registry, self.gateway.clock
        self.vault, self.settings = self.registry.vault, ServerSettings()
        self.app = create_app(
            registry=self.registry,
            rules=self.gateway.rules,
            signer=self.gateway.fleet.receipt_key,
            clock=self.clock,
            random_bytes=secrets.token_bytes,
            settings=self.settings,
            chip_trust=lambda _now: self.store,
        )
        trust = TrustStore(self.registry, chip_trust=lambda _now: self.store)
        self.gateway.intake = self.gateway.make_intake(trust=trust)
        self._fill()
        with self.registry.writing() as connection:
            house = (self.gateway.kiosk().premises_id,)
            accounts.add_account(
                connection,
                KnownAccount(
                    account_id="acc-house",
                    commune_code=COMMUNE,
                    sign_in_name="nha-co-ki-ot",
                    role="clerk",
                    areas=house,
                    created_at=EVENING,
                ),
            )

    def link(self, role):
        """A link to sign in; besides the world's roles, the clerk of the house with the kiosk."""
        if role != HOUSE:
            return super().link(role)
        token = secrets.token_urlsafe(32)
        with self.registry.writing() as connection:
            account = accounts.find_account(connection, "nha-co-ki-ot")
            accounts.add_link(connection, account, token, now=self.clock.now(), lifetime=timedelta(hours=24))
        return token

    def stays(self):
        """The stays at the house with the kiosk."""
        with self.registry.reading() as connection:
            return stays_at(connection, self.gateway.kiosk().premises_id)

    def declare(self, card, *, tell=lambda said: said, **changes):
        """A declaration from a kiosk that read this card; returns its evidence page's address."""
        kiosk = self.gateway.kiosk()
        message = self.gateway.declaration(kiosk, person=chips.PERSON, **changes)
        said = evidence(card, self.store, kiosk_id=kiosk.kiosk_id, declaration_id=message.declaration_id)
        message = msgspec.structs.replace(message, evidence=tell(said))
        self.gateway.intake.take([self.gateway.deliver(kiosk, message)])
        return f"/police/premises/{kiosk.premises_id}/evidence/{message.declaration_id}"


def shown(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)
