"""``luutru account`` and ``luutru server run`` as a person types them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import httpx
import pytest
from factories import EVENING
from server_parts import free_address
from typer.testing import CliRunner

from luutru.commands.account import app
from luutru.keys import make_key
from luutru.system import random_bytes
from registry.database import upgrade


@pytest.fixture
def registry(tmp_path):
    url = f"sqlite:///{tmp_path}/registry.db"
    upgrade(url)
    return ["--registry", url, "--vault", str(tmp_path / "vault")]


def run(*arguments):
    return CliRunner().invoke(app, [*arguments])


def test_an_account_is_added_listed_and_gets_a_link_and_a_token(registry):
    assert run("add", "letan", "--role", "clerk", "--premises", "htl-sao-mai", *registry).exit_code == 0
    (known,) = json.loads(run("list", "--json", *registry).stdout)["accounts"]
    assert (known["sign_in_name"], known["role"], known["areas"]) == ("letan", "clerk", ["htl-sao-mai"])
    link = run("link", "letan", "--base-url", "https://luutru.example/", *registry).stdout.strip()
    assert link.startswith("https://luutru.example/sign-in/link/")
    assert len(json.loads(run("token", "letan", "--json", *registry).stdout)["token"]) == 43


def test_a_refusal_names_its_code_and_ends_with_one_and_wrong_use_with_two(registry):
    run("add", "letan", "--role", "officer", *registry)
    for arguments, status, code in (
        (("add", "letan", "--role", "officer"), 1, "account.name_taken"),
        (("add", "other", "--role", "clerk"), 1, "account.areas_needed"),
        (("link", "nobody"), 1, "account.unknown"),
        (("add", "other", "--role", "king"), 2, "--role"),
    ):
        result = run(*arguments, *registry)
        assert (result.exit_code, code in result.output) == (status, True), arguments


def test_the_server_starts_answers_and_ends_with_zero_when_asked(registry, tmp_path):
    make_key(
        tmp_path / "keys" / "server-receipt.key",
        key_id="r1",
        use="receipt",
        owner="authority",
        now=EVENING,
        random_bytes=random_bytes,
    )
    address = free_address()
    arguments = [
        "server",
        "run",
        *registry,
        "--keys",
        str(tmp_path / "keys"),
        "--base-url",
        address,
        "--port",
        address.rpartition(":")[2],
    ]
    process = subprocess.Popen([sys.executable, "-m", "luutru", *arguments], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(f"{address}/healthz", timeout=5)
                break
            except httpx.TransportError:
                assert process.poll() is None, "the server ended by itself"
                time.sleep(0.1)
        assert answer.json() == {"ok": True}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
