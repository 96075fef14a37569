"""An authority in a folder for tests: a registry with enrolled kiosks, keys, and an intake on a standing clock."""

from __future__ import annotations

import factories
import msgspec
from factories import EVENING, StandingClock
from laid_tables import lay_sqlite
from sqlalchemy import func, select

from gateway.intake import Intake
from gateway.port import Delivery
from luutru.benchmarks.fleet import Fleet
from luutru.system import random_bytes, system_clock
from registry import tables
from registry.database import connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.vault import Vault
from residence.stays.rules import load_rule_book
from residence.wire import cbor
from residence.wire.envelope import EnvelopeOpener, split_envelope
from residence.wire.keyring import Keyring
from residence.wire.messages import Presence
from residence.wire.receipts import verify_receipt
from residence.wire.topics import kiosk_topics

__all__ = ["ENROLLED", "Authority", "join_envelope", "kiosk_topics", "split_envelope", "system_clock"]

ENROLLED = EVENING.replace(month=1)


class Authority:
    """A registry at ``url``, where its tables are ``laid`` or not, with ``kiosks`` kiosks enrolled, and everything an intake needs."""

    def __init__(self, folder, *, url=None, laid=False, kiosks=2, now=EVENING):
        self.folder = folder
        self.url = url or f"sqlite:///{folder / 'registry.db'}"
        if url is None and not (folder / "registry.db").exists():
            lay_sqlite(folder / "registry.db")
        self.clock = StandingClock(now)
        self.keys = folder / "keys"
        self.fleet = Fleet(kiosks=kiosks, now=ENROLLED, random_bytes=random_bytes, keys=self.keys)
        self.rules = load_rule_book()
        if url is not None and not laid:
            upgrade(self.url)
        self.vault_folder = folder / "vault"
        self.registry = self.open_registry()
        with self.registry.writing() as connection:
            self.fleet.enrol(connection, vault=self.registry.vault, now=ENROLLED)
        self.keyring = Keyring(self.fleet.authority)
        self.intake = self.make_intake()
        self._people = 0

    def open_registry(self):
        return connect(
            self.url, vault=Vault(FileKeyProvider(self.vault_folder, random_bytes=random_bytes), random_bytes=random_bytes)
        )

    def make_intake(self, registry=None, **changes):
        parts = {
            "opener": EnvelopeOpener([self.fleet.sealing_key]),
            "rules": self.rules,
            "signer": self.fleet.receipt_key,
            "clock": self.clock,
            "random_bytes": random_bytes,
            **changes,
        }
        return Intake(registry or self.registry, **parts)

    def kiosk(self, number=0):
        return self.fleet.kiosks[number]

    def person(self, **changes):
        """A new invented person each time."""
        self._people += 1
        number = f"001095{self._people:06d}"
        document = msgspec.structs.replace(factories.make_person().document, number=number)
        name = f"Trần Văn {_word(self._people)}"
        return factories.make_person(personal_number=number, document=document, full_name=name, **changes)

    def declaration(self, kiosk, **changes):
        fields = {"premises_id": kiosk.premises_id, "unit": "0101", "person": self.person(), **changes}
        return factories.make_declaration(**fields)

    def presence(self, kiosk, **changes):
        declaration = self.declaration(kiosk)
        fields = {
            "declaration_id": declaration.declaration_id,
            "seen_at": declaration.declared_at,
            "kind": "entry",
            "premises_id": kiosk.premises_id,
            "person": declaration.person,
            "evidence": declaration.evidence,
            "unit": "0101",
            **changes,
        }
        return Presence(**fields)

    def deliver(self, kiosk, message=None, **changes):
        """A delivery as a kiosk would make it, of a new declaration unless a message is given."""
        message = message or self.declaration(kiosk)
        return Delivery(topic=kiosk.topics.declarations, payload=kiosk.seal(message, now=self.clock.now(), **changes))

    def receipts(self, outcome):
        """The receipts of an outcome, verified."""
        return [verify_receipt(data, keyring=self.keyring) for _, data in outcome.receipts]

    def count(self, table):
        with self.registry.reading() as connection:
            return connection.scalar(select(func.count()).select_from(tables.metadata.tables[table]))

    def close(self):
        self.registry.close()


def join_envelope(signed, sealed):
    """An envelope from parts that may not belong together."""
    return cbor.encode([signed, sealed])


def _word(number):
    letters = "abcdefghij"
    return "".join(letters[int(digit)] for digit in str(number)).capitalize()
