"""Who may pass the doors of a premises, made from its accepted stays, signed, and retained for each of its kiosks.

- At every look stays get their passes and lose them; when that changes what a list says, its next version is signed. A list is signed anew
  in any case before half of its time is over, so that a kiosk that hears us never holds an old one.
- Orders (revoked hashes, modes, forgiveness) are signed when they change; they travel at once and hold whatever the list says.
- A look takes ``SITES_A_LOOK`` premises, the next look the next ones: intake waits for no more than that.
- Numbers are taken in the registry: of two gateways one goes on, and the other sees it.
- A kiosk is sent the papers in force when we start, when they change, and when it is enrolled. The broker retains them.
- Without a key of use ``door-list`` doors get no lists; that is logged once, and nothing else suffers.

Example: ``lists.look(transport, now)``
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection

from gateway.port import Transport
from gateway.trust import TrustStore
from registry.database import Registry
from registry.door_cards import card_entries, cards_revoked_since, settle_cards
from registry.door_passes import MOST_ENTRIES, entries_of, revoked_since, settle_passes
from registry.doors import Door, DoorSite, doors_of, keep_site, sites
from residence.clock import rfc3339
from residence.wire.door_list import MOST_REVOKED, DoorCredential, DoorListPart, DoorOrders, sign_orders, sign_part, split_list
from residence.wire.signing import SigningKey
from residence.wire.topics import SHARDS, paper_topic, shard_of

LASTS: Final = timedelta(days=7)
RENEW: Final = timedelta(days=3)
APART: Final = timedelta(minutes=10)  # two gateways' clocks, both right
SITES_A_LOOK: Final = 25
log = structlog.get_logger("luutru.gateway")


class Papers(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force for one premises, signed: name of the paper -> bytes."""

    site: DoorSite
    signed: dict[str, bytes]


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say about one premises."""

    doors: list[Door]
    entries: list[DoorCredential]
    revoked: list[bytes]


class DoorLists:
    """The lists and orders of the premises of our shards. Used from the worker's thread only."""

    def __init__(
        self,
        registry: Registry,
        trust: TrustStore,
        *,
        signer: SigningKey | None,
        random_bytes: Callable[[int], bytes],
        shards: Collection[int] = range(SHARDS),
    ) -> None:
        self._registry = registry
        self._trust = trust
        self._signer = signer
        self._random_bytes = random_bytes
        self._shards = frozenset(shards)
        self._papers: dict[str, Papers] = {}
        self._told: dict[str, tuple[str, int, int]] = {}  # kiosk id -> premises, list version and orders serial it was sent
        self._last = ""  # the premises looked at last
        if signer is None:
            log.warning("doors get no lists: no door-list.key")

    def look(self, transport: Transport, now: datetime) -> int:
        """Bring passes, lists and orders up to date and send what a kiosk has not been sent; return to how many kiosks."""
        if self._signer is None:
            return 0
        with self._registry.reading() as connection:
            known = [each for each in sites(connection) if shard_of(each.premises_id) in self._shards]
        for site in self._next(known):
            self._renew(site, self._signer, now)
        return self._send(transport, now)

    def _next(self, known: Sequence[DoorSite]) -> list[DoorSite]:
        """Return the premises whose turn it is: those after the last one, then from the beginning."""
        in_turn = sorted(known, key=lambda each: (each.premises_id <= self._last, each.premises_id))[:SITES_A_LOOK]
        self._last = in_turn[-1].premises_id if in_turn else ""
        return in_turn

    def _renew(self, site: DoorSite, signer: SigningKey, now: datetime) -> None:
        held = self._papers.get(site.premises_id)
        papers = renewed(self._registry, site, signer=signer, random_bytes=self._random_bytes, now=now, held=held)
        if papers is not None:
            self._papers[site.premises_id] = papers

    def _send(self, transport: Transport, now: datetime) -> int:
        sent = 0
        for kiosk in self._trust.current(now).enrolments.values():
            papers = self._papers.get(kiosk.premises_id)
            if papers is None:
                continue
            numbers = (kiosk.premises_id, papers.site.list_version, papers.site.orders_serial)
            if self._told.get(kiosk.kiosk_id) == numbers:
                continue
            topics = {name: paper_topic(kiosk.premises_id, kiosk.kiosk_id, name) for name in papers.signed}
            if all(transport.publish(topics[name], data, retain=True) for name, data in papers.signed.items()):
                self._told[kiosk.kiosk_id] = numbers
                sent += 1
        if sent:
            transport.flush()
            log.info("door lists sent", kiosks=sent)
        return sent


def renewed(
    registry: Registry,
    site: DoorSite,
    *,
    signer: SigningKey,
    random_bytes: Callable[[int], bytes],
    now: datetime,
    held: Papers | None = None,
) -> Papers | None:
    """Return what is in force for one premises after this look, signed; ``held`` itself when nothing is new. None: another was faster."""
    with registry.writing() as connection:
        doors = doors_of(connection, [site.premises_id])
        settle_passes(connection, site.premises_id, vault=registry.vault, now=now, random_bytes=random_bytes)
        settle_cards(connection, site.premises_id, now=now)
        said = _said(connection, site.premises_id, doors, now=now)
        due = _due(site, said, now)
        if due != site and not keep_site(connection, due, before=site):
            return None  # what another gateway decided is read at the next look
    return held if held is not None and held.site == due else Papers(site=due, signed=_signed(due, said, signer))


def _said(connection: Connection, premises_id: str, doors: list[Door], *, now: datetime) -> _Said:
    """Read what is to be said: passes and the cards beside them, by their hashes, so that the order says nothing."""
    bits = sum(1 << each.place for each in doors)
    entries = entries_of(connection, premises_id, doors=bits) + card_entries(connection, premises_id, doors=bits)
    since = now - LASTS
    revoked = revoked_since(connection, premises_id, since=since) + cards_revoked_since(connection, premises_id, since=since)
    return _Said(
        doors=doors,
        entries=sorted(entries, key=lambda each: each.token_hash)[:MOST_ENTRIES],
        revoked=sorted(revoked)[:MOST_REVOKED],
    )


def _due(site: DoorSite, said: _Said, now: datetime) -> DoorSite:
    """Return the numbers after this look: one higher where something else is to be said, or where a clock that was ahead has signed."""
    list_digest = _digest((_names(said.doors), said.entries))
    if list_digest != site.list_digest or not now - RENEW < site.list_issued_at <= now + APART:
        site = msgspec.structs.replace(site, list_version=site.list_version + 1, list_digest=list_digest, list_issued_at=now)
    orders_digest = _digest(({each.door: each.mode for each in said.doors}, said.revoked, site.forgiven))
    if orders_digest != site.orders_digest or site.orders_issued_at > now + APART:
        site = msgspec.structs.replace(
            site, orders_serial=site.orders_serial + 1, orders_digest=orders_digest, orders_issued_at=now
        )
    return site


def _signed(site: DoorSite, said: _Said, signer: SigningKey) -> dict[str, bytes]:
    cut = split_list(said.entries)
    signed = {
        str(place): sign_part(
            DoorListPart(
                site=site.premises_id,
                version=site.list_version,
                part=place,
                parts=len(cut),
                issued=rfc3339(site.list_issued_at),
                expires=rfc3339(site.list_issued_at + LASTS),
                doors=_names(said.doors),
                entries=each,
            ),
            signer,
        )
        for place, each in enumerate(cut)
    }
    orders = DoorOrders(
        site=site.premises_id,
        serial=site.orders_serial,
        issued=rfc3339(site.orders_issued_at),
        revoked=tuple(said.revoked),
        modes={each.door: each.mode for each in said.doors},
        forgiven=site.forgiven,
    )
    return signed | {"now": sign_orders(orders, signer)}


def _names(doors: Sequence[Door]) -> tuple[str, ...]:
    """Return the doors by their places, which have no gaps: a door is never taken away."""
    return tuple(each.door for each in doors)


def _digest(said: object) -> bytes:
    return sha256(msgspec.json.encode(said)).digest()
