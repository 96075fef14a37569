"""Batches and keys: each declaration judged by itself, the whole sent once however often it is sent."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from factories import make_declaration, make_id, make_person
from sqlalchemy import func, select, update

from registry import api_requests, tables
from residence.credentials.evidence import Evidence, EvidenceLevel
from server.api import batches, once

PATH = "/api/v1/batches"


def guest(number="001095000117", **changes):
    person = make_person(personal_number=number, document=None)
    said = make_declaration(**({"premises_id": "htl-sao-mai", "unit": "201", "person": person} | changes))
    return msgspec.to_builtins(said)


def send(world, declarations, *, key=None, headers=None, **query):
    headers = (headers or world.bearer("clerk")) | {"idempotency-key": key or secrets.token_hex(8)}
    return world.client().post(PATH, json={"declarations": declarations}, headers=headers, params=query)


def kept(world):
    with world.registry.reading() as connection:
        return connection.scalar(select(func.count()).select_from(tables.declarations))


def mixed():
    """One of each kind of trouble between two that are well."""
    chip = Evidence(level=EvidenceLevel.CHIP_PRESENT, source="chip", checks={"passive": "passed"})
    return [
        guest(),
        {"declaration_id": "x"},
        guest("001095000118", unit=None, declaration_id=make_id()),
        guest("001095000119", premises_id="blk-hoa-binh", declaration_id=make_id()),
        guest("001095000120", evidence=chip, declaration_id=make_id()),
        guest("001195000222", unit="202", declaration_id=make_id()),
    ]


EXPECTED = [
    ("accepted", None, ""),
    ("invalid", "server.input_unreadable", "/declared_at"),
    ("invalid", "declaration.unit_missing", "/unit"),
    ("not_allowed", "server.not_allowed", ""),
    ("not_allowed", "server.evidence_not_checked", "/evidence/level"),
    ("accepted", None, ""),
]


def test_one_bad_declaration_stops_none_of_the_others_and_each_says_why(world):
    headers = world.bearer("clerk")
    told = send(world, mixed(), headers=headers).json()
    assert [(each["state"], each["code"], each["pointer"]) for each in told["items"]] == EXPECTED
    assert (told["state"], told["size"], told["counts"]) == ("partly", 6, {"accepted": 2, "invalid": 2, "not_allowed": 2})
    assert all(bool(each["hint"]) == bool(each["code"]) == (each["receipt"] is None) for each in told["items"])
    assert kept(world) == 2
    again = world.client().get(f"{PATH}/{told['batch_id']}", headers=headers)
    assert again.json() == told
    unchanged = world.client().get(f"{PATH}/{told['batch_id']}", headers=headers | {"if-none-match": again.headers["etag"]})
    assert unchanged.status_code == 304
    assert world.client().get(f"{PATH}/{told['batch_id']}", headers=world.bearer("officer")).status_code == 404


def test_a_dry_run_says_the_same_and_records_nothing(world):
    told = (
        world.client()
        .post(PATH, json={"declarations": mixed()}, headers=world.bearer("clerk"), params={"dry_run": "true"})
        .json()
    )
    states = ["checked" if state == "accepted" else state for state, _, _ in EXPECTED]
    assert [each["state"] for each in told["items"]] == states
    assert (told["batch_id"], kept(world)) == (None, 0)


def test_the_same_bytes_by_themselves_or_in_another_batch_have_the_first_receipt(world):
    said, headers = guest(), world.bearer("clerk")
    body = msgspec.json.encode(said)
    first = world.client().post("/api/v1/declarations", content=body, headers=headers).json()
    batch = b'{"declarations":[' + body + b"]}"
    (item,) = world.client().post(PATH, content=batch, headers=headers | {"idempotency-key": "a-key-of-mine"}).json()["items"]
    assert (item["replayed"], item["receipt"]) == (True, first)


def test_the_same_id_with_other_bytes_is_set_aside_and_the_first_stands(world):
    own_id = make_id()
    told = send(world, [guest(declaration_id=own_id), guest(declaration_id=own_id, unit="202")]).json()
    assert [(each["state"], each["code"]) for each in told["items"]] == [("accepted", None), ("refused", "server.id_reused")]


UNFIT = {
    "nothing": ([], 422, "api.batch_empty"),
    "too many": ([{}] * (batches.MOST + 1), 413, "api.batch_too_long"),
    "no list": ({}, 422, "server.input_unreadable"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_batch_that_cannot_be_one_is_refused_whole(world, case):
    sent, status, code = UNFIT[case]
    answer = send(world, sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_larger_than_the_limit_is_refused_before_it_is_read(world):
    answer = world.client().post(PATH, content=b" " * (batches.LARGEST + 1), headers=world.bearer("clerk"))
    assert (answer.status_code, answer.json()["code"]) == (413, "server.form_too_large")


def test_the_key_gives_the_first_answer_and_no_other_request_may_have_it(world):
    said, headers = [guest()], world.bearer("clerk")
    first = send(world, said, key="one-key-1", headers=headers)
    again = send(world, said, key='"one-key-1"', headers=headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = send(world, [guest(unit="202")], key="one-key-1", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "api.key_reused")
    world.clock.pass_time(hours=24)
    later = send(world, said, key="one-key-1", headers=headers).json()
    assert later["batch_id"] != first.json()["batch_id"]
    assert later["items"][0]["receipt"] == first.json()["items"][0]["receipt"]  # the declaration's id still makes it one


@pytest.mark.parametrize(("key", "code"), [(None, "api.key_missing"), ("short", "api.key_malformed"), ("with blank", "api.key_malformed")])  # fmt: skip
def test_without_a_fit_key_nothing_is_done(world, key, code):
    headers = world.bearer("clerk") | ({"idempotency-key": key} if key else {})
    answer = world.client().post(PATH, json={"declarations": [guest()]}, headers=headers)
    assert (answer.status_code, answer.json()["code"], kept(world)) == (400, code, 0)


def test_what_is_being_worked_on_is_told_so_and_is_taken_up_when_its_worker_died(world, monkeypatch):
    said, headers = [guest()], world.bearer("clerk")

    class Died(BaseException):
        """The worker is gone between the rows and the answer."""

    def dies(*_arguments):
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(once, "keep_answer", dies)
        patched.setattr(once, "give_back", lambda *_, **__: None)
        with pytest.raises((Died, RuntimeError)):
            send(world, said, key="one-key-1", headers=headers)
    waiting = send(world, said, key="one-key-1", headers=headers)
    assert (waiting.status_code, waiting.json()["code"], waiting.headers["retry-after"]) == (409, "api.key_running", "2")
    world.clock.pass_time(seconds=api_requests.LEASE.total_seconds())
    told = send(world, said, key="one-key-1", headers=headers).json()
    assert (told["state"], told["items"][0]["replayed"], kept(world)) == ("accepted", True, 1)


def test_what_was_refused_before_anything_was_recorded_frees_its_key(world):
    stay_id = stay_of(world)
    headers = world.bearer("clerk") | {"idempotency-key": "one-key-1"}
    path = f"/api/v1/stays/{stay_id}/changes"
    refused = world.client().post(path, json={"change": "extend", "until": "2026-07-09T12:00:00+07:00"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "server.input_problems")
    mended = world.client().post(path, json={"change": "extend", "until": "2026-07-14T12:00:00+07:00"}, headers=headers)
    assert mended.status_code == 201, mended.text


def stay_of(world):
    world.declare_guest()
    with world.registry.reading() as connection:
        return connection.scalar(select(tables.stays.c.stay_id))


def test_of_many_that_send_one_key_at_once_one_does_the_work(world):
    said, headers = [guest()], world.bearer("clerk")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(world, said, key="one-key-1", headers=headers), range(4)))
    done = [each.json() for each in answers if each.status_code == 200]
    assert done
    assert {each.status_code for each in answers} <= {200, 409}
    assert len({each["batch_id"] for each in done}) == kept(world) == 1


def test_a_batch_that_is_still_running_says_so(world):
    headers = world.bearer("clerk")
    batch_id = send(world, [guest()], headers=headers).json()["batch_id"]
    with world.registry.writing() as connection:
        connection.execute(update(tables.api_batches).values(state="running", items=[], done_at=None))
    answer = world.client().get(f"{PATH}/{batch_id}", headers=headers)
    assert (answer.json()["state"], answer.json()["size"], answer.headers["retry-after"]) == ("running", 1, "1")
