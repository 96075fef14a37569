"""A place recorded under a ward that is no more: found with the wards of today, never guessed between, never without a table."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest
from factories import EVENING
from laid_tables import lay_sqlite
from recording_town import make_town
from unit_tables import TABLE

from registry.cleaning.listing import items_of
from registry.cleaning.passing import run_passes
from registry.premises import add_premises
from registry.units import Provenance, import_file
from residence.cleaning.rules import CleaningChoices
from residence.places.premises import Premises, PremisesKind

BEFORE, SINCE = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC)
# (code, recorded when) -> the wards it is shown to
PLACES = {
    "a ward merged into another": ("90002", BEFORE, ["90001"]),
    "the same, recorded after the reform": ("90002", SINCE, ["90001"]),
    "a ward renamed under another code": ("90003", BEFORE, ["90013"]),
    "the code of that ward, used again": ("90003", SINCE, []),
    "a ward split": ("90004", BEFORE, ["90001", "90003"]),
    "a ward that took others in and kept its code": ("90001", BEFORE, []),
    "a ward of today": ("90013", SINCE, []),
    "a code the table does not have": ("demo-01", BEFORE, []),
}


@pytest.fixture
def registry(tmp_path):
    made = make_town(lay_sqlite(tmp_path / "registry.db"), tmp_path / "vault")
    yield made.registry
    made.registry.close()


def add_place(registry, code, *, at):
    place = Premises(premises_id=f"p-{code}", kind=PremisesKind.HOTEL, commune_code=code, name="Nhà nghỉ Thử")
    with registry.writing() as connection:
        add_premises(connection, place, vault=registry.vault, now=at)


def take(registry, table=TABLE):
    given = Provenance(file_name="units.csv", source="invented", licence="CC0-1.0", by="operator-1")
    with registry.writing() as connection:
        assert not import_file(connection, table.encode(), given, now=EVENING).problems


def run(registry):
    run_passes(registry, choices=CleaningChoices(), now=EVENING, random_bytes=secrets.token_bytes, whole=True)
    with registry.reading() as connection:
        return items_of(connection, rule="ward_abolished")


@pytest.mark.parametrize(("code", "at", "wards"), PLACES.values(), ids=PLACES.keys())
def test_a_place_is_shown_to_every_ward_it_may_lie_in_today(registry, code, at, wards):
    take(registry)
    add_place(registry, code, at=at)
    found = run(registry)
    assert sorted(each.commune_code for each in found) == wards
    for each in found:
        assert each.evidence == (("premises", f"p-{code}"), ("unit", code), *(("unit_today", ward) for ward in wards))


def test_without_a_table_nothing_is_known_and_nothing_found(registry):
    add_place(registry, "90002", at=BEFORE)
    assert run(registry) == []


def test_a_ward_that_ended_as_nobody_knows_what_is_an_item_of_its_own(registry):
    take(registry, TABLE.replace("commune,90002,Phường Thử,,2025-06-30,900,90001", "commune,90002,Phường Thử,,2025-06-30,900,"))
    add_place(registry, "90002", at=BEFORE)
    assert [each.commune_code for each in run(registry)] == ["90002"]


def test_the_item_is_cleared_once_a_better_table_says_that_the_code_goes_on(registry):
    take(registry)
    add_place(registry, "90002", at=BEFORE)
    assert run(registry)
    heading = TABLE.partition("\n")[0]
    take(
        registry,
        f"{heading}\ncommune,90002,Phường Thử,,2025-06-30,900,90002\ncommune,90002,Phường Thử,2025-07-01,,90,\n",
    )
    assert run(registry) == []
