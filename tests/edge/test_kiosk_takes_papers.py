"""A real kiosk process follows what is published beside its settings: words and a door list between two visits, without a new start; choices and chip trust with one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from importlib import resources

from chip_parts import pki
from configuration_parts import WARD, Authority
from door_parts import entry, part
from settings_machine import machine_of

from edge_agent.kiosk.texts import forms_of
from firmware_config.profiles import ReaderSection, load_profile
from firmware_config.signed.door_list import write_door_list
from firmware_config.signed.paths import door_list_path, words_path
from firmware_config.signed.words import write_words
from luutru.processes.kiosk import with_readers
from luutru.processes.kiosk_configuration import sent_profile
from luutru.processes.kiosk_vitals import settings_hash
from residence.clock import rfc3339
from residence.wire.door_list import sign_part
from residence.wire.trust_bundle import TrustBundle, sign_bundle

NEW = "Hôm nay bạn cần gì?"
LAW = resources.files("residence").joinpath("rules/stay-2026-07-01.toml").read_text("utf-8")
NEXT_LAW = LAW.replace('"stay-2026-07-01"', '"stay-2027-01-01"').replace("valid_from = 2026-07-01", "valid_from = 2027-01-01")


def words(release, **changes):
    texts = forms_of("vi") | {key: (text,) for key, text in changes.items()}
    return write_words({"vi": {key: forms for key, forms in texts.items() if forms != ("",)}}, release=release, share=100)


def listed(machine, version, now, *, site="blk-hoa-binh"):
    ends = rfc3339(now + timedelta(days=6))
    signed = part(entry("an"), version=version, issued=rfc3339(now - timedelta(minutes=1)), expires=ends)
    return write_door_list(site, [sign_part(signed, machine.signer("door-list"))])


def bundle(signer, now):
    country = pki.Country()
    made = TrustBundle(version=3, issued=now, expires=now + timedelta(days=30), certificates=(country.authority.der,), lists=())
    return sign_bundle(made, signer)


def test_words_and_a_door_list_come_between_two_visits_and_choices_and_trust_with_a_new_start(tmp_path, broker):
    now = datetime.now(UTC)
    authority = Authority(tmp_path / "authority", now=now)
    before = forms_of("vi")["idle.question"][0]
    with machine_of(tmp_path, broker, authority, patience=600) as machine:  # far longer than anybody stands there
        doors, said = door_list_path(WARD, "blk-hoa-binh"), words_path(WARD)
        machine.until(lambda: before in machine.page())
        machine.press("start:vi")
        authority.put(said, words("2026-12", **{"idle.question": NEW, "idle.promise": ""}))
        authority.put(doors, listed(machine, 5, now))
        machine.until(lambda: machine.state_in("words").get("trying"))
        time.sleep(1.0)  # two looks: somebody stands there, so nothing changes
        assert machine.told()["readers"]["words"] == "ok"
        assert machine.told()["readers"]["door-list"] == "ok:0"
        machine.press("stop")
        machine.until(lambda: NEW in machine.page())
        assert forms_of("vi")["idle.promise"][0] in machine.page(), "what was not sent is said in the words of the image"
        machine.until(lambda: machine.told()["readers"].get("door-list") == "ok:5")
        assert machine.told()["readers"]["words"] == "degraded:words.missing"

        authority.put(said, words("2026-13", **{"idle.question": NEW}))
        machine.until(lambda: machine.told()["readers"].get("words", "").startswith("ok:2026-13-"))
        machine.until(lambda: machine.state_in("words").get("good_name", "").startswith("2026-13-"))
        authority.put(said, words("2026-14", **{"idle.question": "<b>{place.__class__}</b>"}))
        machine.until(lambda: machine.told()["readers"].get("words") == "degraded:words.refused")
        authority.put(doors, listed(machine, 4, now))
        authority.put(said, words("2026-13", **{"idle.question": NEW}))
        machine.until(lambda: machine.told()["readers"].get("words", "").startswith("ok:2026-13-"))
        assert machine.told()["readers"]["door-list"] == "ok:5", "an older list changes nothing, however it comes"
        assert machine.starts == 1, "all of this without a new start"

        chips = "[chip]\nenabled = true\n"
        rules = {"choices.toml": b"[qr]\naccept_six_fields = false\n", "rules-stay-2027.toml": NEXT_LAW.encode()}
        files = machine.sent(more=chips) | rules
        authority.publish(files | {"trust.bundle": bundle(machine.signer("receipt"), now)})
        machine.until(lambda: machine.told()["readers"].get("configuration", "").startswith("degraded:"))
        assert machine.starts == 1, "a bundle that another key signed is not even tried"
        authority.publish(files | {"trust.bundle": bundle(machine.signer("keyring"), now)})
        machine.until(lambda: machine.state.get("good"))
        folder = machine.folder / "configuration" / machine.state["good"]
        sent = {each.name: each.read_bytes() for each in folder.iterdir()}
        wanted = sent_profile(sent, image=load_profile(machine.folder / "kiosk.toml"), folder=folder)
        machine.until(lambda: machine.told()["profile"])
        assert machine.told()["profile"] == settings_hash(with_readers(wanted, [ReaderSection(kind="cards", source="")]))
        assert (wanted.choices.card.accept_six_fields, wanted.chip.trust) == (False, str(folder / "trust.bundle"))
        assert wanted.choices.rules.sets[-1].id == "stay-2027-01-01", "a further rule set travels, too"
        assert (machine.starts, machine.told()["readers"]["door-list"]) == (2, "ok:5")
        machine.until(lambda: NEW in machine.page())
