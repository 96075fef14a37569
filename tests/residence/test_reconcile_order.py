"""Whatever the order: the same declarations make the same registry, and none is dropped."""

from __future__ import annotations

from itertools import permutations

import factories
import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from memory_registry import MemoryRegistry

from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.stays.declaration import Declarant, StayDeclaration
from residence.stays.known import KnownNumber, KnownPerson, KnownResidence
from residence.stays.spans import instant

# A declaration that stands in no stay must stand in one of these.
EXPLAINS = {
    "stays.about_unknown",
    "stays.about_other_premises",
    "stays.about_other_person",
    "stays.departure_before_arrival",
    "stays.resident_here",
    "stays.times_unreadable",
}
AN, BINH = "001095000117", "079195000223"
REGISTERED = (
    KnownPerson(
        person_id="reg-an",
        full_name="Trần Văn An",
        birth=PartialDate(value="1995-02-01", precision="day"),
        numbers=(KnownNumber(kind="personal", value=AN),),
    ),
    KnownPerson(
        person_id="reg-cu",
        full_name="Lê Thị Cúc",
        numbers=(KnownNumber(kind="personal", value="001195000999", status="cancelled"),),
        status="deceased",
    ),
)
RESIDENCES = (KnownResidence(person_id="reg-an", premises_id="house-9", kind="permanent", valid_from="2020-01-01"),)

persons = st.builds(
    Person,
    full_name=st.sampled_from(["Trần Văn An", "TRAN VAN AN", "Trần Văn Ân", "Nguyễn Thị Bình"]),
    birth=st.sampled_from(
        [
            None,
            PartialDate(value="1995-02-01", precision="day"),
            PartialDate(value="1995", precision="year"),
            PartialDate(value="1990", precision="year"),
        ]
    ),
    personal_number=st.sampled_from([None, None, AN, BINH, "001195000999"]),
    old_number=st.sampled_from([None, None, "012345678", "023456789"]),
    cancelled_numbers=st.sampled_from([(), (), (), (AN,), (BINH,), ("001195000999",)]),
    document=st.sampled_from([None, None, Document(kind=DocumentKind.PASSPORT, number="B1234567")]),
)


def clock(hours: int) -> str:
    return f"2026-07-{10 + hours // 24:02}T{hours % 24:02}:00:00+07:00"


@st.composite
def statements(draw: st.DrawFn, *, most: int = 6) -> list[StayDeclaration]:
    """A handful of statements about few people, places and hours, so that they collide in every way."""
    made: list[StayDeclaration] = []
    ids = [f"019f4ad3-7580-7000-8000-{number:012x}" for number in range(1, draw(st.integers(2, most)) + 1)]
    for number, identity in enumerate(ids):
        kind = (
            draw(st.sampled_from(["arrival", "arrival", "extension", "departure", "correction", "withdrawal"]))
            if number
            else "arrival"
        )
        others = [each for each in ids if each != identity]
        about = (
            None if kind == "arrival" else draw(st.sampled_from([*others, *others, None, "019f4ad3-7580-7000-8000-ffffffffffff"]))
        )
        start = draw(st.integers(0, 60))
        person = draw(st.sampled_from([each.person for each in made])) if made and draw(st.integers(0, 2)) else draw(persons)
        made.append(
            StayDeclaration(
                declaration_id=identity,
                declared_at=clock(draw(st.integers(0, 80))),
                person=person,
                evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr"),
                declarant=Declarant(role=draw(st.sampled_from(["self", "facility", "officer"]))),
                premises_id=draw(st.sampled_from(["blk", "blk", "htl", "house-9"])),
                unit=draw(st.sampled_from(["1", " 1", "2", None])),
                arrival=clock(start) if draw(st.integers(0, 9)) else "not a time",
                planned_departure=draw(st.sampled_from([None, clock(start + 6), clock(start + 30)])),
                kind=kind,
                about=about,
            )
        )
    return made


def folded(order: list[StayDeclaration]) -> MemoryRegistry:
    registry = MemoryRegistry(REGISTERED, RESIDENCES)
    for each in order:
        registry.receive(each)
    return registry


SLOW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(statements(), st.randoms(use_true_random=False))
def test_any_order_ends_in_the_same_stays_and_findings(made, random):
    shuffled = list(made)
    random.shuffle(shuffled)
    assert folded(made).picture() == folded(shuffled).picture()


@SLOW
@given(statements())
def test_a_replay_changes_nothing(made):
    assume(all(instant(each.arrival) for each in made))  # others the check refuses before they come here
    registry = folded(made)
    before, people = registry.picture(), set(registry.persons)
    for each in made:
        result = registry.receive(each)
        assert result.stay is None or (result.stay.stays, result.stay.removed) == ((), ())
        assert result.cleared == ()
        # What stands names the same people again. A refused statement, said again, may name somebody of its own: it never stands.
        assert result.state != "accepted" or set(registry.persons) <= people
        people = set(registry.persons)
    assert registry.picture() == before


OLD_NUMBER = Person(full_name="Trần Văn An", old_number="012345678")
SOMEBODY_ELSE = Person(full_name="Nguyễn Thị Bình", personal_number=BINH)


def test_a_number_stays_with_its_person_when_the_statement_that_taught_it_is_corrected_to_somebody_else():
    def said(number, person, **more):
        return factories.make_declaration(declaration_id=f"019f4ad3-7580-7000-8000-{number:012x}", person=person, **more)

    first, second = said(1, OLD_NUMBER), said(2, OLD_NUMBER)
    registry = folded([first, second, said(3, SOMEBODY_ELSE, kind="correction", about=first.declaration_id)])
    (stay,) = (each for each in registry.stays.values() if second.declaration_id in each.declaration_ids)
    again, later = registry.receive(second), registry.receive(said(4, OLD_NUMBER))
    assert [each.person.action for each in (again, later)] == ["known", "known"]
    assert {each.person.person_id for each in (again, later)} == {stay.person_id}


@SLOW
@given(statements())
def test_no_declaration_is_dropped_and_none_stands_twice(made):
    registry = folded(made)
    standing = [each for stay in registry.stays.values() for each in stay.declaration_ids]
    explained = {each for found in registry.findings.values() if found.code in EXPLAINS for each in found.about}
    assert len(standing) == len(set(standing))
    assert {each.declaration_id for each in made} <= set(standing) | explained


@SLOW
@given(statements())
def test_people_of_the_register_are_never_merged_away(made):
    assert {"reg-an", "reg-cu"} <= folded(made).persons.keys()


@SLOW
@given(statements())
def test_two_personal_numbers_share_a_stay_only_when_a_card_says_one_was_cancelled(made):
    registry = folded(made)
    by_id = {each.declaration_id: each for each in made}
    if any(each.person.cancelled_numbers for each in made) or any(each.kind != "arrival" for each in made):
        return
    for stay in registry.stays.values():
        assert len({by_id[each].person.personal_number for each in stay.declaration_ids} - {None}) <= 1


def test_the_new_card_and_the_cancelled_one_end_the_same_whichever_is_shown_first():
    old = factories.make_declaration(person=factories.make_person(personal_number=BINH, document=None))
    new = factories.make_declaration(person=factories.make_person(personal_number=AN, document=None, cancelled_numbers=(BINH,)))
    assert folded([old, new]).picture() == folded([new, old]).picture()


def test_two_kiosks_that_were_offline_and_the_desk_make_one_stay_in_all_six_orders():
    lobby = factories.make_declaration(arrival="2026-07-10T14:00:00+07:00")
    gate = factories.make_declaration(arrival="2026-07-10T14:07:00+07:00", planned_departure=None)
    desk = msgspec.structs.replace(
        factories.make_declaration(arrival="2026-07-10T14:10:00+07:00", planned_departure="2026-07-13T12:00:00+07:00"),
        declarant=Declarant(role="facility", account="clerk-1"),
    )
    pictures = set()
    for order in permutations([lobby, gate, desk]):
        registry = MemoryRegistry()
        for each in order:
            assert registry.receive(each).state == "accepted"
        (stay,) = registry.stays.values()
        assert stay.start == "2026-07-10T07:00:00Z"
        assert stay.planned_end == "2026-07-13T05:00:00Z"
        assert stay.declaration_ids == (lobby.declaration_id, gate.declaration_id, desk.declaration_id)
        assert len(registry.persons) == 1
        pictures.add(registry.picture())
    assert len(pictures) == 1
