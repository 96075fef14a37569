"""The demo's hotel is told of: what is declared there stands in the played ministry's list, by the demo's own folder and processes."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import timedelta
from hashlib import sha256

import msgspec
from factories import make_declaration

from luutru.demo.layout import Layout, Ports
from luutru.demo.prepare import AUTHORITY_KEYS, Tools, open_registry, prepare
from luutru.demo.town import Town
from luutru.keys import read_signing_key
from luutru.system import random_bytes, system_clock
from registry.recording import Statement, record
from residence.clock import VIETNAM, rfc3339
from residence.stays.rules import load_rule_book
from residence.wire.messages import STAY_DECLARATION

TOOLS = Tools(clock=system_clock(), random_bytes=random_bytes, tell=lambda _what: None)


def declare(layout):
    now = system_clock().now().astimezone(VIETNAM)
    said = make_declaration(
        premises_id="htl-sao-mai", unit="201", arrival=rfc3339(now), declared_at=rfc3339(now), planned_departure=rfc3339(now + timedelta(days=1))
    )  # fmt: skip
    body = msgspec.json.encode(said)
    statement = Statement(
        schema=STAY_DECLARATION, message=said, body=body, body_digest=sha256(body).hexdigest(), received_at=now, origin="desk"
    )
    signer = read_signing_key(layout.key("server-receipt"), use=AUTHORITY_KEYS["server-receipt"][1])
    registry = open_registry(layout, TOOLS)
    means = {"vault": registry.vault, "rules": load_rule_book(), "signer": signer, "now": now, "random_bytes": random_bytes}
    with registry.writing() as connection:
        (recorded,) = record(connection, [statement], **means)
    registry.close()
    assert recorded.receipt.state == "accepted"


def held(town):
    with urllib.request.urlopen(f"{town.kbtt_url}/sandbox", timeout=5) as answer:
        return json.loads(answer.read())["held"]


def test_a_guest_of_the_demos_hotel_stands_in_the_played_ministrys_list(tmp_path):
    layout = Layout(directory=tmp_path / "demo", ports=Ports.free())
    prepare(layout, TOOLS)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (layout.authority.parent / "secrets").iterdir())
    declare(layout)
    town = Town(layout)
    try:
        town.start_authority()
        end = time.monotonic() + 60
        while not held(town) and time.monotonic() < end:
            assert town.children.running("authority"), town.children.last_words("authority")
            time.sleep(0.1)
        assert [each["facility"] for each in held(town)] == ["SBX-0001"]
    finally:
        town.children.stop_all()
