"""A kiosk's profile: typed, complete, and clear about what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from kiosk_page_parts import DESK, LOBBY

from firmware_config.profiles import load_profile, parse_profile, settings_of
from residence.errors import Malformed

ROOT = Path(__file__).resolve().parents[2]


def test_a_short_profile_is_enough_and_the_rest_has_defaults_that_work():
    profile = parse_profile(LOBBY, folder=Path("/etc/luutru"))
    assert profile.kiosk.languages == ("vi", "en", "zh", "ko", "ja", "ru")
    assert profile.page.host == "127.0.0.1"
    assert (profile.page.warn_after_seconds, profile.page.wipe_after_warning_seconds) == (30, 20)
    assert profile.place().units[0] == "0305"
    assert profile.role == "self"


def test_a_hotel_desk_declares_as_the_facility():
    assert parse_profile(DESK, folder=Path("/x")).role == "facility"


def test_paths_start_at_the_profiles_own_folder(tmp_path):
    (tmp_path / "kiosk.toml").write_text(LOBBY, "utf-8")
    profile = load_profile(tmp_path / "kiosk.toml")
    assert profile.path(profile.store.path) == tmp_path / "outbox.db"
    assert profile.path("/var/lib/outbox.db") == Path("/var/lib/outbox.db")


def changed(old: str, new: str) -> str:
    assert old in LOBBY
    return LOBBY.replace(old, new)


WRONG = {
    "a misspelt setting": (
        changed("presence = true", "presense = true"),
        "profile.unknown_setting",
        "/kiosk/presense",
        "presence",
    ),
    "a misspelt table": (LOBBY + "[brokr]\nport = 1\n", "profile.unknown_setting", "/brokr", "broker"),
    "a setting of a reader that does not exist": (
        LOBBY + '[[readers]]\nkind = "camera"\ndevise = "0"\n',
        "profile.unknown_setting",
        "/readers/0/devise",
        "devise",
    ),
    "a kind of reader that does not exist": (
        LOBBY + '[[readers]]\nkind = "telepathy"\n',
        "profile.invalid_setting",
        "/readers/0/kind",
        "telepathy",
    ),
    "no kiosk id": (changed('id = "kiosk-lobby-1"\n', ""), "profile.invalid_setting", "/kiosk", "id"),
    "a kiosk id that is no topic level": (
        changed('"kiosk-lobby-1"', '"Kiosk/1"'),
        "profile.invalid_setting",
        "/kiosk/id",
        "regex",
    ),
    "a port that is none": (LOBBY + "[broker]\nport = 70000\n", "profile.invalid_setting", "/broker/port", "65535"),
    "a page for everybody": (LOBBY + '[page]\nhost = "0.0.0.0"\n', "profile.invalid_setting", "/page/host", "0.0.0.0"),
    "less time to answer the warning than a person needs": (
        LOBBY + "[page]\nwipe_after_warning_seconds = 5\n",
        "profile.invalid_setting",
        "/page/wipe_after_warning_seconds",
        "20",
    ),
    "a language nobody translated": (
        changed("presence = true", 'languages = ["vi", "xx"]'),
        "profile.invalid_setting",
        "/kiosk/languages/1",
        "xx",
    ),
    "a language twice": (
        changed("presence = true", 'languages = ["vi", "vi"]'),
        "profile.invalid_setting",
        "/kiosk/languages",
        "twice",
    ),
    "the folder, which is not a setting": ('folder = "/"\n' + LOBBY, "profile.unknown_setting", "/folder", "folder"),
    "no TOML": ("kiosk = [", "profile.not_toml", "", "at end of document"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_profile_is_refused_with_the_place_and_a_hint(name):
    text, code, pointer, hint = WRONG[name]
    with pytest.raises(Malformed) as caught:
        parse_profile(text, folder=Path("/x"))
    assert (caught.value.code, caught.value.pointer) == (code, pointer)
    assert hint in caught.value.detail


def test_a_profile_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(Malformed, match=r"profile\.unreadable"):
        load_profile(tmp_path / "none.toml")


def test_every_setting_of_the_profile_is_documented_by_its_full_name():
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert not [name for name in settings_of() if f"`{name}`" not in page]
