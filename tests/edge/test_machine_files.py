"""A machine's files: the same as ever (golden), refused where they cannot be right, written once, packed the same."""

from __future__ import annotations

import configparser
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kiosk_page_parts import LOBBY
from machine_parts import BRIDGE, CAMERA, KINDS, SITE, files_of, machine_of, machine_text, write_machine
from typer.testing import CliRunner

from firmware_config.machine_files import machine_files
from firmware_config.machines import Machine, load_machine, parse_machine, shipped_kinds
from luutru.commands.firmware import app
from luutru.firmware_files import packed
from residence.errors import Malformed

GOLDEN = Path(__file__).resolve().parents[1] / "vectors" / "machines"
ROOT = Path(__file__).resolve().parents[2]


def command(*words: object):
    return CliRunner().invoke(app, [str(each) for each in words])


def test_every_shipped_kind_is_rendered_here():
    assert set(shipped_kinds()) == set(KINDS)


def shortened(text: str) -> str:
    """A list of thousands of keys is the same for all, and stands here by its sum."""
    lines = text.count("\n")
    return text if lines < 1000 else f"({lines} lines, SHA-256 {hashlib.sha256(text.encode()).hexdigest()})\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_machine_is_rendered_to_the_same_files_as_ever(kind):
    """``LUUTRU_WRITE_GOLDEN=1`` writes them again; then they are read by a person before they are committed."""
    golden = GOLDEN / f"{kind}.txt"
    rendered = "".join(f"##### {name}\n{shortened(text)}" for name, text in files_of(kind).items())
    if os.environ.get("LUUTRU_WRITE_GOLDEN"):
        golden.write_text(rendered, "utf-8")
    assert rendered == golden.read_text("utf-8")


REFUSED = {
    "an unknown key": (machine_text("lobby").replace("[time]", "[time]\nserver = 1"), "machine.unknown_setting", "/time/server"),
    "an unknown table": (machine_text("lobby") + "[watchdog]\n", "machine.unknown_setting", "/watchdog"),
    "an unknown kind": (machine_text("lobby").replace('base = "lobby"', 'base = "attic"'), "machine.kind_unknown", "/base"),
    "a device without a socket": (
        'base = "hotel-desk"\nname = "a"\n' + SITE,
        "machine.invalid_setting",
        "/devices/scanner/path",
    ),
    "two devices in one socket": (
        machine_text("lobby").replace("xhci-hcd.1", "xhci-hcd.0"),
        "machine.invalid_setting",
        "/devices/printer/path",
    ),
    "one time server": (machine_text("lobby").replace(', "nts2.example.org"', ""), "machine.invalid_setting", "/time/servers"),
    "no network": (machine_text("lobby").replace('"10.20.0.0/16"', ""), "machine.invalid_setting", "/network/allow"),
    "no network address": (machine_text("lobby").replace("10.20.0.0/16", "10.20.0.1/16"), "machine.invalid_setting", "/network/allow/0"),
    "a bridge to nowhere": (
        machine_text("lobby").replace('address = "broker.example.org"\n', ""),
        "machine.invalid_setting",
        "/bridge/address",
    ),
    "a profile elsewhere": (
        'kiosks = ["../kiosk.toml"]\n' + machine_text("lobby"),
        "machine.invalid_setting",
        "/kiosks/0",
    ),
    "no TOML": ("name = ", "machine.not_toml", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_refused_with_its_place(name):
    text, code, pointer = REFUSED[name]
    with pytest.raises(Malformed) as caught:
        parse_machine(text.encode(), folder=Path("/nowhere"))
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


UNFITTING = {
    "a camera the machine does not have": (CAMERA.replace("edge/camera", "edge/webcam"), "/kiosks/0/readers/0/source"),
    "a camera by its number": (CAMERA.replace("/dev/edge/camera", "0"), "/kiosks/0/readers/0/source"),
    "a printer by its number": (CAMERA.replace("/dev/edge/printer", "/dev/usb/lp0"), "/kiosks/0/printer/device"),
    "a door without pins": (CAMERA + '[[doors]]\nname = "front"\noutput_pin = 17\n', "/kiosks/0/doors"),
    "a chip reader of text on no line": (
        CAMERA + '[chip]\nenabled = true\nmodel = "hn212"\nbaud_rate = 115200\nreader = "/dev/ttyUSB3"\n',
        "/kiosks/0/chip/reader",
    ),
    "a chip reader on no line": (CAMERA + '[chip]\nenabled = true\nreader = "pn532:/dev/ttyS0"\n', "/kiosks/0/chip/reader"),
}


@pytest.mark.parametrize("name", UNFITTING)
def test_a_profile_that_does_not_fit_its_machine_is_refused(name):
    text, pointer = UNFITTING[name]
    with pytest.raises(Malformed, match=r"machine\.device_unknown") as caught:
        machine_files(machine_of("lobby"), {"kiosk.toml": LOBBY + text})
    assert caught.value.pointer == pointer


def test_a_kiosk_of_another_site_is_not_left_to_a_broker_that_passes_nothing_on_for_it():
    machine, elsewhere = machine_of("lobby"), LOBBY.replace('site = "blk-hoa-binh"', 'site = "blk-sao-mai"') + CAMERA
    with pytest.raises(Malformed, match=r"machine\.invalid_setting") as caught:
        machine_files(machine, {"kiosk.toml": elsewhere})
    assert caught.value.pointer == "/kiosks/0/kiosk/site"
    assert machine_files(machine, {"kiosk.toml": elsewhere + '[broker]\nhost = "broker.example.org"\n'})


@given(socket=st.text(st.sampled_from('ab:1"\n\\*,=% '), max_size=12))
def test_nothing_in_a_socket_ends_a_rule(socket):
    text = machine_text("hotel-desk").replace("platform-xhci-hcd.0-usb-0:1:1.0", "HERE")
    try:
        machine = parse_machine(text.replace('"HERE"', json.dumps(socket)).encode(), folder=Path("/nowhere"))
    except Malformed:
        return
    rules = machine_files(machine, KINDS["hotel-desk"][1])["etc/udev/rules.d/70-luutru.rules"]
    assert rules.count("\n") == 3
    assert f'=="{socket}",' in rules


def test_a_second_rendering_changes_nothing_and_what_is_no_longer_wanted_goes(tmp_path):
    path, out = write_machine("lobby", tmp_path), tmp_path / "out"
    first = json.loads(command("render", path, out, "--json").stdout)
    assert first["files"] == len(first["changed"])
    assert json.loads(command("render", path, out, "--json").stdout) == {"files": first["files"], "changed": [], "removed": []}
    (out / "etc/mosquitto/luutru/access.acl").write_text("by hand\n")
    path.write_text(path.read_text("utf-8").replace(BRIDGE, ""), "utf-8")
    removed = json.loads(command("render", path, out, "--json").stdout)["removed"]
    assert removed == ["authority/bridge.acl", "etc/mosquitto/mosquitto.conf"]
    assert (out / "etc/mosquitto/luutru/access.acl").exists(), "changed by hand: not ours to remove"


def test_a_root_is_compared_with_what_would_be_rendered(tmp_path):
    path, out = write_machine("hotel-desk", tmp_path), tmp_path / "out"
    assert command("diff", path, out).exit_code == 1
    command("render", path, out)
    same = command("diff", path, out)
    assert (same.exit_code, same.stdout) == (0, "no difference\n")
    chrony = out / "etc/chrony/chrony.conf"
    chrony.write_text(chrony.read_text("utf-8").replace("port 0", "port 123"), "utf-8")
    changed = command("diff", path, out)
    assert changed.exit_code == 1
    assert {"-port 123", "+port 0"} <= set(changed.stdout.splitlines())


def test_two_archives_of_one_machine_are_equal_and_list_what_is_in_them():
    files = files_of("osdp-two-door")
    content, digest = packed(files)
    assert (content, digest) == packed(dict(reversed(files.items())))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {each.name for each in archive} == {*files, "luutru-files.json"}
        assert all(each.mtime == 0 and each.uid == 0 for each in archive)


def test_the_layer_for_the_image_is_yaml_with_the_kiosks_units():
    layer = yaml.safe_load(files_of("osdp-two-door")["image/layer/osdp-two-door-1.yaml"])
    hook = layer["mmdebstrap"]["customize-hooks"][0]
    assert "luutru-kiosk@kiosk-lobby-1.service luutru-kiosk@kiosk-back-1.service luutru-screen.service" in hook
    assert {"chrony", "rauc", "overlayroot"} <= set(layer["mmdebstrap"]["packages"])


def test_hawkbit_is_asked_with_the_kiosks_own_certificate_and_only_where_it_is_wanted():
    name = "etc/rauc-hawkbit-updater/config.conf"
    assert name not in files_of("lobby")
    machine = machine_of("lobby")
    wanted = msgspec.structs.replace(machine, update=msgspec.structs.replace(machine.update, hawkbit="images.example:8443"))
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(machine_files(wanted, KINDS["lobby"][1])[name])
    client = read["client"]
    assert (client["hawkbit_server"], client["target_name"]) == ("images.example:8443", machine.name)
    assert {client["ssl_cert"], client["ssl_key"]} == {f"/var/lib/luutru/kiosk-lobby-1/kiosk.{end}" for end in ("pem", "key")}
    assert not {"auth_token", "gateway_token"} & set(client), "no secret in an image"
    assert (client["ssl"], client["ssl_verify"], client["post_update_reboot"]) == ("true", "true", "false")
    assert dict(read["device"]) == {"compatible": machine.update.compatible, "board": machine.board}


@pytest.mark.parametrize("address", ["http://images.example", "images.example\nssl=false", "-x", "a b"])
def test_an_address_of_hawkbit_that_is_none_is_refused(tmp_path, address):
    path = write_machine("lobby", tmp_path)
    path.write_text(path.read_text("utf-8") + f"[update]\nhawkbit = {json.dumps(address)}\n", "utf-8")
    assert command("render", path, tmp_path / "out").exit_code == 1


def test_a_profile_that_is_missing_is_said_in_both_languages(tmp_path):
    path = write_machine("lobby", tmp_path)
    (tmp_path / "kiosk.toml").unlink()
    said = command("render", path, tmp_path / "out")
    assert said.exit_code == 1
    assert "profile.unreadable" in said.stderr


def test_every_setting_of_a_machine_is_documented():
    page = (ROOT / "docs" / "firmware.md").read_text("utf-8")

    def names(kind: type[msgspec.Struct], prefix: str = "") -> list[str]:
        found = []
        for field in msgspec.structs.fields(kind):
            if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
                found += names(field.type, f"{prefix}{field.name}.")
            elif field.name not in {"folder", "devices"}:
                found.append(prefix + field.name)
        return found

    assert not [name for name in (*names(Machine), "devices.kind", "devices.path") if f"`{name}`" not in page]


def test_a_machine_is_read_from_its_file(tmp_path):
    assert load_machine(write_machine("lobby", tmp_path)).kiosk_paths() == [tmp_path / "kiosk.toml"]
    with pytest.raises(Malformed, match=r"machine\.unreadable"):
        load_machine(tmp_path / "none.toml")
