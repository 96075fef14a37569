"""The sandbox for hotel software: real answers, the same people every time, a clock that is set, every documented error for the asking."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from factories import StandingClock
from server_parts import Client
from standardwebhooks import Webhook
from typer.testing import CliRunner
from webhook_parts import receiving

from luutru.commands.sandbox import app as sandbox_command
from luutru.sandbox.hotel import CLIENT, hotel
from luutru.sandbox.hotel_people import PEOPLE, declaration_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    with hotel(folder, base_url="http://127.0.0.1:8790", base=StandingClock(), random_bytes=secrets.token_bytes) as made:
        yield made


@pytest.fixture(scope="module")
def client(sandbox):
    made = Client(sandbox.app)
    yield made
    made.close()


def let_in(client):
    told = client.post("/api/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=CLIENT)
    return {"authorization": f"Bearer {told.json()['access_token']}"}


def test_each_test_person_gets_the_answer_that_is_promised(client):
    headers, found = let_in(client), {}
    for place, name in enumerate(PEOPLE):
        said = declaration_of(name, declaration_id=f"019f4b7e-8a10-7c31-9d5e-00000000000{place}")
        told = client.post("/api/v1/declarations", json=said, headers=headers)
        state = told.json()["receipt"]["state"] if told.status_code == 201 else told.json()["code"]
        found[name] = (told.status_code, state)
    assert found == {name: each.answer for name, each in PEOPLE.items()}
    assert client.get("/sandbox").json()["people"].keys() == PEOPLE.keys()


def test_every_documented_error_comes_when_it_is_asked_for_and_nothing_else_happens(client):
    headers = let_in(client)
    before = client.get("/api/v1/premises/htl-sao-mai/stays", headers=headers).json()
    shown = 0
    for operation, codes in client.get("/sandbox").json()["errors"].items():
        method, path = operation.split(" ")
        address = "/api" + re.sub(r"\{[^}]*\}", "x", path)
        for code in codes:
            told = client.request(method, address, headers={"Sandbox-Error": code})
            assert (told.json()["code"], told.json()["status"]) == (code, told.status_code), operation
            assert told.headers["content-type"] == "application/problem+json"
            assert ("retry-after" in told.headers) == (told.status_code in {409, 429})
            shown += 1
    assert shown > 100
    other = client.post("/api/v1/pms-events", headers={"Sandbox-Error": "api.batch_empty"})
    assert (other.status_code, "pms.stay_unknown" in other.json()["codes"]) == (400, True)
    assert client.get("/api/v1/premises/htl-sao-mai/stays", headers=headers).json() == before


def test_the_clock_is_set_forward_and_deadlines_follow(client):
    set_to = lambda text: client.request("PUT", "/sandbox/clock", content=text)  # noqa: E731
    check = lambda: client.post(  # noqa: E731
        "/api/v1/declarations?dry_run=true", json=declaration_of("citizen", declaration_id="019f4b7e-8a10-7c31-9d5e-0000000000ff"), headers=let_in(client)
    )  # fmt: skip
    codes = lambda: {each["code"] for each in check().json()["problems"]}  # noqa: E731
    assert set_to("22:30").json()["now"] == "2026-07-10T22:30:00+07:00"
    assert codes() == set()
    assert set_to("23:05").json()["now"] == "2026-07-10T23:05:00+07:00"
    assert codes() == {"declaration.past_deadline"}
    assert set_to("08:00").json()["now"] == "2026-07-11T08:00:00+07:00"
    link = set_to("09:00").json()["desk"].removeprefix("http://127.0.0.1:8790")  # the session of the printed one is over by now
    assert client.get(link).status_code == 200
    for wrong in ("2026-07-10T14:00:00+07:00", "25:00", "yesterday", ""):
        assert set_to(wrong).status_code == 400


def test_the_calls_of_the_documentation_work_as_they_are_copied_a_webhook_arrives_and_nothing_is_left_behind(tmp_path):
    text = (ROOT / "docs/api.md").read_text("utf-8")
    blocks = re.findall(r"<!-- first (?:call|webhook) -->\n```bash\n(.*?)```", text, re.DOTALL)
    command = [sys.executable, "-m", "luutru", "sandbox", "--port", "0", "--webhooks-to", "127.0.0.0/8"]
    with (
        receiving() as receiver,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        ) as running,
    ):
        port = re.search(r"127\.0\.0\.1(:\d+)", running.stdout.readline())[1]
        script = "\n".join(blocks).replace(":8790", port).replace(":8799", f":{receiver.port}")
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60)
        for _ in range(200):
            if receiver.taken:
                break
            time.sleep(0.1)
        assert any(tmp_path.iterdir())
        running.terminate()
        assert running.wait(30) == 0
    assert '"state":"accepted"' in done.stdout, done
    (came,) = receiver.taken
    key = re.search(r"whsec_[^\"]+", done.stdout)[0]
    said = Webhook(key).verify(came.body, {name.lower(): each for name, each in came.headers.items()})
    assert (said["type"], list(tmp_path.iterdir())) == ("webhook.test", [])


def test_no_webhook_goes_to_this_machine_unless_the_sandbox_was_told_so(client):
    for url, code in (
        ("http://127.0.0.1:8799/hook", "webhook.private_address"),
        ("https://192.168.1.5/hook", "webhook.private_address"),
    ):
        told = client.post("/api/v1/webhooks", json={"url": url}, headers=let_in(client) | {"Idempotency-Key": url})
        assert told.json()["code"] == code, told.text
    for wrong in ("here", "127.0.0.1/8", "10.0.0.0/99"):
        assert CliRunner().invoke(sandbox_command, ["--webhooks-to", wrong]).exit_code == 2


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_leaves_nothing_behind(tmp_path, asked):
    command = [sys.executable, "-m", "luutru", "sandbox", "--port", "0"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    told = "".join(running.stdout.readline() for _ in range(4))
    running.send_signal(asked)
    running.communicate(timeout=60)
    assert "the front desk's pages: " in told
    assert list(tmp_path.glob("luutru-sandbox-*")) == []
