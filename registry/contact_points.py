"""Addresses for messages: given by a person for themselves or by a house for itself, confirmed by whoever reads the mail there.

- One address stands per person or premises. A new one replaces the old when it is confirmed, not before: nobody falls silent by a slip of the hand.
- Whoever is asked to confirm is asked once and not again within ``PAUSE``: nobody can be made to send mail to strangers.
- Taken back, the row is gone. A merged person's address goes on standing for whoever they were taken for.

Example: ``give_address(connection, AddressGiven(subject_kind="person", ...), ...)``, later ``confirm_address(connection, contact_id, now=now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from registry.messages import put_aside, wake
from registry.tables_messages import contact_points, messages
from registry.tables_people import persons
from registry.vault import Cell, Vault
from residence.cases.messages import Language, check_address
from residence.clock import uuid7
from residence.errors import Conflict, Refused

PAUSE: Final = timedelta(minutes=10)
SubjectKind = Literal["premises", "person"]
_POINTS: Final = contact_points.c


class AddressGiven(msgspec.Struct, frozen=True, kw_only=True):
    """An address as somebody gave it for themselves or their house."""

    subject_kind: SubjectKind
    subject_id: str
    commune_code: str
    address: str
    language: Language
    account_id: str


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """An address as it is used."""

    contact_id: str
    address: str
    language: Language
    confirmed: bool

    @property
    def shown(self) -> str:
        """Return the address so that its owner knows it and nobody else learns it.

        >>> Contact(contact_id="c", address="letan@example.org", language="vi", confirmed=True).shown
        'l…@example.org'
        """
        name, _, host = self.address.partition("@")
        return f"{name[:1]}…@{host}"


def give_address(
    connection: Connection, given: AddressGiven, *, vault: Vault, now: datetime, random_bytes: Callable[[int], bytes]
) -> str:
    """Keep an address and put the message aside that asks for confirmation; ``Malformed``, ``Conflict("contact.too_soon")`` or ``Refused``."""
    address = check_address(given.address)
    standing = connection.execute(select(contact_points).where(_POINTS.subject_id == given.subject_id)).all()
    if any(each.confirmed_at is None and now < each.created_at + PAUSE for each in standing):
        raise Conflict("contact.too_soon", "/address")
    key = vault.load_keys(connection, [given.subject_id]).get(given.subject_id)
    if key is None:
        raise Refused("contact.nobodys", "/address")
    _remove(connection, [each.contact_id for each in standing if each.confirmed_at is None])
    contact_id = str(uuid7(now, random_bytes(10)))
    row = {
        "commune_code": given.commune_code,
        "contact_id": contact_id,
        "subject_kind": given.subject_kind,
        "subject_id": given.subject_id,
        "address_sealed": vault.seal(key, Cell("contact_points", "address", contact_id), address),
        "language": given.language,
        "account_id": given.account_id,
        "created_at": now,
        "confirmed_at": None,
    }
    connection.execute(insert(contact_points), [row])
    to = [("contact", contact_id)]
    put_aside(connection, "confirm", contact_id, commune_code=given.commune_code, to=to, now=now, random_bytes=random_bytes)
    return contact_id


def confirm_address(connection: Connection, contact_id: str, *, now: datetime) -> bool:
    """Let an address stand in place of any other of its subject, and send what waited for one; False when it is gone."""
    row = _row(connection, contact_id)
    if row is None:
        return False
    if row.confirmed_at is None:
        others = select(_POINTS.contact_id).where(_POINTS.subject_id == row.subject_id, _POINTS.contact_id != contact_id)
        _remove(connection, list(connection.scalars(others)))
        connection.execute(update(contact_points).where(_POINTS.contact_id == contact_id).values(confirmed_at=now))
        wake(connection, row.subject_id, now=now)
    return True


def take_back_address(connection: Connection, subject_id: str) -> None:
    """Delete every address of a person or premises."""
    _remove(connection, list(connection.scalars(select(_POINTS.contact_id).where(_POINTS.subject_id == subject_id))))


def addresses_of(connection: Connection, subject_id: str, *, vault: Vault) -> list[Contact]:
    """Return what a person or premises gave, the confirmed one first."""
    return _opened(connection, [subject_id], vault)


def address_for(connection: Connection, recipient: str, subject_id: str, *, vault: Vault) -> Contact | None:
    """Return where to send a message: a subject's confirmed address, or the very one that is to be confirmed."""
    if recipient == "contact":
        row = _row(connection, subject_id)
        found = _opened(connection, [row.subject_id], vault) if row is not None else []
        return next((each for each in found if each.contact_id == subject_id), None)
    ids = [subject_id]
    if recipient == "person":
        ids += connection.scalars(select(persons.c.person_id).where(persons.c.merged_into == subject_id))
    return next((each for each in _opened(connection, ids, vault) if each.confirmed), None)


def _opened(connection: Connection, subject_ids: list[str], vault: Vault) -> list[Contact]:
    rows = connection.execute(
        select(contact_points).where(_POINTS.subject_id.in_(subject_ids)).order_by(_POINTS.contact_id)
    ).all()
    keys = vault.load_keys(connection, {each.subject_id for each in rows})
    found = [
        Contact(
            contact_id=row.contact_id,
            address=vault.open(
                keys[row.subject_id], Cell("contact_points", "address", row.contact_id), row.address_sealed
            ).decode(),
            language=row.language,
            confirmed=row.confirmed_at is not None,
        )
        for row in rows
        if row.subject_id in keys
    ]
    return sorted(found, key=lambda each: not each.confirmed)


def _row(connection: Connection, contact_id: str) -> Row[Any] | None:
    return connection.execute(select(contact_points).where(_POINTS.contact_id == contact_id).limit(1)).first()


def _remove(connection: Connection, contact_ids: list[str]) -> None:
    if contact_ids:
        connection.execute(delete(contact_points).where(_POINTS.contact_id.in_(contact_ids)))
        connection.execute(delete(messages).where(messages.c.subject_id.in_(contact_ids)))
