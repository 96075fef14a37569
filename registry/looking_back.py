"""What the register said of a person then, what it says now, and why: for a purpose, and on the record like every look.

- Role and purpose decide the fields, as for ``registry/release.py``; a value of a field that does not come back is neither opened nor compared.
- Each difference carries what was done to that row since: the statement, import or account, and its reason. A merge concerns the whole
  person, so it stands with every difference it can have made.
- A field that was corrected and corrected back is no difference, but its events are in ``since``.

Example: ``look_back(connection, person_id, at=at, look=look, means=means).differences[0].because[0].cause``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from registry import access_records, tables
from registry.asking import among
from registry.disputing import disputed_fields
from registry.past import FIELDS, Event, Fact, History, Key
from registry.persons import read_birth
from registry.release import Look, document_words, mask
from registry.vault import SubjectKey, Vault
from residence.access.purposes import PERSONAL, Field, released_fields
from residence.clock import rfc3339
from residence.errors import Refused

_BY_COLUMN: Final[Mapping[str, Field]] = {
    "full_name": Field.FULL_NAME,
    "birth": Field.BIRTH_DATE,
    "sex": Field.SEX,
    "nationality": Field.NATIONALITY,
    "residence_text": Field.RESIDENCE_TEXT,
    "document": Field.DOCUMENT,
    "contact": Field.CONTACT,
}
_BY_KIND: Final[Mapping[str, Field]] = {"personal": Field.PERSONAL_NUMBER, "old": Field.OLD_NUMBER, "document": Field.DOCUMENT}


class Because(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing done. ``statement``: kind and declarant's role, where a statement did it."""

    at: str
    what: str
    cause: str
    cause_id: str | None = None
    reason: str | None = None
    statement: str | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What one row or field said then and says now; None where it said nothing."""

    about: str
    row: str
    then: dict[str, Any] | None
    now: dict[str, Any] | None
    because: list[Because]


class LookBack(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. ``stood`` and ``stands`` are the person, or whoever they were merged into then and now."""

    person_id: str
    at: str
    known: bool
    stood: str
    stands: str
    then: list[dict[str, Any]]
    differences: list[Difference]
    since: list[Because]
    disputed: list[str]  # fields of whoever stands now that are under dispute


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What a look works with."""

    vault: Vault
    now: datetime
    random_bytes: Callable[[int], bytes]


def look_back(connection: Connection, person_id: str, *, at: datetime, look: Look, means: Means) -> LookBack:
    """Say what the register said at an instant and why it says otherwise now; ``Refused("registry.person_unknown")``."""
    fields = released_fields(look.role, look.purpose)
    if look.fields is not None:
        fields &= look.fields
    history = History(connection, person_id)
    stood, stands = history.stands(at), history.stands(None)
    if connection.scalar(select(tables.persons.c.person_id).where(tables.persons.c.person_id == person_id)) is None:
        raise Refused("registry.person_unknown", "/person_id")
    access_records.add(
        connection,
        sorted({person_id, stood, stands}),
        look=look,
        fields=fields & PERSONAL,
        now=means.now,
        random_bytes=means.random_bytes,
    )
    opener = _Opener(means.vault, means.vault.load_keys(connection, _subjects(history, at)), fields)
    then, now = (opener.told(history.facts(each)) for each in (at, None))
    events = history.events(at)
    statements = _statements(connection, events)
    return LookBack(
        person_id=person_id,
        at=rfc3339(at),
        known=bool(history.facts(at)),
        stood=stood,
        stands=stands,
        then=[{"about": key[0], "row": key[1], **said} for key, said in sorted(then.items())],
        differences=[
            Difference(
                about=key[0],
                row=key[1],
                then=then.get(key),
                now=now.get(key),
                because=_concerning(key, events, statements),
            )
            for key in _differing(then, now)
        ],
        disputed=sorted(disputed_fields(connection, [stands]).get(stands, frozenset()) & fields),
        since=[_because(each, statements) for each in events if each.what != "corrected" or each.key == (FIELDS, "full_name")],
    )


def _subjects(history: History, at: datetime) -> set[str]:
    facts = (*history.facts(at).values(), *history.facts(None).values())
    return {each.sealed[1] for each in facts if each.sealed}


def _differing(then: Mapping[Key, Any], now: Mapping[Key, Any]) -> list[Key]:
    return sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))


def _concerning(key: Key, events: list[Event], statements: Mapping[str, str]) -> list[Because]:
    return [_because(each, statements) for each in events if each.key == key or each.key is None]


def _because(event: Event, statements: Mapping[str, str]) -> Because:
    return Because(
        at=rfc3339(event.at),
        what=event.what,
        cause=event.cause,
        cause_id=event.cause_id,
        reason=event.reason,
        statement=statements.get(event.cause_id or ""),
    )


def _statements(connection: Connection, events: list[Event]) -> dict[str, str]:
    wanted = sorted({each.cause_id for each in events if each.cause == "declaration" and each.cause_id})
    if not wanted:
        return {}
    columns = tables.declarations.c
    query = select(columns.declaration_id, columns.kind, columns.declarant_role)
    rows = connection.execute(query.where(among(columns.declaration_id, wanted, connection)))
    return {row.declaration_id: f"{row.kind} by {row.declarant_role}" for row in rows}


class _Opener:
    """Opens what the purpose releases, and leaves out the rest."""

    def __init__(self, vault: Vault, keys: Mapping[str, SubjectKey], fields: frozenset[Field]) -> None:
        self._vault, self._keys, self._fields = vault, keys, fields

    def told(self, facts: Mapping[Key, Fact]) -> dict[Key, dict[str, Any]]:
        """Return what may be told of each fact; facts of which nothing may be told are left out."""
        return {key: said for key, fact in facts.items() if (said := self._tell(key, fact)) is not None}

    def _tell(self, key: Key, fact: Fact) -> dict[str, Any] | None:
        if key[0] == FIELDS:
            return self._field(key[1], fact) if _BY_COLUMN[key[1]] in self._fields else None
        if key[0] == tables.identifiers.name:
            return self._number(fact)
        return fact.said if Field.PREMISES in self._fields else None

    def _field(self, name: str, fact: Fact) -> dict[str, Any] | None:
        told = self._value(fact, masked=False)
        if told is None or name not in {"birth", "document"}:
            return told
        birth = read_birth(told["value"]) if name == "birth" else None
        return {"value": birth.value if birth else document_words(told["value"])}

    def _number(self, fact: Fact) -> dict[str, Any] | None:
        field = _BY_KIND[fact.said["kind"]]
        if field in self._fields:
            return self._value(fact, masked=field is Field.DOCUMENT)  # as everywhere a document's number is shown
        if field is Field.PERSONAL_NUMBER and Field.PERSONAL_NUMBER_MASKED in self._fields:
            return self._value(fact, masked=True)
        return None

    def _value(self, fact: Fact, *, masked: bool) -> dict[str, Any] | None:
        if fact.sealed is None or fact.sealed[1] not in self._keys:
            return None
        cell, subject_id, sealed = fact.sealed
        value = self._vault.open(self._keys[subject_id], cell, sealed).decode()
        return fact.said | {"value": mask(value) if masked else value}
