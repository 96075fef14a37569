"""The smallest registry a gateway can record into: for runs by the ten thousand, where the real one would take hours.

- Injected in the place of ``registry/recording.py``; the answers are the product's (``registry.answering``), signed with real keys.
- What it keeps of the real one: a declaration id once, a (kiosk, epoch, sequence) once, the row that says so in the transaction of
  the effect, and the receipt's bytes with it. All else about people and places is left to the campaign on the real registry.
- A transaction is a layer over what is committed; leaving it by an exception leaves nothing behind.

Example: ``with LedgerRegistry(ledger).writing() as connection: connection.record(statements, signer=key, now=now)``
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

from registry.answering import answer
from registry.statements import Means, Recorded
from residence.wire.receipts import read_unverified


class Ledger:
    """What is committed, shared by all gateways."""

    def __init__(self):
        self.receipts = {}  # declaration id -> (digest, receipt bytes)
        self.numbers = {}  # (kiosk, epoch, sequence) -> declaration id
        self.messages = []  # in the order of their commits


class Transaction:
    """One layer over a ledger. Its writer is alone, as SQLite's is."""

    dialect = SimpleNamespace(name="ledger")

    def __init__(self, ledger):
        self._ledger = ledger
        self.receipts = {}
        self.numbers = {}
        self.messages = []

    def execute(self, _query):
        """Answer what the worker's slower duties ask of a database: there is nothing of theirs here."""
        return self

    def all(self):
        return []

    def first(self):
        return None

    def commit(self):
        self._ledger.receipts |= self.receipts
        self._ledger.numbers |= self.numbers
        self._ledger.messages += self.messages

    def forget(self, declaration_id):
        """Take a declaration's row and number away, as if there had been none; for a planted bug."""
        self._ledger.receipts.pop(declaration_id, None)
        for number in [each for each, own_id in self._ledger.numbers.items() if own_id == declaration_id]:
            del self._ledger.numbers[number]

    def given(self, declaration_id):
        return self.receipts.get(declaration_id) or self._ledger.receipts.get(declaration_id)

    def record(self, statements, *, signer, now, random_bytes):
        means = Means(vault=None, rules=None, signer=signer, now=now, random_bytes=random_bytes)
        return [self._take(each, means) for each in statements]

    def _take(self, statement, means):
        source, own_id = statement.source, statement.message.declaration_id
        number = (source.kiosk_id, source.epoch, source.sequence)
        before = self.given(own_id)
        if before is not None and before[0] == statement.body_digest:
            return Recorded(declaration_id=own_id, receipt=read_unverified(before[1]), receipt_bytes=before[1], replayed=True)
        holder = self.numbers.get(number) or self._ledger.numbers.get(number)
        if before is not None or holder not in {None, own_id}:
            receipt, data = answer(statement, means, state="refused")
            return Recorded(declaration_id=own_id, receipt=receipt, receipt_bytes=data, set_aside=own_id)
        receipt, data = answer(statement, means, state="accepted")
        self.receipts[own_id] = (statement.body_digest, data)
        self.numbers[number] = own_id
        self.messages.append(statement.message)
        return Recorded(declaration_id=own_id, receipt=receipt, receipt_bytes=data)


class LedgerRegistry:
    """A gateway's door to the ledger, shaped like ``registry.database.Registry``."""

    vault = SimpleNamespace(load_keys=lambda _connection, _subjects: {})  # nothing is sealed here

    def __init__(self, ledger):
        self._ledger = ledger

    @contextlib.contextmanager
    def reading(self):
        yield Transaction(self._ledger)

    @contextlib.contextmanager
    def writing(self):
        transaction = Transaction(self._ledger)
        yield transaction
        transaction.commit()

    def close(self):
        """Hold nothing open."""
