"""The policy file against a table of its own: every role, every action, inside and outside the account's area."""

from __future__ import annotations

import tomllib
from importlib import resources
from itertools import product
from pathlib import Path

import cedarpy
import msgspec
import pytest

from residence.errors import Refused
from server.policy import (
    ROLES,
    Account,
    CaseResource,
    CommuneResource,
    OrderResource,
    PairResource,
    PathResource,
    PremisesResource,
    ProposalResource,
    QuestionResource,
    StayResource,
    ViewResource,
    load_policy,
)

ALLOWED = tomllib.loads((Path(__file__).parent / "policy_matrix.toml").read_text("utf-8"))
RESOURCES = {
    "declare": "premises", "list_stays": "premises", "correct": "premises", "check_out": "premises", "read_receipt": "premises",
    "close_day": "premises", "list_premises_stays": "premises", "list_undeclared": "commune", "list_premises": "commune", "list_access_records": "commune",
    "list_kiosks": "commune", "list_dead_letters": "commune", "settle_dead_letters": "commune", "watch_gateways": "commune", "list_unit_questions": "commune", "settle_unit_questions": "commune", "list_cleaning": "commune", "decide_cleaning": "commune", "list_pairs": "commune", "read_pair": "pair", "decide_pair": "pair", "release_pair": "pair", "read_case": "case", "claim_case": "case", "share_case": "case", "release_person": "case",
    "watch_authorities": "commune", "settle_authorities": "commune", "decide_case": "case", "manage_account": "account", "bind_identity": "account", "read_own_record": "account", "answer_disputes": "commune", "work_procedures": "commune", "change_numbers": "commune", "give_way_in": "commune", "correct_register": "commune",
    "seal_case": "case", "hand_out_case": "case", "list_proposals": "commune", "settle_proposal": "proposal", "break_glass": "elsewhere", "look_elsewhere": "elsewhere",
    "list_calls": "commune", "answer_calls": "commune", "list_deletions": "commune", "provision_kiosks": "commune", "mute_kiosks": "commune",
    "speak_of_own_stay": "stay", "confirm_own_stay": "stay", "act_for_somebody": "stay",
    "list_look_questions": "commune", "change_look_rules": "commune", "settle_look_question": "question", "answer_look_question": "own question",
    "list_second_views": "commune", "enter_order": "commune", "read_order": "order", "see_case_again": "view asked", "look_into_difference": "view",
    "list_paths": "commune", "begin_path": "commune", "take_path": "path", "work_path": "path",
}  # fmt: skip

PURPOSE = {
    "read_order": "issued-order",
    "work_path": "guided-path",
    "look_elsewhere": "break-glass",
    "release_pair": "duplicate-review",
}


def account(role, name="me"):
    return Account(account_id=name, name=name, role=role, commune_code="here", premises=("mine",) if role == "clerk" else ())


def things(kind, role):  # noqa: PLR0912 - a table, one kind after the other
    """Yield (resource, whether it is inside the account's area)."""
    match kind:
        case "premises":
            yield PremisesResource(premises_id="mine", commune="here"), True
            yield PremisesResource(premises_id="other", commune="here"), role != "clerk"
            yield PremisesResource(premises_id="mine", commune="there"), False
        case "commune":
            yield CommuneResource(commune="here"), True
            yield CommuneResource(commune="there"), False
        case "pair":
            yield PairResource(pair_id="p", communes=("there", "here")), True
            yield PairResource(pair_id="p", communes=("there", "elsewhere")), False
        case "elsewhere":
            yield CaseResource(case_id="c", commune="there", opened_by=("me",)), True
            yield CaseResource(case_id="c", commune="there", opened_by=("me",), conflicted=("me",)), False
            yield CaseResource(case_id="c", commune="here", claimed_by="me", opened_by=("me",)), False
        case "proposal":
            other = "inspector" if role == "officer" else "officer"
            yield ProposalResource(proposal_id="p", commune="here", asked_by="a colleague", role=role), True
            yield ProposalResource(proposal_id="p", commune="here", asked_by="me", role=role), False
            yield ProposalResource(proposal_id="p", commune="there", asked_by="a colleague", role=role), False
            yield ProposalResource(proposal_id="p", commune="here", asked_by="a colleague", role=other), False
        case "path":
            yield PathResource(path_id="p", commune="here", taken_by="me"), True
            yield PathResource(path_id="p", commune="there", taken_by="me"), False
            yield PathResource(path_id="p", commune="here", taken_by="me", conflicted=("me",)), False
        case "question":
            yield QuestionResource(question_id="q", commune="here", account_id="an officer"), True
            yield QuestionResource(question_id="q", commune="here", account_id="an officer", conflicted=("me",)), False
            yield QuestionResource(question_id="q", commune="here", account_id="me"), False
            yield QuestionResource(question_id="q", commune="there", account_id="an officer"), False
        case "order":
            yield OrderResource(order_id="o", commune="here", receivers=("me", "another")), True
            yield OrderResource(order_id="o", commune="here", receivers=("another",)), False
            yield OrderResource(order_id="o", commune="there", receivers=("me",)), False
        case "view asked":
            yield ViewResource(view_id="v", commune="here", asked="me"), True
            yield ViewResource(view_id="v", commune="here", asked="another"), False
            yield ViewResource(view_id="v", commune="there", asked="me"), False
        case "view":
            yield ViewResource(view_id="v", commune="here", seen_by=("another",)), True
            yield ViewResource(view_id="v", commune="here", seen_by=("me",)), False
            yield ViewResource(view_id="v", commune="there"), False
        case "own question":
            yield QuestionResource(question_id="q", commune="here", account_id="me"), True
            yield QuestionResource(question_id="q", commune="here", account_id="an officer"), False
            yield QuestionResource(question_id="q", commune="there", account_id="me"), False
        case "stay":
            yield StayResource(stay_id="s", account_id="me"), True
            yield StayResource(stay_id="s", account_id=""), False
            yield StayResource(stay_id="s", account_id="somebody else"), False
        case "case":
            yield CaseResource(case_id="c", commune="here", claimed_by="me"), True
            yield CaseResource(case_id="c", commune="there", claimed_by="me"), False
        case _:
            yield account(role), True
            yield account(role, "somebody else"), False


@pytest.mark.parametrize(("role", "action"), list(product(ROLES, RESOURCES)))
def test_a_role_may_do_what_the_table_says_inside_its_area_and_nothing_outside(role, action):
    policy = load_policy()
    for resource, inside in things(RESOURCES[action], role):
        expected = inside and action in ALLOWED[role]
        assert (
            policy.allows(account(role), action, resource=resource, purpose=PURPOSE.get(action, "undeclared-case")) is expected
        ), resource


@pytest.mark.parametrize("action", ["release_person", "decide_case", "seal_case", "hand_out_case"])
def test_a_case_that_is_not_claimed_by_this_officer_or_has_no_purpose_releases_nothing(action):
    policy = load_policy()
    officer = account("officer")
    for claimed_by, purpose in (("", "undeclared-case"), ("another", "undeclared-case"), ("me", "")):
        case = CaseResource(case_id="c", commune="here", claimed_by=claimed_by)
        assert not policy.allows(officer, action, resource=case, purpose=purpose)


@pytest.mark.parametrize("action", [each for each, kind in RESOURCES.items() if kind == "case"])
def test_nobody_decides_in_their_own_cause_whatever_they_have_claimed(action):
    case = CaseResource(case_id="c", commune="here", claimed_by="me", conflicted=("me",))
    assert not load_policy().allows(account("officer"), action, resource=case, purpose="undeclared-case")


def test_a_case_of_another_commune_is_seen_while_it_is_open_to_this_officer_and_for_that_purpose_alone():
    policy, officer = load_policy(), account("officer")
    for opened_by, purpose in (((), "break-glass"), (("another",), "break-glass"), (("me",), "undeclared-case"), (("me",), "")):
        case = CaseResource(case_id="c", commune="there", opened_by=opened_by)
        assert not policy.allows(officer, "look_elsewhere", resource=case, purpose=purpose)
    case = CaseResource(case_id="c", commune="there", claimed_by="me", opened_by=("me",))
    for action in ("read_case", "claim_case", "release_person", "decide_case", "share_case", "seal_case", "hand_out_case"):
        assert not policy.allows(officer, action, resource=case, purpose="break-glass")


def test_a_path_is_worked_on_by_whoever_took_it_and_for_that_purpose_alone():
    policy = load_policy()
    for taken_by, purpose in (("", "guided-path"), ("another", "guided-path"), ("me", ""), ("me", "undeclared-case")):
        path = PathResource(path_id="p", commune="here", taken_by=taken_by)
        assert not policy.allows(account("officer"), "work_path", resource=path, purpose=purpose)


def test_two_records_are_shown_for_their_own_purpose_alone():
    policy, pair = load_policy(), PairResource(pair_id="p", communes=("here",))
    released = [
        policy.allows(account("officer"), "release_pair", resource=pair, purpose=each) for each in ("", "undeclared-case")
    ]
    assert released == [False, False]


def test_an_action_nobody_has_heard_of_is_refused():
    with pytest.raises(Refused) as refused:
        load_policy().require(account("officer"), "search_by_name", resource=CommuneResource(commune="here"))
    assert refused.value.code == "server.not_allowed"


def test_the_policy_file_fits_its_schema():
    folder = resources.files("server")
    result = cedarpy.validate_policies(
        folder.joinpath("policy.cedar").read_text("utf-8"), folder.joinpath("policy.cedarschema").read_text("utf-8")
    )
    assert result.validation_passed, result.errors


def test_the_table_names_every_role_and_only_actions_of_the_schema():
    assert set(ALLOWED) == set(ROLES)
    assert {action for actions in ALLOWED.values() for action in actions} == set(RESOURCES)


@pytest.mark.parametrize("action", [each for each, kind in RESOURCES.items() if kind == "premises"])
def test_a_clerk_who_only_reads_at_a_house_sees_it_and_says_nothing_there(action):
    policy, house = load_policy(), PremisesResource(premises_id="mine", commune="here")
    reader = Account(
        account_id="me", name="me", role="clerk", commune_code="here", premises=("mine", "full"), reads_only=("mine",)
    )
    assert policy.allows(reader, action, resource=house) is (action in {"list_stays", "read_receipt"})
    full = PremisesResource(premises_id="full", commune="here")
    assert policy.allows(reader, action, resource=full) is (action in ALLOWED["clerk"])


@pytest.mark.parametrize(("role", "action"), list(product(ROLES, RESOURCES)))
def test_what_a_slip_opened_may_do_nothing_but_speak_of_its_one_stay_and_keep_its_own_account(role, action):
    policy, slip = load_policy(), msgspec.structs.replace(account(role), stay="s")
    own = msgspec.structs.replace(slip, account_id="me")
    other = StayResource(stay_id="another", account_id="me")
    resources = [other, own, *(each for each, _ in things(RESOURCES[action], role) if not isinstance(each, Account))]
    allowed = [
        each for each in resources if policy.allows(slip, action, resource=each, purpose=PURPOSE.get(action, "undeclared-case"))
    ]
    expected = {
        "manage_account": [own],
        "speak_of_own_stay": [StayResource(stay_id="s", account_id="me")] if role == "resident" else [],
    }
    assert allowed == expected.get(action, [])
