"""Recording: the single path, on both engines."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from factories import make_declaration, make_person
from recording_town import Town, make_presence

from registry import tables
from registry.checking import check_registry
from registry.declarations import findings_about
from registry.receipts import receipt_by_code, receipts_by_id
from registry.stays import history, stays_at
from residence.people.person import Person
from residence.stays.declaration import Declarant


def somebody(number: int) -> Person:
    return make_person(personal_number=f"0010950003{number:02d}", document=None)


def test_a_declaration_becomes_a_stay_and_a_signed_receipt(town: Town) -> None:
    recorded = town.declare()
    assert recorded.receipt.state == "accepted"
    assert not recorded.replayed
    with town.registry.reading() as connection:
        stays = stays_at(connection, "blk-hoa-binh")
        stored = receipt_by_code(connection, recorded.receipt.code.lower())
    assert [(stay.unit, stay.status, stay.on_time, stay.evidence_level) for stay in stays] == [("1203", "open", True, 1)]
    assert stored is not None
    assert stored.receipt_bytes == recorded.receipt_bytes


def test_a_replay_returns_the_original_receipt_and_changes_nothing(town: Town) -> None:
    statement = town.say(make_declaration())
    first = town.record(statement)[0]
    before = {name: town.rows(table) for name, table in tables.metadata.tables.items()}
    town.now = town.now.replace(hour=12)
    again = town.record(statement, statement)
    assert [each.receipt_bytes for each in again] == [first.receipt_bytes] * 2
    assert all(each.replayed for each in again)
    assert {name: town.rows(table) for name, table in tables.metadata.tables.items()} == before


def test_the_same_statement_twice_in_one_batch_is_recorded_once(town: Town) -> None:
    statement = town.say(make_declaration())
    first, second = town.record(statement, statement)
    assert first.receipt_bytes == second.receipt_bytes
    assert (first.replayed, second.replayed) == (False, True)
    assert len(town.rows(tables.declarations)) == 1


def test_an_identity_used_for_other_content_is_set_aside_and_the_original_stands(town: Town) -> None:
    original = make_declaration()
    town.record(town.say(original))
    forged = town.say(msgspec.structs.replace(original, unit="0101"))
    first, again = town.record(forged)[0], town.record(forged)[0]
    assert first.receipt.state == "refused"
    assert [each.code for each in first.receipt.findings] == ["registry.identity_reused"]
    assert again.receipt_bytes == first.receipt_bytes
    assert [row.unit for row in town.rows(tables.declarations)] == ["1203"]
    assert len(town.rows(tables.quarantine)) == 1


def test_a_sequence_number_used_twice_is_set_aside(town: Town) -> None:
    first = town.say(make_declaration())
    second = town.say(make_declaration(person=somebody(1)), source=first.source)
    recorded = town.record(first, second)
    assert [each.receipt.state for each in recorded] == ["accepted", "refused"]
    assert recorded[1].receipt.findings[0].code == "registry.sequence_reused"


def test_people_in_one_batch_see_each_other(town: Town) -> None:
    lobby, desk = make_declaration(), make_declaration(declared_at="2026-07-10T07:05:00Z")
    recorded = town.record(town.say(lobby), town.say(desk))
    assert [each.receipt.state for each in recorded] == ["accepted", "accepted"]
    assert len([row for row in town.rows(tables.persons) if row.declaration_id]) == 1
    stays = town.rows(tables.stays)
    assert [sorted(row.declaration_ids) for row in stays if row.status == "open"] == [
        sorted([lobby.declaration_id, desk.declaration_id])
    ]
    with town.registry.reading() as connection:
        found = findings_about(connection, [desk.declaration_id])[desk.declaration_id]
    assert "stays.duplicate" in {each.code for each in found}


def test_together_or_one_by_one_ends_in_the_same_registry(town: Town) -> None:
    for number in range(3):
        town.record(*(town.say(make_declaration(person=somebody(10 + number), unit=unit)) for unit in ("0101", "0102")))
        for unit in ("0101", "0102"):
            town.declare(person=somebody(20 + number), unit=unit)
    stays = town.rows(tables.stays)
    by_person = {person: [row for row in stays if row.person_id == person] for person in {row.person_id for row in stays}}
    assert len(by_person) == 6
    assert {tuple(sorted((row.unit, row.status) for row in rows)) for rows in by_person.values()} == {
        (("0101", "open"), ("0102", "open"))
    }


def test_a_departure_ends_the_stay_and_keeps_its_history(town: Town) -> None:
    arrival = make_declaration()
    town.record(town.say(arrival))
    town.now += timedelta(hours=1)
    town.declare(kind="departure", about=arrival.declaration_id, planned_departure="2026-07-10T14:00:00+07:00")
    with town.registry.reading() as connection:
        stay = stays_at(connection, "blk-hoa-binh")[0]
        states = [row.status for row in history(connection, stay.stay_id)]
    assert stay.status == "ended"
    assert states == ["open", "ended"]


def test_a_stay_that_begins_and_ends_in_one_batch_keeps_both_states(town: Town) -> None:
    arrival = make_declaration()
    departure = make_declaration(kind="departure", about=arrival.declaration_id, planned_departure="2026-07-10T14:00:00+07:00")
    town.record(town.say(arrival), town.say(departure))
    with town.registry.reading() as connection:
        (stay,) = stays_at(connection, "blk-hoa-binh")
        states = [(row.status, row.declaration_id) for row in history(connection, stay.stay_id)]
    assert states == [("open", arrival.declaration_id), ("ended", departure.declaration_id)]


def test_a_correction_keeps_what_was_said_before(town: Town) -> None:
    arrival = make_declaration(person=make_person(full_name="Trần Văn Am"))
    town.record(town.say(arrival))
    town.now += timedelta(hours=1)
    town.declare(kind="correction", about=arrival.declaration_id, declarant=Declarant(role="facility"), unit="0304")
    with town.registry.reading() as connection:
        stay = stays_at(connection, "blk-hoa-binh")[0]
        units = [row.unit for row in history(connection, stay.stay_id)]
    assert units == ["1203", "0304"]
    assert len(town.rows(tables.person_versions)) == 1
    assert len(town.rows(tables.declarations)) == 2


def test_a_refused_declaration_is_kept_and_names_nobody(town: Town) -> None:
    recorded = town.declare(unit=None)
    assert recorded.receipt.state == "refused"
    assert "declaration.unit_missing" in {each.code for each in recorded.receipt.findings}
    row = town.rows(tables.declarations)[0]
    assert (row.state, row.person_id, row.subject_id) == ("refused", None, recorded.declaration_id)
    assert town.rows(tables.stays) == []


def test_a_premises_nobody_knows_is_refused(town: Town) -> None:
    recorded = town.declare(premises_id="nowhere")
    assert recorded.receipt.state == "refused"
    assert "registry.premises_unknown" in {each.code for each in recorded.receipt.findings}


@pytest.mark.parametrize("place", [0, 3, 7])
def test_one_bad_statement_becomes_a_dead_letter_and_the_rest_is_recorded(
    town: Town, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry import recording_batch

    honest = recording_batch.reconcile

    def fails_for_one(declaration: object, *arguments: object, **named: object) -> object:
        if declaration.note == "poison":
            raise RuntimeError("a fault of ours")
        return honest(declaration, *arguments, **named)

    monkeypatch.setattr(recording_batch, "reconcile", fails_for_one)
    people = [somebody(n) for n in range(8)]
    batch = [town.say(make_declaration(person=each, note="poison" if n == place else None)) for n, each in enumerate(people)]
    recorded = town.record(*batch)
    assert [each.receipt.state for each in recorded] == ["received" if n == place else "accepted" for n in range(8)]
    assert recorded[place].set_aside is not None
    assert town.record(batch[place])[0].receipt_bytes == recorded[place].receipt_bytes
    monkeypatch.undo()
    assert town.record(batch[place])[0].receipt.state == "accepted"


def test_a_number_of_a_registered_person_finds_that_person(town: Town) -> None:
    from registry.seed import demo_residents

    resident = demo_residents()[5].person
    town.declare(person=resident, premises_id="htl-sao-mai", unit="201")
    assert [row for row in town.rows(tables.persons) if row.declaration_id] == []
    assert len(town.rows(tables.stays)) == 1


def test_a_presence_that_a_stay_covers_leaves_no_row(town: Town) -> None:
    town.declare()
    before = len(town.rows(tables.receipts))
    assert town.see().receipt.state == "accepted"
    assert town.rows(tables.presences) == []
    assert len(town.rows(tables.receipts)) == before


def test_a_presence_of_a_resident_leaves_no_row(town: Town) -> None:
    from registry.seed import demo_residents

    assert town.see(demo_residents()[0].person).receipt.state == "accepted"
    assert town.rows(tables.presences) == []


def test_a_presence_of_nobody_declared_is_kept_under_a_pseudonym_until_it_is_covered(town: Town) -> None:
    statement = town.say(make_presence())
    first = town.record(statement)[0]
    assert town.record(statement)[0].receipt_bytes == first.receipt_bytes
    assert len(town.rows(tables.presences)) == 1
    town.declare()
    assert town.rows(tables.presences) == []
    with town.registry.reading() as connection:
        assert receipts_by_id(connection, [first.declaration_id]) == {}


def test_pseudonyms_of_two_premises_cannot_be_joined(town: Town) -> None:
    town.see()
    town.see(premises_id="htl-sao-mai")
    assert len({bytes(row.pseudonym_index) for row in town.rows(tables.presences)}) == 2


def test_a_presence_and_a_later_declaration_in_one_batch_leave_no_presence(town: Town) -> None:
    town.record(town.say(make_presence()), town.say(make_declaration()))
    assert town.rows(tables.presences) == []


def test_after_all_that_the_registry_is_whole(town: Town) -> None:
    town.declare()
    town.declare(person=make_person(personal_number=None, document=None, full_name="Không Giấy Tờ"))
    town.declare(unit=None)
    town.see(somebody(9))
    report = check_registry(town.registry)
    assert report.problems == ()
    assert report.erased == 0


def test_a_departure_before_the_declared_arrival_waits_for_the_correction(town: Town) -> None:
    arrival = make_declaration(arrival="2026-07-10T14:00:00+07:00")
    early = {"about": arrival.declaration_id, "arrival": "2026-07-10T08:00:00+07:00"}
    correction = make_declaration(kind="correction", **early)
    departure = make_declaration(kind="departure", planned_departure="2026-07-10T12:00:00+07:00", **early)
    states = [town.record(town.say(each))[0].receipt.state for each in (arrival, departure, correction)]
    assert states == ["accepted", "conflicting", "accepted"]
    (stay,) = town.rows(tables.stays)
    assert (stay.status, departure.declaration_id in stay.declaration_ids) == ("ended", True)


def test_what_is_about_a_refused_statement_waits_for_it_and_no_longer(town: Town) -> None:
    arrival = make_declaration()
    elsewhere = make_declaration(
        kind="departure",
        about=arrival.declaration_id,
        premises_id="htl-sao-mai",
        unit="201",
        planned_departure="2026-07-10T14:30:00+07:00",
    )
    withdrawal = make_declaration(kind="withdrawal", about=elsewhere.declaration_id)
    states = [town.record(town.say(each))[0].receipt.state for each in (arrival, withdrawal, elsewhere)]
    assert states == ["accepted", "conflicting", "refused"]
    standing = {row.code for row in town.rows(tables.findings) if row.cleared_at is None}
    assert "stays.about_other_premises" in standing
    assert "stays.about_unknown" not in standing


FREE_TEXTS = {
    "unit": "/unit",
    "note": "/note",
    "reason_text": "/reason_text",
    "premises_id": "/premises_id",
    "about": "/about",
    "declaration_id": "/declaration_id",
}


@pytest.mark.parametrize("character", ["\x00", "\x07"])
@pytest.mark.parametrize("name", FREE_TEXTS)
def test_a_control_character_is_refused_alike_on_both_engines(town: Town, name: str, character: str) -> None:
    wrong = f"{make_declaration().declaration_id[:-1]}{character}" if name.endswith("id") or name == "about" else f"a{character}b"
    recorded = town.record(
        town.say(make_declaration()), town.say(make_declaration(**{name: wrong})), town.say(make_declaration())
    )
    assert [each.receipt.state for each in recorded] == ["accepted", "refused", "accepted"]
    if name == "declaration_id" and character == "\x00":
        return  # no row can carry it: a dead letter, answered
    assert FREE_TEXTS[name] in {each.pointer for each in recorded[1].receipt.findings if each.severity == "error"}
    assert [row for row in town.rows(tables.quarantine) if row.code != "registry.identity_reused"] == []


@pytest.mark.parametrize("character", ["\x00", "\x07"])
def test_a_presence_with_a_control_character_in_its_unit_is_refused_alike(town: Town, character: str) -> None:
    receipt = town.see(unit=f"12{character}").receipt
    assert (receipt.state, [each.code for each in receipt.findings]) == ("refused", ["text.control_characters"])


def test_a_departure_said_to_be_years_ahead_is_refused_and_the_stay_stands(town: Town) -> None:
    arrival = make_declaration()
    departure = make_declaration(kind="departure", about=arrival.declaration_id, planned_departure="2036-07-11T08:00:00+07:00")
    receipts = [each.receipt for each in town.record(town.say(arrival), town.say(departure))]
    assert [each.state for each in receipts] == ["accepted", "refused"]
    assert "declaration.departure_in_future" in {each.code for each in receipts[1].findings}
    (stay,) = town.rows(tables.stays)
    assert (stay.status, stay.ended_at) == ("open", None)


def test_a_stay_planned_for_years_covers_nobody_seen_after_thirty_days(town: Town) -> None:
    town.declare(planned_departure="2036-07-12T12:00:00+07:00")
    for day in ("2026-08-09T14:00:00+07:00", "2026-08-09T14:00:01+07:00", "2030-01-01T00:00:00Z"):
        town.see(seen_at=day)
    assert sorted(f"{row.seen_at:%Y-%m-%d}" for row in town.rows(tables.presences)) == ["2026-08-09", "2030-01-01"]
