"""A person erased for good: the rows, the note in the key service, the certificate, the line in the public log; and again after a restore.

- One transaction erases the rows, writes the certificate and its row of the log. Before it commits the key service notes the person: a process that
  dies in between leaves somebody nobody can open, and doing it again finishes with the same certificate.
- A database brought back from a backup is asked at once for everybody the key service knows as erased; they are erased again, and their
  certificate is put back to say why (``erase_again``).
- The code of a certificate comes from the vault and the person's id, so it can be told to the person before; it is kept as a hash.

Example: ``erase_for_good(registry, "person-1", Erasure(by="operator-1", reason="asked for, granted"), signer=signer, now=now, random_bytes=...)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select

from registry import access_records, tables
from registry.asking import among
from registry.changing import is_keepable
from registry.database import Registry
from registry.key_notes import Shredded
from registry.retention import erase_person
from registry.vault import Vault
from residence.clock import parse_instant, rfc3339, uuid7
from residence.errors import Refused
from residence.wire.deletions import DELETED, KEPT, Deletion, digest_of, read_deletion_unverified, sign_deletion
from residence.wire.receipts import receipt_code
from residence.wire.signing import SigningKey

_CERTIFICATES: Final = tables.deletion_certificates
_PERSONS: Final = tables.persons.c


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """Who erases and on which ground; names nobody else."""

    by: str
    reason: str
    legal_basis: str = ""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    certificate_id: str
    code: str
    certificate: bytes
    again: bool = False  # it had been begun before, and this finished it


def erase_for_good(
    registry: Registry,
    person_id: str,
    given: Erasure,
    *,
    signer: SigningKey,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> Erased:
    """Erase a person with everybody merged into them; ``Refused("registry.person_unknown" | "erase.reason" | "erase.done")``."""
    if not given.reason.strip() or not is_keepable(given.reason) or not is_keepable(given.legal_basis):
        raise Refused("erase.reason", "/reason")
    with registry.writing() as connection:
        person = _living(connection, person_id)
        begun = registry.vault.erased_subjects().get(person_id)
        certificate = (
            begun.certificate
            if begun
            else _certificate(registry.vault, person, given, signer=signer, now=now, random_bytes=random_bytes)
        )
        ids = _merged(connection, person_id)
        erase_person(connection, person_id, vault=registry.vault, now=now)
        told = _keep(connection, person, certificate, registry.vault, by=given.by, now=now, random_bytes=random_bytes)
        for each in ids:
            noted = Shredded(subject_id=each, commune_code=person.commune_code, at=now, by=given.by, certificate=certificate)
            registry.vault.note_erased(noted)
    return msgspec.structs.replace(told, again=begun is not None)


def erase_again(registry: Registry, *, now: datetime, random_bytes: Callable[[int], bytes]) -> list[Shredded]:
    """Erase whoever the key service knows as erased and a restored database has back; returns their notes, one for each person."""
    done = []
    for note in came_back(registry):
        with registry.writing() as connection:
            person = _living(connection, note.subject_id)
            erase_person(connection, note.subject_id, vault=registry.vault, now=now)
            if note.certificate and certificate_of(connection, note.subject_id) is None:
                _keep(
                    connection,
                    person,
                    note.certificate,
                    registry.vault,
                    by=note.by,
                    now=now,
                    random_bytes=random_bytes,
                    again_at=now,
                )
        done.append(note)
    return done


def came_back(registry: Registry) -> list[Shredded]:
    """Return the notes of people the key service knows as erased and this database does not; those merged into others last."""
    notes = registry.vault.erased_subjects()
    if not notes:
        return []
    with registry.reading() as connection:
        there = (_PERSONS.status != "erased") & among(_PERSONS.person_id, sorted(notes), connection)
        rows = connection.execute(select(_PERSONS.person_id, _PERSONS.merged_into).where(there)).all()
    found = {row.person_id: row.merged_into for row in rows}
    return [notes[each] for each, into in sorted(found.items()) if into not in found]


def code_of(vault: Vault, person_id: str) -> str:
    """Return the code a person's certificate is found by, the same before and after the deletion: ``XXXX-XXXX-XXXX``."""
    return receipt_code(vault.deletion_code(person_id).hex())


def certificate_by_code(connection: Connection, code: str) -> Row[Any] | None:
    """Return the certificate with this code, written as ``parse_receipt_code`` gives it."""
    return connection.execute(select(_CERTIFICATES).where(_CERTIFICATES.c.code_hash == _hashed(code)).limit(1)).first()


def certificate_of(connection: Connection, person_id: str) -> Row[Any] | None:
    """Return an erased person's certificate."""
    return connection.execute(select(_CERTIFICATES).where(_CERTIFICATES.c.person_id == person_id).limit(1)).first()


def _living(connection: Connection, person_id: str) -> Row[Any]:
    row = connection.execute(select(tables.persons).where(_PERSONS.person_id == person_id).with_for_update()).first()
    if row is None:
        raise Refused("registry.person_unknown", "/person_id")
    if row.status == "erased":
        raise Refused("erase.done", "/person_id")
    return row


def _merged(connection: Connection, person_id: str) -> list[str]:
    return [person_id, *connection.scalars(select(_PERSONS.person_id).where(_PERSONS.merged_into == person_id))]


def _certificate(
    vault: Vault,
    person: Row[Any],
    given: Erasure,
    *,
    signer: SigningKey,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> bytes:
    deletion = Deletion(
        certificate_id=str(uuid7(now, random_bytes(10))),
        deleted_at=rfc3339(now),
        reason=given.reason.strip(),
        legal_basis=given.legal_basis.strip() or None,
        deleted=DELETED,
        kept=KEPT,
        period_keys=tuple(vault.period_keys_of(person.commune_code)),
    )
    return sign_deletion(deletion, signer)


def _keep(
    connection: Connection,
    person: Row[Any],
    certificate: bytes,
    vault: Vault,
    *,
    by: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    again_at: datetime | None = None,
) -> Erased:
    """Write the certificate with its row of the log."""
    said, code = read_deletion_unverified(certificate), code_of(vault, person.person_id)
    access_id = access_records.add_erasure(
        connection,
        person.person_id,
        commune_code=person.commune_code,
        by=by,
        about=digest_of(certificate),
        now=now,
        random_bytes=random_bytes,
    )
    row = {
        "commune_code": person.commune_code,
        "certificate_id": said.certificate_id,
        "person_id": person.person_id,
        "code_hash": _hashed(code),
        "access_id": access_id,
        "deleted_at": parse_instant(said.deleted_at),
        "certificate": certificate,
        "again_at": again_at,
    }
    connection.execute(insert(_CERTIFICATES), [row])
    return Erased(certificate_id=said.certificate_id, code=code, certificate=certificate)


def _hashed(code: str) -> str:
    return sha256(b"luutru deletion code\x00" + code.encode()).hexdigest()
