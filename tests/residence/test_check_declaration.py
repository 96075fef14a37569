"""A declaration's problems, all at once: the vectors, and what must hold for any declaration."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import factories
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.clock import parse_instant, rfc3339
from residence.errors import Malformed, catalogue
from residence.people.dated_codes import Validity
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.places.premises import Premises, PremisesKind
from residence.stays.check import check_declaration
from residence.stays.declaration import Reason, StayDeclaration
from residence.stays.reasons import REASON_DAYS, REASONS, ministry_reason, reason_of
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
VECTORS = json.loads((Path(__file__).parents[1] / "vectors/declaration/checked.json").read_text("utf-8"))
READABLE = [case for case in VECTORS["cases"] if not "".join(case["expect"]).startswith("input.malformed ")]
NOW = parse_instant(VECTORS["at"])


def place(case):
    return Premises(
        premises_id="blk-hoa-binh",
        kind=PremisesKind(case["premises_kind"]),
        commune_code="demo-01",
        name="",
        units=tuple(case.get("units", ())),
    )


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case["name"])
def test_every_problem_at_once(case):
    declaration = msgspec.convert(case["input"], StayDeclaration)
    result = check_declaration(declaration, premises=place(case["input"]), rules=RULES, now=NOW)
    assert sorted(f"{each.code} {each.pointer}" for each in result.problems) == case["expect"]
    assert result.ok == all(catalogue()[each.split()[0]]["severity"] == "warning" for each in case["expect"])


def test_unknown_premises_are_a_warning_and_another_premises_is_an_error():
    declaration = factories.make_declaration()
    unknown = check_declaration(declaration, premises=None, rules=RULES, now=NOW)
    assert [each.code for each in unknown.problems] == ["declaration.premises_unknown"]
    assert unknown.ok
    other = msgspec.structs.replace(place({"premises_kind": "hotel"}), premises_id="other")
    assert [each.code for each in check_declaration(declaration, premises=other, rules=RULES, now=NOW).problems] == [
        "declaration.premises_other"
    ]


@pytest.mark.parametrize(
    ("left", "code"), [(timedelta(seconds=59), "declaration.just_before_deadline"), (timedelta(0), "declaration.past_deadline")]
)
def test_the_last_minute_and_the_limit_itself_are_warned_about(left, code):
    declaration = factories.make_declaration()
    now = parse_instant("2026-07-10T23:00:00+07:00") - left
    result = check_declaration(declaration, premises=place({"premises_kind": "hotel"}), rules=RULES, now=now)
    assert [each.code for each in result.problems] == [code]
    assert result.ok


@given(
    st.builds(
        Person,
        full_name=st.text(max_size=20),
        birth=st.none()
        | st.builds(PartialDate, value=st.text("0123456789-", max_size=11), precision=st.sampled_from(["day", "month", "year"])),
        personal_number=st.none() | st.text(max_size=13),
        old_number=st.none() | st.text(max_size=10),
        nationality=st.sampled_from(["VNM", "DEU", ""]),
        document=st.none() | st.builds(Document, kind=st.sampled_from(DocumentKind), number=st.none() | st.text(max_size=21)),
    ),
    st.text(max_size=30),
    st.none() | st.text(max_size=30),
)
def test_no_text_makes_the_check_fall_over_and_every_pointer_points_at_a_field(person, arrival, departure):
    declaration = factories.make_declaration(person=person, arrival=arrival, planned_departure=departure)
    result = check_declaration(declaration, premises=place({"premises_kind": "hotel"}), rules=RULES, now=NOW)
    fields = msgspec.to_builtins(declaration) | dict.fromkeys(StayDeclaration.__struct_fields__)
    assert all(each.pointer.split("/")[1] in fields for each in result.problems)


@given(st.booleans(), st.sampled_from(PremisesKind), st.none() | st.integers(1930, 2026))
def test_missing_papers_alone_never_refuse_anybody(mentioned, kind, year):
    person = factories.make_person(
        personal_number=None,
        document=Document(kind=DocumentKind.NONE) if mentioned else None,
        birth=PartialDate(value=str(year), precision="year") if year else None,
    )
    declaration = factories.make_declaration(person=person)
    assert check_declaration(declaration, premises=place({"premises_kind": kind}), rules=RULES, now=NOW).ok


def test_the_twenty_reasons_are_the_ministry_s():
    assert sorted(ministry_reason(each) for each in Reason) == list(range(1, 21))
    assert all(reason_of(text.code) is reason for reason, text in REASONS.items())
    assert reason_of(21) is None


# what is declared, the day the stay begins, and where a code is refused
CODES = {
    "the newer card before there was one": (
        {"document": Document(kind=DocumentKind.CARD_2024)},
        "2024-06-30",
        ["/person/document/kind"],
    ),
    "the newer card on its first day": ({"document": Document(kind=DocumentKind.CARD_2024)}, "2024-07-01", []),
    "the old document today": ({"document": Document(kind=DocumentKind.OLD_ID, number="012345678")}, "2026-07-10", []),
    "a country that is no more": ({"nationality": "YUG"}, "2026-07-10", ["/person/nationality"]),
    "Germany as its passports have it": ({"nationality": "D"}, "2026-07-10", []),
    "what no list has": ({"nationality": "UNO"}, "2026-07-10", []),
}


@pytest.mark.parametrize(("person", "day", "pointers"), CODES.values(), ids=CODES)
def test_a_code_is_refused_on_a_day_it_did_not_hold(person, day, pointers):
    declaration = factories.make_declaration(person=factories.make_person(**person), arrival=f"{day}T14:00:00+07:00")
    found = check_declaration(declaration, premises=None, rules=RULES, now=NOW).problems
    assert [each.pointer for each in found if each.code == "declaration.code_not_valid"] == pointers


def test_a_reason_ends_when_its_data_says_so(monkeypatch):
    monkeypatch.setitem(REASON_DAYS, Reason.TOURISM, Validity(valid_from="2021-07-01", valid_to="2026-07-09"))
    found = check_declaration(factories.make_declaration(reason=Reason.TOURISM), premises=None, rules=RULES, now=NOW).problems
    (gone,) = [each for each in found if each.code == "declaration.code_not_valid"]
    assert gone.pointer == "/reason"
    assert "2026-07-09" in gone.message.vi


NOT_RFC_3339 = [
    "2026-W28-5T14:00:00+07:00",
    "2026-W28-5T14:00+07:00",
    "2026-191T14:00:00+07:00",
    "20260710T140000+0700",
    "2026-07-10T14:00+07:00",
    "2026-07-10T14:00:00+0700",
    "2026-07-10T14+07:00",
    "2026-07-10_14:00:00+07:00",
    "2026-07-10T14:00:00+07:00:30",
    "2026-07-10T14:00:00",
    "2026-07-10",
    "2026-07-10T14:00:00,5Z",
    "\u0662026-07-10T14:00:00Z",
    "2026-07-10T14:00:00Z\n",
]


@pytest.mark.parametrize("text", NOT_RFC_3339)
def test_an_instant_is_rfc_3339_and_nothing_else(text):
    with pytest.raises(Malformed):
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["2026-07-10T14:00:00+07:00", "2026-07-10t07:00:00z", "2026-07-10T07:00:00.000Z", "2026-07-10T07:00:00-00:00"]
)
def test_every_spelling_of_rfc_3339_is_one_instant(text):
    assert rfc3339(parse_instant(text)) == "2026-07-10T07:00:00Z"


@pytest.mark.parametrize("kind", ["correction", "withdrawal", "departure", "extension"])
def test_a_statement_about_itself_is_refused(kind):
    own = factories.make_declaration()
    told = msgspec.structs.replace(own, kind=kind, about=own.declaration_id)
    found = check_declaration(told, premises=place({"premises_kind": "apartment-block"}), rules=RULES, now=NOW)
    assert not found.ok
    assert "declaration.about_itself" in {each.code for each in found.problems}


@pytest.mark.parametrize("kind", ["arrival", "correction", "withdrawal", "departure", "extension"])
def test_no_free_text_of_any_kind_of_statement_holds_a_control_character(kind):
    person = factories.make_person(
        full_name="Trần\x00", residence_text="Hà\x07", document=Document(kind=DocumentKind.OTHER, number="1\x00")
    )
    told = factories.make_declaration(person=person, kind=kind, unit="1\x00", note="\x1b", reason_text="\x00")
    told = msgspec.structs.replace(told, declarant=msgspec.structs.replace(told.declarant, name="\x00"))
    found = check_declaration(told, premises=place({"premises_kind": "apartment-block"}), rules=RULES, now=NOW)
    pointers = {each.pointer for each in found.problems if each.code == "text.control_characters"}
    assert pointers >= {
        "/unit",
        "/note",
        "/reason_text",
        "/declarant/name",
        "/person/full_name",
        "/person/residence_text",
        "/person/document/number",
    }
