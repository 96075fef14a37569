"""A small invented commune, the same every time: five premises, eighteen households, sixty residents, and cards to try it with.

- Nobody here exists. Names are drawn from common words, numbers agree with sex and birth year, and every draw comes from a hash of
  a fixed text, never from a generator.
- Residents are written as an authority's register would hand them over: no declaration made them. Households have their heads and dwellings their owners,
  but for three faults that are planted so that cleaning has something to find (``PLANTED``).
- ``demo_card_payloads`` gives cards of residents (a presence of theirs leaves no row) and of strangers (theirs does).

Example: ``seed_demo(connection, vault=registry.vault, now=now)`` returns how many rows of what it wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from registry import rule_sets, tables
from registry.households import Registration, add_household, add_person, add_residences
from registry.premises import add_premises
from registry.relations import Relation, add_relation
from registry.vault import Vault
from residence.people.person import Document, DocumentKind, PartialDate, Person, Sex
from residence.places.premises import Premises, PremisesKind
from residence.stays.known import ResidenceKind
from residence.stays.rules import load_rule_book

DEMO_COMMUNE: Final = "demo-01"
RESIDENTS: Final = 60

PREMISES: Final = (
    Premises(
        premises_id="blk-hoa-binh",
        kind=PremisesKind.APARTMENT_BLOCK,
        commune_code=DEMO_COMMUNE,
        name="Chung cư Hòa Bình (mẫu)",
        address_text="Số 1 Đường Mẫu, Phường Thử Nghiệm",
        units=tuple(f"{floor:02d}{door:02d}" for floor in range(1, 15) for door in range(1, 5)),
    ),
    Premises(
        premises_id="htl-sao-mai",
        kind=PremisesKind.HOTEL,
        commune_code=DEMO_COMMUNE,
        name="Khách sạn Sao Mai (mẫu)",
        address_text="Số 12 Đường Mẫu, Phường Thử Nghiệm",
        units=tuple(f"{floor}{door:02d}" for floor in range(2, 6) for door in range(1, 9)),
    ),
    Premises(
        premises_id="rnt-ngo-sau",
        kind=PremisesKind.RENTAL_HOUSE,
        commune_code=DEMO_COMMUNE,
        name="Nhà trọ Ngõ Sáu (mẫu)",
        address_text="Ngõ 6 Đường Mẫu, Phường Thử Nghiệm",
        units=("P1", "P2", "P3", "P4", "P5", "P6"),
    ),
    Premises(
        premises_id="hsh-hoa-sen",
        kind=PremisesKind.HOUSEHOLD,
        commune_code=DEMO_COMMUNE,
        name="Nhà số 3 Ngõ Hoa Sen (mẫu)",
        address_text="Số 3 Ngõ Hoa Sen, Phường Thử Nghiệm",
    ),
    Premises(
        premises_id="hsh-cay-da",
        kind=PremisesKind.HOUSEHOLD,
        commune_code=DEMO_COMMUNE,
        name="Nhà số 9 Ngõ Cây Đa (mẫu)",
        address_text="Số 9 Ngõ Cây Đa, Phường Thử Nghiệm",
    ),
)

# (premises, unit, how many people, kind); sixty people in all
_HOMES: Final[tuple[tuple[str, str | None, int, ResidenceKind], ...]] = (
    *(("blk-hoa-binh", f"{floor:02d}{door:02d}", size, "permanent") for floor, door, size in (
        (2, 1, 4), (2, 3, 3), (3, 2, 5), (4, 1, 2), (5, 4, 4), (6, 2, 3), (7, 1, 1), (8, 3, 4), (9, 2, 5), (10, 4, 2), (11, 1, 4), (13, 2, 3),
    )),
    ("rnt-ngo-sau", "P1", 2, "temporary"),
    ("rnt-ngo-sau", "P2", 3, "temporary"),
    ("rnt-ngo-sau", "P4", 2, "temporary"),
    ("rnt-ngo-sau", "P5", 1, "temporary"),
    ("hsh-hoa-sen", None, 7, "permanent"),
    ("hsh-cay-da", None, 5, "permanent"),
)  # fmt: skip

GROWN_UP_BEFORE: Final = 2008  # year of birth of the youngest who heads a household here
# rule of cleaning -> the household or premises it is planted in
PLANTED: Final = {
    "household_no_head": "household-10",
    "household_several_heads": "household-05",
    "premises_no_owner": "hsh-hoa-sen",
}
_OWNERS: Final = {"hsh-cay-da": "household-18", "rnt-ngo-sau": "household-03"}  # premises -> whose head owns it

_FAMILIES: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý")
_MIDDLES: Final[dict[Sex, tuple[str, ...]]] = {
    "male": ("Văn", "Đức", "Minh", "Quang", "Hữu", "Công"),
    "female": ("Thị", "Thu", "Ngọc", "Thanh", "Phương", "Thị Mỹ"),
}
_GIVEN: Final[dict[Sex, tuple[str, ...]]] = {
    "male": ("An", "Bình", "Cường", "Dũng", "Hải", "Khoa", "Long", "Nam", "Phúc", "Sơn", "Tuấn", "Vinh"),
    "female": ("Anh", "Chi", "Dung", "Hà", "Hạnh", "Lan", "Mai", "Nga", "Oanh", "Quyên", "Thảo", "Yến"),
}
_PROVINCES: Final = ("001", "031", "036", "038", "040", "048", "056", "066", "079", "092")

# Two residents carry cards that are easy to tell apart on a table; the strangers live nowhere here.
_NAMED_RESIDENTS: Final = (
    "066301000742||H'Loan Niê|30042001|Nữ|Buôn Kniết, Ea Ktur, Cư Kuin, Đắk Lắk|11012023",
    "031158006605|030456789|Vũ Thị Thu Hường|00001958|Nữ|Tổ 4, Đằng Giang, Ngô Quyền, Hải Phòng|28022022",
)
_STRANGERS: Final = (
    "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021",
    "079188004321||Lê Thị Mỹ Duyên|20111988|Nữ|12/3 Hẻm Hoa Mai, Phường 7, Quận 3, Thành phố Hồ Chí Minh|03052022",
    "048203001958||Phạm Quốc Bảo|09062003|Nam|Thôn Đông, Hòa Tiến, Hòa Vang, Đà Nẵng|21092021",
)


class SeededPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One invented resident and where they live."""

    person: Person
    premises_id: str
    unit: str | None
    kind: ResidenceKind
    household: str


def demo_residents() -> tuple[SeededPerson, ...]:
    """Return the sixty residents, home by home."""
    people = [
        *map(_person_of_payload, _NAMED_RESIDENTS),
        *(_draw_person(number) for number in range(RESIDENTS - len(_NAMED_RESIDENTS))),
    ]
    found: list[SeededPerson] = []
    for number, (premises_id, unit, size, kind) in enumerate(_HOMES, 1):
        home = people[len(found) : len(found) + size]
        found.extend(
            SeededPerson(person=each, premises_id=premises_id, unit=unit, kind=kind, household=f"household-{number:02d}")
            for each in home
        )
    return tuple(found)


def demo_card_payloads() -> tuple[str, ...]:
    """Return QR texts of cards: strangers first, then residents of each premises."""
    by_premises: dict[str, Person] = {}
    for each in demo_residents()[len(_NAMED_RESIDENTS) :]:
        by_premises.setdefault(each.premises_id, each.person)
    return (*_STRANGERS, *_NAMED_RESIDENTS, *map(card_payload, by_premises.values()))


def seed_demo(
    connection: Connection,
    *,
    vault: Vault,
    now: datetime,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None,
    related: bool = True,
) -> dict[str, int]:
    """Write the commune; ``progress(what, done, of)`` is told each step. A commune that is there already is left alone.

    ``related``: with heads and owners.
    """
    columns = tables.premises.c
    if connection.scalar(select(func.count()).select_from(tables.premises).where(columns.commune_code == DEMO_COMMUNE)):
        return {"premises": 0, "households": 0, "persons": 0, "residences": 0, "relations": 0, "rule_sets": 0}
    draws = _Draws()
    for done, premises in enumerate(PREMISES, 1):
        add_premises(connection, premises, vault=vault, now=now)
        progress("premises", done, len(PREMISES))
    residents = demo_residents()
    households = {each.household: (each.premises_id, each.unit) for each in residents}
    for household_id, (premises_id, unit) in households.items():
        add_household(connection, household_id, commune_code=DEMO_COMMUNE, premises_id=premises_id, unit=unit, now=now)
    registrations = []
    for done, each in enumerate(residents, 1):
        person_id = add_person(connection, each.person, commune_code=DEMO_COMMUNE, vault=vault, now=now, random_bytes=draws)
        registrations.append(_registration(each, person_id))
        progress("persons", done, len(residents))
    add_residences(connection, registrations, commune_code=DEMO_COMMUNE, now=now, random_bytes=draws)
    relations = demo_relations(residents, [each.person_id for each in registrations]) if related else ()
    for relation in relations:
        add_relation(connection, relation, commune_code=DEMO_COMMUNE, recorded_by=None, now=now, random_bytes=draws)
    return {
        "premises": len(PREMISES),
        "households": len(households),
        "persons": len(residents),
        "residences": len(registrations),
        "relations": len(relations),
        "rule_sets": rule_sets.put_in_force(connection, load_rule_book(), commune_code=DEMO_COMMUNE, now=now),
    }


def demo_relations(residents: Sequence[SeededPerson], person_ids: Sequence[str]) -> tuple[Relation, ...]:
    """Return who heads the households and owns the dwellings, the planted faults in it; ``person_ids`` in the residents' order."""
    grown: dict[str, list[tuple[str, str]]] = {}  # household -> its grown-ups, the oldest first, by (birth, id)
    for each, person_id in zip(residents, person_ids, strict=True):
        birth = each.person.birth.value if each.person.birth else ""
        if birth[:4] < str(GROWN_UP_BEFORE):
            grown.setdefault(each.household, []).append((birth, person_id))
    heads = {household: [person_id for _, person_id in sorted(people)] for household, people in grown.items()}
    headless, two_heads = PLANTED["household_no_head"], PLANTED["household_several_heads"]
    pairs = [(household, people[0]) for household, people in heads.items() if household != headless]
    pairs.append((two_heads, heads[two_heads][1]))
    day = "2019-05-01"
    return (
        *(Relation(kind="head", subject_id=household, person_id=who, valid_from=day) for household, who in pairs),
        *(Relation(kind="owner", subject_id=place, person_id=heads[of][0], valid_from=day) for place, of in _OWNERS.items()),
    )


class _Draws:
    """Bytes that look drawn and are the same every time; for ids only, never for keys."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, length: int) -> bytes:
        self._count += 1
        return _hashed(f"id {self._count}")[:length]


def _hashed(text: str) -> bytes:
    return hashlib.sha256(f"luutru demo commune\x00{text}".encode()).digest()


def _registration(each: SeededPerson, person_id: str) -> Registration:
    temporary = each.kind == "temporary"
    return Registration(
        person_id=person_id,
        premises_id=each.premises_id,
        unit=each.unit,
        kind=each.kind,
        household_id=each.household,
        valid_from="2026-01-15" if temporary else "2019-05-01",
        valid_to="2027-01-14" if temporary else None,
    )


def _draw_person(number: int) -> Person:
    noise = _hashed(f"person {number}")
    sex: Sex = "female" if noise[0] % 2 else "male"
    year = 1948 + noise[1] % 70
    names = (
        _FAMILIES[noise[2] % len(_FAMILIES)],
        _MIDDLES[sex][noise[3] % len(_MIDDLES[sex])],
        _GIVEN[sex][noise[4] % len(_GIVEN[sex])],
    )
    century = 2 * (year // 100 - 19) + (1 if sex == "female" else 0)
    own_number = f"{_PROVINCES[noise[5] % len(_PROVINCES)]}{century}{year % 100:02d}{900000 + number:06d}"
    issued = f"2022-{1 + noise[6] % 12:02d}-{1 + noise[7] % 28:02d}"
    return Person(
        full_name=" ".join(names),
        birth=PartialDate(value=f"{year}-{1 + noise[8] % 12:02d}-{1 + noise[9] % 28:02d}", precision="day"),
        sex=sex,
        personal_number=own_number,
        document=Document(kind=DocumentKind.CARD_2021, number=own_number, issued=issued),
        residence_text=f"Số {1 + noise[10] % 90} Đường Mẫu, Phường Thử Nghiệm",
    )


def card_payload(person: Person) -> str:
    """Return the seven-field QR text of a person's 2021 card (identity-documents section 2)."""
    birth = person.birth.value.split("-") if person.birth else ["0000"]
    day = "".join(reversed([*birth, *["00"] * (3 - len(birth))]))
    issued = "".join(reversed((person.document.issued or "").split("-"))) if person.document else ""
    sex = {"male": "Nam", "female": "Nữ", None: ""}[person.sex]
    return "|".join(
        (person.personal_number or "", person.old_number or "", person.full_name, day, sex, person.residence_text or "", issued)
    )


def _person_of_payload(payload: str) -> Person:
    number, old, name, birth, sex, residence, issued = payload.split("|")
    year_only = birth[:4] == "0000"
    return Person(
        full_name=name,
        birth=PartialDate(
            value=birth[4:] if year_only else f"{birth[4:]}-{birth[2:4]}-{birth[:2]}", precision="year" if year_only else "day"
        ),
        sex="male" if sex == "Nam" else "female",
        personal_number=number,
        old_number=old or None,
        document=Document(kind=DocumentKind.CARD_2021, number=number, issued=f"{issued[4:]}-{issued[2:4]}-{issued[:2]}"),
        residence_text=residence,
    )
