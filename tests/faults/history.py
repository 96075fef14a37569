"""What happened in one run, and whether it may: the checker, which knows no code of the product but the receipts' signatures.

- Attempted is noted before the commit, declared is whatever a store was found to hold, shown is what a screen promised. What was
  declared or shown must have its effect, whether a store still has it or not.
- Lost, doubled, unexpected, early, unfaithful: one sentence each, with the declaration's id. Doubled is never excused.
- A store that was wiped takes its waiting rows with it; those, and only those, may be missing, and they are counted.
- Two different receipts for one declaration are a fault, even after a key rotation. Once the key that signed is revoked the same
  words must come again under another key: equal but for ``signed_at``.
- Counts say how often each kind of fault really struck; a run whose faults did not happen is no evidence.

Example: ``history.problems(declared=ids, settle_limit=240.0) == []``
"""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from residence.errors import LuutruError
from residence.wire.keyring import Keyring
from residence.wire.receipts import read_unverified, signed_with, verify_receipt

HELD = " while it is held"  # what was answered then has its own one receipt; another comes when it is recorded


class History:
    """The recorder of one run; it is never killed."""

    def __init__(self, tell=lambda *_words: None):
        self._tell = tell  # everything noted is told here too, for whoever replays a seed
        self.counts = Counter()  # fault kind -> how often it struck
        self.attempted = set()
        self.declared = set()
        self.shown = set()
        self.effects = []  # (declaration id, kiosk, epoch, sequence), in the order of their commits
        self.committed = set()  # declaration ids with an effect
        self.held = set()  # declaration ids that wait for somebody to look, answered "received"
        self.handed = set()  # declaration ids of receipts that a broker has taken
        self.answered = set()  # declaration ids set aside for good, with an answer
        self.receipts = defaultdict(dict)  # declaration id -> receipt bytes published -> None, in order
        self.taken = defaultdict(list)  # declaration id -> receipts a kiosk settled by
        self.statements = {}  # declaration id -> the statement a gateway recorded
        self.wiped = set()
        self.settle_seconds = None
        self.wrong = []  # found at the moment it happened
        self.reported_gaps = self.true_gaps = 0

    def said(self, declaration_id):
        """Note what a person declares, before the kiosk commits it."""
        self._tell("attempted", declaration_id)
        self.attempted.add(declaration_id)

    def promised(self, declaration_id):
        """Note what a screen said is kept."""
        self._tell("shown", declaration_id)
        self.shown.add(declaration_id)

    def settled(self, declaration_id, data):
        """Note that a kiosk let a row go."""
        self._tell("settled", declaration_id)
        self.taken[declaration_id].append(data)

    def struck(self, kind):
        """Count one fault that really happened."""
        self._tell(kind)
        self.counts[kind] += 1

    def effect(self, declaration_id, kiosk_id, epoch, sequence):
        """Note what a transaction changed, after its commit."""
        self._tell("effect", declaration_id, kiosk_id, epoch[:4], sequence)
        self.effects.append((declaration_id, kiosk_id, epoch, sequence))
        self.committed.add(declaration_id)

    def hold(self, declaration_id):
        """Note what a transaction has set aside until somebody looks, after its commit."""
        self._tell("held", declaration_id)
        if declaration_id not in self.held:
            self.struck("held for its clock")
        self.held.add(declaration_id)

    @property
    def waiting(self):
        """Declarations that still wait for somebody to look."""
        return self.held - self.committed

    def acknowledged(self, declaration_id):
        """A delivery may be acknowledged only once the registry has it, and a broker its receipt."""
        self._tell("acknowledged", declaration_id)
        if declaration_id not in self.committed | self.answered | self.held:
            self.wrong.append(f"acknowledged before the commit: {declaration_id}")
        elif declaration_id not in self.handed:
            self.wrong.append(f"acknowledged before the broker had its receipt: {declaration_id}")

    def published(self, data, *, newest):
        """A receipt may leave only once the registry has what it is about. ``newest``: the key its gateway signs with."""
        receipt = read_unverified(data)
        self._tell("receipt", receipt.declaration_id, signed_with(data))
        held = receipt.state == "received"
        if receipt.declaration_id not in (self.held if held else self.committed | self.answered):
            self.wrong.append(f"receipt before the commit: {receipt.declaration_id}")
        if receipt.signed_at is not None:
            self.struck("receipt signed again")
        elif signed_with(data) != newest:
            self.struck("receipt of an earlier key given again")
        self.receipts[receipt.declaration_id + HELD * held].setdefault(data)

    def problems(self, *, keyring, settle_limit):
        """Return everything that must not be, as sentences; none is a good run."""
        return [
            *self.wrong,
            *self._lost(),
            *self._doubled(),
            *self._answers(keyring),
            *self._settling(settle_limit),
            *self._gaps(),
        ]

    def _lost(self):
        yield from (f"lost: {each}" for each in sorted((self.declared | self.shown) - self.committed - self.wiped))
        yield from (f"unexpected: {each}" for each in sorted(self.committed - self.attempted))

    def _doubled(self):
        yield from (f"doubled: {each}" for each, times in Counter(each[0] for each in self.effects).items() if times > 1)
        numbers = Counter(each[1:] for each in self.effects)
        yield from (f"one number, two declarations: {each}" for each, times in numbers.items() if times > 1)

    def _answers(self, keyring):
        ever_trusted = Keyring([msgspec.structs.replace(each, revoked_at=None) for each in keyring.entries], keyring.serial)
        revoked = {each.key_id for each in keyring.entries if each.revoked_at}
        for declaration_id, given in self.receipts.items():
            words = set()
            for data in given:
                try:
                    receipt = verify_receipt(data, keyring=ever_trusted)
                except LuutruError as error:
                    yield f"a receipt that does not verify ({error.code}): {declaration_id}"
                    continue
                words.add(msgspec.json.encode(msgspec.structs.replace(receipt, signed_at=None)))
            originals = [data for data in given if read_unverified(data).signed_at is None]
            if len(words) > 1 or len(originals) > 1:
                yield f"two different receipts: {declaration_id}"
            if len(given) > len(originals) and originals and signed_with(originals[0]) not in revoked:
                yield f"signed again though its key holds: {declaration_id}"
        for declaration_id, taken in self.taken.items():
            if declaration_id not in self.committed:
                yield f"settled without an effect: {declaration_id}"
            sent = self.receipts.get(declaration_id, {}) | self.receipts.get(declaration_id + HELD, {})
            if any(data not in sent for data in taken):
                yield f"settled by a receipt nobody sent: {declaration_id}"

    def _settling(self, limit):
        if self.settle_seconds is None:
            yield f"not settled {limit:.0f} s after the last fault"

    def _gaps(self):
        if self.reported_gaps != self.true_gaps:
            yield f"gaps reported {self.reported_gaps}, gaps there were {self.true_gaps}"
