"""What has run out is found by set queries on both engines, explained away by what the register knows, said once, cleared when settled."""

from __future__ import annotations

import secrets
from datetime import date, timedelta

import pytest
from factories import EVENING, make_declaration, make_person
from recording_town import Town
from sqlalchemy import select, update

from registry import tables
from registry.changing import Cause
from registry.households import Registration, add_person, add_residences
from registry.lapses import find_lapses, standing_lapses
from registry.merging import merge
from registry.notices import Notice, send_notice
from registry.premises import add_premises
from registry.temporary_residence import Means, Teller, move_out, take_back
from residence.cases.lapses import LapseChoices
from residence.cases.notices import NoticeKind
from residence.clock import rfc3339
from residence.people.person import Document, DocumentKind
from residence.places.premises import Premises, PremisesKind
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
BLOCK, HOTEL = "blk-hoa-binh", "htl-sao-mai"
ELSEWHERE = Premises(
    premises_id="blk-xa-ben",
    kind=PremisesKind.APARTMENT_BLOCK,
    commune_code="demo-02",
    name="Nhà bên",
    address_text="1 Đường Mẫu",
)
MADE = {"commune_code": "demo-01", "now": EVENING, "random_bytes": secrets.token_bytes}
ENDED = "2026-07-08"
FOREIGNER = make_person(
    full_name="Anna Muster", personal_number=None, nationality="DEU", document=Document(kind=DocumentKind.PASSPORT, number="C01X00T47", issuer="DEU")
)  # fmt: skip


def lodger(town: Town, last: str = ENDED, premises: str = BLOCK, **person) -> tuple[str, str]:
    """Register somebody for a time; returns person and residence."""
    with town.registry.writing() as connection:
        person_id = add_person(connection, make_person(**person), vault=town.registry.vault, **MADE)
    return person_id, home(town, person_id, last=last, premises=premises)


def home(
    town: Town, person_id: str, *, last: str | None, premises: str = BLOCK, kind: str = "temporary", first="2025-01-01"
) -> str:
    lives = Registration(person_id=person_id, premises_id=premises, kind=kind, valid_from=first, valid_to=last)
    with town.registry.writing() as connection:
        return add_residences(connection, [lives], **MADE)[0]


def in_another_commune(town: Town, person_id: str) -> None:
    """Register somebody for a time in a house of the next commune."""
    with town.registry.writing() as connection:
        add_premises(connection, ELSEWHERE, vault=town.registry.vault, now=EVENING)
        lives = Registration(
            person_id=person_id, premises_id="blk-xa-ben", kind="temporary", valid_from="2026-07-01", valid_to=None
        )
        add_residences(connection, [lives], **MADE | {"commune_code": "demo-02"})


def absent(town: Town, person_id: str) -> None:
    row = {"commune_code": "demo-01", "absence_id": secrets.token_hex(8), "person_id": person_id, "subject_id": person_id}
    with town.registry.writing() as connection:
        connection.execute(
            tables.absences.insert(), [row | {"valid_from": "2026-07-01", "valid_to": None, "recorded_at": EVENING}]
        )


def search(town: Town, now=EVENING):
    return find_lapses(town.registry, rules=RULES, now=now, choices=LapseChoices(), random_bytes=secrets.token_bytes)


def standing(town: Town, commune: str = "demo-01") -> list[tuple[str, str]]:
    with town.registry.reading() as connection:
        return [(row.rule, row.premises_id) for row in standing_lapses(connection, commune)]


def declared(town: Town, **changes) -> str:
    """Record a stay whose end is behind us; returns who it is of."""
    changes = {
        "arrival": rfc3339(EVENING - timedelta(days=5)),
        "planned_departure": rfc3339(EVENING - timedelta(days=2)),
        **changes,
    }
    town.now = EVENING - timedelta(days=5) if "now" not in changes else changes.pop("now")
    message = make_declaration(**({"premises_id": HOTEL, "unit": "201"} | changes))
    town.record(town.say(message))
    town.now = EVENING
    return next(row.person_id for row in town.rows(tables.declarations) if row.declaration_id == message.declaration_id)


def test_everything_that_ran_out_is_found_once_said_once_and_cleared_when_settled(town: Town) -> None:
    _, residence = lodger(town)
    declared(town, person=make_person(full_name="Lê Thị Mẫu", personal_number="001195000333", sex="female", document=None))
    declared(town, person=make_person(full_name="Ngô Văn Mẫu", personal_number="001095000444", document=None), arrival=rfc3339(EVENING - timedelta(days=33)), planned_departure=None, now=EVENING - timedelta(days=33))  # fmt: skip
    declared(town, person=FOREIGNER, planned_departure=None, permitted_stay_until=ENDED)
    assert search(town).found == {"temporary_expired": 1, "stay_overrun": 1, "stay_too_long": 1, "permit_ended": 1}
    assert standing(town) == [
        ("permit_ended", HOTEL),
        ("stay_overrun", HOTEL),
        ("stay_too_long", HOTEL),
        ("temporary_expired", BLOCK),
    ]
    again = search(town, EVENING + timedelta(hours=1))
    assert (again.found, again.cleared, again.notices) == ({}, 0, 0)
    told = {row.kind: row for row in town.rows(tables.notices)}
    assert set(told) == {"residence-ended", "stay-overrun", "permit-ended"}
    assert {each.addressee for each in told.values()} == {"host", "facility", "person"}
    with town.registry.writing() as connection:
        teller = Teller(told_by="landlord", account_id="acc-1")
        means = Means(rules=RULES, now=EVENING, random_bytes=secrets.token_bytes)
        assert move_out(connection, residence, date(2026, 7, 7), teller=teller, means=means).ok
    assert search(town, EVENING + timedelta(hours=2)).cleared == 1
    assert ("temporary_expired", BLOCK) not in standing(town)
    (answered,) = [row for row in town.rows(tables.notices) if row.kind == "residence-ended"]
    assert answered.answer == "settled"


def test_each_carries_the_row_the_day_the_rules_and_what_was_tried(town: Town) -> None:
    _, residence = lodger(town)
    search(town)
    (row,) = town.rows(tables.lapses)
    assert (row.row_id, row.since, row.data) == (residence, "2026-07-09", {"valid_from": "2025-01-01", "valid_to": ENDED})
    assert (row.rule_set, "27" in row.article) == ("temporary-2026-07-01", True)
    assert {"moved_out", "absent", "registered_elsewhere"} <= set(row.explanations_tried)
    assert "person_id" not in tables.lapses.c


EXPLAINED = {
    "registered here anew": lambda town, who: home(town, who, last="2027-01-01", first="2026-07-09"),
    "lives here for good by now": lambda town, who: home(town, who, last=None, kind="permanent", first="2026-07-09"),
    "registered elsewhere for a time": lambda town, who: home(town, who, last="2027-01-01", premises=HOTEL),
    "registered in another commune": in_another_commune,
    "declared absent": absent,
}


@pytest.mark.parametrize("name", EXPLAINED)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_expired_residence_is_explained(town: Town, name: str) -> None:
    person_id, _ = lodger(town)
    EXPLAINED[name](town, person_id)
    assert search(town).found == {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_living_for_good_elsewhere_explains_nothing(town: Town) -> None:
    person_id, _ = lodger(town)
    home(town, person_id, last=None, kind="permanent", premises=HOTEL)
    assert search(town).found == {"temporary_expired": 1}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_move_out_explains_until_it_is_taken_back(town: Town) -> None:
    _, residence = lodger(town)
    teller, means = Teller(told_by="landlord", account_id="a"), Means(rules=RULES, now=EVENING, random_bytes=secrets.token_bytes)
    with town.registry.writing() as connection:
        done = move_out(connection, residence, date.fromisoformat(ENDED), teller=teller, means=means)
    assert search(town).found == {}
    with town.registry.writing() as connection:
        take_back(connection, done.event_id, teller=teller, means=means)
    assert search(town).found == {"temporary_expired": 1}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_dead_owe_nothing(town: Town) -> None:
    lodger(town)
    with town.registry.writing() as connection:
        connection.execute(update(tables.persons).values(status="deceased"))
    assert search(town).found == {}


@pytest.mark.parametrize("last", ["2026-07-09", "2026-07-10", "2026-05-01"])
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_within_the_grace_and_long_ago_are_left_alone(town: Town, last: str) -> None:
    lodger(town, last)
    assert search(town).found == {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_was_found_stands_beyond_the_window_until_it_is_settled(town: Town) -> None:
    _, residence = lodger(town)
    search(town)
    later = EVENING + timedelta(days=100)
    assert (search(town, later).cleared, standing(town)) == (0, [("temporary_expired", BLOCK)])
    with town.registry.writing() as connection:
        connection.execute(
            update(tables.residences).where(tables.residences.c.residence_id == residence).values(valid_to="2027-07-08")
        )
    assert (search(town, later + timedelta(hours=1)).cleared, standing(town)) == (1, [])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_guest_who_went_on_or_came_back_is_not_overdue(town: Town) -> None:
    declared(town)
    declared(town, premises_id=BLOCK, unit="1203", arrival=rfc3339(EVENING - timedelta(days=1)), planned_departure=rfc3339(EVENING + timedelta(days=1)), now=EVENING)  # fmt: skip
    assert search(town).found == {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_foreigners_long_stay_is_no_temporary_residence(town: Town) -> None:
    long = {"arrival": rfc3339(EVENING - timedelta(days=40)), "planned_departure": rfc3339(EVENING + timedelta(days=3))}
    declared(town, person=FOREIGNER, permitted_stay_until="2026-12-31", now=EVENING - timedelta(days=40), **long)
    assert search(town).found == {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_newer_paper_explains_and_a_merge_takes_the_permit_along(town: Town) -> None:
    who = declared(town, permitted_stay_until=ENDED, person=FOREIGNER, planned_departure=None)
    search(town)
    assert standing(town) == [("permit_ended", HOTEL)]
    with town.registry.writing() as connection:
        other = add_person(
            connection, make_person(full_name="Anna Muster", personal_number=None), vault=town.registry.vault, **MADE
        )
        merge(connection, who, other, cause=Cause(kind="account", cause_id="a"), now=EVENING, random_bytes=secrets.token_bytes)
        assert connection.scalar(select(tables.permitted_stays.c.person_id)) == other
        row = {"commune_code": "demo-01", "permit_id": "newer", "person_id": other, "valid_to": "2026-12-31"}
        connection.execute(tables.permitted_stays.insert(), [row | {"recorded_at": EVENING}])
    assert (search(town, EVENING + timedelta(hours=1)).cleared, standing(town)) == (1, [])


def test_a_permit_that_is_over_follows_its_person_to_another_commune(town: Town) -> None:
    who = declared(town, permitted_stay_until=ENDED, person=FOREIGNER, planned_departure=None)
    search(town)
    with town.registry.writing() as connection:
        connection.execute(update(tables.stays).values(status="ended"))
    in_another_commune(town, who)
    moved = search(town, EVENING + timedelta(hours=1))
    assert (moved.found, moved.cleared) == ({"permit_ended": 1}, 1)
    assert (standing(town), standing(town, "demo-02")) == ([], [("permit_ended", "blk-xa-ben")])
    assert (
        search(town, EVENING + timedelta(days=90)).cleared == 0
    )  # beyond the window, and found by its id from the other commune


def test_more_than_a_page_of_a_commune_is_searched(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.lapses.PAGE", 2)
    for number in range(5):
        lodger(
            town, full_name=f"Lê Văn {['Mẫu', 'Thử', 'Nghiệm', 'Giả', 'Định'][number]}", personal_number=f"00109500055{number}"
        )
    assert search(town).found == {"temporary_expired": 5}
    assert search(town, EVENING + timedelta(days=100)).cleared == 0


@pytest.mark.parametrize(
    ("capacity", "away", "found"), [(2, False, True), (3, False, False), (2, True, False), (None, False, False)]
)
def test_a_house_is_full_when_undeclared_people_find_no_place_beside_those_present(town: Town, capacity, away, found) -> None:
    one, _ = lodger(town, last="2027-01-01", premises=HOTEL)
    home(town, one, last="2027-01-01", premises=HOTEL)  # registered twice, sleeps once
    lodger(town, last="2027-01-01", premises=HOTEL, full_name="Lê Văn Mẫu", personal_number="001095000555")
    if away:
        absent(town, one)
    notice = Notice(
        kind=NoticeKind.PLEASE_DECLARE, about="seen-1", who="00ff", premises_id=HOTEL, commune_code="demo-01", addressee="facility"
    )  # fmt: skip
    with town.registry.writing() as connection:
        send_notice(connection, notice, now=EVENING - timedelta(hours=1), random_bytes=secrets.token_bytes)
        connection.execute(update(tables.premises).where(tables.premises.c.premises_id == HOTEL).values(capacity=capacity))
    assert search(town).found == ({"over_capacity": 1} if found else {})
    if found:
        assert town.rows(tables.lapses)[0].data == {"capacity": 2, "declared": 2, "undeclared": 1, "absent": 0}
        assert search(town, EVENING + timedelta(hours=40)).cleared == 1  # nobody is undeclared there any more
