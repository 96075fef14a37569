"""What may be done with a case, which notice goes to whom, and which field comes back for which purpose."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.access.purposes import (
    BOUND_TO,
    LISTS,
    PERSONAL,
    RELEASED,
    Field,
    Purpose,
    Role,
    needs_access_record,
    purposes_of,
    release,
    released_fields,
)
from residence.cases.notices import NoticeKind, addressee, ending_residences, long_stays
from residence.cases.transitions import (
    CLAIMANT_ONLY,
    CLOSED,
    NEEDS_PURPOSE,
    TRANSITIONS,
    CaseAction,
    CaseStatus,
    after,
    allowed_actions,
)
from residence.clock import parse_instant
from residence.errors import Refused, sentence
from residence.places.premises import PremisesKind
from residence.stays.known import KnownResidence, KnownStay
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
ROLES = get_args(Role)


def test_every_state_is_in_the_table_and_can_be_reached_from_open():
    reached, frontier = {CaseStatus.OPEN}, [CaseStatus.OPEN]
    while frontier:
        following = set(TRANSITIONS[frontier.pop()].values()) - reached
        reached |= following
        frontier += following
    assert reached == set(CaseStatus) == set(TRANSITIONS)


def test_no_state_is_the_end_and_a_closed_case_can_only_be_reopened():
    assert all(TRANSITIONS[status] for status in CaseStatus)
    assert all(set(TRANSITIONS[status]) == {CaseAction.REOPEN} for status in CLOSED)


def test_an_open_case_closes_unseen_only_because_the_stay_was_declared():
    assert set(TRANSITIONS[CaseStatus.OPEN]) == {CaseAction.CLAIM, CaseAction.CLOSE_DECLARED}
    assert CaseAction.CLAIM in NEEDS_PURPOSE


@given(st.sampled_from(CaseStatus), st.sampled_from(CaseAction), st.booleans())
def test_buttons_and_handlers_agree(status, action, claimant):
    if action in allowed_actions(status, claimant=claimant):
        assert after(status, action, claimant=claimant) in CaseStatus
    else:
        with pytest.raises(Refused) as refusal:
            after(status, action, claimant=claimant)
        assert refusal.value.code == "case.action_not_allowed"


def test_only_the_claimant_works_on_a_claimed_case():
    assert not set(allowed_actions(CaseStatus.CLAIMED, claimant=False)) & CLAIMANT_ONLY
    assert CaseAction.CLOSE_ACTION in allowed_actions(CaseStatus.CLAIMED, claimant=True)


@given(st.sampled_from(ROLES), st.sampled_from(Purpose), st.sets(st.sampled_from(Field)))
def test_a_purpose_releases_what_its_row_says_and_nothing_else(role, purpose, fields):
    values = dict.fromkeys(fields, "x")
    if (role, purpose) not in RELEASED:
        with pytest.raises(Refused) as refusal:
            release(values, role=role, purpose=purpose)
        assert refusal.value.code == "access.purpose_not_for_role"
        return
    assert set(release(values, role=role, purpose=purpose)) == fields & released_fields(role, purpose)


def test_no_list_shows_anything_personal():
    rows = [fields for (role, purpose), fields in RELEASED.items() if purpose in LISTS]
    assert rows
    assert all(not fields & PERSONAL for fields in rows)
    assert all(BOUND_TO[purpose] == "none" for purpose in LISTS)


def test_personal_fields_are_always_bound_to_a_case_a_duty_or_oneself():
    assert set(BOUND_TO) == set(Purpose)
    for (role, purpose), fields in RELEASED.items():
        assert bool(fields & PERSONAL) == (BOUND_TO[purpose] != "none") == needs_access_record(role, purpose)


def test_an_operator_has_no_purpose_and_a_clerk_never_sees_who_is_undeclared():
    assert purposes_of("operator") == ()
    assert not {Purpose.UNDECLARED_LIST, Purpose.UNDECLARED_CASE} & set(purposes_of("clerk"))


def test_the_whole_number_is_for_no_case_but_for_the_number_somebody_says_is_wrong_and_for_a_form_its_person_files():
    whole = {key for key, fields in RELEASED.items() if Field.PERSONAL_NUMBER in fields}
    assert whole == {
        ("officer", Purpose.DISPUTE_REVIEW),
        ("officer", Purpose.PROCEDURE_FILE),
        ("resident", Purpose.OWN_PROCEDURE),
    }


def test_every_notice_has_its_sentence_and_an_addressee_for_every_kind_of_premises():
    for kind in NoticeKind:
        assert sentence(kind.code).vi
        assert all(addressee(kind, each) in {"host", "facility", "person"} for each in PremisesKind)
    assert addressee(NoticeKind.PLEASE_DECLARE, PremisesKind.HOTEL) == "facility"
    assert addressee(NoticeKind.PLEASE_DECLARE, PremisesKind.APARTMENT_BLOCK) == "host"
    assert addressee(NoticeKind.RENEW_TEMPORARY_RESIDENCE, PremisesKind.HOTEL) == "person"


@pytest.mark.parametrize(
    ("today", "due"), [("2026-12-15", False), ("2026-12-16", True), ("2026-12-31", True), ("2027-01-01", False)]
)
def test_a_temporary_residence_is_reminded_of_within_fifteen_days_of_its_end(today, due):
    home = KnownResidence(person_id="p", premises_id="blk", kind="temporary", valid_from="2025-01-01", valid_to="2026-12-31")
    found = ending_residences((home,), rules=RULES, now=parse_instant(f"{today}T12:00:00+07:00"))
    assert bool(found) is due


def test_a_permanent_residence_and_one_without_an_end_are_never_reminded_of():
    homes = tuple(
        KnownResidence(person_id="p", premises_id="blk", kind=kind, valid_from="2025-01-01", valid_to=end)
        for kind, end in (("permanent", "2026-07-11"), ("temporary", None))
    )
    assert ending_residences(homes, rules=RULES, now=parse_instant("2026-07-10T12:00:00Z")) == ()


@pytest.mark.parametrize(
    ("changes", "now", "due"),
    [
        ({"planned_end": "2026-08-09T07:00:00Z"}, "2026-07-11", True),
        ({"planned_end": "2026-08-09T06:59:59Z"}, "2026-07-11", False),
        ({}, "2026-08-09", False),
        ({}, "2026-08-10", True),
        ({"status": "ended"}, "2026-08-10", False),
    ],
)
def test_a_stay_of_thirty_days_becomes_temporary_residence(changes, now, due):
    stay = KnownStay(**{"stay_id": "s", "person_id": "p", "premises_id": "blk", "start": "2026-07-10T07:00:00Z", **changes})
    assert bool(long_stays((stay,), rules=RULES, now=parse_instant(f"{now}T00:00:00+07:00"))) is due
