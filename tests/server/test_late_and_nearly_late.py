"""An open page hears that a deadline is near; a late declaration is taken with its cause, and our own outage is proved by itself."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from desk_parts import declare, opened, scan
from server_parts import World

from registry.outage_windows import keep_outage
from registry.stays import stays_at
from residence.clock import rfc3339
from residence.wire.outages import OutageWindow, read_outage
from residence.wire.signing import read_sign1


def urgent(clerk):
    told = re.search(r"event: urgent\ndata: (.*)", clerk.get("/desk/live?premises=htl-sao-mai").text)
    return json.loads(told[1])


def keep(world, began, ended, outage_id, **whom):
    window = OutageWindow(outage_id=outage_id, cause="kiosk_offline", began_at=rfc3339(began), ended_at=rfc3339(ended), **whom)
    with world.registry.writing() as connection:
        keep_outage(connection, window, commune_code="demo-01", signer=world.signer)


def test_a_deadline_comes_near_is_missed_and_the_late_declaration_says_why(tmp_path):
    day = timedelta(days=1)
    world = World(tmp_path, live_for=timedelta(0), session_idle=day, session_absolute=3 * day)
    clerk, arrived = world.client("clerk"), world.clock.now()  # 14:00
    world.see_somebody(premises_id="htl-sao-mai", unit="202")
    assert urgent(clerk) is None
    world.clock.pass_time(hours=7, minutes=30)
    assert urgent(clerk) == {"people": 1, "due": "2026-07-10T23:00:00+07:00"}

    world.clock.pass_time(hours=2)  # 23:30
    keep(world, arrived + timedelta(hours=6), arrived + timedelta(hours=7), "our-own", premises_id="htl-sao-mai")
    keep(world, arrived + timedelta(hours=6), arrived + timedelta(hours=7), "another-house", premises_id="blk-hoa-binh")
    keep(world, arrived - timedelta(hours=6), arrived - timedelta(hours=5), "before-arrival", premises_id="htl-sao-mai")
    form = scan(clerk) | {"arrival": "2026-07-10T14:00", "reason": "visit", "unit": "201"}
    asked = declare(clerk, form)
    assert 'name="late_cause"' in asked.text
    assert declare(clerk, opened(asked), late_cause="because").status_code == 422
    taken = declare(clerk, opened(asked), late_cause="no-connection")
    assert "/desk/receipts/" in str(taken.url)

    with world.registry.reading() as connection:
        (stay,) = stays_at(connection, "htl-sao-mai")
    assert stay.on_time is False
    page = clerk.get(f"/desk/stays/{stay.stay_id}").text
    assert "No network or no power here" in page
    proofs = re.findall(rf'href="(/desk/stays/{stay.stay_id}/outages/[^"]+)"', page)
    (proof,) = [clerk.get(each) for each in proofs]
    assert read_outage(read_sign1(proof.content).payload).outage_id == "our-own"
    assert clerk.get(f"/desk/stays/{stay.stay_id}/outages/another-house").status_code == 404
    world.close()
