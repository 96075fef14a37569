"""Every way a declaration can disagree with what is known, one row each: what came, and what is found and stands."""

from __future__ import annotations

from datetime import timedelta

import factories
import msgspec
import pytest
from memory_registry import RULES, MemoryRegistry

from residence.clock import parse_instant
from residence.people.person import Document, DocumentKind, PartialDate
from residence.stays.declaration import Declarant
from residence.stays.folding import fold
from residence.stays.known import Known, KnownNumber, KnownPerson, KnownResidence, KnownStay
from residence.stays.reconcile import reconcile

AN = "001095000117"
BORN = PartialDate(value="1995-02-01", precision="day")
REGISTERED = KnownPerson(
    person_id="reg-an", full_name="Trần Văn An", birth=BORN, numbers=(KnownNumber(kind="personal", value=AN),)
)
DESK = Declarant(role="facility", account="clerk-1")
OFFICER = Declarant(role="officer", account="officer-1")


def arrive(**changes):
    return factories.make_declaration(**changes)


def someone(**changes):
    return factories.make_person(**{"document": None, **changes})


def follow(first, kind, **changes):
    return factories.make_declaration(**{"kind": kind, "about": first.declaration_id, "person": first.person, **changes})


def codes(registry):
    return {each.code for each in registry.findings.values()}


def pair(**changes):
    return arrive(), arrive(**changes)


def with_follow_up(kind, **changes):
    first = arrive()
    return first, follow(first, kind, **changes)


OLD_NUMBER_ONLY = {"personal_number": None, "old_number": "012345678"}
# name -> (declarations, findings beside person.unknown, state of the last, stays standing as (status, declarations in it))
TABLE = {
    "somebody new": (lambda: [arrive()], set(), "accepted", [("open", 1)]),
    "the same stay at another kiosk": (
        lambda: pair(arrival="2026-07-10T14:05:00+07:00"),
        {"stays.duplicate"},
        "accepted",
        [("open", 2)],
    ),
    "already staying here by an earlier declaration": (
        lambda: pair(arrival="2026-07-11T20:00:00+07:00", planned_departure="2026-07-14T12:00:00+07:00"),
        {"stays.already_here"},
        "accepted",
        [("open", 2)],
    ),
    "comes back after leaving": (
        lambda: pair(arrival="2026-07-12T12:00:00+07:00", planned_departure="2026-07-13T12:00:00+07:00"),
        set(),
        "accepted",
        [("open", 1), ("open", 1)],
    ),
    "another unit of the same premises": (
        lambda: pair(unit="1204"),
        {"stays.other_unit"},
        "accepted",
        [("open", 1), ("open", 1)],
    ),
    "the same unit written otherwise": (lambda: pair(unit=" 1203 "), {"stays.duplicate"}, "accepted", [("open", 2)]),
    "another premises at the same time": (
        lambda: pair(premises_id="htl-sao-mai"),
        {"stays.elsewhere"},
        "accepted",
        [("open", 1), ("open", 1)],
    ),
    "no planned departure lasts as long as a stay can": (
        lambda: [arrive(planned_departure=None), arrive(arrival="2026-08-01T14:00:00+07:00", planned_departure=None)],
        {"stays.already_here"},
        "accepted",
        [("open", 2)],
    ),
    "declared anew after thirty days of a stay said to last for years": (
        lambda: [
            arrive(planned_departure="2036-07-12T12:00:00+07:00"),
            arrive(arrival="2026-08-09T14:00:00+07:00", planned_departure="2026-08-12T12:00:00+07:00"),
        ],
        set(),
        "accepted",
        [("open", 1), ("open", 1)],
    ),
    "extended": (
        lambda: with_follow_up("extension", planned_departure="2026-07-20T12:00:00+07:00"),
        {"stays.extended"},
        "accepted",
        [("open", 2)],
    ),
    "extended to an earlier day": (
        lambda: with_follow_up("extension", planned_departure="2026-07-11T12:00:00+07:00"),
        {"stays.extended", "stays.extension_not_longer"},
        "accepted",
        [("open", 2)],
    ),
    "extended to thirty days": (
        lambda: with_follow_up("extension", planned_departure="2026-08-09T14:00:00+07:00"),
        {"stays.extended", "stays.thirty_days"},
        "accepted",
        [("open", 2)],
    ),
    "extended to a second less than thirty days": (
        lambda: with_follow_up("extension", planned_departure="2026-08-09T13:59:59+07:00"),
        {"stays.extended"},
        "accepted",
        [("open", 2)],
    ),
    "left early": (
        lambda: with_follow_up("departure", planned_departure="2026-07-11T09:00:00+07:00"),
        {"stays.early_departure"},
        "accepted",
        [("ended", 2)],
    ),
    "left as planned": (
        lambda: with_follow_up("departure", planned_departure="2026-07-12T12:00:00+07:00"),
        set(),
        "accepted",
        [("ended", 2)],
    ),
    "left, naming no declaration": (
        lambda: with_follow_up("departure", planned_departure="2026-07-11T09:00:00+07:00", about=None),
        {"stays.early_departure"},
        "accepted",
        [("ended", 2)],
    ),
    "left before coming": (
        lambda: with_follow_up("departure", planned_departure="2026-07-09T09:00:00+07:00"),
        {"stays.departure_before_arrival"},
        "conflicting",
        [("open", 1)],
    ),
    "withdrawn": (lambda: with_follow_up("withdrawal"), set(), "accepted", [("withdrawn", 2)]),
    "a correction of the room": (lambda: with_follow_up("correction", unit="1301"), set(), "accepted", [("open", 2)]),
    "about a declaration nobody sent": (
        lambda: [arrive(kind="departure", about=factories.make_id())],
        {"stays.about_unknown"},
        "conflicting",
        [],
    ),
    "ended from another premises": (
        lambda: with_follow_up("departure", premises_id="htl-sao-mai", planned_departure="2026-07-11T09:00:00+07:00"),
        {"stays.about_other_premises"},
        "refused",
        [("open", 1)],
    ),
    "ended by an officer": (
        lambda: with_follow_up(
            "departure", premises_id="htl-sao-mai", declarant=OFFICER, planned_departure="2026-07-12T12:00:00+07:00"
        ),
        set(),
        "accepted",
        [("ended", 2)],
    ),
    "somebody else says they left": (
        lambda: with_follow_up("departure", person=someone(full_name="Lê Thị Cúc", personal_number="001195000999")),
        {"stays.about_other_person"},
        "refused",
        [("open", 1)],
    ),
    "the number with another name": (
        lambda: pair(person=someone(full_name="Lê Thị Cúc")),
        {"person.number_disagrees_with_name", "stays.duplicate"},
        "conflicting",
        [("disputed", 1), ("disputed", 1)],
    ),
    "the number with another birth date": (
        lambda: pair(person=someone(birth=PartialDate(value="1994-02-01", precision="day"))),
        {"person.number_disagrees_with_birth", "stays.duplicate"},
        "conflicting",
        [("disputed", 1), ("disputed", 1)],
    ),
    "the number with only the year of the same birth date": (
        lambda: pair(person=someone(birth=PartialDate(value="1995", precision="year"))),
        {"stays.duplicate"},
        "accepted",
        [("open", 2)],
    ),
    "the name without accents": (
        lambda: pair(person=someone(full_name="TRAN VAN AN")),
        {"stays.duplicate"},
        "accepted",
        [("open", 2)],
    ),
    "the name with other accents": (
        lambda: pair(person=someone(full_name="Trần Văn Ân")),
        {"stays.duplicate", "person.name_spelt_otherwise"},
        "accepted",
        [("open", 2)],
    ),
    "an old number links to the new one": (
        lambda: [arrive(person=someone(**OLD_NUMBER_ONLY)), arrive(person=someone(old_number="012345678"))],
        {"person.old_number_linked", "stays.duplicate"},
        "accepted",
        [("open", 2)],
    ),
    "an old number without a birth date does not link": (
        lambda: [arrive(person=someone(**OLD_NUMBER_ONLY, birth=None)), arrive(person=someone(old_number="012345678"))],
        {"person.old_number_unconfirmed"},
        "accepted",
        [("open", 1), ("open", 1)],
    ),
    "an old number with another name does not link": (
        lambda: [
            arrive(person=someone(**OLD_NUMBER_ONLY, full_name="Lê Thị Cúc")),
            arrive(person=someone(old_number="012345678")),
        ],
        {"person.number_disagrees_with_name"},
        "conflicting",
        [("disputed", 1), ("disputed", 1)],
    ),
    "an old number of two people joins nobody": (
        lambda: [
            arrive(person=someone(**OLD_NUMBER_ONLY)),
            arrive(person=someone(old_number="012345678")),
            arrive(person=someone(old_number="012345678", personal_number="079095000333")),
        ],
        {"person.number_of_two_persons"},
        "conflicting",
        [("disputed", 1), ("disputed", 1), ("disputed", 1)],
    ),
    "a new card prints the cancelled number": (
        lambda: pair(person=someone(personal_number="079095000333", cancelled_numbers=(AN,))),
        {"person.number_replaced", "stays.duplicate"},
        "accepted",
        [("open", 2)],
    ),
    "a cancelled number of somebody else": (
        lambda: pair(
            person=someone(
                full_name="Lê Thị Cúc",
                birth=PartialDate(value="1980-01-01", precision="day"),
                personal_number="079180000333",
                cancelled_numbers=(AN,),
            )
        ),
        {"person.cancelled_number_disagrees"},
        "conflicting",
        [("disputed", 1), ("disputed", 1)],
    ),
    "the same passport and name": (
        lambda: [
            arrive(person=someone(personal_number=None, document=Document(kind=DocumentKind.PASSPORT, number="B1234567"))),
            arrive(person=someone(personal_number=None, document=Document(kind=DocumentKind.PASSPORT, number="b1234567"))),
        ],
        {"stays.duplicate"},
        "accepted",
        [("open", 2)],
    ),
    "two people without papers and one name": (
        lambda: [arrive(person=someone(personal_number=None)), arrive(person=someone(personal_number=None))],
        set(),
        "accepted",
        [("open", 1), ("open", 1)],
    ),
    "an arrival that cannot be read": (lambda: [arrive(arrival="tonight")], {"stays.times_unreadable"}, "refused", []),
}


@pytest.mark.parametrize("case", TABLE.values(), ids=TABLE.keys())
def test_finding(case):
    make, expected, state, stays = case
    registry = MemoryRegistry()
    results = [registry.receive(each) for each in make()]
    assert codes(registry) - {"person.unknown"} == expected
    assert results[-1].state == state
    assert sorted((each.status, len(each.declaration_ids)) for each in registry.stays.values()) == stays


REGISTER = {
    "a registered person is not unknown": (REGISTERED, set(), "accepted"),
    "deceased": (msgspec.structs.replace(REGISTERED, status="deceased"), {"person.deceased"}, "conflicting"),
    "cancelled number": (
        msgspec.structs.replace(REGISTERED, numbers=(KnownNumber(kind="personal", value=AN, status="cancelled"),)),
        {"person.number_cancelled"},
        "conflicting",
    ),
    "registered under another name": (
        msgspec.structs.replace(REGISTERED, full_name="Lê Thị Cúc"),
        {"person.number_disagrees_with_name"},
        "conflicting",
    ),
    "registered with another birth date": (
        msgspec.structs.replace(REGISTERED, birth=PartialDate(value="1990", precision="year")),
        {"person.number_disagrees_with_birth"},
        "conflicting",
    ),
}


@pytest.mark.parametrize("case", REGISTER.values(), ids=REGISTER.keys())
def test_against_the_register(case):
    person, expected, state = case
    registry = MemoryRegistry((person,))
    result = registry.receive(arrive())
    assert (codes(registry), result.state, result.person.person_id) == (expected, state, "reg-an")
    assert len(registry.stays) == 1  # kept, whatever was found


@pytest.mark.parametrize(
    ("home", "expected"),
    [
        ({"unit": "1203"}, True),
        ({"unit": None}, True),
        ({"unit": "1204"}, False),
        ({"unit": "1203", "valid_to": "2026-07-10"}, True),
        ({"unit": "1203", "valid_to": "2026-07-09"}, False),
        ({"unit": "1203", "valid_from": "2026-07-11"}, False),
        ({"unit": "1203", "premises_id": "blk-other"}, False),
    ],
)
def test_who_lives_here_needs_no_notification_and_is_told_so(home, expected):
    residence = KnownResidence(
        **{"person_id": "reg-an", "premises_id": "blk-hoa-binh", "kind": "temporary", "valid_from": "2026-01-01", **home}
    )
    registry = MemoryRegistry((REGISTERED,), (residence,))
    result = registry.receive(arrive())
    assert ("stays.resident_here" in codes(registry)) is expected
    assert bool(registry.stays) is not expected
    assert result.state == "accepted"


def test_a_correction_of_the_number_moves_the_stay_to_the_right_person():
    registry = MemoryRegistry((REGISTERED,))
    first = arrive(person=someone(full_name="Lê Thị Cúc"), declarant=DESK)
    assert registry.receive(first).state == "conflicting"
    corrected = someone(full_name="Lê Thị Cúc", personal_number="001195000999", sex="female")
    registry.receive(follow(first, "correction", person=corrected, declarant=DESK))
    (stay,) = registry.stays.values()
    assert stay.status == "open"
    assert stay.person_id != "reg-an"
    assert codes(registry) == {"person.unknown"}


def test_a_withdrawn_withdrawal_lets_the_stay_stand_again():
    registry = MemoryRegistry()
    first = arrive()
    back = follow(first, "withdrawal")
    for each in (first, back, follow(back, "withdrawal")):
        registry.receive(each)
    assert [each.status for each in registry.stays.values()] == ["open"]


def test_a_departure_that_comes_before_its_arrival_waits_and_then_counts():
    registry = MemoryRegistry()
    first = arrive()
    left = follow(first, "departure", planned_departure="2026-07-11T09:00:00+07:00")
    assert registry.receive(left).state == "conflicting"
    assert codes(registry) == {"stays.about_unknown"}
    registry.receive(first)
    assert [each.status for each in registry.stays.values()] == ["ended"]
    assert codes(registry) == {"person.unknown", "stays.early_departure"}


def test_one_departure_ends_what_lobby_and_desk_declared():
    registry = MemoryRegistry()
    lobby, desk = pair(arrival="2026-07-10T14:20:00+07:00", declarant=DESK)
    for each in (lobby, desk, follow(desk, "departure", planned_departure="2026-07-11T09:00:00+07:00", declarant=DESK)):
        registry.receive(each)
    (stay,) = registry.stays.values()
    assert (stay.status, stay.ended_at) == ("ended", "2026-07-11T02:00:00Z")


def test_a_withdrawal_splits_what_it_held_together():
    registry = MemoryRegistry()
    early = arrive(planned_departure="2026-07-11T12:00:00+07:00")
    bridge = arrive(arrival="2026-07-11T10:00:00+07:00", planned_departure="2026-07-14T12:00:00+07:00")
    late = arrive(arrival="2026-07-13T14:00:00+07:00", planned_departure="2026-07-15T12:00:00+07:00")
    for each in (early, bridge, late):
        registry.receive(each)
    assert len(registry.stays) == 1
    registry.receive(follow(bridge, "withdrawal"))
    assert sorted(each.status for each in registry.stays.values()) == ["open", "open", "withdrawn"]


def test_a_declaration_after_the_stay_was_over_says_so_and_still_counts():
    registry = MemoryRegistry()
    result = registry.receive(arrive(), at=parse_instant("2026-07-12T12:00:00+07:00"))
    assert "stays.over_when_received" in codes(registry)
    assert result.state == "accepted"
    assert "stays.over_when_received" not in {
        each.code for each in MemoryRegistry().receive(arrive(), at=factories.EVENING + timedelta(hours=1)).findings
    }


def test_a_look_up_that_left_declarations_out_is_refused_loudly():
    stay = KnownStay(stay_id="s", person_id="p", premises_id="blk", start="2026-07-10T07:00:00Z", declaration_ids=("missing",))
    with pytest.raises(ValueError, match="not looked up"):
        reconcile(arrive(), Known(stays=(stay,)), rules=RULES, received_at=factories.EVENING)


def test_ids_are_the_same_in_every_process():
    first = factories.make_declaration(declaration_id="019f4ad3-7580-7000-8000-000000000001")
    result = MemoryRegistry().receive(first)
    assert result.stay.stay_id == "019f4ad3-7580-7045-a5a3-4797c93fcb01"
    assert result.person.person_id == "019f4ad3-7580-7a4a-8d61-0d32d2b90f24"


def test_findings_grow_with_the_declarations_and_not_with_their_pairs():
    names = ("Trần Văn An", "Lê Thị Cúc")
    many = [arrive(person=someone(full_name=names[number % 2])) for number in range(60)]
    earlier, last = tuple(many[:-1]), many[-1]
    known = Known(declarations=earlier)
    result = reconcile(last, known, rules=RULES, received_at=factories.EVENING)
    standing = fold((*earlier, last), known, rules=RULES)
    assert len(standing.findings) < 5 * len(many)
    assert result.state == "conflicting"
    assert {each for stay in result.stay.stays for each in stay.declaration_ids} == {each.declaration_id for each in many}
