"""Acting for somebody: as whom they let do it, for what and until when, or as their guardian in the register (``residence/access/acting.py``).

- Given with a code that the giver hands over and that is taken once, by another person with an account of their own: nobody is looked up by a number.
- It ends on its day, ``LONGEST`` at most, or by one tap of either side. What is taken cannot be given on: only stays of the giver's own are meant.
- Each use is written down in the transaction that makes it, and both see it. Seeing again within ``SAME_LOOK`` is one look.

Example: ``grant_of(connection, "person-2", delegation_id, by=Acting(now=now, vault=vault, until_age=14)).scopes`` is ``("see",)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import msgspec
from sqlalchemy import Connection, Row, insert, or_, select, update

from registry import tables
from registry.accounts import hash_of
from registry.persons import opened, read_birth
from registry.vault import Cell, Vault
from residence.access.acting import SCOPES, Scope, acts_as_guardian
from residence.clock import VIETNAM, uuid7
from residence.errors import Refused

LONGEST: Final = timedelta(days=90)
CODE_WAITS: Final = timedelta(hours=24)
SAME_LOOK: Final = timedelta(hours=1)
LONGEST_LABEL: Final = 40
MOST: Final = 50
_D: Final = tables.delegations.c
_U: Final = tables.delegation_uses.c
_R: Final = tables.relations.c
WARD: Final = "ward-"  # begins the id of a guardian's grant


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed beside the registry. ``until_age``: how old a child is when a guardian acts for them no more."""

    vault: Vault
    now: datetime
    random_bytes: Callable[[int], bytes]
    until_age: int


class Giving(msgspec.Struct, frozen=True, kw_only=True):
    """What a person lets somebody do. ``label``: what they call whoever it is; ``days``: for how long."""

    giver_id: str
    commune_code: str
    account_id: str
    scopes: tuple[Scope, ...]
    label: str
    days: int


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """For whom somebody may act just now. ``ends_at`` None: as long as the register says that they are the guardian."""

    grant_id: str
    person_id: str
    commune_code: str
    scopes: tuple[Scope, ...]
    label: str
    ends_at: datetime | None


def give(connection: Connection, giving: Giving, *, code: str, means: Means) -> str:
    """Keep a delegation that waits to be taken; returns its id. ``Refused("delegation.scopes" | "delegation.days" | "delegation.label")``."""
    if not giving.scopes or not set(giving.scopes) <= set(get_args(Scope)):
        raise Refused("delegation.scopes", "/scopes")
    if not 1 <= giving.days <= LONGEST.days:
        raise Refused("delegation.days", "/days")
    own_id = str(uuid7(means.now, means.random_bytes(10)))
    row = {
        "commune_code": giving.commune_code,
        "delegation_id": own_id,
        "giver_id": giving.giver_id,
        "given_by": giving.account_id,
        "scopes": list(giving.scopes),
        "giver_label_sealed": _sealed(connection, giving.giver_id, own_id, ("giver_label", giving.label), vault=means.vault),
        "given_at": means.now,
        "ends_at": means.now + timedelta(days=giving.days),
        "code_hash": hash_of(code),
    }
    connection.execute(insert(tables.delegations), [row])
    return own_id


def take(connection: Connection, code: str, *, taker_id: str, account_id: str, label: str, means: Means) -> None:
    """Take what a code stands for; ``Refused("delegation.code")`` for one that is wrong, taken, ended, too old, or one's own."""
    waiting = (_D.code_hash == hash_of(code), _D.taken_at.is_(None), _D.ended_at.is_(None), _D.given_at > means.now - CODE_WAITS)
    row = connection.execute(select(tables.delegations).where(*waiting).limit(1)).first()
    if row is None or row.giver_id == taker_id:
        raise Refused("delegation.code", "/code")
    sealed = _sealed(connection, taker_id, row.delegation_id, ("taker_label", label), vault=means.vault)
    values = {
        "taker_id": taker_id,
        "taken_by": account_id,
        "taken_at": means.now,
        "taker_label_sealed": sealed,
        "code_hash": None,
    }
    still = (*_this(row), _D.taken_at.is_(None), _D.ended_at.is_(None))  # taken or taken back in another tab meanwhile
    if connection.execute(update(tables.delegations).where(*still).values(**values)).rowcount != 1:
        raise Refused("delegation.code", "/code")


def end(connection: Connection, delegation_id: str, *, person_id: str, now: datetime) -> None:
    """End a delegation, by either side; one that is nobody's of theirs is ``Refused("server.not_allowed")``."""
    row = connection.execute(select(tables.delegations).where(_D.delegation_id == delegation_id).limit(1)).first()
    if row is None or person_id not in {row.giver_id, row.taker_id}:
        raise Refused("server.not_allowed")
    values = {"ended_at": now, "ended_by": person_id, "code_hash": None}
    connection.execute(update(tables.delegations).where(*_this(row), _D.ended_at.is_(None)).values(**values))


def end_given_since(connection: Connection, person_id: str, since: datetime, *, now: datetime) -> None:
    """End what was given in a person's name since an instant: by somebody who was not them."""
    values = {"ended_at": now, "ended_by": person_id, "code_hash": None}
    given = (_D.giver_id == person_id, _D.given_at >= since, _D.ended_at.is_(None))
    connection.execute(update(tables.delegations).where(*given).values(**values))


def given_by(connection: Connection, person_id: str, *, means: Means) -> list[tuple[Row[Any], str]]:
    """Return what a person gave that has not ended, with their word for whoever it is."""
    standing = (_D.giver_id == person_id, _D.ended_at.is_(None), _D.ends_at > means.now)
    rows = connection.execute(select(tables.delegations).where(*standing).order_by(_D.given_at.desc()).limit(MOST)).all()
    key = means.vault.load_keys(connection, [person_id]).get(person_id)
    cell = "giver_label"
    return [(row, _label(row, cell, key, means.vault)) for row in rows]


def grants_of(connection: Connection, person_id: str, *, means: Means) -> list[Grant]:
    """Return for whom a person may act just now."""
    standing = (_D.taker_id == person_id, _D.ended_at.is_(None), _D.ends_at > means.now)
    rows = connection.execute(select(tables.delegations).where(*standing).order_by(_D.ends_at).limit(MOST)).all()
    key = means.vault.load_keys(connection, [person_id]).get(person_id)
    taken = [
        Grant(
            grant_id=row.delegation_id,
            person_id=row.giver_id,
            commune_code=row.commune_code,
            scopes=tuple(row.scopes),
            label=_label(row, "taker_label", key, means.vault),
            ends_at=row.ends_at,
        )
        for row in rows
    ]
    return [*_wards(connection, person_id, means=means), *taken]


def grant_of(connection: Connection, person_id: str, grant_id: str, *, scope: Scope, means: Means) -> Grant:
    """Return one grant that covers this, or raise ``Refused("server.not_allowed")``: not there, not theirs, ended, not for that."""
    found = next((each for each in grants_of(connection, person_id, means=means) if each.grant_id == grant_id), None)
    if found is None or scope not in found.scopes:
        raise Refused("server.not_allowed")
    return found


def note_use(connection: Connection, grant: Grant, *, account_id: str, act: str, stay_id: str | None, means: Means) -> None:
    """Write a use down."""
    if act == "seen":
        again = (_U.person_id == grant.person_id, _U.account_id == account_id, _U.act == act, _U.at > means.now - SAME_LOOK)
        if connection.scalar(select(_U.use_id).where(*again).limit(1)) is not None:
            return
    is_ward = grant.grant_id.startswith(WARD)
    row = {
        "commune_code": grant.commune_code,
        "use_id": str(uuid7(means.now, means.random_bytes(10))),
        "person_id": grant.person_id,
        "account_id": account_id,
        "delegation_id": None if is_ward else grant.grant_id,
        "relation_id": grant.grant_id.removeprefix(WARD) if is_ward else None,
        "act": act,
        "stay_id": stay_id,
        "at": means.now,
    }
    connection.execute(insert(tables.delegation_uses), [row])


def uses_seen_by(connection: Connection, person_id: str, account_id: str) -> list[Row[Any]]:
    """Return the uses of a person's page by others, and this account's of others' pages, the newest first."""
    either = or_(_U.person_id == person_id, _U.account_id == account_id)
    return list(connection.execute(select(tables.delegation_uses).where(either).order_by(_U.at.desc()).limit(MOST)))


def _wards(connection: Connection, person_id: str, *, means: Means) -> list[Grant]:
    today = means.now.astimezone(VIETNAM).date().isoformat()
    rows = connection.execute(select(tables.relations).where(_R.kind == "guardian", _R.person_id == person_id).limit(MOST)).all()
    return [
        Grant(
            grant_id=f"{WARD}{row.relation_id}",
            person_id=row.subject_id,
            commune_code=row.commune_code,
            scopes=SCOPES,
            label="",
            ends_at=None,
        )
        for row in rows
        if (row.valid_from or "") <= today <= (row.valid_to or today) and _is_ward(connection, row, today=today, means=means)
    ]


def _is_ward(connection: Connection, relation: Row[Any], *, today: str, means: Means) -> bool:
    persons = tables.persons.c
    row = connection.execute(select(tables.persons).where(persons.person_id == relation.subject_id).limit(1)).first()
    key = means.vault.load_keys(connection, [relation.subject_id]).get(relation.subject_id)
    if row is None or key is None or row.status != "living":
        return False
    birth = read_birth(opened(row, "birth", key, means.vault))
    return acts_as_guardian(began=relation.valid_from, birth=birth.value if birth else None, on=today, until_age=means.until_age)


def _sealed(connection: Connection, person_id: str, delegation_id: str, said: tuple[str, str], *, vault: Vault) -> bytes | None:
    column, label = said[0], said[1].strip()
    key = vault.load_keys(connection, [person_id]).get(person_id)
    if key is None or not 0 < len(label) <= LONGEST_LABEL or not label.isprintable():
        raise Refused("delegation.label", "/label")
    return vault.seal(key, Cell("delegations", column, delegation_id), label)


def _label(row: Row[Any], column: str, key: Any, vault: Vault) -> str:
    sealed = getattr(row, f"{column}_sealed")
    return (vault.open_text(key, Cell("delegations", column, row.delegation_id), sealed) or "") if key is not None else ""


def _this(row: Row[Any]) -> tuple[Any, Any]:
    return _D.delegation_id == row.delegation_id, _D.commune_code == row.commune_code
