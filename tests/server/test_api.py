"""The API: the same declarations and receipts as the pages, problem documents for every no, one committed OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from factories import make_declaration, make_id
from openapi_spec_validator import validate
from server_parts import csrf_of
from sqlalchemy import select

from registry import tables
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import catalogue
from residence.stays.declaration import Declarant
from residence.wire.receipts import parse_receipt_text, read_unverified
from server.api import application
from server.api.document import document
from server.api.operations import OPERATIONS

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def body(**changes) -> bytes:
    return msgspec.json.encode(make_declaration(**({"premises_id": "htl-sao-mai", "unit": "201"} | changes)))


def assert_problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert {"type", "title", "detail"} <= set(told)
    return told


def test_a_declaration_is_recorded_and_the_same_bytes_get_the_first_receipt(world):
    client, headers, sent = world.client(), world.bearer("clerk"), body()
    first = client.post("/api/v1/declarations", content=sent, headers=headers)
    assert first.status_code == 201, first.text
    receipt = read_unverified(parse_receipt_text(first.json()["text"]))
    assert receipt.state == first.json()["receipt"]["state"] == "accepted"
    world.clock.pass_time(hours=1)
    second = client.post("/api/v1/declarations", content=sent, headers=headers)
    assert second.status_code == 200
    assert second.json() == first.json()
    again = client.get(f"/api/v1/declarations/{receipt.declaration_id}/receipt", headers=headers)
    assert again.json() == first.json()


def test_the_same_id_with_other_bytes_is_a_conflict_and_the_first_stands(world):
    client, headers, own_id = world.client(), world.bearer("clerk"), make_id()
    first = client.post("/api/v1/declarations", content=body(declaration_id=own_id), headers=headers)
    other = client.post("/api/v1/declarations", content=body(declaration_id=own_id, unit="202"), headers=headers)
    assert_problem(other, 409, "server.id_reused")
    assert client.get(f"/api/v1/declarations/{own_id}/receipt", headers=headers).json() == first.json()


def test_every_problem_comes_back_at_once_with_pointers_and_both_languages(world):
    person = msgspec.structs.replace(make_declaration().person, full_name="", personal_number="12", document=None)
    answer = world.client().post("/api/v1/declarations", content=body(person=person, unit=None), headers=world.bearer("clerk"))
    told = assert_problem(answer, 422, "server.input_problems")
    pointers = {each["pointer"] for each in told["problems"] if each["severity"] == "error"}
    assert {"/person/full_name", "/person/personal_number", "/unit"} <= pointers
    assert all(each["message"]["vi"] and each["message"]["en"] for each in told["problems"])


def test_a_dry_run_answers_the_deadline_and_records_nothing(world):
    client, headers, own_id = world.client(), world.bearer("clerk"), make_id()
    told = client.post("/api/v1/declarations/check", content=body(declaration_id=own_id), headers=headers).json()
    assert told["ok"] is True
    assert told["due"] == "2026-07-10T23:00:00+07:00"
    assert_problem(client.get(f"/api/v1/declarations/{own_id}/receipt", headers=headers), 404, "server.not_found")


UNREADABLE = {
    "not JSON": (b"{", ""),
    "not UTF-8": (b'{"declaration_id": "\xff"}', None),
    "a field missing": (b'{"declaration_id": "x"}', "/declared_at"),
    "a field of the wrong type": (body().replace(b'"htl-sao-mai"', b"7"), "/premises_id"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_a_problem_that_names_the_field(world, case):
    sent, pointer = UNREADABLE[case]
    told = assert_problem(
        world.client().post("/api/v1/declarations", content=sent, headers=world.bearer("clerk")), 422, "server.input_unreadable"
    )
    assert pointer is None or told["pointer"] == pointer


def test_without_a_token_with_a_wrong_one_and_with_an_ended_one_the_answer_is_401(world):
    client = world.client()
    for headers in ({}, {"authorization": "Bearer guess"}, {"authorization": "Basic x"}):
        answer = client.post("/api/v1/declarations", content=body(), headers=headers)
        assert_problem(answer, 401, "server.sign_in_needed")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    good = world.bearer("clerk")
    world.clock.pass_time(days=31)
    assert_problem(client.post("/api/v1/declarations", content=body(), headers=good), 401, "server.sign_in_needed")


def test_a_session_cookie_declares_only_with_the_csrf_header(world):
    client = world.client("clerk")
    assert_problem(client.post("/api/v1/declarations", content=body()), 403, "server.csrf")
    assert client.post("/api/v1/declarations", content=body(), headers={"x-csrf-token": csrf_of(client)}).status_code == 201


@pytest.mark.parametrize("role", ["officer", "operator", "resident"])
def test_roles_that_may_not_declare_are_refused(world, role):
    assert_problem(
        world.client().post("/api/v1/declarations", content=body(), headers=world.bearer(role)), 403, "server.not_allowed"
    )


def test_another_premises_another_account_and_anothers_receipt_are_refused(world):
    client, headers = world.client(), world.bearer("clerk")
    there = client.post("/api/v1/declarations", content=body(premises_id="blk-hoa-binh"), headers=headers)
    assert_problem(there, 403, "server.not_allowed")
    declarant = msgspec.structs.replace(make_declaration().declarant, role="host", account="acc-somebody")
    assert_problem(
        client.post("/api/v1/declarations", content=body(declarant=declarant), headers=headers), 403, "server.declarant_not_you"
    )
    elsewhere = world.record(make_declaration())
    answer = client.get(f"/api/v1/declarations/{elsewhere.declaration_id}/receipt", headers=headers)
    assert_problem(answer, 404, "server.not_found")


def test_a_clerk_does_not_reach_another_premises_by_speaking_as_an_officer(world):
    elsewhere = world.record(make_declaration())
    taken_back = body(kind="withdrawal", about=elsewhere.declaration_id, declarant=Declarant(role="officer"))
    answer = world.client().post("/api/v1/declarations", content=taken_back, headers=world.bearer("clerk"))
    assert_problem(answer, 403, "server.role_not_yours")


def test_a_body_nested_too_deeply_is_unreadable(world):
    nested = b'{"later":' + b"[" * 5000 + b"]" * 5000 + b"}"
    answer = world.client().post("/api/v1/declarations", content=nested, headers=world.bearer("clerk"))
    assert_problem(answer, 422, "server.input_unreadable")


def test_a_receipt_is_shown_to_whoever_has_its_code(world):
    code = world.declare_guest().receipt.code
    told = world.client().get(f"/api/v1/receipts/{code}").json()
    assert (told["state"], told["place"]) == ("accepted", "Khách sạn Sao Mai")
    assert_problem(world.client().get("/api/v1/receipts/7K3D9QXM2VHT"), 404, "server.receipt_unknown")
    assert_problem(world.client().get("/api/v1/receipts/x"), 422, "receipt.code")


def test_kiosks_are_for_operators(world):
    world.enrol_kiosks()
    kiosks = world.client().get("/api/v1/kiosks", headers=world.bearer("operator")).json()
    assert {each["kiosk_id"]: each["health"] for each in kiosks} == {"kiosk-lobby-1": "degraded", "kiosk-desk-1": "lost"}
    assert_problem(world.client().get("/api/v1/kiosks", headers=world.bearer("officer")), 403, "server.not_allowed")


def test_an_address_that_is_not_there_is_a_problem_too(world):
    assert_problem(world.client().get("/api/v1/nothing"), 404, "server.not_found")
    assert_problem(world.client().request("DELETE", "/api/v1/kiosks"), 405, "server.method_not_allowed")


def test_the_document_is_valid_and_equals_the_committed_one_and_what_is_served(world):
    validate(document())
    assert json.loads(COMMITTED.read_text("utf-8")) == document()
    assert world.client().get("/api/openapi.json").json() == document()


def test_the_document_names_every_route_and_every_code_in_it_exists():
    routes = {
        (method.lower(), route.path.removeprefix("/api"))
        for part in application.PARTS
        for route in part.router.routes
        for method in route.methods
    }
    assert {(method, path) for path, each in document()["paths"].items() for method in each} == routes
    assert {code for each in OPERATIONS for codes in each.errors.values() for code in codes} <= set(catalogue())


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_nobody_states_by_program_that_a_chip_was_checked(world, level):
    evidence = Evidence(level=EvidenceLevel(level), source="chip", checks={"passive": "passed"})
    answer = world.client().post("/api/v1/declarations", content=body(evidence=evidence), headers=world.bearer("clerk"))
    assert_problem(answer, 403, "server.evidence_not_checked")


def test_a_statement_that_is_recorded_and_refused_is_a_problem_that_carries_its_receipt(world):
    elsewhere = world.record(make_declaration())
    client, headers = world.client(), world.bearer("clerk")
    sent = body(kind="departure", about=elsewhere.declaration_id, planned_departure="2026-07-10T14:30:00+07:00")
    for _ in range(2):  # sent again, the first receipt comes back
        told = assert_problem(client.post("/api/v1/declarations", content=sent, headers=headers), 422, "server.statement_refused")
        receipt = read_unverified(parse_receipt_text(told["receipt"]["text"]))
        assert (receipt.state, receipt.code) == ("refused", told["receipt"]["receipt"]["code"])
        assert "stays.about_other_premises" in {each["code"] for each in told["problems"]}
    again = client.get(f"/api/v1/declarations/{receipt.declaration_id}/receipt", headers=headers)
    assert again.json() == told["receipt"]


def accounts_on_record(world):
    with world.registry.reading() as connection:
        return set(connection.scalars(select(tables.declarations.c.declarant_account)))


WITNESSES = {
    "attested by somebody": (Evidence(level=EvidenceLevel.ATTESTED, source="typed", attested_by="somebody"), "server.attester_not_you"),
    "attested by another account": (Evidence(level=EvidenceLevel.ATTESTED, source="card-qr", attested_by="acc-officer"), "server.attester_not_you"),
    "attested by blanks": (Evidence(level=EvidenceLevel.ATTESTED, source="typed", attested_by=" "), "server.attester_not_you"),
    "a name below the level": (Evidence(level=EvidenceLevel.STATED, source="typed", attested_by="somebody"), "server.attester_not_you"),
}  # fmt: skip


@pytest.mark.parametrize("case", WITNESSES)
@pytest.mark.parametrize("path", ["/api/v1/declarations", "/api/v1/declarations/check"])
def test_nobody_attests_in_anothers_name(world, case, path):
    evidence, code = WITNESSES[case]
    sent = body(evidence=evidence, declarant=Declarant(role="host"))
    assert_problem(world.client().post(path, content=sent, headers=world.bearer("clerk")), 403, code)
    assert accounts_on_record(world) == set()


def test_attested_without_a_name_is_an_error_of_the_declaration(world):
    sent = body(evidence=Evidence(level=EvidenceLevel.ATTESTED, source="typed"))
    answer = world.client().post("/api/v1/declarations", content=sent, headers=world.bearer("clerk"))
    told = assert_problem(answer, 422, "server.input_problems")
    assert "/evidence/attested_by" in {each["pointer"] for each in told["problems"]}


@pytest.mark.parametrize("declarant", [Declarant(role="host"), Declarant(role="host", account="acc-clerk")])
@pytest.mark.parametrize("level", [EvidenceLevel.STATED, EvidenceLevel.ATTESTED])
def test_the_calling_account_is_on_the_record_whatever_the_body_names(world, declarant, level):
    witness = "acc-clerk" if level is EvidenceLevel.ATTESTED else None
    sent = body(evidence=Evidence(level=level, source="typed", attested_by=witness), declarant=declarant)
    answer = world.client().post("/api/v1/declarations", content=sent, headers=world.bearer("clerk"))
    assert answer.status_code == 201, answer.text
    assert accounts_on_record(world) == {"acc-clerk"}


def test_a_departure_in_the_future_is_refused_with_its_field(world):
    first = world.declare_guest()
    sent = body(kind="departure", about=first.declaration_id, planned_departure="2030-07-11T08:00:00+07:00")
    told = assert_problem(
        world.client().post("/api/v1/declarations", content=sent, headers=world.bearer("clerk")), 422, "server.input_problems"
    )
    assert ("declaration.departure_in_future", "/planned_departure") in {
        (each["code"], each["pointer"]) for each in told["problems"]
    }
