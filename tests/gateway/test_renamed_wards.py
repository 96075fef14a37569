"""An old and a new name of one ward make no notice and no case; a split ward is held against nobody until a person has decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import insert, select, update
from unit_tables import TABLE

from gateway.sweep import sweep
from luutru.system import random_bytes
from registry import tables
from registry.households import Registration, add_person, add_residences
from registry.premises import add_premises
from registry.unit_questions import Decider, decide, question_id_of, question_row, undo
from registry.units import Provenance, import_file, load_table
from registry.vault import Cell
from residence.people.person import PartialDate
from residence.places.premises import Premises, PremisesKind
from residence.places.units import UnitTable

SEEN = datetime(2026, 7, 10, 14, 0, tzinfo=UTC)  # 21:00 in Vietnam
DUE = datetime(2026, 7, 10, 16, 0, tzinfo=UTC)
BEFORE_THE_REFORM = datetime(2025, 1, 1, tzinfo=UTC)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def office(small_office):
    """A kiosk at 12 Lê Lợi in the new ward Phường Mẫu Thử (90001), and a table that knows what the ward was."""
    return reform(small_office, "12 Lê Lợi, Phường Mẫu Thử, Tây Ninh")


def reform(office, address, *, code="90001", recorded=SINCE):
    """Install the table, the kiosk's commune being the ward ``code`` of it, and put the kiosk's premises at an address."""
    with office.registry.writing() as connection:
        own = tables.premises.c.premises_id == office.kiosk().premises_id
        office.codes = {code: connection.scalar(select(tables.premises.c.commune_code).where(own))}
        text = TABLE.replace(code, office.codes[code])
        provenance = Provenance(file_name="t.csv", source="invented", licence="CC0-1.0", by="test")
        assert import_file(connection, text.encode(), provenance, now=SINCE).problems == ()
    stand(office, address, recorded=recorded)
    return office


def stand(office, address, *, recorded=SINCE):
    """Put the kiosk's premises at an address."""
    vault, own_id = office.registry.vault, office.kiosk().premises_id
    with office.registry.writing() as connection:
        key = vault.load_keys(connection, [own_id])[own_id]
        sealed = vault.seal(key, Cell("premises", "address_text", own_id), address)
        change = update(tables.premises).where(tables.premises.c.premises_id == own_id)
        connection.execute(change.values(address_text_sealed=sealed, created_at=recorded))


def registered(office, person, address, *, code, recorded=BEFORE_THE_REFORM, name="Nhà mẫu"):
    """Somebody in an old register: their house is premises of its own, under the code it had then."""
    code = office.codes.get(code, code)
    premises = Premises(
        premises_id=f"old-{code}", kind=PremisesKind.HOUSEHOLD, commune_code=code, name=name, address_text=address
    )
    vault = office.registry.vault
    with office.registry.writing() as connection:
        add_premises(connection, premises, vault=vault, now=recorded)
        person_id = add_person(connection, person, commune_code=code, vault=vault, now=recorded, random_bytes=random_bytes)
        living = Registration(person_id=person_id, premises_id=premises.premises_id, kind="permanent", valid_from="2020-01-01")
        add_residences(connection, [living], commune_code=code, now=recorded, random_bytes=random_bytes)


def see(office, person, at=SEEN, **changes):
    office.clock.instant = at
    kiosk = office.kiosk()
    office.intake.take([office.deliver(kiosk, office.presence(kiosk, person=person, seen_at=at.isoformat(), **changes))])


def run(office, at=DUE):
    return sweep(office.registry, rules=office.rules, now=at, random_bytes=random_bytes)


OLD_HOMES = {
    "the ward merged": ("12 Lê Lợi, Phường Thử, Huyện Bịa, Tây Ninh", "90002", 0),
    "the ward whose code stayed": ("12 Lê Lợi, P. Mẫu, H. Bịa, Tây Ninh", "90001", 0),
    "another writing of the house": ("Số 12 đường LE LOI, Phường Thử, Huyện Bịa, Tây Ninh", "90002", 0),
    "the ward was split, and nobody has decided": ("12 Lê Lợi, Xã Chia, Huyện Bịa, Tây Ninh", "90004", 0),
    "another house": ("14 Lê Lợi, Phường Thử, Huyện Bịa, Tây Ninh", "90002", 1),
    "another street": ("12 Lê Lai, Phường Thử, Huyện Bịa, Tây Ninh", "90002", 1),
    "a ward that became another": ("12 Lê Lợi, Xã Xa, Huyện Bịa, Tây Ninh", "90003", 1),
    "a ward nobody knows": ("12 Lê Lợi, Phường Lạ, Huyện Bịa, Tây Ninh", "77777", 1),
}


@pytest.mark.parametrize(("address", "code", "notices"), OLD_HOMES.values(), ids=OLD_HOMES)
def test_who_lives_in_the_same_house_under_its_old_ward_is_explained_when_seen(office, address, code, notices):
    person = office.person()
    registered(office, person, address, code=code)
    see(office, person)
    assert office.count("presences") == notices
    assert run(office).notices == notices


def test_by_name_as_well_where_another_card_was_shown(office):
    person = office.person()
    registered(office, person, "12 Lê Lợi, Phường Thử, Huyện Bịa, Tây Ninh", code="90002")
    unnumbered = msgspec.structs.replace(person, personal_number=None, document=None)
    see(office, unnumbered)
    see(
        office,
        msgspec.structs.replace(unnumbered, birth=PartialDate(value="1950-01-01", precision="day")),
        SEEN + timedelta(minutes=5),
    )
    assert run(office).notices == 1


def test_a_person_in_an_old_wards_list_who_lives_at_these_very_premises_is_found_by_name(office):
    person = msgspec.structs.replace(office.person(), personal_number=None, document=None)
    with office.registry.writing() as connection:
        person_id = add_person(
            connection, person, commune_code="90002", vault=office.registry.vault, now=SINCE, random_bytes=random_bytes
        )
        home = Registration(
            person_id=person_id, premises_id=office.kiosk().premises_id, kind="permanent", valid_from="2020-01-01"
        )
        add_residences(connection, [home], commune_code=office.codes["90001"], now=SINCE, random_bytes=random_bytes)
    see(office, person)
    assert run(office).notices == 0


def test_a_kiosk_still_under_the_old_code_knows_who_is_registered_under_the_new_one(small_office):
    address = "12 Lê Lợi, Phường Thử, Huyện Bịa, Tây Ninh"
    office = reform(small_office, address, code="90002", recorded=BEFORE_THE_REFORM)
    person = msgspec.structs.replace(office.person(), personal_number=None, document=None)
    registered(office, person, "12 Lê Lợi, Phường Mẫu Thử, Tây Ninh", code="90001", recorded=SINCE)
    see(office, person)
    assert run(office).notices == 0


def test_without_a_number_the_names_of_the_premises_must_agree_too(office):
    stand(office, "Thôn Đoài, Phường Mẫu Thử, Tây Ninh")
    with office.registry.reading() as connection:
        row = connection.execute(select(tables.premises).where(tables.premises.c.premises_id == office.kiosk().premises_id)).one()
        vault = office.registry.vault
        key = vault.load_keys(connection, [row.premises_id])[row.premises_id]
        name = vault.open(key, Cell("premises", "name", row.premises_id), row.name_sealed).decode()
    neighbour, resident = office.person(), office.person()
    registered(office, neighbour, "Thôn Đoài, Phường Thử, Huyện Bịa, Tây Ninh", code="90002")
    registered(office, resident, "Thôn Đoài, Phường Mẫu, Huyện Bịa, Tây Ninh", code="90001", name=name)
    see(office, resident)
    see(office, neighbour, SEEN + timedelta(minutes=5))
    assert run(office).notices == 1


def test_an_old_name_learnt_of_after_the_notice_is_tried_before_the_case(office):
    person = office.person()
    see(office, person)
    assert run(office).notices == 1
    see(office, person, DUE + timedelta(hours=3), kind="night_check")
    registered(office, person, "12 Lê Lợi, Phường Thử, Huyện Bịa, Tây Ninh", code="90002")
    swept = run(office, DUE + timedelta(hours=25))
    assert (swept.cases, swept.explained) == (0, 2)


def test_a_case_that_opens_says_that_the_older_name_was_tried(office):
    person = office.person()
    see(office, person)
    run(office)
    see(office, person, DUE + timedelta(hours=3), kind="night_check")
    assert run(office, DUE + timedelta(hours=25)).cases == 1
    with office.registry.reading() as connection:
        assert "ward_renamed" in connection.scalar(select(tables.cases.c.explanations_tried))


@pytest.mark.parametrize(("choice", "notices"), [("90001", 0), ("90003", 1), (None, 0)])
def test_what_a_person_decided_about_the_street_of_a_split_ward_counts(office, choice, notices):
    person = office.person()
    registered(office, person, "12 Lê Lợi, Xã Chia, Huyện Bịa, Tây Ninh", code="90004")
    by = Decider(account_id="acc-1", reason="the plan of the split")
    with office.registry.writing() as connection:
        table = load_table(connection)
        ask(connection, table)
        own_id = question_id_of(table.at("90004", "2025-06-30"), "street:le loi")
        choice = office.codes.get(choice, choice)
        decide(connection, own_id, choice=choice, by=by, now=SINCE, random_bytes=random_bytes)
    see(office, person)
    assert run(office).notices == notices


def test_a_decision_taken_back_counts_no_longer(office):
    person = office.person()
    registered(office, person, "12 Lê Lợi, Xã Chia, Huyện Bịa, Tây Ninh", code="90004")
    by = Decider(account_id="acc-1", reason="a mistake")
    with office.registry.writing() as connection:
        table = load_table(connection)
        ask(connection, table)
        own_id = question_id_of(table.at("90004", "2025-06-30"), "street:le loi")
        decide(connection, own_id, choice="90003", by=by, now=SINCE, random_bytes=random_bytes)
        undo(connection, own_id, by=by, now=SINCE, random_bytes=random_bytes)
    see(office, person)
    assert run(office).notices == 0


def ask(connection, table: UnitTable):
    unit = table.at("90004", "2025-06-30")
    row = question_row(unit, ("street:le loi", "Lê Lợi"), table.became(unit), now=SINCE)
    connection.execute(insert(tables.unit_questions), [row])
