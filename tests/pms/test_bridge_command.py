"""``luutru pms``: the settings file, the secrets, and a round over real sockets."""

from __future__ import annotations

import json
import secrets

import pytest
from factories import EVENING
from pms_parts import OWN, PLAYED, SECRETS, Hotel
from server_parts import World, free_address
from simulators.pms.front import played
from typer.testing import CliRunner

from luutru.commands.pms import app
from pms_bridge.settings import parse_settings
from registry.api_clients import ApiClient, add_client
from residence.errors import LuutruError

GOOD = """
[server]
address = "{server}"
[[property]]
premises_id = "htl-sao-mai"
vendor = "mews"
base = "{base}"
secrets = "mews"
purpose_of_stay = "tourism"
"""


@pytest.fixture
def served(tmp_path):
    world = World(tmp_path / "world", base_url=free_address())
    secret = secrets.token_urlsafe(24)
    client = ApiClient(
        client_id=OWN, commune_code="demo-01", account_id="acc-clerk", label="PMS", grants=("declare",), created_at=EVENING
    )
    with world.registry.writing() as connection:
        add_client(connection, client, secret)
    with world.serving():
        yield world, secret
    world.close()


def run(folder, *words):
    done = CliRunner().invoke(app, [*words, "--settings", str(folder / "pms.toml"), "--json"])
    return done.exit_code, json.loads(done.stdout)["properties"]["htl-sao-mai"]


def test_the_command_goes_round_once_and_says_what_stands_open(served, tmp_path):
    world, secret = served
    hotel = Hotel()
    hotel.book(arrival=EVENING, changed=EVENING)
    hotel.book(name="R-78", room="201", people=2, guests=[])
    folder = tmp_path / "bridge"
    (folder / "secrets").mkdir(parents=True)
    with played(PLAYED["mews"](hotel)) as base:
        (folder / "pms.toml").write_text(GOOD.format(server=world.settings.base_url, base=base))
        for name, texts in (("luutru", {"client_id": OWN, "client_secret": secret}), ("mews", SECRETS["mews"])):
            path = folder / "secrets" / f"{name}.toml"
            path.write_text("".join(f'{key} = "{value}"\n' for key, value in texts.items()))
            path.chmod(0o600 if name == "luutru" else 0o644)
        assert run(folder, "once") == (1, {"code": "pms.secrets_open", "detail": f"others may read {path}: chmod 600"})
        path.chmod(0o600)
        assert run(folder, "once") == (1, {"in_house": 2, "read": 2, "delivered": 1, "open": 1})
    status, told = run(folder, "status")
    assert (status, told["in_house"], [each["code"] for each in told["open"]]) == (1, 2, ["pms.guests_unnamed"])


NOT_SO = {
    "an unknown key, with the nearest name": (
        'purpose_of_stay = "tourism"',
        'purpose_of_stey = "tourism"',
        "pms.unknown_setting",
    ),
    "another product": ('"mews"\nbase', '"other"\nbase', "pms.invalid_setting"),
    "a product whose own table is missing": ('"mews"\nbase', '"ohip"\nbase', "pms.property_incomplete"),
    "an address without https": ("https://pms.example", "http://pms.example", "pms.not_https"),
    "a server without https": ("https://luutru.example", "ftp://luutru.example", "pms.not_https"),
    "no TOML": ("[server]", "[server", "pms.not_toml"),
}


@pytest.mark.parametrize("case", NOT_SO.values(), ids=NOT_SO)
def test_a_settings_file_that_is_not_so_is_refused_with_a_code(case):
    before, after, code = case
    text = GOOD.format(server="https://luutru.example", base="https://pms.example")
    assert parse_settings(text.encode()).property[0].source == "pms:mews:htl-sao-mai"
    assert before in text
    with pytest.raises(LuutruError) as no:
        parse_settings(text.replace(before, after).encode())
    assert no.value.code == code
