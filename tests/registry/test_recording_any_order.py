"""Whatever order and batches statements come in, the registry ends the same; and nothing is ever dropped."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from factories import EVENING, make_declaration, make_person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laid_tables import lay_sqlite
from memory_registry import MemoryRegistry
from recording_town import Town, make_town

from registry import tables
from registry.checking import check_registry
from residence.people.person import Document, DocumentKind
from residence.stays.declaration import Declarant

MORNING = EVENING + timedelta(hours=18)  # when the departures are no longer ahead
AN = make_person()
AN_BY_OLD_NUMBER = make_person(
    personal_number=None, old_number="012345678", document=Document(kind=DocumentKind.OLD_ID, number="012345678")
)
AN_WITH_BOTH = make_person(old_number="012345678")
STRANGER_WITH_HIS_NUMBER = make_person(full_name="Phạm Thị Khác", sex="female")
NO_PAPERS = make_person(full_name="Người Không Giấy Tờ", personal_number=None, document=None)


def statements() -> list:
    """A night with two kiosks, a desk, a correction, a departure, a withdrawal and disagreements."""
    lobby = make_declaration(person=AN)
    desk = make_declaration(person=AN)
    hotel = make_declaration(person=AN, premises_id="htl-sao-mai", unit="201")
    old = make_declaration(person=AN_BY_OLD_NUMBER, premises_id="htl-sao-mai", unit="202")
    both = make_declaration(person=AN_WITH_BOTH, unit="0304")
    stranger = make_declaration(person=STRANGER_WITH_HIS_NUMBER, unit="0101")
    nobody = make_declaration(person=NO_PAPERS, unit="0102")
    corrected = make_declaration(
        person=AN,
        kind="correction",
        about=hotel.declaration_id,
        premises_id="htl-sao-mai",
        unit="203",
        declarant=Declarant(role="facility"),
    )
    left = make_declaration(
        person=AN, kind="departure", about=lobby.declaration_id, planned_departure="2026-07-10T20:00:00+07:00"
    )
    withdrawn = make_declaration(person=NO_PAPERS, unit="0102", kind="withdrawal", about=nobody.declaration_id)
    return [lobby, desk, hotel, old, both, stranger, nobody, corrected, left, withdrawn]


NIGHT = statements()


def _town(folder: str) -> Town:
    return make_town(lay_sqlite(Path(folder) / "registry.db"), Path(folder) / "vault")


def _ending(town: Town) -> tuple:
    stays = [row for row in town.rows(tables.stays) if row.status != "removed"]
    owners: dict[str, set[str]] = {}
    for row in stays:
        owners.setdefault(row.person_id, set()).update(row.declaration_ids)
    return (
        sorted(
            (row.stay_id, row.premises_id, row.unit, row.start_at, row.ended_at, row.status, tuple(row.declaration_ids))
            for row in stays
        ),
        sorted(tuple(sorted(each)) for each in owners.values()),
        sorted(row.finding_id for row in town.rows(tables.findings) if row.cleared_at is None and row.code != "person.unknown"),
    )


def _record(order: list[int], cuts: set[int]) -> tuple:
    with tempfile.TemporaryDirectory() as folder:
        town = _town(folder)
        batch: list = []
        for place, number in enumerate(order):
            batch.append(town.say(NIGHT[number], received_at=MORNING))
            if place in cuts or place == len(order) - 1:
                recorded = town.record(*batch)
                assert all(each.set_aside is None for each in recorded)
                batch = []
        declared = {row.declaration_id for row in town.rows(tables.declarations)}
        assert declared == {each.declaration_id for each in NIGHT}
        assert check_registry(town.registry).problems == ()
        ending = _ending(town)
        town.registry.close()
        return ending


REFERENCE: list[tuple] = []


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(range(len(NIGHT))), st.sets(st.integers(min_value=0, max_value=len(NIGHT) - 1)))
def test_any_order_and_any_batches_end_in_the_same_registry(order: list[int], cuts: set[int]) -> None:
    if not REFERENCE:
        REFERENCE.append(_record(list(range(len(NIGHT))), set()))
    assert _record(order, cuts) == REFERENCE[0]


def test_two_people_who_prove_to_be_one_are_merged_and_found_under_both_numbers(town: Town) -> None:
    town.record(town.say(make_declaration(person=AN_BY_OLD_NUMBER, premises_id="htl-sao-mai", unit="202")))
    town.record(town.say(make_declaration(person=AN)))
    before = {row.person_id for row in town.rows(tables.stays)}
    town.record(town.say(make_declaration(person=AN_WITH_BOTH, unit="0304")))
    after = {row.person_id for row in town.rows(tables.stays)}
    assert (len(before), len(after)) == (2, 1)
    pointers = [row for row in town.rows(tables.persons) if row.merged_into]
    assert [row.merged_into for row in pointers] == list(after)
    assert {row.person_id for row in town.rows(tables.identifiers) if row.declaration_id} == after
    again = town.record(town.say(make_declaration(person=msgspec.structs.replace(AN_BY_OLD_NUMBER), unit="0401")))[0]
    assert again.receipt.state == "accepted"
    assert check_registry(town.registry).problems == ()


def follow_ups() -> list:
    """A stay, its correction to another house by an officer, and what is only fit once that correction stands."""
    arrival = make_declaration(person=AN)
    moved = make_declaration(
        person=AN,
        kind="correction",
        about=arrival.declaration_id,
        premises_id="htl-sao-mai",
        unit="201",
        declarant=Declarant(role="officer"),
    )
    left = make_declaration(
        person=AN,
        kind="departure",
        about=arrival.declaration_id,
        premises_id="htl-sao-mai",
        unit="201",
        planned_departure="2026-07-11T08:00:00+07:00",
    )
    taken_back = make_declaration(
        person=AN, kind="withdrawal", about=moved.declaration_id, premises_id="htl-sao-mai", declarant=Declarant(role="officer")
    )
    somebody_else = make_declaration(
        person=STRANGER_WITH_HIS_NUMBER_NOT,
        kind="departure",
        about=arrival.declaration_id,
        premises_id="htl-sao-mai",
        planned_departure="2026-07-11T08:00:00+07:00",
    )
    again = make_declaration(
        person=AN,
        kind="extension",
        about=left.declaration_id,
        premises_id="htl-sao-mai",
        planned_departure="2026-07-12T08:00:00+07:00",
    )
    return [arrival, moved, left, taken_back, somebody_else, again]


STRANGER_WITH_HIS_NUMBER_NOT = make_person(full_name="Phạm Thị Khác", sex="female", personal_number="001195000222", document=None)
ONE_STAY = follow_ups()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_departure_refused_before_the_correction_that_makes_it_fit_ends_the_stay(order: tuple[int, ...], town: Town) -> None:
    for number in order:
        town.record(town.say(ONE_STAY[number], received_at=MORNING))
    (stay,) = [row for row in town.rows(tables.stays) if row.status != "removed"]
    assert (stay.premises_id, stay.status) == ("htl-sao-mai", "ended")
    assert not [
        row.code for row in town.rows(tables.findings) if row.cleared_at is None and row.code == "stays.about_other_premises"
    ]


def _fold_really(order: list[int], cuts: set[int]) -> tuple:
    with tempfile.TemporaryDirectory() as folder:
        town = _town(folder)
        batch: list = []
        for place, number in enumerate(order):
            batch.append(town.say(ONE_STAY[number], received_at=MORNING))
            if place in cuts or place == len(order) - 1:
                assert all(each.set_aside is None for each in town.record(*batch))
                batch = []
        assert check_registry(town.registry).problems == ()
        stays = {
            (row.stay_id, row.premises_id, row.status, tuple(row.declaration_ids))
            for row in town.rows(tables.stays)
            if row.status != "removed"
        }
        findings = {row.finding_id for row in town.rows(tables.findings) if row.cleared_at is None}
        town.registry.close()
        return stays, findings


def _fold_in_memory(order: list[int]) -> tuple:
    registry = MemoryRegistry()
    for number in order:
        registry.receive(ONE_STAY[number], at=MORNING)
    stays = {(each.stay_id, each.premises_id, each.status, each.declaration_ids) for each in registry.stays.values()}
    return stays, {each.finding_id for each in registry.findings.values()}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(0, len(ONE_STAY) - 1), unique=True, min_size=2).flatmap(st.permutations),
    st.sets(st.integers(min_value=0, max_value=len(ONE_STAY) - 1)),
)
def test_the_real_registry_ends_as_the_one_in_memory_whatever_was_refused_on_the_way(order: list[int], cuts: set[int]) -> None:
    assert _fold_really(order, cuts) == _fold_in_memory(sorted(order))
