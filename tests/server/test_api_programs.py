"""Programs at the API's door: OAuth client credentials, scopes per premises, secrets that change over, and how often one may call."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from datetime import timedelta

import msgspec
import pytest
from factories import EVENING, make_declaration
from server_parts import ACCOUNTS, csrf_of
from sqlalchemy import update
from typer.testing import CliRunner

from gateway.credential_endings import tell_endings
from luutru.commands.account import app as account_app
from luutru.commands.program import app
from registry import tables
from registry.api_clients import ApiClient, add_client, disable_client, renew_secret
from registry.database import upgrade
from server.settings import Allowance

TOKEN = "/api/v1/oauth/token"


def program(world, *grants, client_id="019f0000-0000-7000-8000-000000000001"):
    secret = secrets.token_urlsafe(24)
    client = ApiClient(
        client_id=client_id, commune_code="demo-01", account_id="acc-clerk", label="PMS", grants=grants, created_at=EVENING
    )
    with world.registry.writing() as connection:
        add_client(connection, client, secret)
    return client_id, secret


def asked(world, credentials, **form):
    basic = b64encode(":".join(credentials).encode()).decode()
    form = {"grant_type": "client_credentials"} | form
    return world.client().post(TOKEN, data=form, headers={"authorization": f"Basic {basic}"})


def bearer(world, *grants):
    return {"authorization": f"Bearer {asked(world, program(world, *grants)).json()['access_token']}"}


def declared(world, headers, **changes):
    body = msgspec.json.encode(make_declaration(**({"premises_id": "htl-sao-mai", "unit": "201"} | changes)))
    return world.client().post("/api/v1/declarations", content=body, headers=headers)


def test_a_program_gets_a_token_for_an_hour_and_declares_with_it(world):
    known = program(world, "declare", "read")
    told = asked(world, known)
    assert told.headers["cache-control"] == "no-store"
    assert (told.json()["token_type"], told.json()["expires_in"], told.json()["scope"]) == ("Bearer", 3600, "declare read")
    headers = {"authorization": f"Bearer {told.json()['access_token']}"}
    answer = declared(world, headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["ratelimit-policy"] == '"account";q=3000;w=60'
    world.clock.pass_time(hours=1)
    assert declared(world, headers).status_code == 401


def test_the_secret_may_stand_in_the_form_too(world):
    client_id, secret = program(world, "read")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": "read:htl-sao-mai"}
    assert world.client().post(TOKEN, data=form).json()["scope"] == "read:htl-sao-mai"


REFUSED = {
    "a wrong secret": ({}, ("019f0000-0000-7000-8000-000000000001", "guess"), 401, "invalid_client"),
    "nobody": ({}, ("nobody", "guess"), 401, "invalid_client"),
    "no secret": ({}, ("nobody", ""), 400, "invalid_request"),
    "another grant": ({"grant_type": "password"}, None, 400, "unsupported_grant_type"),
    "more than was granted": ({"scope": "declare"}, None, 400, "invalid_scope"),
    "another house": ({"scope": "read:blk-hoa-binh"}, None, 400, "invalid_scope"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_has_the_form_of_the_standard(world, case):
    form, credentials, status, error = REFUSED[case]
    known = program(world, "declare:htl-sao-mai", "read:htl-sao-mai")
    answer = asked(world, credentials or known, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("grants", [("read",), ("read", "declare:blk-hoa-binh")])
def test_a_scope_that_does_not_reach_is_told_by_its_name(world, grants):
    answer = declared(world, bearer(world, *grants))
    assert (answer.status_code, answer.json()["code"]) == (403, "api.scope_missing")
    assert 'error="insufficient_scope", scope="declare"' in answer.headers["www-authenticate"]


def test_a_scope_reaches_no_further_than_the_account(world):
    answer = declared(world, bearer(world, "declare"), premises_id="blk-hoa-binh")
    assert (answer.status_code, answer.json()["code"]) == (403, "server.not_allowed")


def test_a_receipt_is_read_only_with_the_scope(world):
    own_id = world.declare_guest().declaration_id
    path = f"/api/v1/declarations/{own_id}/receipt"
    assert world.client().get(path, headers=bearer(world, "declare")).status_code == 404
    reading = {"authorization": f"Bearer {asked(world, program(world, 'read', client_id='c2')).json()['access_token']}"}
    answer = world.client().get(path, headers=reading)
    assert answer.json()["receipt"]["declaration_id"] == own_id
    again = world.client().get(path, headers=reading | {"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_new_secret_leaves_the_one_before_good_for_a_day(world):
    client_id, before = program(world, "read")
    with world.registry.writing() as connection:
        renew_secret(connection, client_id, "the newer one", now=world.clock.now())
    assert asked(world, (client_id, before)).status_code == asked(world, (client_id, "the newer one")).status_code == 200
    world.clock.pass_time(hours=24)
    assert asked(world, (client_id, before)).status_code == 401
    assert asked(world, (client_id, "the newer one")).status_code == 200


def test_a_program_that_is_ended_loses_its_tokens_at_once(world):
    client_id, secret = program(world, "declare")
    headers = {"authorization": f"Bearer {asked(world, (client_id, secret)).json()['access_token']}"}
    with world.registry.writing() as connection:
        disable_client(connection, client_id, now=world.clock.now())
    assert declared(world, headers).status_code == 401
    assert asked(world, (client_id, secret)).status_code == 401


def test_an_account_that_is_ended_takes_its_sessions_and_programs_along(world, tmp_path):
    headers, clerk = bearer(world, "declare"), world.client("clerk")
    assert (declared(world, headers).status_code, clerk.get("/desk").status_code) == (201, 200)
    options = ["--registry", str(world.registry.engine.url), "--vault", str(tmp_path / "keys"), "--json"]
    answer = CliRunner().invoke(account_app, ["end", ACCOUNTS["clerk"][0], *options])
    assert (answer.exit_code, json.loads(answer.stdout)["sessions_ended"]) == (0, 1), answer.output
    assert declared(world, headers).status_code == 401
    assert clerk.get("/desk", follow_redirects=False).status_code != 200
    assert CliRunner().invoke(account_app, ["end", "nobody", *options]).exit_code == 1


def test_who_calls_too_often_is_told_how_long_to_wait(make_world):
    world = make_world(api_allowance=Allowance(times=2, per=timedelta(minutes=1)))
    headers = bearer(world, "declare")
    left = [declared(world, headers).headers["ratelimit"].partition(";t=")[0] for _ in range(2)]
    assert left == ['"account";r=1', '"account";r=0']
    answer = declared(world, headers)
    assert (answer.status_code, answer.json()["code"]) == (429, "api.too_many_requests")
    wait = int(answer.headers["retry-after"])
    assert 0 < wait <= 60
    world.clock.pass_time(seconds=wait)
    assert declared(world, headers).status_code == 201


def test_guessing_secrets_is_counted(make_world):
    world = make_world(token_allowance=Allowance(times=2, per=timedelta(minutes=5)))
    statuses = [asked(world, ("nobody", "guess")).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_a_program_is_added_renewed_listed_and_ended_on_the_command_line(tmp_path):
    url = f"sqlite:///{tmp_path}/registry.db"
    upgrade(url)
    options = ["--registry", url, "--vault", str(tmp_path / "vault")]

    def run(*arguments, of=app):
        return CliRunner().invoke(of, [*arguments, *options])

    run("add", "letan", "--role", "clerk", "--premises", "htl-sao-mai", of=account_app)
    run("add", "canbo", "--role", "officer", of=account_app)
    made = json.loads(run("add", "letan", "--scope", "declare", "--scope", "read:htl-sao-mai", "--json").stdout)
    assert made["scope"] == "declare read:htl-sao-mai"
    assert json.loads(run("renew", made["client_id"], "--json").stdout)["client_secret"] != made["client_secret"]
    (known,) = json.loads(run("list", "--json").stdout)["programs"]
    assert known["client_id"] == made["client_id"]
    assert made["client_secret"] not in json.dumps(known)
    assert run("end", made["client_id"]).exit_code == 0
    for arguments, code in (
        (("end", made["client_id"]), "api.client_unknown"),
        (("renew", "nobody"), "api.client_unknown"),
        (("add", "canbo", "--scope", "read"), "api.clerks_only"),
        (("add", "letan", "--scope", "everything"), "api.scope_unknown"),
        (("add", "letan", "--scope", "read:htl-xa"), "api.scope_unknown"),
    ):
        result = run(*arguments)
        assert (result.exit_code, code in result.output) == (1, True), arguments


def test_a_batch_is_told_to_the_program_that_sent_it_and_to_no_other_of_the_house(world):
    body = {"declarations": [msgspec.to_builtins(make_declaration(premises_id="htl-sao-mai", unit="201"))]}
    sender = bearer(world, "declare")
    other = {"authorization": f"Bearer {asked(world, program(world, 'declare', 'read', client_id='c2')).json()['access_token']}"}
    told = world.client().post("/api/v1/batches", json=body, headers=sender | {"idempotency-key": "mine-0001"}).json()
    path = f"/api/v1/batches/{told['batch_id']}"
    assert world.client().get(path, headers=sender).json() == told
    assert world.client().get(path, headers=other).status_code == 404
    same_key = world.client().post("/api/v1/batches", json=body, headers=other | {"idempotency-key": "mine-0001"})
    assert same_key.json()["batch_id"] != told["batch_id"]  # a key is the program's own


def test_where_the_account_only_reads_its_program_declares_nothing(world):
    headers = bearer(world, "declare", "read")
    with world.registry.writing() as connection:
        connection.execute(update(tables.accounts).values(reads_only=["htl-sao-mai"]))
    answer = declared(world, headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "server.not_allowed")
    assert world.client().get("/api/v1/premises", headers=headers).status_code == 200


def test_a_secret_ends_its_house_is_told_before_and_a_new_one_changes_over_without_a_gap(world):
    client_id, secret = program(world, "read")
    ends = EVENING + timedelta(days=40)
    with world.registry.writing() as connection:
        renew_secret(connection, client_id, "second", now=EVENING - timedelta(days=40), ends=ends)
    assert asked(world, (client_id, secret)).status_code == 401  # more than a day ago
    assert asked(world, (client_id, "second")).status_code == 200
    told = lambda: tell_endings(world.registry, now=world.clock.now(), random_bytes=secrets.token_bytes)  # noqa: E731
    assert told() == 0
    world.clock.pass_time(days=30)
    assert (told(), told()) == (1, 0)  # fifteen days, once
    world.clock.pass_time(days=9, hours=12)
    assert told() == 1  # one day
    clerk = world.client("clerk")
    assert "ends" in clerk.get("/desk/programs").text
    assert "PMS · ends" in clerk.post("/desk/check", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai"}).text
    with world.registry.writing() as connection:
        renew_secret(connection, client_id, "third", now=world.clock.now(), ends=world.clock.now() + timedelta(days=365))
    assert [asked(world, (client_id, each)).status_code for each in ("second", "third")] == [200, 200]
    assert told() == 0
    world.clock.pass_time(hours=13)  # the second's own end, sooner than a day after it was replaced
    assert [asked(world, (client_id, each)).status_code for each in ("second", "third")] == [401, 200]
