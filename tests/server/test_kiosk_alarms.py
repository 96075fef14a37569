"""A kiosk that is online and hears no card raises an alarm; what is known of a kiosk can be taken away; neither names anybody."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from factories import EVENING, make_declaration, make_id, make_person
from server_parts import COMMUNE
from traces import traces

from registry.kiosk_signs import HOURS, WEEKS, KioskSigns, quiet_kiosks, signs_of
from registry.kiosks import KioskOnList, keep_state
from registry.statements import Source
from residence.clock import rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.wire.state import KioskState
from server.operators.kiosk_health import DEAF_AFTER, About, health_of

LOBBY = "kiosk-lobby-1"
WELL = {"camera": "ok"}


def say(world, **changes):
    fields = {"session": 9, "online": True, "at": rfc3339(world.clock.now()), "time_state": "synced", "readers": WELL}
    with world.registry.writing() as connection:
        keep_state(connection, KioskState(**{"kiosk_id": LOBBY} | fields | changes), now=world.clock.now())


def page_of(world):
    return world.client("operator").get("/operators/kiosks").text


JUDGED = {
    "well in every part": ({}, {"signs": KioskSigns(disk="ok", doors={"lobby": "normal:locked"})}, "ok", ()),
    "four visits without a card may be chance": ({}, {"signs": KioskSigns(unread=DEAF_AFTER - 1)}, "ok", ()),
    "five are none": ({}, {"signs": KioskSigns(unread=DEAF_AFTER)}, "degraded", ("deaf",)),
    "no reader answers": ({"readers": {"camera": "lost", "chip-trust": "ok"}}, {}, "degraded", ("deaf", "reader")),
    "a door's reader answers, and hears no papers": ({"readers": {"camera": "lost", "osdp:outside": "ok"}}, {}, "degraded", ("deaf", "reader")),
    "no reader answers, and its settings are well": ({"readers": {"camera": "lost", "configuration": "ok:ab"}}, {}, "degraded", ("deaf", "reader")),
    "settings taken back": ({"readers": WELL | {"configuration": "degraded:configuration.taken_back"}}, {}, "degraded", ("configuration",)),
    "one of two answers": ({"readers": {"camera": "lost", "serial": "ok"}}, {}, "degraded", ("reader",)),
    "quieter than ever": ({}, {"quiet": True}, "degraded", ("quiet",)),
    "quiet because it is gone": ({"online": False}, {"quiet": True}, "lost", ("offline",)),
    "a disk nearly full": ({}, {"signs": KioskSigns(disk="low")}, "degraded", ("disk",)),
    "a forced door": ({}, {"signs": KioskSigns(doors={"a": "normal:locked", "b": "forced-open:unlocked"})}, "degraded", ("door",)),
    "somebody was made to open it": ({}, {"signs": KioskSigns(doors={"a": "duress:unlocked"})}, "degraded", ("door",)),
    "a lock-down that was ordered": ({}, {"signs": KioskSigns(doors={"a": "lock-down:locked"})}, "ok", ()),
}  # fmt: skip


@pytest.mark.parametrize("case", JUDGED)
def test_a_kiosks_parts_are_judged(case):
    changes, about, state, reasons = JUDGED[case]
    values = dict.fromkeys(KioskOnList.__struct_fields__) | {
        "kiosk_id": "k", "premises_id": "p", "commune_code": "c", "profile": "lobby", "enrolled_at": EVENING, "online": True,
        "seen_at": EVENING, "time_state": "synced", "readers": WELL, "outbox_depth": 0,
    }  # fmt: skip
    health = health_of(KioskOnList(**values | changes), now=EVENING, silent_after=timedelta(minutes=10), about=About(**about))
    assert (health.state, health.reasons) == (state, reasons)


def test_a_deaf_kiosk_is_an_alarm_at_the_head_of_the_page_until_it_hears_again(world):
    world.enrol_kiosks()
    say(world)
    assert "seems to hear no card" not in page_of(world)
    say(world, unread=DEAF_AFTER)
    deaf = page_of(world)
    assert "seems to hear no card" in deaf
    assert "luutru-figure--alarm" in deaf
    assert "<strong>1</strong><span>kiosks that hear no card" in deaf
    assert deaf.index(LOBBY) < deaf.index("kiosk-desk-1"), "before one that has never reported"
    say(world)
    assert "<strong>0</strong><span>kiosks that hear no card" in page_of(world)


def test_a_site_all_of_whose_kiosks_are_lost_is_one_alarm(world):
    world.enrol_kiosks()
    say(world)
    assert "<strong>0</strong><span>sites where every kiosk is lost" in page_of(world), "one nobody ever heard of is not open yet"
    say(world, kiosk_id="kiosk-desk-1")
    world.clock.pass_time(minutes=30)
    say(world)
    page = page_of(world)
    assert "<strong>1</strong><span>sites where every kiosk is lost" in page
    assert page.count("A power cut, or its line.") == 1
    assert "htl-sao-mai: all its kiosks (1)." in page
    world.clock.pass_time(minutes=30)
    assert "<strong>2</strong><span>sites where every kiosk is lost" in page_of(world)


def test_doors_disk_settings_and_a_clock_that_differs_are_shown(world):
    world.enrol_kiosks()
    say(
        world, at=rfc3339(world.clock.now() - timedelta(minutes=7)), doors={"lobby": "forced-open:unlocked"}, disk="low", disk_free_mib=12,
        profile="0123456789ab", keyring_serial=4, trust_version=7, read_at="2026-07-10T06:30:00Z", unread=2,
    )  # fmt: skip
    page = page_of(world)
    for words in (
        "lobby: Forced open, unlocked",
        "Nearly full",
        "12 MiB",
        "0123456789ab",
        "keys 4 · trust 7",
        "differs from ours by 7 min",
        "13:30, 10 July 2026",
    ):
        assert words in page, words


def test_a_rollout_of_signed_settings_is_seen_as_it_goes(world):
    world.enrol_kiosks()
    say(world)
    assert "Signed settings" not in page_of(world), "nobody is sent any"
    say(world, readers=WELL | {"configuration": "ok:2026-12-0123456789ab"})
    say(world, kiosk_id="kiosk-desk-1", readers=WELL | {"configuration": "degraded:configuration.taken_back"})
    page = page_of(world)
    assert "<code>2026-12</code>" in page
    assert "They did not work there, and the kiosk went back" in page
    assert "Settings it was sent were not taken, or were taken back" in page, "among the reasons of that kiosk"
    assert "configuration:" not in page, "it is no reader"
    world.clock.pass_time(minutes=30)
    assert '<strong class="govuk-tag govuk-tag--red">1</strong>' in page_of(world), "lost with those settings"


def test_a_will_does_not_take_back_what_the_living_said(world):
    world.enrol_kiosks()
    say(world, profile="0123456789ab")
    say(world, online=False)
    with world.registry.reading() as connection:
        assert signs_of(connection, COMMUNE)[LOBBY].profile == "0123456789ab"


def declare_at_kiosk(world, number, *, level=EvidenceLevel.CARD_TEXT):
    source = Source(kiosk_id=LOBBY, epoch="epoch", sequence=number, signed=b"", kept_at=rfc3339(world.clock.now()))
    evidence = Evidence(level=level, source="card-qr" if level else "stated", reader="camera:zxing" if level else None)
    person = make_person(personal_number=f"00109500{number:04d}")
    message = make_declaration(declaration_id=make_id(world.clock.now()), person=person, evidence=evidence)
    world.record(message, origin="kiosk", source=source)


def quiet(world):
    with world.registry.reading() as connection:
        return quiet_kiosks(connection, COMMUNE, now=world.clock.now())


def test_hours_without_a_card_where_every_week_had_some_are_quiet_and_no_others(world):
    world.enrol_kiosks()
    for week in range(WEEKS):
        declare_at_kiosk(world, 2 * week + 1)
        declare_at_kiosk(world, 2 * week + 2)
        if week == 1:
            assert quiet(world) == frozenset(), "a new kiosk has no month behind it"
        world.clock.pass_time(weeks=1)
    world.clock.pass_time(hours=-1)
    assert quiet(world) == frozenset(), "an hour earlier nobody ever comes"
    world.clock.pass_time(hours=2)
    assert quiet(world) == {LOBBY}
    declare_at_kiosk(world, 90, level=EvidenceLevel.STATED)
    assert quiet(world) == {LOBBY}, "what is typed says nothing of the readers"
    declare_at_kiosk(world, 91)
    assert quiet(world) == frozenset()
    world.clock.pass_time(hours=HOURS.total_seconds() / 3600)
    assert quiet(world) == frozenset(), "now it is an hour at which nobody ever comes"


def test_what_is_known_of_a_kiosk_is_a_file_without_a_person_and_for_operators_of_its_commune_alone(world):
    world.enrol_kiosks()
    say(world, profile="0123456789ab", unread=DEAF_AFTER)
    declare_at_kiosk(world, 1)
    answer = world.client("operator").get(f"/operators/kiosks/{LOBBY}/diagnostics.json")
    told = msgspec.json.decode(answer.content)
    assert answer.headers["content-disposition"] == f'attachment; filename="{LOBBY}.json"'
    assert (told["kiosk"]["session"], told["signs"]["profile"], told["health"]["reasons"]) == (9, "0123456789ab", ["deaf"])
    assert traces(answer.content, ["Trần Văn An", "001095000001", "1995-02-01"]) == set()
    assert world.client("operator").get("/operators/kiosks/kiosk-elsewhere/diagnostics.json").status_code == 403
    assert world.client("clerk").get(f"/operators/kiosks/{LOBBY}/diagnostics.json").status_code == 403
