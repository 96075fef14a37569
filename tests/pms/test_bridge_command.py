"""``luutru pms``: the settings file, the secrets, and a round over real sockets."""

from __future__ import annotations

import json
import secrets

import pytest
from factories import EVENING
from pms_parts import OWN, PLAYED, SECRETS, Guest, Hotel
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
        client_id=OWN,
        commune_code="demo-01",
        account_id="acc-clerk",
        label="PMS",
        grants=("declare", "reconcile"),
        created_at=EVENING,
    )
    with world.registry.writing() as connection:
        add_client(connection, client, secret)
    with world.serving():
        yield world, secret
    world.close()


def said(folder, *words):
    done = CliRunner().invoke(app, [*words, "--settings", str(folder / "pms.toml"), "--json"])
    return done.exit_code, json.loads(done.stdout)


def run(folder, *words):
    status, told = said(folder, *words)
    return status, told["properties"]["htl-sao-mai"]


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


def test_the_evening_is_signed_off_on_the_systems_own_list_once_every_open_point_has_its_reason(served, tmp_path):
    world, secret = served
    hotel, folder = Hotel(), tmp_path / "bridge"
    hotel.book(arrival=EVENING, changed=EVENING)
    (folder / "secrets").mkdir(parents=True)
    with played(PLAYED["mews"](hotel)) as base:
        (folder / "pms.toml").write_text(GOOD.format(server=world.settings.base_url, base=base))
        for name, texts in (("luutru", {"client_id": OWN, "client_secret": secret}), ("mews", SECRETS["mews"])):
            path = folder / "secrets" / f"{name}.toml"
            path.write_text("".join(f'{key} = "{value}"\n' for key, value in texts.items()))
            path.chmod(0o600)
        assert run(folder, "once")[0] == 0
        hotel.book(name="R-78", room="201", arrival=EVENING, changed=EVENING, guests=[Guest(ref="G-2", given="Văn Mẫu", sex="male", number=None)])  # fmt: skip
        sign = lambda *words: said(folder, "sign-off", "--premises", "htl-sao-mai", *words)  # noqa: E731
        status, told = sign()
        assert (status, told["close"], len(told["needed"])) == (1, None, 1)
        ((kind, about, code),) = [(each["kind"], each["about"], each["code"]) for each in told["needed"]]
        assert (kind, code, told["needed"][0]["unit"]) == ("not-declared", "day-close.reason_missing", "201")
        assert sign("--reason", f"{kind}:{about}=has-left")[1]["needed"][0]["code"] == "day-close.reason_unfit"
        status, told = sign("--reason", f"{kind}:{about}=papers-awaited")
        assert (status, told["close"]["listed"], told["close"]["alike"]) == (0, 2, 1)
        assert told["close"]["open"] == [{"kind": "not-declared", "reason": "papers-awaited", "people": 1}]
        kept = (folder / "state" / "closes" / f"{told['close']['close_id']}.json").read_text("utf-8")
        assert not any(name in kept for name in ("Mẫu", "001190000118"))
        assert sign("--reason", f"{kind}:{about}=papers-awaited")[1]["close"]["close_id"] == told["close"]["close_id"]
        hotel.book(name="R-79", arrival=EVENING, changed=EVENING, people=2)
        ended = CliRunner().invoke(app, ["sign-off", "--premises", "htl-sao-mai", "--settings", str(folder / "pms.toml")])
        assert (ended.exit_code, "pms.guests_unnamed" in ended.stderr) == (1, True)
        assert CliRunner().invoke(app, ["sign-off", "--premises", "htl-sao-mai", "--settings", str(folder / "pms.toml"), "--reason", "x"]).exit_code == 1  # fmt: skip


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
