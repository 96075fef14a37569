"""A gateway's intake in another process: batches taken and answered; the registry left behind, against what was answered.

- Before each batch it says ``take N``, after it ``taken N`` with a digest of each receipt, or ``refused``; a refused batch is tried
  again, as the worker does, a few times.
- What was taken must be in the registry before anything is sent again: sending again would hide a loss.
- Then the kiosk sends everything again. Every table must hold as many rows as after an undisturbed run, and every receipt that was
  given before must be given again, byte by byte.

Example: ``office = Office(folder); office.live(say); office.judge(verdict, words, label="kill 7")``
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from pathlib import Path

import structlog
from authority import Authority
from sqlalchemy import func, select, text

from gateway.intake import RegistryUnavailable
from gateway.port import Delivery
from luutru.system import random_bytes
from registry import tables
from registry.database import connect
from registry.key_provider import FileKeyProvider
from registry.vault import Vault
from residence.wire.envelope import read_header

ANSWERS = {"taken"}
TRIES = 3
KIOSKS = 50  # in turn: of what nobody signed, only a hundred a day and kiosk are kept


class Office:
    """One authority, its registry prepared once and copied for every trial, and sealed batches to feed it."""

    def __init__(self, folder, *, batches, size, url=None):
        structlog.configure(processors=[_drop])
        self.authority = Authority(folder, url=url, kiosks=KIOSKS)
        self._turn = itertools.cycle(self.authority.fleet.kiosks)
        self._size = size
        self.more(batches)
        self.authority.registry.engine.dispose()
        self._prepared = folder
        self.expected = None

    def more(self, count):
        """Replace the batches by new ones of the same size."""
        self.batches = [self._batch(self._size) for _ in range(count)]

    def _batch(self, size):
        kiosk = next(self._turn)
        fresh = [self.authority.deliver(kiosk) for _ in range(size)]
        # one that comes twice, one that nobody signed
        return [*fresh, fresh[0], Delivery(topic=kiosk.topics.declarations, payload=b"noise" + random_bytes(8))]

    def copy(self, folder):
        """Lay the prepared registry and its keys down in a folder; return the registry's address."""
        for name in ("registry.db", "registry.db-wal"):
            (folder / name).unlink(missing_ok=True)
            if (self._prepared / name).exists():
                shutil.copy(self._prepared / name, folder / name)
        shutil.rmtree(folder / "vault", ignore_errors=True)
        shutil.copytree(self._prepared / "vault", folder / "vault")
        return f"sqlite:///{folder / 'registry.db'}"

    def open(self, url, vault_folder):
        keys = FileKeyProvider(Path(vault_folder), random_bytes=random_bytes)
        return connect(url, vault=Vault(keys, random_bytes=random_bytes))

    def live(self, say, url, vault_folder, *, batches=None, early=False, prepare=None):
        """Take the batches and say so, in the process this is called in."""
        registry = self.open(url, vault_folder)
        if prepare is not None:
            prepare(registry)
        intake = self.authority.make_intake(registry)
        for number, batch in enumerate(self.batches) if batches is None else batches:
            say(f"take {number}")
            if early:
                say(f"taken {number}")
            outcome = self._take(intake, batch, say)
            if outcome is not None and not early:
                say(f"taken {number} {' '.join(digests(outcome))}")
        registry.close()

    def _take(self, intake, batch, say):
        for _ in range(TRIES):
            try:
                return intake.take(batch)
            except RegistryUnavailable as trouble:
                say(f"refused {trouble}")
        return None

    def judge(self, verdict, words, *, url, vault_folder, label, sent_again=None):
        """Look before anything is sent again, send everything again, and count."""
        taken = heard(words)
        registry = self.open(url, vault_folder)
        try:
            if registry.engine.dialect.name == "sqlite":
                with registry.reading() as connection:
                    if connection.scalar(text("PRAGMA integrity_check")) != "ok":
                        verdict.wrong("corrupt", f"{label}: integrity_check")
            present = recorded(registry)
            for number in taken:
                missing = {identity(each) for each in self.batches[number][:-2]} - present
                if missing:
                    verdict.wrong("lost", f"{label}: batch {number}: {len(missing)} of {len(self.batches[number]) - 2}")
            intake = self.authority.make_intake(registry)
            again = [digests(intake.take(batch)) for batch in (sent_again or self.batches)]
            for number, receipts in taken.items():
                if receipts and receipts != again[number]:
                    verdict.wrong("doubled", f"{label}: batch {number} answered differently")
            counts = row_counts(registry)
            if self.expected is not None and counts != self.expected:
                differing = {name for name in counts if counts[name] != self.expected[name]}
                verdict.wrong("doubled", f"{label}: {sorted((name, counts[name], self.expected[name]) for name in differing)}")
            return counts
        finally:
            registry.close()


def heard(words):
    """Which batches were answered, with their receipts' digests."""
    for word in words:
        if word.startswith("failed"):
            raise RuntimeError(word)
    split = [word.split() for word in words]
    return {int(each[1]): each[2:] for each in split if each[0] == "taken"}


def digests(outcome):
    return [hashlib.sha256(data).hexdigest()[:16] for _, data in outcome.receipts]


def identity(delivery):
    return read_header(delivery.payload).declaration_id


def recorded(registry):
    with registry.reading() as connection:
        return set(connection.scalars(select(tables.declarations.c.declaration_id)))


def row_counts(registry):
    with registry.reading() as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table)) for name, table in tables.metadata.tables.items()
        }


def _drop(_logger, _name, _event):
    raise structlog.DropEvent
