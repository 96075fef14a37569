"""The web process by a file of choices: the desk judges and reads by it."""

from __future__ import annotations

import msgspec
import pytest
from factories import EVENING, make_declaration
from server_parts import World, csrf_of

from luutru.keys import make_key
from luutru.processes.server import ServerProcess, build
from luutru.system import random_bytes
from residence.choices import parse_choices
from server.declaring import check

SIX_FIELDS = "001095000117|Trần Văn An|01021995|Nam|Số 5 Láng Hạ, Đống Đa, Hà Nội|15082021"
CASES = {
    "the defaults": (b"", "stay-2026-07-01", True),
    "other choices": (
        b"[rules]\ncutoff_inclusive = false\n[qr]\naccept_six_fields = false",
        "stay-2026-07-01+not-cutoff-inclusive",
        False,
    ),
}


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "world")
    yield world
    world.close()


def built(tmp_path, choices):
    """The parts of a web process as ``luutru server run`` puts them together."""
    keys = tmp_path / "receipt-keys"
    keys.mkdir()
    make_key(keys / "server-receipt.key", key_id="s-1", use="receipt", owner="authority", now=EVENING, random_bytes=random_bytes)
    url = f"sqlite:///{tmp_path}/world/registry.db"
    return build(
        ServerProcess(registry=url, vault=tmp_path / "world/keys", keys=keys, choices=parse_choices(choices))
    ).state.server


@pytest.mark.parametrize("name", CASES)
def test_the_desk_judges_and_reads_by_the_choices(world, tmp_path, name):
    choices, rule_set, read = CASES[name]
    server = built(tmp_path, choices)
    assert check(server, make_declaration(premises_id="htl-sao-mai", unit="201")).rule_set == rule_set
    server.registry.close()
    # The page itself on the standing clock of the test's world.
    world.app.state.server = msgspec.structs.replace(world.app.state.server, card_policy=server.card_policy)
    clerk = world.client("clerk")
    page = clerk.post("/desk/read", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "card_text": SIX_FIELDS})
    assert ('value="Trần Văn An"' in page.text) is read
