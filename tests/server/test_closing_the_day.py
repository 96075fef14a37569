"""The evening in figures, and the day closed: only when everybody is declared, signed, and as it was then."""

from __future__ import annotations

import re

import msgspec
import pytest
from factories import make_declaration, make_id, make_person
from server_parts import csrf_of
from typer.testing import CliRunner

from luutru.commands.day_close import app
from registry.day_closes import closes_at
from registry.desk_lists import Place
from residence.errors import LuutruError
from residence.wire.day_close import close_text, digest_of, verify_close
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring

HOTEL = Place("demo-01", "htl-sao-mai")
SECOND = {"full_name": "Nguyễn Thị Thu Hà", "personal_number": "001195000333", "sex": "female", "document": None}


@pytest.fixture
def clerk(world):
    return world.client("clerk")


def close(clerk):
    return clerk.post("/desk/close", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai"})


def closes(world):
    with world.registry.reading() as connection:
        return closes_at(connection, HOTEL)


def keyring(world):
    key = KeyEntry(
        key_id=world.signer.key_id, use="receipt", owner="authority", public_key=world.signer.public_key, valid_from="2026-01-01T00:00:00Z"
    )  # fmt: skip
    return Keyring([key])


def figures(page):
    """Return the figures by their words, as a reader sees them."""
    found = re.findall(r'<a class="luutru-figure[^>]*><strong>(\d+)</strong><span>([^<]+)</span>', page)
    return {words: int(count) for count, words in found}


def test_each_figure_counts_its_own_people_and_leads_to_them(world, clerk):
    world.declare_guest()
    world.declare_guest(declaration_id=make_id(), unit="202", arrival="2026-07-09T20:00:00+07:00", person=make_person(**SECOND))
    world.see_somebody(premises_id="htl-sao-mai", unit="202")
    page = clerk.get("/desk").text
    assert figures(page) == {
        "arrivals this evening": 1, "in the house": 2, "still to be declared": 1, "declared this evening": 1, "accepted": 1,
        "refused or in conflict": 0,
    }  # fmt: skip
    arrivals = clerk.get("/desk?show=arrivals").text
    assert "Trần Văn An" in arrivals
    assert "Nguyễn Thị Thu Hà" not in arrivals
    assert "Nguyễn Thị Thu Hà" in clerk.get("/desk?show=in-house").text
    assert "2–4" in page
    assert "282/2025" in page


def test_who_is_in_dispute_is_counted_and_found_so_that_the_figures_make_up_the_declared(world, clerk):
    world.declare_guest()
    world.declare_guest(declaration_id=make_id(), unit="202", person=make_person(full_name="Đỗ Văn Khác"))  # the same number
    page = clerk.get("/desk").text
    said = figures(page)
    assert (said["declared this evening"], said["accepted"], said["refused or in conflict"]) == (2, 0, 2)
    assert "show=in-conflict#guests" in page
    assert clerk.get("/desk?show=in-conflict").text.count('href="/desk/stays/') == 2
    assert 'href="/desk/stays/' not in clerk.get("/desk?show=accepted").text


def test_what_was_said_too_late_to_count_is_told_and_leaves_its_guest_accepted(world, clerk):
    arrival = make_declaration(premises_id="htl-sao-mai", unit="201")
    world.record(arrival)
    states = []
    for minutes, said_at, until in ((20, "14:20", 15), (1, "14:10", 13)):  # the second said before the first, and heard after it
        world.clock.pass_time(minutes=minutes)
        longer = msgspec.structs.replace(
            arrival, declaration_id=make_id(), kind="extension", about=arrival.declaration_id, declared_at=f"2026-07-10T{said_at}:00+07:00",
            planned_departure=f"2026-07-{until}T12:00:00+07:00",
        )  # fmt: skip
        states.append(world.record(longer).receipt.state)
    assert states == ["accepted", "conflicting"]
    page = clerk.get("/desk").text
    assert (figures(page)["accepted"], figures(page)["refused or in conflict"]) == (1, 0)
    assert "In dispute" not in page
    assert "Something said later about the same stay" in page


def test_a_guest_expected_this_evening_is_an_arrival_and_not_yet_declared_as_come(world, clerk):
    world.declare_guest(arrival="2026-07-10T20:00:00+07:00")
    assert figures(clerk.get("/desk").text)["arrivals this evening"] == 1
    assert figures(clerk.get("/desk").text)["declared this evening"] == 0


def test_a_day_is_not_closed_while_somebody_is_still_to_be_declared(world, clerk):
    world.see_somebody(premises_id="htl-sao-mai", unit="202")
    assert "Sign and close the day" not in clerk.get("/desk").text
    answer = close(clerk)
    assert answer.status_code == 409
    assert "somebody is still to be declared" in answer.text
    assert closes(world) == []


def test_a_closed_day_is_signed_printed_and_names_nobody(world, clerk):
    declared = world.declare_guest()
    page = close(clerk)
    (kept,) = closes(world)
    signed = verify_close(kept.signed, keyring=keyring(world))
    assert page.url.path == f"/desk/closes/{kept.close_id}"
    assert (signed.day, signed.arrivals, signed.accepted, signed.in_house, signed.closed_by) == ("2026-07-10", 1, 1, 1, "le-tan")
    assert signed.statements == digest_of([declared.declaration_id])
    assert "Trần Văn An" not in page.text
    assert "<svg" in page.text
    assert "data-print" in page.text
    assert "Show and print the close" in clerk.get("/desk").text


def test_closing_twice_closes_once_and_a_later_guest_makes_it_be_closed_anew(world, clerk):
    world.declare_guest()
    assert close(clerk).url == close(clerk).url
    world.declare_guest(unit="202", person=make_person(**SECOND), declaration_id=make_id())
    world.clock.pass_time(minutes=1)
    assert "Somebody came after the day was closed" in clerk.get("/desk").text
    close(clerk)
    assert [each.close.arrivals for each in closes(world)] == [2, 1]
    assert clerk.get("/desk/closes").text.count("/desk/closes/0") == 2


def test_after_midnight_it_is_still_the_evening_before_and_a_check_out_leaves_the_close_standing(world, clerk):
    world.declare_guest()
    world.clock.pass_time(hours=14)  # four in the morning
    clerk = world.client("clerk")
    close(clerk)
    assert closes(world)[0].day == "2026-07-10"
    world.clock.pass_time(hours=5)
    clerk = world.client("clerk")
    assert "10/07/2026" in clerk.get("/desk/closes").text
    assert "Sign and close the day 11/07/2026" in clerk.get("/desk").text


@pytest.mark.parametrize("role", ["officer", None])
def test_nobody_but_the_houses_own_clerk_closes_or_sees_a_day(world, clerk, role):
    close(clerk)
    other = world.client(role)
    answer = other.post("/desk/close", data={"csrf": csrf_of(other), "premises_id": "htl-sao-mai"}, follow_redirects=False)
    assert answer.status_code in {303, 401, 403}
    shown = other.get(f"/desk/closes/{closes(world)[0].close_id}", follow_redirects=False)
    assert shown.status_code in {303, 403}
    assert len(closes(world)) == 1


def test_one_changed_count_breaks_the_signature(world, clerk):
    close(clerk)
    signed = closes(world)[0].signed
    forged = signed.replace(b'"arrivals":0', b'"arrivals":1')
    assert forged != signed
    with pytest.raises(LuutruError, match=r"signature\.bad"):
        verify_close(forged, keyring=keyring(world))


def test_the_command_checks_a_close_offline(world, clerk, tmp_path):
    world.record(make_declaration(premises_id="htl-sao-mai", unit="201"))
    close(clerk)
    ring, runner = tmp_path / "keyring.json", CliRunner()
    ring.write_bytes(dump_keyring(keyring(world)))
    text = close_text(closes(world)[0].signed)
    good = runner.invoke(app, ["verify", text, "--keyring", str(ring), "--json"])
    assert good.exit_code == 0, good.output
    assert '"ok":true' in good.output
    assert runner.invoke(app, ["verify", text]).exit_code == 1  # nobody to trust
    assert runner.invoke(app, ["verify", "LD1:%%", "--keyring", str(ring)]).exit_code == 1
    assert runner.invoke(app, ["verify"]).exit_code == 2
