"""A person's own page opened at a kiosk: whoever has just declared there with their chip scans the kiosk's ticket with a phone.

- Believed is what stands in the registry, not what the ticket says of itself: a statement of this kiosk, received within ``RECENT``, accepted,
  about a person who is on the books, whose chip the gateway judged worth ``least`` and did not doubt. The ticket adds who asks, and when.
- The kiosk's key must be in force now; that the visit's own random bytes made the ticket keeps a stolen key from anybody else's statement.
- A statement opens a page once, a person's page opens ``MOST`` times in ``WITHIN``. The person's sessions and passkeys stay; they are told at
  their confirmed address and on their page, and one button there closes what was opened: sessions end, passkeys, identities and delegations
  since then go, and for ``SHUT_FOR`` no kiosk opens the page.
- Until ``waits`` have passed, nothing older than the opening can be removed from the account.
- Until signature and proof hold every no is ``way-in.invalid``; afterwards it says what would help.

Example: ``opened = use(connection, text, tools=Tools(vault=vault, now=now, random_bytes=random_bytes, least=5))``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from registry import tables
from registry.accounts import KnownAccount, live_account, person_of
from registry.chip_judgements import judgements_of
from registry.declarations import declaration_row
from registry.delegations import end_given_since
from registry.identities import resident_account
from registry.kiosks import kiosk_keys
from registry.locking import locked_row
from registry.messages import put_aside
from registry.sessions import Session, end_others
from registry.stay_codes import slip_seed
from registry.vault import Vault
from residence.clock import uuid7
from residence.errors import Malformed, Refused, Untrusted
from residence.wire.keyring import Keyring
from residence.wire.way_in import Ticket, check_kiosk, check_proof, is_of_now, read_ticket

RECENT: Final = timedelta(minutes=30)
MOST: Final = 3
WITHIN: Final = timedelta(hours=24)
SHUT_FOR: Final = timedelta(days=90)
SHOWN_FOR: Final = timedelta(days=90)
_ROWS: Final = tables.ways_in.c


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What opening needs. ``least``: the evidence level the gateway must have found, 4 or 5."""

    vault: Vault
    now: datetime
    random_bytes: Callable[[int], bytes]
    least: int


def use(connection: Connection, text: str, *, tools: Tools) -> KnownAccount:
    """Return the account of whoever declared, made where there is none, or raise ``Refused("way-in.…")``."""
    ticket, kiosk_id = _believed(connection, text, now=tools.now)
    statement = declaration_row(connection, ticket.declaration_id)
    if statement is None:
        raise Refused("way-in.not_yet")
    _check_statement(connection, statement, ticket, kiosk_id=kiosk_id, tools=tools)
    person = locked_row(connection, tables.persons, statement.person_id)
    if person is None or person.status != "living":
        raise Refused("way-in.evidence")
    _check_how_often(ways_in_of(connection, statement.person_id, now=tools.now), now=tools.now)
    if connection.scalar(select(_ROWS.way_in_id).where(_ROWS.declaration_id == statement.declaration_id).limit(1)) is not None:
        raise Refused("way-in.used")
    account = resident_account(
        connection, person.person_id, commune_code=person.commune_code, now=tools.now, random_bytes=tools.random_bytes
    )
    if account is None:
        raise Refused("way-in.invalid")
    _note(connection, statement, account, kiosk_id=kiosk_id, commune_code=person.commune_code, tools=tools)
    return account


def _believed(connection: Connection, text: str, *, now: datetime) -> tuple[Ticket, str]:
    """Return the ticket a kiosk in force signed just now, and the kiosk."""
    try:
        ticket = read_ticket(text)
        entries, _ = kiosk_keys(connection, ticket.key_id)
        key = check_kiosk(ticket, keyring=Keyring(entries), now=now)
    except (Malformed, Untrusted) as error:
        raise Refused("way-in.invalid", detail=error.code) from error
    if not is_of_now(ticket, now=now):
        raise Refused("way-in.expired")
    return ticket, key.owner


def _check_statement(connection: Connection, statement: Row[Any], ticket: Ticket, *, kiosk_id: str, tools: Tools) -> None:
    seed = slip_seed(connection, statement, vault=tools.vault)
    if seed is None or statement.kiosk_id != kiosk_id:
        raise Refused("way-in.invalid", detail="not a statement of this kiosk")
    try:
        check_proof(ticket, seed)
    except Untrusted as error:
        raise Refused("way-in.invalid", detail=error.code) from error
    if not statement.received_at <= tools.now <= statement.received_at + RECENT:
        raise Refused("way-in.expired")
    if statement.state != "accepted" or statement.person_id is None:
        raise Refused("way-in.evidence")
    judged = judgements_of(connection, statement.declaration_id)
    if not judged or judged[-1].claim.level < tools.least or judged[-1].claim.doubt:
        raise Refused("way-in.evidence")


def _check_how_often(known: Sequence[Row[Any]], *, now: datetime) -> None:
    if any(each.stopped_at is not None and now < each.stopped_at + SHUT_FOR for each in known):
        raise Refused("way-in.stopped")
    if sum(each.used_at > now - WITHIN for each in known) >= MOST:
        raise Refused("way-in.often")


def _note(
    connection: Connection, statement: Row[Any], account: KnownAccount, *, kiosk_id: str, commune_code: str, tools: Tools
) -> None:
    """Write down that it was opened, where the account is, and put the word to the person aside."""
    way_in_id = str(uuid7(tools.now, tools.random_bytes(10)))
    row = {
        "commune_code": account.commune_code,
        "way_in_id": way_in_id,
        "person_id": statement.person_id,
        "declaration_id": statement.declaration_id,
        "kiosk_id": kiosk_id,
        "premises_id": statement.premises_id,
        "account_id": account.account_id,
        "used_at": tools.now,
    }
    connection.execute(insert(tables.ways_in), [row])
    to = [("person", statement.person_id)]
    put_aside(connection, "way-in", way_in_id, commune_code=commune_code, to=to, now=tools.now, random_bytes=tools.random_bytes)


def ways_in_of(connection: Connection, person_id: str, *, now: datetime) -> list[Row[Any]]:
    """Return how a person's page was opened at kiosks lately, the newest first: what their own page shows them."""
    query = select(tables.ways_in).where(_ROWS.person_id == person_id, _ROWS.used_at > now - SHOWN_FOR)
    return list(connection.execute(query.order_by(_ROWS.used_at.desc()).limit(50)))


def require_told(connection: Connection, person_id: str, *, now: datetime, waits: timedelta) -> None:
    """Return if a person's address may be changed, or raise ``Refused("way-in.older_stays")``: the word that a kiosk opened their page goes there."""
    used = [
        each.used_at
        for each in ways_in_of(connection, person_id, now=now)
        if each.stopped_at is None and now < each.used_at + waits
    ]
    points = tables.contact_points.c
    before = (points.subject_id == person_id, points.confirmed_at < max(used, default=now))
    if used and connection.scalar(select(points.contact_id).where(*before).limit(1)) is not None:
        raise Refused("way-in.older_stays")


def require_removable(connection: Connection, account_id: str, made_at: datetime, *, now: datetime, waits: timedelta) -> None:
    """Return if a passkey or identity made at an instant may be removed, or raise ``Refused("way-in.older_stays")``.

    For ``waits`` after a kiosk opened the page nothing older goes: whoever had somebody's card shuts nobody out of their own page.
    """
    person_id = person_of(connection, account_id)
    known = ways_in_of(connection, person_id, now=now) if person_id is not None else []
    if any(each.stopped_at is None and made_at < each.used_at and now < each.used_at + waits for each in known):
        raise Refused("way-in.older_stays")


def way_in(connection: Connection, way_in_id: str) -> Row[Any] | None:
    """Return one."""
    return connection.execute(select(tables.ways_in).where(_ROWS.way_in_id == way_in_id).limit(1)).first()


def closable(rows: Sequence[Row[Any]], *, now: datetime) -> list[Row[Any]]:
    """Return the ones a person may close on their page, of all of theirs, the newest first: the last one, and any of the last half hour.

    Whoever came in by a later one closes nothing of long ago, and so shuts nobody out. Whose ticket somebody else was faster with shows their card again
    and closes that one.
    """
    standing = [each for each in rows if each.stopped_at is None]
    return [each for at, each in enumerate(standing) if at == 0 or now <= each.used_at + RECENT]


def stop(connection: Connection, row: Row[Any], *, keep: Session | None, now: datetime) -> None:
    """Close what a kiosk opened. ``keep``: the session that says so; it stays where it began before the opening or by a later one. Stopped twice it is as stopped once.

    Sessions end; passkeys, identities and delegations made since the opening go.
    """
    mine = (_ROWS.way_in_id == row.way_in_id, _ROWS.commune_code == row.commune_code, _ROWS.stopped_at.is_(None))
    if connection.execute(update(tables.ways_in).where(*mine).values(stopped_at=now)).rowcount != 1:
        return
    account = live_account(connection, row.commune_code, row.account_id)
    if account is None:
        return
    stays = keep is not None and (keep.created_at < row.used_at or (keep.method == "kiosk" and keep.created_at > row.used_at))
    end_others(connection, account, keep.session_id if keep is not None and stays else "", now=now)
    end_given_since(connection, row.person_id, row.used_at, now=now)
    for table in (tables.passkeys, tables.identities):
        same = (table.c.commune_code == account.commune_code, table.c.account_id == account.account_id)
        connection.execute(delete(table).where(*same, table.c.created_at >= row.used_at))
