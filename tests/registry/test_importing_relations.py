"""What a register says beside people and homes: capacity, owners, managers, heads, guardians, absences, permitted stays."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from importing_parts import HEAD, Desk, line
from sqlalchemy import select

from registry import tables
from registry.checking import check_registry
from registry.database import connect
from registry.key_provider import FileKeyProvider
from registry.vault import Cell, Vault

PLACE = ["premises_ref", "commune_code", "kind", "name", "capacity", "declared_by", "owner_ref", "owner_name", "manager_ref"]
HOUSE = ["hsh-1", "demo-01", "nhà trọ", "Nhà trọ mẫu", "24", "người thuê", "HK-1", "", "HK-9"]
BESIDE = [
    "absent_from",
    "absent_to",
    "absence_reason",
    "absence_destination",
    "permitted_until",
    "guardian_ref",
    "nationality",
    "e_id_on",
]
PEOPLE = [*HEAD, "household_ref", "relation", "cancelled_numbers", *BESIDE]


@pytest.fixture
def desk(url: str, tmp_path: Path) -> Iterator[Desk]:
    vault = Vault(FileKeyProvider(tmp_path / "vault", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    registry = connect(url, vault=vault)
    yield Desk(registry=registry, folder=tmp_path)
    registry.close()


def person(ref: str, name: str, **said: str) -> list[str]:
    usual = dict(zip(HEAD, line(person_ref=ref, full_name=name, personal_number="", old_number=""), strict=True))
    return [(usual | said).get(each, "") for each in PEOPLE]


def bring(desk: Desk, name: str, kind: str, rows: Sequence[Sequence[str]]) -> tuple[object, list]:
    return desk.take(desk.file(name, rows), kind)


def relations(desk: Desk) -> set[tuple[str, str, bool]]:
    """Kind, name of whoever it leads to, and whether they are still waited for."""
    columns, people = tables.relations.c, {each["person_id"]: each["full_name"] for each in desk.opened()}
    with desk.registry.reading() as connection:
        rows = connection.execute(select(columns.kind, columns.person_id, columns.stated_row)).all()
    return {(kind, people.get(who, ""), waited is not None) for kind, who, waited in rows}


def test_owners_managers_and_heads_are_named_before_they_are_listed_and_found_when_they_are(desk: Desk) -> None:
    bring(desk, "premises.csv", "premises", [PLACE, HOUSE])
    household = ["HH-1", "demo-01", "hsh-1", "HK-1", "03/04/2015"]
    bring(
        desk,
        "households.csv",
        "households",
        [["household_ref", "commune_code", "premises_ref", "head_ref", "formed_on"], household],
    )
    assert relations(desk) == {("owner", "", True), ("manager", "", True), ("head", "", True)}
    bring(desk, "residents.csv", "residents", [PEOPLE, person("HK-1", "Lê Văn Chủ", household_ref="HH-1", relation="Chủ hộ")])
    assert relations(desk) == {("owner", "Lê Văn Chủ", False), ("manager", "", True), ("head", "Lê Văn Chủ", False)}
    bring(desk, "later.csv", "residents", [PEOPLE, person("HK-9", "Hồ Thị Quản", commune_code="demo-02")])
    assert ("manager", "Hồ Thị Quản", False) in relations(desk)
    with desk.registry.reading() as connection:
        row = connection.execute(select(tables.premises.c.capacity, tables.premises.c.declared_by)).one()
        assert tuple(row) == (24, "occupant")
        assert connection.scalar(select(tables.households.c.formed_on)) == "2015-04-03"


def test_an_owner_who_is_nobody_in_the_register_has_a_name_only_the_vault_opens(desk: Desk) -> None:
    bring(desk, "premises.csv", "premises", [PLACE, [*HOUSE[:6], "", "Công ty Bí Mật Mẫu", ""]])
    with desk.registry.reading() as connection:
        row = connection.execute(select(tables.relations)).one()
        key = desk.registry.vault.load_keys(connection, ["hsh-1"])["hsh-1"]
    cell = Cell("relations", "name", row.relation_id)
    assert desk.registry.vault.open(key, cell, row.name_sealed).decode() == "Công ty Bí Mật Mẫu"
    assert (row.person_id, row.stated_row) == (None, None)


def test_a_newborn_comes_in_without_a_number_and_with_a_guardian(desk: Desk) -> None:
    desk.with_a_house()
    child = person("HK-2", "Lê Thị Sơ Sinh", birth="09/07/2026", sex="Nữ", guardian_ref="HK-1", valid_from="09/07/2026")
    _, rejected = bring(desk, "residents.csv", "residents", [PEOPLE, child, person("HK-1", "Lê Văn Cha")])
    assert rejected == []
    assert relations(desk) == {("guardian", "Lê Văn Cha", False)}
    assert desk.counts()["identifiers"] == 0


def test_absences_and_the_end_of_a_permitted_stay_stand_beside_each_other_and_are_said_once(desk: Desk) -> None:
    desk.with_a_house()
    away = {"absent_from": "01/03/2026", "absent_to": "01/09/2026", "absence_destination": "Tàu cá mẫu", "e_id_on": "01/02/2025"}
    foreign = person("HK-2", "JOHN SAMPLE", nationality="GBR", permitted_until="30/09/2026")
    rows = [PEOPLE, person("HK-1", "Lê Văn Vắng", **away), foreign]
    report, rejected = bring(desk, "residents.csv", "residents", rows)
    assert rejected == []
    assert (report.counts["absences"], report.counts["permitted_stays"], report.unused) == (1, 1, [])
    assert report.counts["e_id_sightings"] == 1
    longer = person("HK-2", "JOHN SAMPLE", nationality="GBR", permitted_until="31/12/2026")
    report, _ = bring(desk, "again.csv", "residents", [PEOPLE, person("HK-1", "Lê Văn Vắng", **away), longer])
    assert (report.counts.get("absences", 0), report.counts.get("e_id_sightings", 0)) == (0, 0)
    with desk.registry.reading() as connection:
        assert sorted(connection.scalars(select(tables.permitted_stays.c.valid_to))) == ["2026-09-30", "2026-12-31"]
    assert check_registry(desk.registry).problems == ()


WRONG = {
    "capacity": ("premises", [PLACE, [*HOUSE[:4], "hai mươi", *HOUSE[5:]]], "import.count"),
    "absent_from": ("residents", [PEOPLE, person("HK-1", "Lê A Mẫu", absent_to="01/09/2026")], "import.value_missing"),
    "absent_to": (
        "residents",
        [PEOPLE, person("HK-1", "Lê A Mẫu", absent_from="02/09/2026", absent_to="01/09/2026")],
        "import.dates_reversed",
    ),
    "e_id_on": ("residents", [PEOPLE, person("HK-1", "Lê A Mẫu", e_id_on="01/02/2099")], "import.e_id_ahead"),
    "cancelled_numbers": ("residents", [PEOPLE, person("HK-1", "Lê A Mẫu", cancelled_numbers="12")], "personal-number.malformed"),
}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("field", WRONG)
def test_what_cannot_be_read_of_these_is_set_aside_like_anything_else(desk: Desk, field: str) -> None:
    kind, rows, code = WRONG[field]
    desk.with_a_house()
    _, rejected = bring(desk, f"{kind}-2.csv", kind, rows)
    assert [(each.field, each.code) for each in rejected] == [(field, code)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_citizen_with_the_end_of_a_permitted_stay_is_counted_as_a_warning(desk: Desk) -> None:
    desk.with_a_house()
    rows = [PEOPLE, person("HK-1", "Lê A Mẫu", permitted_until="30/09/2026")]
    report, rejected = bring(desk, "residents.csv", "residents", rows)
    assert (rejected, report.warnings) == ([], {"import.permit_of_citizen": 1})
