"""Webhooks by API and by page: whose they are, what may be asked of them, and that no kept answer holds a secret."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from server_parts import World, csrf_of, fields_of
from server_webhooks import URL, make_hook, told_of
from sqlalchemy import select

from registry import tables
from registry.api_clients import ApiClient, add_client, add_token
from registry.webhooks import MOST
from server.settings import ServerSettings

HOOKS = "/api/v1/webhooks"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    long = timedelta(days=400)
    made = World(tmp_path_factory.mktemp("world"), session_idle=long, session_absolute=long)
    yield made
    made.close()


@pytest.fixture
def headers(world):
    with world.registry.writing() as connection:
        for table in (tables.webhooks, tables.webhook_deliveries, tables.api_requests):
            connection.execute(table.delete())
    return world.bearer("clerk")


def program(world, name, *scopes):
    client = ApiClient(
        client_id=name, commune_code="demo-01", account_id="acc-clerk", label=name, grants=scopes, created_at=world.clock.now()
    )
    with world.registry.writing() as connection:
        add_client(connection, client, f"secret of {name}")
        lifetime = ServerSettings().api_token_lifetime
        add_token(connection, client, f"lta_{name}", scopes=scopes, now=world.clock.now(), lifetime=lifetime)
    return {"authorization": f"Bearer lta_{name}"}


def step(world, headers, hook_id, key, **asked):
    return world.client().post(f"{HOOKS}/{hook_id}/steps", json=asked, headers=headers | {"idempotency-key": f"step-{key}"})


def key_of(world, headers, hook_id):
    return world.client().get(f"{HOOKS}/{hook_id}/key", headers=headers).json()


def test_a_webhook_is_made_once_and_tells_of_every_house_the_caller_reads(world, headers):
    made = make_hook(world, headers=headers)
    again = make_hook(world, headers=headers)
    assert (made.status_code, again.headers["idempotency-replayed"], again.json()) == (201, "true", made.json())
    told = made.json()
    assert (told["url"], told["premises_ids"], told["state"], told["signing"]) == (URL, ["htl-sao-mai"], "active", "hmac")
    assert world.client().get(HOOKS, headers=headers).json() == [told]
    assert world.client().get(f"{HOOKS}/{told['hook_id']}", headers=headers).json() == told


def test_no_kept_answer_and_no_row_holds_the_address_or_a_key_as_it_is(world, headers):
    hook_id = make_hook(world, headers=headers).json()["hook_id"]
    step(world, headers, hook_id, "rotate-1", step="rotate")
    held = key_of(world, headers, hook_id)
    with world.registry.reading() as connection:
        kept = [bytes(each) for each in connection.scalars(select(tables.api_requests.c.answer))]
        rows = str(connection.execute(select(tables.webhooks)).all())
    assert len(kept) == 2
    assert not any(secret.encode() in each for each in kept for secret in (held["key"], held["former_key"]))
    assert not any(secret in rows for secret in (held["key"], held["former_key"], URL))


def test_a_new_key_leaves_the_one_before_for_a_day(world, headers):
    hook_id = make_hook(world, headers=headers).json()["hook_id"]
    before = key_of(world, headers, hook_id)
    assert (before["key"][:6], before["former_key"]) == ("whsec_", None)
    for _ in range(2):  # sent twice, done once
        step(world, headers, hook_id, "rotate-2", step="rotate")
    after = key_of(world, headers, hook_id)
    assert (after["former_key"], after["key"] != before["key"]) == (before["key"], True)
    assert after["former_until"] > before.get("former_until") if before["former_until"] else after["former_until"]


def test_a_program_sees_its_own_and_the_account_sees_all(world, headers):
    one, two = program(world, "pms-one", "read"), program(world, "pms-two", "read")
    hook_id = make_hook(world, headers=one).json()["hook_id"]
    assert [each["hook_id"] for each in world.client().get(HOOKS, headers=headers).json()] == [hook_id]
    assert world.client().get(HOOKS, headers=two).json() == []
    for path in (f"{HOOKS}/{hook_id}", f"{HOOKS}/{hook_id}/key", f"{HOOKS}/{hook_id}/deliveries"):
        assert world.client().get(path, headers=two).status_code == 404
    assert step(world, two, hook_id, "end-theirs", step="end").status_code == 404


NOT_THEIRS = {
    "no scope to read": (("declare",), {}, "api.scope_missing"),
    "a scope at another house": (("read:htl-sao-mai",), {"premises_ids": ["blk-hoa-binh"]}, "api.scope_missing"),
    "another house": (("read",), {"premises_ids": ["blk-hoa-binh"]}, "server.not_allowed"),
}


@pytest.mark.parametrize("case", NOT_THEIRS)
def test_nobody_is_told_of_a_house_they_may_not_read_of(world, headers, case):
    scopes, asked, code = NOT_THEIRS[case]
    answer = make_hook(world, headers=program(world, f"no-{case}"[:36], *scopes), key=f"no-{len(case)}-no", **asked)
    assert (answer.status_code, answer.json()["code"]) == (403, code)


@pytest.mark.parametrize("role", ["officer", "operator", "resident"])
def test_only_a_house_has_webhooks(world, headers, role):
    assert make_hook(world, headers=world.bearer(role)).status_code == 403
    assert world.client(role).get("/desk/programs").status_code == 403


WRONG = {
    "http://pms.example/": (403, "webhook.not_https"),
    "https://169.254.169.254/latest": (403, "webhook.private_address"),
    "https://": (422, "webhook.address_malformed"),
}


@pytest.mark.parametrize("url", WRONG)
def test_an_address_that_may_not_be_is_refused_by_api_and_page_alike(world, headers, url):
    answer = make_hook(world, headers=headers, url=url)
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (*WRONG[url], "/url")
    clerk = world.client("clerk")
    page = clerk.post("/desk/programs", data={"csrf": csrf_of(clerk), "url": url, "signing": "hmac"})
    assert page.status_code == 422
    assert url in page.text


def test_an_account_has_at_most_so_many(world, headers):
    answers = [make_hook(world, headers=headers, key=f"many-{each:04}").status_code for each in range(MOST + 1)]
    assert answers == [201] * MOST + [409]


def test_ended_nothing_is_left_of_it(world, headers):
    hook_id = told_of(world)
    answer = step(world, headers, hook_id, "end-it-all", step="end")
    assert answer.json()["state"] == "ended"
    assert world.client().get(f"{HOOKS}/{hook_id}", headers=headers).status_code == 404
    with world.registry.reading() as connection:
        for table in (tables.webhooks, tables.webhook_deliveries):
            assert connection.execute(select(table)).all() == []
        keys = connection.scalars(select(tables.subject_keys.c.subject_id)).all()
    assert hook_id not in keys


def test_messages_are_listed_newest_first_in_pages(world, headers):
    hook_id = told_of(world)
    first = world.client().get(f"{HOOKS}/{hook_id}/deliveries?limit=2", headers=headers).json()
    rest = world.client().get(f"{HOOKS}/{hook_id}/deliveries?cursor={first['next']}", headers=headers).json()
    states = [each["state"] for each in first["items"] + rest["items"]]
    assert (sorted(states), rest["next"]) == (["delivered", "failed", "waiting"], None)
    assert world.client().get(f"{HOOKS}/{hook_id}", headers=headers).json()["fault"] == "webhook.refused"


def test_a_clerk_makes_tries_pauses_and_ends_one_on_the_page(world, headers):
    clerk = world.client("clerk")
    form = {"csrf": csrf_of(clerk), "url": URL, "signing": "ed25519", "premises_id": "htl-sao-mai"}
    page = clerk.post("/desk/programs", data=form)
    path = page.url.path
    assert re.search(r"whpk_[A-Za-z0-9+/]{43}=", page.text)
    for name, shown in (
        ("test", "Test message"),
        ("pause", "Paused"),
        ("resume", "Told"),
        ("rotate", "The one before signs as well until"),
    ):
        page = clerk.post(path, data={"csrf": csrf_of(clerk), "step": name})
        assert shown in page.text, name
    page = clerk.post(path, data={"csrf": csrf_of(clerk), "step": "replay", "since": "soon"})
    assert page.status_code == 422
    assert clerk.post(path, data={"csrf": csrf_of(clerk), "step": "replay", "since": "2026-07-09"}).status_code == 200
    assert fields_of(page.text)["step"] == "end"
    page = clerk.post(path, data={"csrf": csrf_of(clerk), "step": "end"})
    assert (page.url.path, URL in page.text) == ("/desk/programs", False)


def test_the_page_lists_programs_and_not_their_secrets(world, headers):
    program(world, "Front office", "declare", "read:htl-sao-mai")
    page = world.client("clerk").get("/desk/programs").text
    assert "Front office" in page
    assert "read:htl-sao-mai" in page
    assert "secret of" not in page
    assert "/desk/programs" in world.client("clerk").get("/desk/houses").text
