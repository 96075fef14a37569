"""The parts of the small campaign: the real registry on SQLite, recorded into by the real ``registry/recording.py``.

- Real beside what ``kiosk.py`` and ``gateway.py`` name: ``Registry``, ``Vault``, ``record`` and everything below it, ``TrustStore``,
  the key table with its rotations and revocations, ``KioskStates``, ``LetterRetry``.
- Each run has a copy of one enrolled town; every start of a gateway opens it anew. A gateway's death before its commit rolls back.
- A statement whose confirmed clock cannot be right is held; an operator has it tried again every five seconds. It must come to its effect.
- After the run: rows and history agree, nothing was set aside, ``check_registry`` finds the registry whole, and a second town that
  is told the same statements in the order they were made ends the same.
- Not here: presences that a stay explains, which by design leave no row and get a receipt signed anew (``docs/registry.md``).

Example: ``run_seed(7, parts=REGISTRY_PARTS, folder=folder, empty_store=store)``
"""

from __future__ import annotations

import hashlib
import shutil
from datetime import timedelta
from functools import cache
from pathlib import Path

import msgspec
from sqlalchemy import delete, select

from faults.keys import OVERLAP, SINCE, first_entries, kiosk_keys, signing_key
from faults.virtual_time import BEGIN
from faults.world import SITES, Parts
from gateway.trust import TrustStore
from luutru.benchmarks.fleet import COMMUNE, invented_block
from registry import kiosks, tables
from registry.checking import check_registry
from registry.database import connect, upgrade
from registry.key_changes import put_beside, revoke
from registry.key_provider import FileKeyProvider
from registry.letter_changes import Chosen, retry
from registry.premises import add_premises
from registry.recording import record
from registry.vault import Vault
from residence.stays.rules import load_rule_book
from residence.wire.times import CLOCK_IMPOSSIBLE


def some_bytes(count):
    """Return bytes for keys and ids of the town itself; nothing secret is made here."""
    some_bytes.drawn += 1
    return hashlib.shake_256(b"town %d" % some_bytes.drawn).digest(count)


some_bytes.drawn = 0


@cache
def _town(folder: Path) -> Path:
    """Make the enrolled town once."""
    place = folder / "town"
    place.mkdir()
    upgrade(_url(place))
    registry = _open(place, place)
    with registry.writing() as connection:
        for site in sorted(set(SITES.values())):
            add_premises(connection, invented_block(site), vault=registry.vault, now=SINCE)
        for entry in first_entries():
            kiosks.add_key(connection, entry, commune_code=COMMUNE)
        for kiosk_id, site in SITES.items():
            enrolment = kiosks.Enrolment(kiosk_id=kiosk_id, premises_id=site, commune_code=COMMUNE, profile="lobby")
            kiosks.enrol_kiosk(connection, enrolment, keys=[kiosk_keys(kiosk_id).entry], now=SINCE)
    registry.close()
    return place


def _url(place):
    return f"sqlite:///{place / 'registry.db'}"


def _open(place, town):
    return connect(_url(place), vault=Vault(FileKeyProvider(town / "vault", random_bytes=some_bytes), random_bytes=some_bytes))


def _copy_of_town(world, name):
    town = _town(world.folder.parent)
    place = world.folder / name
    place.mkdir()
    shutil.copyfile(town / "registry.db", place / "registry.db")
    return place


def _prepare(world):
    world.registry_place = _copy_of_town(world, "registry")
    world.authority.listeners.append(lambda *change: _change_keys(world, *change))


def _open_registry(world):
    return _open(world.registry_place, _town(world.folder.parent))


def _change_keys(world, what, added, names, at):
    registry = _open_registry(world)
    with registry.writing() as connection:
        if what == "rotated":
            put_beside(connection, added, old_ids=names, end=at + OVERLAP)
        else:
            revoke(connection, names[0], now=at)
    registry.close()


def _look(world):
    registry = _open_registry(world)
    with registry.writing() as connection:
        retry(connection, Chosen(code=CLOCK_IMPOSSIBLE), now=BEGIN + timedelta(seconds=world.loop.now), random_bytes=some_bytes)
    registry.close()


def _forget(connection, declaration_ids):
    for table in (tables.receipts, tables.declarations, tables.stays):  # each of which alone would not let it in twice
        connection.execute(delete(table).where(table.c.declaration_id.in_(declaration_ids)))


def _afterwards(world):
    registry = _open_registry(world)
    effects = sorted(each[0] for each in world.history.effects)
    try:
        with registry.reading() as connection:
            rows = sorted(connection.scalars(select(tables.declarations.c.declaration_id)))
            receipts = sorted(connection.scalars(select(tables.receipts.c.declaration_id)))
            open_letters = select(tables.quarantine.c.quarantine_id).where(tables.quarantine.c.state != "settled")
            aside = len(connection.execute(open_letters).all())
        problems = [f"the registry is not whole: {each}" for each in check_registry(registry).problems]
        if rows != effects or receipts != effects:
            problems.append(f"{len(effects)} effects, {len(rows)} declarations, {len(receipts)} receipts")
        if aside:
            problems.append(f"{aside} dead letters")
        if not problems and _ending(registry) != _told_in_order(world, first_heard=_first_heard(registry)):
            problems.append("the order of arrival mattered")
    finally:
        registry.close()
    return problems


def _first_heard(registry):
    """Return when each statement was first received by a gateway that lived to commit it: what it counts from at the latest (ADR 159)."""
    columns = tables.declarations.c
    with registry.reading() as connection:
        return {
            row.declaration_id: row.received_at for row in connection.execute(select(columns.declaration_id, columns.received_at))
        }


def _told_in_order(world, *, first_heard):
    town = _open(_copy_of_town(world, "in-order"), _town(world.folder.parent))
    with town.writing() as connection:
        record(
            connection,
            [
                msgspec.structs.replace(statement, received_at=first_heard[own_id])
                for own_id, statement in sorted(world.history.statements.items())
            ],
            vault=town.vault,
            rules=load_rule_book(),
            signer=signing_key("receipt-0"),
            now=BEGIN + timedelta(minutes=10),
            random_bytes=some_bytes,
        )
    ending = _ending(town)
    town.close()
    return ending


def _ending(registry):
    """Return what a registry holds, without ids of its own making: stays, whose they are together, standing findings."""
    with registry.reading() as connection:
        stays = connection.execute(select(tables.stays).where(tables.stays.c.status != "removed")).all()
        findings = connection.execute(select(tables.findings).where(tables.findings.c.cleared_at.is_(None))).all()
    owners = {}
    for row in stays:
        owners.setdefault(row.person_id, set()).update(row.declaration_ids)
    return (
        sorted((row.stay_id, row.premises_id, row.unit, row.start_at, row.ended_at or BEGIN, row.status) for row in stays),
        sorted(tuple(sorted(each)) for each in owners.values()),
        sorted(row.finding_id for row in findings if row.code != "person.unknown"),
    )


REGISTRY_PARTS = Parts(
    prepare=_prepare,
    open_registry=_open_registry,
    record=lambda intake, connection, reads, now: intake.record_really(connection, reads, now),
    trust=lambda _world, registry: TrustStore(registry),
    forget=_forget,
    afterwards=_afterwards,
    states_every=timedelta(seconds=1),
    letters_every=timedelta(seconds=1),
    look=_look,
)
