"""Getting in and staying in: links that work once, sessions that end, forms that must be ours, headers on everything."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest import mock

import pytest
from server_parts import World, csrf_of
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from registry import tables
from registry.accounts import hash_of
from server.settings import Allowance

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def page_routes(app):
    for route in app.routes:
        yield from getattr(getattr(route, "original_router", None), "routes", [route])


def test_a_link_opens_a_page_without_being_spent_and_works_once(world):
    token = world.link("clerk")
    client = world.client()
    for _ in range(3):
        assert "Sign in with your link" in client.get(f"/sign-in/link/{token}").text
    first = client.post("/sign-in/link", data={"csrf": csrf_of(client), "token": token})
    assert first.url.path == "/desk"
    other = world.client()
    second = other.post("/sign-in/link", data={"csrf": csrf_of(other), "token": token})
    assert second.status_code == 403
    assert "server.link_spent" in second.text


def test_an_old_link_is_refused(world):
    token = world.link("clerk")
    world.clock.pass_time(hours=24)
    client = world.client()
    assert client.post("/sign-in/link", data={"csrf": csrf_of(client), "token": token}).status_code == 403


def test_signing_in_gives_a_new_cookie_and_the_registry_keeps_only_hashes(world):
    client = world.client()
    csrf = csrf_of(client)
    before = client.cookies["luutru"]
    token = world.link("officer")
    client.post("/sign-in/link", data={"csrf": csrf, "token": token})
    after = client.cookies["luutru"]
    assert after != before
    with world.registry.reading() as connection:
        hashes = {row.session_hash for row in connection.execute(select(tables.sessions))}
        links = {row.link_hash for row in connection.execute(select(tables.setup_links))}
    assert hashes == {hash_of(after)}
    assert links == {hash_of(token)}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path):
    plain = World(tmp_path / "a")
    secure = World(tmp_path / "b", base_url="https://luutru.example")
    cookie = plain.client().get("/receipts").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    cookie = secure.client().get("/receipts").headers["set-cookie"]
    assert cookie.startswith("__Host-luutru=")
    assert "Secure" in cookie
    for world, says in ((plain, False), (secure, True)):
        wished = world.client().get("/language/ja", follow_redirects=False).headers["set-cookie"]
        assert ("Secure" in wished, "HttpOnly" in wished) == (says, True)
    plain.close()
    secure.close()


def test_a_session_ends_by_idleness_and_by_age(world):
    idle = world.client("officer")
    world.clock.pass_time(minutes=29)
    assert idle.get("/police").url.path == "/police"
    world.clock.pass_time(minutes=29)
    assert idle.get("/police").url.path == "/police"
    world.clock.pass_time(minutes=31)
    assert idle.get("/police").url.path == "/sign-in"
    busy = world.client("officer")
    for _ in range(12 * 3):
        busy.get("/police")
        world.clock.pass_time(minutes=20)
    assert busy.get("/police").url.path == "/sign-in"


def test_signing_out_ends_the_session_itself_not_only_the_cookie(world):
    client = world.client("officer")
    stolen = client.cookies["luutru"]
    client.post("/sign-out", data={"csrf": csrf_of(client)})
    thief = world.client()
    assert thief.get("/police", headers={"cookie": f"luutru={stolen}"}).url.path == "/sign-in"


def test_a_disabled_account_is_out_at_once(world):
    client = world.client("officer")
    with world.registry.writing() as connection:
        connection.execute(tables.accounts.update().values(disabled_at=world.clock.now()))
    assert client.get("/police").url.path == "/sign-in"


def test_no_unsafe_address_takes_a_form_that_is_not_ours(world):
    client = world.client("clerk")
    tried = 0
    for route in page_routes(world.app):
        for method in UNSAFE & set(getattr(route, "methods", None) or ()):
            path = re.sub(r"\{[^}]+\}", "x", route.path)
            if path.startswith(("/api/", "/v1", "/kiosks/")):  # programs and machines: no session whose form could be forged
                continue
            for data in ({}, {"csrf": "0" * 64}):
                answer = client.request(method, path, data=data)
                assert answer.status_code == 403, path
                assert "server.csrf" in answer.text, path
            tried += 1
    assert tried >= 10


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}])
def test_a_form_from_another_site_is_refused_even_with_the_right_token(world, headers):
    client = world.client()
    answer = client.post("/receipts", data={"csrf": csrf_of(client), "code": "7K3D9QXM2VHT"}, headers=headers)
    assert answer.status_code == 403


def test_another_visitors_token_is_no_good(world):
    mine, theirs = world.client(), world.client()
    answer = mine.post("/receipts", data={"csrf": csrf_of(theirs), "code": "7K3D9QXM2VHT"})
    assert answer.status_code == 403


def test_sign_in_is_counted(tmp_path):
    world = World(tmp_path, sign_in_allowance=Allowance(times=3, per=timedelta(minutes=5)))
    client = world.client()
    form = {"csrf": csrf_of(client), "token": "guess"}
    assert [client.post("/sign-in/link", data=form).status_code for _ in range(5)] == [403, 403, 403, 429, 429]
    world.clock.pass_time(minutes=5)
    assert client.post("/sign-in/link", data=form).status_code == 403
    world.close()


@pytest.mark.parametrize("path", ["/", "/sign-in", "/receipts", "/no-such-page", "/api/v1/kiosks", "/static/luutru.js", "/desk"])
def test_every_answer_carries_the_security_headers(world, path):
    answer = world.client().get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


def test_only_the_page_that_reads_a_photo_may_compile_webassembly(world):
    client = world.client("clerk")
    assert "wasm-unsafe-eval" in client.get("/desk/declare").headers["content-security-policy"]
    assert "wasm" not in client.get("/desk").headers["content-security-policy"]


def test_the_nonce_is_new_each_time_and_no_script_or_style_is_without_one(world):
    client = world.client()
    one, two = client.get("/"), client.get("/")
    assert one.headers["content-security-policy"] != two.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*(nonce|src)=)", one.text)
    assert not re.search(r'<style|\sstyle="|\son\w+="', one.text)


@pytest.mark.parametrize("target", ["//evil.example/", "/\\evil.example", "https://evil.example", "/\tx"])
def test_the_language_link_and_sign_in_never_lead_off_this_server(world, target):
    answer = world.client().get("/language/vi", params={"back": target}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_the_language_is_remembered(world):
    client = world.client()
    assert 'lang="en"' in client.get("/").text
    assert 'lang="vi"' in client.get("/language/vi?back=/").text
    assert 'lang="vi"' in client.get("/receipts").text


def test_a_fault_says_nothing_about_itself(world, monkeypatch):
    client = world.client("officer")
    monkeypatch.setattr("server.police.undeclared_pages.cases_of", lambda *_a, **_k: 1 / 0)
    answer = client.get("/police")
    assert answer.status_code == 500
    assert "server.fault" in answer.text
    assert "ZeroDivision" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/police", "/api/v1/kiosks"])
def test_while_the_registry_is_away_every_answer_says_so_and_api_when_to_ask_again(world, path):
    client = world.client("officer")
    with mock.patch.object(world.registry.engine, "connect", side_effect=OperationalError("", {}, Exception("gone"))):
        answer = client.get(path, headers={"Authorization": "Bearer luutru_0123456789"} if path.startswith("/api") else {})
    assert answer.status_code == 503
    assert "registry does not answer" in answer.text
    assert answer.headers.get("retry-after") == ("5" if path.startswith("/api") else None)


def test_life_is_shown_while_the_registry_answers(world):
    client = world.client()
    assert client.get("/healthz").json() == {"ok": True}
    with world.registry.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE premises RENAME TO gone")
        connection.commit()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"ok": False})
