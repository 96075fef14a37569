"""What an operator asks to see of a fleet stands in the address: filters, sites, pages; worst first, and quick with a thousand kiosks."""

from __future__ import annotations

import html
import re
import time
from datetime import timedelta

import pytest
from factories import EVENING
from server_parts import COMMUNE

from registry.chip_judgements import Doubts
from registry.kiosk_signs import KioskSigns
from registry.kiosks import Enrolment, KioskOnList, enrol_kiosk, keep_state
from residence.clock import rfc3339
from residence.errors import Malformed
from residence.wire.state import KioskState
from server.operators.fleet import Seen
from server.operators.fleet_view import ON_A_PAGE, read_asked, sites_of, view_of
from server.operators.kiosk_health import Health

QUICK = 2.0  # seconds for one page of a thousand kiosks, on a machine that does much else


def seen(name, state="ok", *, site="s1", retired=False, **changes):
    values = dict.fromkeys(KioskOnList.__struct_fields__) | {
        "kiosk_id": name,
        "premises_id": site,
        "commune_code": "c",
        "profile": "lobby",
    }
    values |= {"enrolled_at": EVENING, "retired_at": EVENING if retired else None, "seen_at": EVENING, "online": state != "lost"}
    deaf = changes.pop("deaf", False)
    health = Health(state=state, reasons=("deaf",) if deaf else ())
    return Seen(kiosk=KioskOnList(**values | changes), signs=KioskSigns(), doubts=Doubts(), health=health)


FLEET = [
    seen("kiosk-a", version="0.1.0"),
    seen("kiosk-b", "degraded", deaf=True, version="0.2.0"),
    seen("kiosk-c", "lost", site="s2"),
    seen("kiosk-d", "degraded", site="s1", readers={"configuration": "ok:2026-12-0123456789ab"}),
    seen("kiosk-e", "lost", site="s3", retired=True),
]
ASKED = {
    "all, worst first and the retired last": ("", "bcdae"),
    "one site": ("site=s1", "bda"),
    "one state": ("state=lost", "c"),
    "the retired": ("state=retired", "e"),
    "who hears no card": ("state=deaf", "b"),
    "a release of the program": ("release=0.1.0", "a"),
    "a release of the signed settings": ("release=2026-12", "d"),
    "a part of the id": ("text=K-D", "d"),
    "several at once": ("site=s1&state=degraded&text=kiosk", "bd"),
    "nobody": ("site=elsewhere", ""),
}


def words(query):
    return dict(each.split("=") for each in query.split("&") if each)


@pytest.mark.parametrize("case", ASKED)
def test_the_address_says_what_is_listed(case):
    query, expected = ASKED[case]
    view = view_of(FLEET, read_asked(words(query)))
    assert "".join(each.kiosk.kiosk_id[-1] for each in view.kiosks) == expected
    assert view.found == len(expected)
    assert read_asked(words(view.asked.query())) == view.asked, "the address of the page asks for the same"


def test_a_site_is_one_line_worst_first():
    assert [(each.site, each.dark, each.deaf, dict(each.states)) for each in sites_of(FLEET)] == [
        ("s2", True, 0, {"lost": 1}),
        ("s1", False, 1, {"ok": 1, "degraded": 2}),
        ("s3", False, 0, {"retired": 1}),
    ]


@pytest.mark.parametrize(
    "query", ["state=broken", "by=colour", "page=-1", "page=x", "page=1234567", "page=²", "text=" + "x" * 65]
)
def test_what_nobody_offers_is_refused_where_it_stands(query):
    with pytest.raises(Malformed) as refused:
        read_asked(words(query))
    assert refused.value.pointer == f"/{query.split('=')[0]}"


def test_an_address_is_shared_kept_by_the_page_and_shows_no_other_commune(world):
    world.enrol_kiosks()
    operator = world.client("operator")
    asked = "/operators/kiosks?site=htl-sao-mai&text=%22%3Edesk"
    page = operator.get(asked).text
    assert '"><desk' not in page
    again = html.unescape(re.search(r'hx-get="([^"]+)"', page)[1])
    assert again == asked
    assert "No kiosk fits the filter." in operator.get(again, headers={"hx-request": "true"}).text
    one = operator.get("/operators/kiosks?site=htl-sao-mai", headers={"hx-request": "true"}).text
    assert ("kiosk-desk-1" in one, "kiosk-lobby-1" in one, 'hx-swap-oob="true"' in one) == (True, False, True)
    assert operator.get("/operators/kiosks?state=broken").status_code == 422
    assert world.client("clerk").get(asked).status_code == 403


def test_a_thousand_kiosks_are_shown_by_site_a_page_at_a_time_and_quickly(world):
    world.enrol_kiosks()
    now = world.clock.now()
    with world.registry.writing() as connection:
        for number in range(998):
            name = f"kiosk-{number:04}"
            site = "blk-hoa-binh" if number % 2 else "htl-sao-mai"
            enrol_kiosk(
                connection, Enrolment(kiosk_id=name, premises_id=site, commune_code=COMMUNE, profile="lobby"), keys=(), now=now
            )
            state = KioskState(
                kiosk_id=name, session=1, online=True, at=rfc3339(now), time_state="synced", readers={"camera": "ok"}
            )
            keep_state(connection, state, now=now - timedelta(hours=number % 3))
    operator = world.client("operator")
    began = time.perf_counter()
    page = operator.get("/operators/kiosks").text
    took = time.perf_counter() - began
    assert ("<strong>1000</strong><span>kiosks" in page, page.count("diagnostics.json")) == (True, 0)
    assert "/operators/kiosks?site=htl-sao-mai&amp;by=kiosk" in page
    assert took < QUICK
    site = operator.get("/operators/kiosks?site=htl-sao-mai&by=kiosk").text
    assert (site.count("diagnostics.json"), "Page 1 of 10" in site) == (ON_A_PAGE, True)
    assert "Page 10 of 10" in operator.get("/operators/kiosks?site=htl-sao-mai&by=kiosk&page=99").text
