"""Rows of an invented register of any size, made as fast as they can be sealed: what ``register_load`` copies into the database.

- Every value is truly sealed under its subject's own key, in the very form ``registry/vault.py`` opens: a test opens them all.
- Nothing is drawn: who lives where, when somebody was seen and which key is whose follow from the number of the person, so any part of
  the register can be made by any process.
- A commune has ``per_commune`` persons, a premises twenty; ids begin with the commune's number, as UUIDv7 begin with their time.

Example: ``rows_of_part(Size(persons=20_000, presences=60_000), range(0, 2_000), vault, now=now)["persons"]``
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

import msgspec

from registry.households import Registration
from registry.persons import Stamp, identifier_row, person_row, token_rows
from registry.presences import KEPT_FOR, identities
from registry.vault import Cell, Vault
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import PartialDate, Person
from residence.places.premises import PremisesKind
from residence.stays.known import numbers_of
from residence.wire.messages import Presence

PER_PREMISES: Final = 20
PER_COMMUNE: Final = 30_000
_FAMILY: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý")
_MIDDLE: Final = ("Văn", "Thị", "Minh", "Thu", "Đức", "Ngọc", "Hữu", "Thanh", "Quang", "Kim", "Xuân")
_GIVEN: Final = (
    "An",
    "Bình",
    "Châu",
    "Dũng",
    "Giang",
    "Hà",
    "Khánh",
    "Lan",
    "Mai",
    "Nam",
    "Oanh",
    "Phúc",
    "Quân",
    "Sơn",
    "Trang",
    "Uyên",
    "Vinh",
)
Rows = dict[str, list[dict[str, Any]]]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How large a register."""

    persons: int
    presences: int
    per_commune: int = PER_COMMUNE

    def commune_of(self, person: int) -> str:
        """Return the commune of a person by number."""
        return f"c{person // self.per_commune:05d}"

    def premises_of(self, person: int) -> str:
        """Return the premises of a person by number."""
        return f"{self.commune_of(person)}-p{person // PER_PREMISES:07d}"

    def seen(self, person: int) -> range:
        """Return the numbers of a person's presences: as many for each, the first ones one more if it does not divide."""
        return range(person, self.presences, self.persons)


def id_of(kind: str, number: int) -> str:
    """Return an identifier as long as a UUID that follows from a number."""
    return f"0197f000-0000-7{ord(kind):03x}-8000-{number:012x}"


def person_of(number: int) -> Person:
    """Return the invented person of a number."""
    name = (_FAMILY[number % 13], _MIDDLE[number // 13 % 11], _GIVEN[number // 143 % 17])
    birth = f"{1940 + number % 80}-{1 + number // 80 % 12:02d}-{1 + number // 960 % 28:02d}"
    return Person(
        full_name=" ".join(name),
        birth=PartialDate(value=birth, precision="day"),
        sex=("male", "female")[number % 2],
        nationality="VNM",
        personal_number=f"{number + 1:012d}",
    )


def rows_of_part(size: Size, part: range, vault: Vault, *, now: datetime) -> Rows:
    """Make all rows of some persons, their places and their presences."""
    rows: Rows = defaultdict(list)
    batch = vault.for_batch()
    for number in part:
        if number % PER_PREMISES == 0 or number % size.per_commune == 0:
            _add_place(rows, number, size=size, vault=batch, now=now)
        _add_person(rows, number, size=size, vault=batch, now=now)
        for seen in size.seen(number):
            _add_presence(rows, number, seen, size=size, vault=batch, now=now)
    return rows


def _add_place(rows: Rows, number: int, *, size: Size, vault: Vault, now: datetime) -> None:
    commune_code, own_id = size.commune_of(number), size.premises_of(number)
    key, key_row = vault.new_key(own_id, "premises", commune_code=commune_code, now=now)
    rows["subject_keys"].append(key_row)
    rows["premises"].append(
        {
            "commune_code": commune_code,
            "premises_id": own_id,
            "kind": PremisesKind.RENTAL_HOUSE.value,
            "name_sealed": vault.seal(key, Cell("premises", "name", own_id), f"Nhà trọ {number}"),
            "address_text_sealed": vault.seal(key, Cell("premises", "address_text", own_id), f"Số {number} Đường Mẫu"),
            "remote_area": False,
            "created_at": now,
        }
    )


def _add_person(rows: Rows, number: int, *, size: Size, vault: Vault, now: datetime) -> None:
    commune_code, own_id = size.commune_of(number), id_of("p", number)
    person, stamp = person_of(number), Stamp(commune_code, now, None)
    key, key_row = vault.new_key(own_id, "person", commune_code=commune_code, now=now)
    rows["subject_keys"].append(key_row)
    rows["persons"].append(person_row(person, own_id, key=key, stamp=stamp, vault=vault))
    rows["identifiers"] += [
        identifier_row(each, own_id, key=key, identifier_id=id_of("i", number), stamp=stamp, vault=vault)
        for each in numbers_of(person)
    ]
    rows["name_tokens"] += token_rows(person.full_name, own_id, commune_code=commune_code, vault=vault)
    registration = Registration(person_id=own_id, premises_id=size.premises_of(number), kind="permanent", valid_from="2020-01-01")
    rows["residences"].append(
        msgspec.structs.asdict(registration)
        | {"commune_code": commune_code, "residence_id": id_of("r", number), "registration_ref": None, "recorded_at": now}
    )


def _add_presence(rows: Rows, number: int, seen: int, *, size: Size, vault: Vault, now: datetime) -> None:
    """Say that a person was seen at their premises within the days a presence is kept, as if nobody had found their residence."""
    commune_code, own_id = size.commune_of(number), id_of("s", seen)
    stranger = person_of(number)
    premises_id = size.premises_of(number)
    at = now - KEPT_FOR * ((seen * 7919 % 10_007) / 10_007)
    reading = Presence(
        declaration_id=own_id,
        seen_at=at.isoformat(),
        kind="entry",
        premises_id=premises_id,
        person=stranger,
        evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr"),
    )
    key, key_row = vault.new_key(own_id, "presence", commune_code=commune_code, now=now)
    rows["subject_keys"].append(key_row)
    rows["presences"].append(
        {
            "commune_code": commune_code,
            "presence_id": own_id,
            "premises_id": premises_id,
            "unit": None,
            "pseudonym_index": vault.pseudonym(premises_id, identities(stranger)[0]),
            "kind": reading.kind,
            "kiosk_id": None,
            "person_kind": "citizen",
            "reading_sealed": vault.seal(key, Cell("presences", "reading", own_id), msgspec.json.encode(reading)),
            "evidence_level": 1,
            "seen_at": at,
            "expires_at": at + KEPT_FOR,
            "recorded_at": at,
        }
    )
