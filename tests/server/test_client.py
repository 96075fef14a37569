"""The typed client against the server it is written for: tokens, receipts, keys, waiting, problems; and that it is what the document says."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from factories import EVENING
from server_parts import World, free_address

from luutru.client_writing import modules
from luutru_client import Api, ApiProblem, Line
from luutru_client.line import Answer
from registry.api_clients import ApiClient, add_client
from server.api.document import document
from server.api.examples import DECLARATION, GUEST, SECOND
from server.settings import Allowance

ROOT = Path(__file__).parents[2]
OWN = "019f0000-0000-7000-8000-000000000001"


def let_in(world, *grants):
    secret = secrets.token_urlsafe(24)
    client = ApiClient(
        client_id=OWN, commune_code="demo-01", account_id="acc-clerk", label="PMS", grants=grants or ("declare", "read", "reconcile"), created_at=EVENING
    )  # fmt: skip
    with world.registry.writing() as connection:
        add_client(connection, client, secret)
    return secret


class InProcess:
    """Carries bytes to the application without a socket; what is in ``trouble`` happens first."""

    def __init__(self, world):
        self.client, self.trouble, self.waited, self.asked = world.client(), [], [], []

    def send(self, method, address, headers, body):
        if "/oauth/" not in address:
            self.asked.append(method)
            if self.trouble:
                happening = self.trouble.pop(0)
                if isinstance(happening, Exception):
                    raise happening
                return happening
        told = self.client.request(method, address.removeprefix("http://testserver"), headers=headers, content=body)
        return Answer(told.status_code, told.headers, told.content)


@pytest.fixture
def calling(world):
    way = InProcess(world)
    line = Line(
        "http://testserver", client_id=OWN, client_secret=let_in(world), send=way.send, wait=way.waited.append,
        now=lambda: world.clock.now().timestamp(),
    )  # fmt: skip
    return Api(line), way


def test_what_is_shipped_is_what_the_document_says():
    for name, content in modules(document()).items():
        assert (ROOT / "luutru_client" / name).read_text("utf-8") == content, "run scripts/docs"


def test_a_house_declares_follows_and_checks_out_by_the_client(world, calling):
    api, _ = calling
    assert api.post_declaration(DECLARATION, dry_run=True)["ok"]
    assert api.post_declaration(DECLARATION)["receipt"]["state"] == "accepted"
    assert api.get_premises()[0]["units"] == ["201", "202"]
    (stay,) = api.get_stays("htl-sao-mai", limit=1)["items"]
    assert api.post_reconciliation("htl-sao-mai", {"guests": [GUEST]})["agrees"]
    world.clock.pass_time(minutes=1)
    moved = api.post_change(stay["stay_id"], {"change": "move", "unit": "202"}, key="move-0001")
    assert api.post_change(stay["stay_id"], {"change": "move", "unit": "202"}, key="move-0001") == moved
    batch = api.post_batch({"declarations": [DECLARATION, SECOND]}, key="batch-0001")
    assert api.get_batch(batch["batch_id"])["items"] == batch["items"]
    world.clock.pass_time(minutes=50)
    api.post_check_out(stay["stay_id"], {}, key="leave-0001")
    world.clock.pass_time(minutes=20)  # the token ended meanwhile
    assert [each["kind"] for each in api.get_events()["items"]][:2] == ["arrival", "correction"]


def test_a_no_is_an_exception_with_its_code_and_every_problem(calling):
    api, way = calling
    with pytest.raises(ApiProblem) as refused:
        api.post_declaration(DECLARATION | {"unit": None, "reason": None})
    assert (refused.value.status, refused.value.code) == (422, "server.input_problems")
    assert {each["pointer"] for each in refused.value.problems} >= {"/unit", "/reason"}
    assert way.waited == []


def test_whoever_is_told_to_wait_waits_and_a_broken_connection_is_tried_again(calling):
    api, way = calling
    way.trouble = [Answer(429, {"retry-after": "7"}, b"{}"), OSError("reset"), Answer(409, {"retry-after": "2"}, b"{}")]
    assert api.get_premises()
    assert way.waited == [7.0, 14.0, 2.0]
    way.trouble = [OSError("reset")] * 4
    with pytest.raises(OSError, match="reset"):
        api.get_premises()
    way.trouble = [Answer(503, {}, b"<html>")] * 4
    with pytest.raises(ApiProblem, match="503"):
        api.get_premises()


def test_a_token_that_was_ended_is_asked_for_anew_once(calling):
    api, way = calling
    way.trouble = [Answer(401, {}, b"{}")]
    assert api.get_premises()
    way.trouble = [Answer(401, {}, b'{"code": "server.sign_in_needed"}')] * 2
    with pytest.raises(ApiProblem, match="sign_in_needed"):
        api.get_premises()


def test_over_a_socket_it_says_the_same_and_the_allowance_is_obeyed(tmp_path):
    address = free_address()
    world = World(tmp_path, base_url=address, api_allowance=Allowance(times=2, per=timedelta(minutes=1)))
    waited = []

    def wait(seconds):
        waited.append(seconds)
        world.clock.pass_time(seconds=seconds)

    with world.serving():
        api = Api(Line(address, client_id=OWN, client_secret=let_in(world, "read"), wait=wait))
        assert [len(api.get_premises()) for _ in range(3)] == [1, 1, 1]
        with pytest.raises(ApiProblem) as refused:
            api.post_declaration(DECLARATION)
        assert refused.value.code == "api.scope_missing"
    assert len(waited) == 1
    world.close()


def test_an_address_that_is_no_web_address_is_refused():
    with pytest.raises(ValueError, match="https"):
        Line("file:///etc/passwd", client_id="a", client_secret="b")
