"""The short way for somebody nobody knows says exactly what the whole computation says."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import factories
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.stays.declaration import Declarant, StayDeclaration
from residence.stays.findings import derived_id
from residence.stays.known import Known, KnownNumber, KnownPerson, KnownResidence, numbers_of
from residence.stays.reconcile import _is_expected, reconcile, reconcile_generally
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
IDS = st.integers(1, 2**48).map(lambda number: f"019f4ad3-7580-7{number % 4096:03x}-8000-{number % 2**48:012x}")
TIMES = st.sampled_from(
    [
        "2026-07-10T19:30:00+07:00",
        "2026-07-10T12:30:00.25Z",
        "2026-05-01T00:00:00+07:00",
        "2019-01-01T00:00:00Z",  # before any rule set
        "not a time",
        "2026-07-10T19:30:00",
        "",
    ]
)
PEOPLE = st.builds(
    Person,
    full_name=st.sampled_from(["Trần Văn An", "H'Loan Ê Ban"]),
    birth=st.sampled_from([None, PartialDate(value="1995", precision="year")]),
    personal_number=st.sampled_from([None, "001095000117"]),
    old_number=st.sampled_from([None, "012345678"]),
    cancelled_numbers=st.sampled_from([(), ("001195000999",), ("001095000117", "001195000999")]),
    document=st.sampled_from(
        [
            None,
            Document(kind=DocumentKind.PASSPORT, number="b 1234567"),
            Document(kind=DocumentKind.CARD_2021, number="001095000118"),
            Document(kind=DocumentKind.OLD_ID, number="012345679"),
            Document(kind=DocumentKind.NONE),
        ]
    ),
)
DECLARATIONS = st.builds(
    StayDeclaration,
    declaration_id=st.one_of(IDS, st.sampled_from(["no uuid", "019F4AD3-7580-7000-8000-000000000001"])),
    declared_at=TIMES,
    person=PEOPLE,
    evidence=st.just(Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr")),
    declarant=st.builds(Declarant, role=st.sampled_from(["self", "facility", "officer"])),
    premises_id=st.just("blk"),
    unit=st.sampled_from([None, "", " 12 A"]),
    arrival=TIMES,
    planned_departure=st.one_of(st.none(), TIMES),
    kind=st.sampled_from(["arrival", "arrival", "arrival", "departure", "correction"]),
    about=st.one_of(st.none(), IDS),
)
HOMES = st.sampled_from([(), (KnownResidence(person_id="reg-an", premises_id="blk", kind="permanent", valid_from="2020-01-01"),)])


@settings(max_examples=600, deadline=None)
@given(DECLARATIONS, HOMES, st.integers(-60, 60))
def test_a_newcomer_gets_the_same_answer_both_ways(declaration, homes, days):
    known, received_at = Known(residences=homes), factories.EVENING + timedelta(days=days)
    short = reconcile(declaration, known, rules=RULES, received_at=received_at)
    assert short == reconcile_generally(declaration, known, rules=RULES, received_at=received_at)


@given(IDS, st.sampled_from(["person", "stay", "person 1"]))
def test_an_id_derived_from_a_declaration_is_a_uuid_of_the_same_moment(declaration_id, kind):
    derived = derived_id(kind, declaration_id)
    assert UUID(derived).version == 7
    assert derived == str(UUID(derived))
    assert derived[:13] == declaration_id[:13]
    assert derived != declaration_id


@pytest.mark.parametrize("odd", ["", "no uuid", "019f4ad3-7580-7000-0000-000000000001", "019f4ad3-7580-4000-8000-000000000001"])
def test_an_odd_id_derives_a_uuid_too(odd):
    assert UUID(derived_id("stay", odd)).version == 5


ONE_NUMBER = st.builds(
    Person,
    full_name=st.sampled_from(["Trần Văn An", "H'Loan Ê Ban"]),
    birth=st.sampled_from([None, PartialDate(value="1995", precision="year")]),
    personal_number=st.just("001095000117"),
    document=st.sampled_from([None, Document(kind=DocumentKind.CARD_2021, number="001095000117")]),
)
ANYTHING_ELSE = st.sampled_from(
    [
        {},
        {},
        {"full_name": "Trần Văn Ân"},
        {"full_name": "TRAN VAN AN"},
        {"birth": PartialDate(value="1995-01-02", precision="day")},
        {"status": "deceased"},
        {"declared_by": "019f4ad3-7580-7000-8000-0000000000aa"},
        {"numbers": (KnownNumber(kind="personal", value="001095000117", status="cancelled"),)},
        {"numbers": (KnownNumber(kind="personal", value="001095000117"), KnownNumber(kind="old", value="012345678"))},
        {"numbers": (KnownNumber(kind="old", value="012345678"),)},
    ]
)
HOMES_OF_ANYBODY = st.lists(
    st.builds(
        KnownResidence,
        person_id=st.sampled_from(["reg-an", "reg-other"]),
        premises_id=st.sampled_from(["blk", "elsewhere"]),
        kind=st.just("permanent"),
        valid_from=st.sampled_from(["2020-01-01", "2030-01-01"]),
        valid_to=st.sampled_from([None, "2026-06-30"]),
        unit=st.sampled_from([None, "12a", "13"]),
    ),
    max_size=2,
).map(tuple)


@settings(max_examples=800, deadline=None)
@given(DECLARATIONS, st.one_of(ONE_NUMBER, ONE_NUMBER, PEOPLE), ANYTHING_ELSE, HOMES_OF_ANYBODY, st.integers(-60, 60))
def test_somebody_of_the_register_gets_the_same_answer_both_ways(declaration, stated, otherwise, homes, days):
    declaration = msgspec.structs.replace(declaration, person=stated)
    person = KnownPerson(
        person_id="reg-an",
        full_name=stated.full_name,
        birth=stated.birth,
        numbers=(KnownNumber(kind="personal", value="001095000117"),),
    )
    known = Known(persons=(msgspec.structs.replace(person, **otherwise),), residences=homes)
    received_at = factories.EVENING + timedelta(days=days)
    short = reconcile(declaration, known, rules=RULES, received_at=received_at)
    assert short == reconcile_generally(declaration, known, rules=RULES, received_at=received_at)


def test_the_short_way_is_for_the_one_person_who_is_word_for_word_the_same():
    stated = factories.make_person(old_number=None)
    numbers = tuple(KnownNumber(kind="personal", value=each.value) for each in numbers_of(stated))
    person = KnownPerson(person_id="reg-an", full_name=stated.full_name, birth=stated.birth, numbers=numbers)
    assert _is_expected(stated, person)
    assert not _is_expected(stated, msgspec.structs.replace(person, full_name="Trần Văn Ân"))
