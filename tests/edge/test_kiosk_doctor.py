"""``luutru doctor --kiosk``: a kiosk's folder as it was enrolled is fine; whatever is missing or does not fit is named, with how to mend it."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest
from factories import EVENING
from kiosk_page_parts import LOBBY
from typer.testing import CliRunner

from firmware_config.profiles import load_profile
from luutru import keys
from luutru.commands.doctor import app
from luutru.demo.pki import Pki
from luutru.kiosk_checks import kiosk_checks
from luutru.processes.kiosk import open_outbox
from luutru.system import random_bytes, system_clock
from residence.wire.keyring import Keyring, dump_keyring

KIOSK = "kiosk-lobby-1"


@pytest.fixture
def folder(tmp_path, broker):
    """A kiosk's folder with a scanner that is a file, and a real broker."""
    place = tmp_path / KIOSK
    broker.pki.kiosk(KIOSK).copy_to(place, as_name="kiosk")

    def make(name, use, owner):
        path = place / f"{name}.key"
        return keys.make_key(path, key_id=f"{name}-1", use=use, owner=owner, now=EVENING, random_bytes=random_bytes)

    make("signing", "kiosk-sign", KIOSK)
    trusted = [make("seal", "seal", "authority"), make("receipt", "receipt", "authority")]
    (place / "keyring.json").write_bytes(dump_keyring(Keyring(trusted, serial=1)))
    scanner = place / "scanner"
    scanner.touch()
    readers = f'[[readers]]\nkind = "serial"\nsource = "{scanner}"\n'
    (place / "kiosk.toml").write_text(f"{LOBBY}{readers}[broker]\nport = {broker.port}\n", "utf-8")
    open_outbox(load_profile(place / "kiosk.toml"), clock=system_clock()).close()
    return place


def wrong_in(folder, **late):
    now = system_clock().now() + timedelta(**late)
    return {each.name.split(" ")[0]: each for each in kiosk_checks(folder / "kiosk.toml", now=now) if not each.ok}


def test_a_kiosk_as_it_was_enrolled_is_fine(folder):
    said = CliRunner().invoke(app, ["--kiosk", str(folder / "kiosk.toml"), "--json"])
    checks = {each["name"]: each for each in json.loads(said.stdout)["checks"]}
    assert checks["profile"]["found"] == "kiosk-lobby-1 at blk-hoa-binh"
    assert checks["outbox"]["found"] == "0 waiting for a receipt"
    assert wrong_in(folder) == {}


def test_everything_that_is_missing_is_named_at_once(folder, broker):
    (folder / "scanner").unlink()
    (folder / "signing.key").unlink()
    (folder / "kiosk.pem").unlink()
    broker.stop()
    wrong = wrong_in(folder)
    assert set(wrong) == {"device", "signing", "certificate", "broker", "outbox"}
    assert all(each.mend and each.meaning for each in wrong.values())


@pytest.mark.parametrize("how", ["another's key", "ends soon", "unknown to the broker"])
def test_a_certificate_that_does_not_do_is_named(folder, broker, tmp_path, how):
    late = {}
    match how:
        case "another's key":
            shutil.copy(broker.pki.kiosk("kiosk-desk-1").key, folder / "kiosk.key")
        case "ends soon":
            late = {"days": 800}
        case _:
            stranger = Pki(tmp_path / "other").kiosk(KIOSK)
            shutil.copy(stranger.certificate, folder / "kiosk.pem")
            shutil.copy(stranger.key, folder / "kiosk.key")
    assert set(wrong_in(folder, **late)) == {"another's key": {"certificate", "broker"}, "ends soon": {"certificate"}}.get(
        how, {"broker"}
    )


def test_a_profile_that_cannot_be_read_is_the_only_thing_said(folder):
    (folder / "kiosk.toml").write_text(LOBBY.replace("presence", "presense"), "utf-8")
    (wrong,) = wrong_in(folder).values()
    assert "/kiosk/presense" in wrong.found
