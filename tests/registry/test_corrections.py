"""Places and homes corrected after a register was taken over: what was said before can be told, each correction is signed, and taken back."""

from __future__ import annotations

import json
import secrets
from datetime import date, timedelta

import pytest
from factories import make_declaration, make_person
from recording_town import SIGNER, Town
from sqlalchemy import update
from typer.testing import CliRunner

from gateway.sweep import sweep
from luutru.commands.registry import app
from luutru.keys import make_key
from registry import tables
from registry.changing import Cause
from registry.checking import check_registry
from registry.correcting import Hand, corrections_of
from registry.households import Registration, add_person, add_residences
from registry.kiosks import add_key
from registry.merging import merge
from registry.numbering import Means, Officer
from registry.past import History
from registry.permanent_residence import HomeCorrection, NewHome, correct, end, homes_of, move, record, take_back
from registry.premises import load_premises
from registry.premises_changes import correct_premises, premises_then, take_back_premises
from registry.relations import duty_then
from residence.cleaning.judging import LivedAt, overlapping
from residence.clock import rfc3339
from residence.errors import Conflict, Refused
from residence.places.premises import PremisesKind
from residence.places.premises_corrections import MOST_KINDS, PremisesCorrection
from residence.stays.rules import load_rule_book
from residence.stays.temporary import Home
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring

RENTAL, BLOCK, HOUSE = "rnt-ngo-sau", "blk-hoa-binh", "hsh-hoa-sen"
JULY = date(2026, 7, 1)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def ring(town: Town) -> Keyring:
    entry = KeyEntry(
        key_id=SIGNER.key_id,
        use="receipt",
        owner=AUTHORITY,
        public_key=SIGNER.public_key,
        valid_from=rfc3339(town.now - timedelta(days=1)),
    )
    return Keyring((entry,))


def do(town: Town, step, *given, signer=SIGNER, reason="the deed", **named):
    """Take a step a minute after the one before."""
    town.now += MINUTE
    means = Means(vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes)
    hand = Hand(officer=Officer(account_id="can-bo", reason=reason), means=means, signer=signer)
    with town.registry.writing() as connection:
        return step(connection, *given, hand=hand, **named)


def fix(town: Town, premises_id: str = RENTAL, *, expected: str | None = None, signer=SIGNER, **asked):
    return do(town, correct_premises, premises_id, PremisesCorrection(**asked), expected=expected, signer=signer)


def place(town: Town, premises_id: str = RENTAL, at=None):
    with town.registry.reading() as connection:
        if at is not None:
            return premises_then(connection, premises_id, at, vault=town.registry.vault)
        return load_premises(connection, [premises_id], vault=town.registry.vault)[premises_id]


def told(town: Town, subject_id: str, **named) -> list[tuple[str, str]]:
    with town.registry.reading() as connection:
        return [(each.event, each.signature) for each in corrections_of(connection, subject_id, **named)]


def codes(done) -> list[str]:
    return [each.code for each in done.problems]


def test_a_place_is_corrected_what_it_was_is_told_and_the_correction_is_signed(town: Town) -> None:
    before, then = place(town), town.now
    done = fix(town, capacity=12, address_text="Số 7 Ngõ Sâu mới", add_units=("P9",), remove_units=("P3",))
    after = place(town)
    assert (after.capacity, after.address_text) == (12, "Số 7 Ngõ Sâu mới")
    assert set(after.units) == set(before.units) - {"P3"} | {"P9"}
    assert place(town, at=then) == before
    assert place(town, at=then - timedelta(days=400)) is None
    assert told(town, RENTAL, keyring=ring(town)) == [("corrected", "holds")]
    do(town, take_back_premises, done.correction_id, reason="the wrong house")
    assert place(town) == before
    assert place(town, at=town.now - MINUTE) == after
    assert told(town, RENTAL, keyring=ring(town)) == [("taken_back", "holds"), ("corrected", "holds")]
    report = check_registry(town.registry)
    assert (report.problems, report.erased) == ((), 0)


def who_declares(town: Town, at) -> str:
    """Return the law's word for whoever must declare who comes at an instant, as the register stands."""
    with town.registry.reading() as connection:
        return duty_then(connection, place(town), at=at, rules=load_rule_book()).holder


def of_its_unit(town: Town, arrival) -> list[str]:
    """Declare somebody without a unit and return what is said of that."""
    said = make_declaration(premises_id=RENTAL, unit=None, arrival=rfc3339(arrival), planned_departure=None)
    (done,) = town.record(town.say(said))
    return [each.code for each in done.receipt.findings if each.pointer == "/unit"]


def test_a_kind_counts_from_its_correction_on_and_so_does_taking_it_back(town: Town) -> None:
    before = place(town)
    done = fix(town, kind=PremisesKind.HOTEL)
    corrected = town.now
    assert (place(town).kind, place(town, at=corrected - MINUTE)) == (PremisesKind.HOTEL, before)
    assert [who_declares(town, at) for at in (corrected - MINUTE, corrected)] == [
        "other-with-lodging-function",
        "tourist-lodging",
    ]
    town.now += 3 * HOUR
    assert of_its_unit(town, corrected - MINUTE) == [], (
        "a room was not asked for of who came before, however late they are told of"
    )
    assert of_its_unit(town, corrected + HOUR) == ["declaration.unit_missing"]
    do(town, take_back_premises, done.correction_id, reason="the wrong house")
    assert (who_declares(town, corrected), who_declares(town, town.now)) == ("tourist-lodging", "other-with-lodging-function")
    assert of_its_unit(town, corrected + HOUR) == ["declaration.unit_missing"], "it was a hotel in the register when they came"
    assert of_its_unit(town, town.now) == []
    assert place(town, at=town.now - HOUR).kind is PremisesKind.HOTEL
    assert told(town, RENTAL, keyring=ring(town)) == [("taken_back", "holds"), ("corrected", "holds")]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_notice_goes_to_whoever_answered_when_the_guest_came_and_the_latest_kinds_are_remembered(town: Town) -> None:
    town.see(premises_id=RENTAL, seen_at=rfc3339(town.now))
    latest = fix(town, kind=PremisesKind.HOMESTAY).correction_id
    town.see(make_person(personal_number="001195000888"), premises_id=RENTAL, seen_at=rfc3339(town.now + HOUR))
    sweep(town.registry, rules=load_rule_book(), now=town.now + timedelta(days=1), random_bytes=secrets.token_bytes)
    assert sorted(row.addressee for row in town.rows(tables.notices)) == ["facility", "host"]
    for kind in (PremisesKind.OTHER, PremisesKind.RENTAL_HOUSE) * MOST_KINDS:
        latest = fix(town, kind=kind, expected=latest).correction_id
    assert len(place(town).earlier_kinds) == MOST_KINDS


def test_a_home_moves_and_what_the_register_said_before_comes_with_its_reason(town: Town) -> None:
    person_id = newcomer(town)
    first = do(town, record, person_id, NewHome(premises_id=HOUSE, first=date(2020, 1, 1)))
    then = town.now
    moved = do(town, move, first.row_id, NewHome(premises_id=BLOCK, unit="0201", first=JULY), reason="form CT01")
    assert days(town, person_id) == [(HOUSE, "2020-01-01", "2026-06-30"), (BLOCK, "2026-07-01", None)]
    with town.registry.reading() as connection:
        history = History(connection, person_id)
        (said,) = [fact.said for key, fact in history.facts(then).items() if key[0] == "residences"]
        reasons = {each.reason for each in history.events(then) if each.what == "changed"}
    assert (said["premises_id"], said["valid_to"], reasons) == (HOUSE, None, {"form CT01"})
    do(town, take_back, moved.correction_id)
    assert days(town, person_id) == [(HOUSE, "2020-01-01", None), (BLOCK, "2026-07-01", "2026-06-30")]
    every = told_of("moved", "moved_out", "registered", "taken_back", "taken_back")  # two of an instant stand in any order
    assert sorted(told(town, person_id, keyring=ring(town))) == every
    assert do(town, move, first.row_id, NewHome(premises_id=BLOCK, first=JULY)).correction_id, (
        "nobody lives where it was taken back"
    )


def told_of(*events: str) -> list[tuple[str, str]]:
    return [(each, "holds") for each in events]


def newcomer(town: Town, name: str = "Đỗ Thị Mẫu", number: str = "001195000999") -> str:
    with town.registry.writing() as connection:
        given = {"commune_code": "demo-01", "now": town.now, "random_bytes": secrets.token_bytes}
        person = make_person(full_name=name, personal_number=number, sex="female", document=None)
        return add_person(connection, person, vault=town.registry.vault, **given)


def days(town: Town, person_id: str) -> list[tuple[str, str, str | None]]:
    with town.registry.reading() as connection:
        return [(row.premises_id, row.valid_from, row.valid_to) for row in homes_of(connection, person_id)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_home_recorded_wrongly_is_corrected_ended_and_each_taken_back_the_latest_first(town: Town) -> None:
    person_id = newcomer(town)
    home = do(town, record, person_id, NewHome(premises_id=BLOCK, unit="02 01", first=JULY)).row_id
    fixed = do(town, correct, home, HomeCorrection(unit="0203", first=date(2026, 6, 1)))
    ended = do(town, end, home, date(2026, 7, 9))
    assert days(town, person_id) == [(BLOCK, "2026-06-01", "2026-07-09")]
    with pytest.raises(Conflict, match=r"correction\.changed_meanwhile"):
        do(town, take_back, fixed.correction_id)
    do(town, take_back, ended.correction_id)
    with pytest.raises(Conflict, match=r"correction\.changed_meanwhile"):
        do(town, take_back, ended.correction_id)
    do(town, take_back, fixed.correction_id)
    with town.registry.reading() as connection:
        (row,) = homes_of(connection, person_id)
    assert (row.unit, row.valid_from, row.valid_to) == ("0201", "2026-07-01", None)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_corrections_of_somebody_merged_are_found_with_whoever_stands(town: Town) -> None:
    merged, stands = newcomer(town), newcomer(town, "Đỗ Thị Mẫu", "001195000888")
    home = do(town, record, merged, NewHome(premises_id=HOUSE, first=JULY))
    with town.registry.writing() as connection:
        cause = Cause(kind="account", cause_id="can-bo", reason="both cards seen")
        merge(connection, merged, stands, cause=cause, now=town.now, random_bytes=secrets.token_bytes)
    assert told(town, stands, keyring=ring(town)) == told_of("registered")
    do(town, end, home.row_id, JULY)
    with pytest.raises(Conflict):
        do(town, take_back, home.correction_id)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_row_somebody_altered_no_longer_fits_its_signature_and_an_unsigned_one_says_so(town: Town) -> None:
    first = fix(town, capacity=12)
    fix(town, capacity=13, expected=first.correction_id, signer=None)
    assert told(town, RENTAL, keyring=ring(town)) == [("corrected", "none"), ("corrected", "holds")]
    assert told(town, RENTAL)[1] == ("corrected", "unchecked")
    assert told(town, RENTAL, keyring=Keyring(()))[1] == ("corrected", "broken")
    with town.registry.writing() as connection:
        mine = tables.corrections.c.correction_id == first.correction_id
        connection.execute(update(tables.corrections).where(mine).values(account_id="somebody else"))
    assert told(town, RENTAL, keyring=ring(town))[1] == ("corrected", "broken")


# what is asked of a place -> what speaks against it
WRONG_PLACES = {
    "no name": ({"name": " "}, ["correction.name"]),
    "an address of two lines": ({"address_text": "Số 1\nSố 2"}, ["correction.address"]),
    "nobody may sleep": ({"capacity": 0}, ["correction.capacity"]),
    "a unit twice": ({"add_units": ("P9", "p 9")}, ["correction.unit_exists"]),
    "a unit there is": ({"add_units": ("p1",)}, ["correction.unit_exists"]),
    "a unit there is not": ({"remove_units": ("X1",)}, ["correction.unit_unknown"]),
    "a unit somebody lives in": ({"remove_units": ("P1",)}, ["correction.unit_lived_in"]),
    "a kind that needs a unit, and the last one removed": (
        {"kind": PremisesKind.HOTEL, "remove_units": tuple(f"P{each}" for each in range(1, 7))},
        ["correction.unit_needed", "correction.unit_lived_in"],
    ),
    "a unit without a name": ({"add_units": (" ",), "capacity": -1}, ["correction.capacity", "correction.unit"]),
}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_speaks_against_correcting_a_place_is_told_and_nothing_is_written(town: Town) -> None:
    before = place(town)
    for asked, expected in WRONG_PLACES.values():
        assert codes(fix(town, **asked)) == expected
    assert fix(town, capacity=before.capacity, name=before.name).correction_id is None, "nothing was to change"
    with pytest.raises(Conflict):
        fix(town, capacity=3, expected="another")
    with pytest.raises(Refused):
        fix(town, "nowhere", capacity=3)
    with pytest.raises(Refused):
        do(town, correct_premises, RENTAL, PremisesCorrection(capacity=3), expected=None, reason=" ")
    assert (place(town), told(town, RENTAL)) == (before, [])


# what is asked of a person with a home at HOUSE since July -> what speaks against it
WRONG_HOMES = {
    "a second home": (lambda t, p, _h: do(t, record, p, NewHome(premises_id=BLOCK, first=JULY)), ["permanent.stands"]),
    "a day to come": (lambda t, _p, h: do(t, move, h, NewHome(premises_id=BLOCK, first=date(2026, 8, 1))), ["permanent.day", "permanent.day"]),
    "a move before it began": (lambda t, _p, h: do(t, move, h, NewHome(premises_id=BLOCK, first=JULY)), ["permanent.days"]),
    "nowhere": (lambda t, _p, h: do(t, move, h, NewHome(premises_id="x", first=date(2026, 7, 2))), ["registry.premises_unknown"]),
    "a unit that is not": (lambda t, _p, h: do(t, correct, h, HomeCorrection(unit="9")), ["correction.unit_unknown"]),
    "another's household": (lambda t, _p, h: do(t, correct, h, HomeCorrection(household_id="household-01")), ["permanent.household"]),
    "an end before the beginning": (lambda t, _p, h: do(t, end, h, date(2026, 6, 1)), ["permanent.days"]),
    "last before first": (lambda t, _p, h: do(t, correct, h, HomeCorrection(last=date(2026, 6, 1))), ["permanent.days"]),
}  # fmt: skip


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_speaks_against_a_home_is_told_and_nothing_is_written(town: Town) -> None:
    person_id = newcomer(town)
    home = do(town, record, person_id, NewHome(premises_id=HOUSE, first=JULY)).row_id
    for attempt, expected in WRONG_HOMES.values():
        assert codes(attempt(town, person_id, home)) == expected
    assert days(town, person_id) == [(HOUSE, "2026-07-01", None)]
    with town.registry.writing() as connection:
        lodging = Registration(person_id=person_id, premises_id=RENTAL, kind="temporary", valid_from="2026-07-01")
        how = {"commune_code": "demo-01", "now": town.now, "random_bytes": secrets.token_bytes}
        (temporary,) = add_residences(connection, [lodging], **how)
    for wrong in (temporary, "nobody"):
        with pytest.raises(Refused):
            do(town, end, wrong, JULY)


def test_a_home_that_was_taken_back_shares_a_day_with_nothing():
    void = LivedAt("r-1", "permanent", "a", "", "2026-07-01", "2026-06-30")
    whole = LivedAt("r-2", "permanent", "b", "", "2020-01-01", None)
    assert overlapping([void, whole]) == ()
    home = Home(kind="permanent", premises_id="a", commune_code="c", first=JULY, last=date(2026, 6, 30))
    assert not home.shares_days(date(2020, 1, 1), date(2030, 1, 1))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_by_command_signed_and_neither_name_nor_address_is_shown(town: Town, url: str, tmp_path) -> None:
    person_id, where = newcomer(town), ["--registry", url, "--vault", str(tmp_path / "vault"), "--json"]
    path = tmp_path / "keys" / "server-receipt.key"
    entry = make_key(path, key_id="server-1", use="receipt", owner=AUTHORITY, now=town.now, random_bytes=secrets.token_bytes)
    with town.registry.writing() as connection:
        add_key(connection, entry, commune_code="demo-01")
    said = ["--by", "can-bo", "--reason", "the deed", "--keys", str(path.parent)]

    def run(*words: str, given: str | None = None) -> dict:
        answer = CliRunner().invoke(app, [*words, *where], input=given).stdout
        assert "Ngõ" not in answer
        return json.loads(answer)

    assert run("premises", "show", RENTAL)["premises"]["duty"]["answers_as"] == "occupant", "nobody is named as its manager"
    fixed = run(
        "premises",
        "correct",
        RENTAL,
        "--kind",
        "guest-house",
        "--address",
        "--capacity",
        "9",
        "--add-unit",
        "P9",
        *said,
        given="Ngõ Mới\n",
    )
    assert place(town).address_text == "Ngõ Mới"
    shown = run("premises", "show", RENTAL)["premises"]
    assert (shown["capacity"], shown["kind"], shown["duty"]["holder"]) == (9, "guest-house", "tourist-lodging")
    assert "P9" not in run("premises", "show", RENTAL, "--at", rfc3339(town.now))["premises"]["units"]
    (kept,) = run("premises", "history", RENTAL)["corrections"]
    assert (kept["signature"], kept["sealed"], kept["account_id"]) == ("holds", ["address_text"], "can-bo")
    assert run("premises", "take-back", fixed["correction_id"], *said)["ok"]
    assert not run("premises", "correct", RENTAL, "--remove-unit", "P1", *said)["ok"]

    home = run("home", "record", person_id, "--premises", HOUSE, "--on", "2020-01-01", *said)["row_id"]
    assert run("home", "correct", home, "--from", "2020-02-01", "--household", "none", *said)["ok"]
    moved = run("home", "move", home, "--to", BLOCK, "--unit", "0201", "--on", "2026-07-01", *said)
    assert [each["valid_to"] for each in run("home", "list", person_id)["homes"]] == ["2026-06-30", None]
    assert run("home", "take-back", moved["correction_id"], *said)["ok"]
    assert run("home", "end", home, "--on", "2026-07-05", *said)["ok"]
    assert {each["signature"] for each in run("home", "history", person_id)["corrections"]} == {"holds"}
