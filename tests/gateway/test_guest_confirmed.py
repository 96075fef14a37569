"""A resident's word about a guest, the whole way: declared at a kiosk, answered on the resident's page, said on the kiosk's screen; and what an officer sees."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from authority import Authority
from factories import make_declaration, make_person
from gateway_thread import GatewayThread, eventually
from kiosk_page_parts import CARD, LOBBY, capture_of, make_profile
from line_parts import kiosk_of
from server_parts import Client, csrf_of

from edge_agent.agent import KioskAgent
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.page import create_page
from luutru.system import random_bytes, system_clock
from registry import accounts, tables
from registry.accounts import KnownAccount
from registry.households import Registration, add_residences
from residence.clock import rfc3339
from residence.stays.declaration import Reason
from residence.wire.signing import SigningKey
from server.app import create_app
from server.settings import ServerSettings

COMMUNE, UNIT = "demo-01", "0101"
SAID = {
    "confirmed": "The resident has confirmed that you stay with them.",
    "refused": "The resident says that this guest does not stay with them.",
}


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    office = Authority(folder, now=system_clock().now())
    office.ring = office.keyring
    yield office
    office.close()


def house_of(office):
    """A resident at home in the unit, an officer of the commune, and the web application in front of the same registry."""
    kiosk, clock = office.kiosk(1), system_clock()
    now = rfc3339(clock.now())
    resident = make_person(full_name="Lê Thị Chủ Nhà", personal_number="001190000123", sex="female", document=None)
    said = make_declaration(
        premises_id=kiosk.premises_id, unit=UNIT, person=resident, arrival=now, declared_at=now, planned_departure=None
    )
    office.intake.take([office.deliver(kiosk, said)])
    with office.registry.writing() as connection:
        person_id = connection.execute(tables.persons.select()).one().person_id
        home = Registration(
            person_id=person_id, premises_id=office.kiosk().premises_id, kind="permanent", valid_from="2020-01-01", unit=UNIT
        )
        add_residences(connection, [home], commune_code=COMMUNE, now=clock.now(), random_bytes=random_bytes)
        for role, about in (("resident", {"person_id": person_id}), ("officer", {})):
            account = KnownAccount(
                account_id=f"acc-{role}", commune_code=COMMUNE, sign_in_name=role, role=role, areas=(), created_at=clock.now(), **about
            )  # fmt: skip
            accounts.add_account(connection, account)
    return create_app(
        registry=office.registry, rules=office.rules, signer=office.fleet.receipt_key, clock=clock, random_bytes=random_bytes,
        settings=ServerSettings(base_url="http://testserver"), door_signer=SigningKey("door-pass-1", bytes(range(32))),
    )  # fmt: skip


def signed_in(office, app, role, request):
    client, token = Client(app, **{"accept-language": "en"}), secrets.token_urlsafe(32)
    request.addfinalizer(client.close)
    with office.registry.writing() as connection:
        account = accounts.find_account(connection, role)
        accounts.add_link(connection, account, token, now=system_clock().now(), lifetime=timedelta(hours=1))
    client.get("/sign-in")
    client.post("/sign-in/link", data={"csrf": csrf_of(client), "token": token})
    return client


def guest_at(agent):
    """Somebody declares with a card that they stay in the unit; return the declaration's id."""
    for event in (
        happen.LanguageChosen(language="en"),
        happen.Started(),
        happen.PurposeChosen(purpose="stay"),
    ):
        agent.act(event).result(10)
    agent.deliver(capture_of(CARD))
    for event in (
        happen.PersonConfirmed(),
        happen.UnitChosen(unit=UNIT),
        happen.NightsChosen(nights=1),
        happen.ReasonChosen(reason=Reason.VISIT),
        happen.Confirmed(fresh_id=agent.fresh_id()),
    ):
        agent.act(event).result(10)
    return agent.view().state.screen.declaration_id


@pytest.mark.parametrize("answer", ["refused", "confirmed"])
def test_what_the_resident_says_on_their_page_stands_on_the_kiosks_screen(office, broker, tmp_path, request, answer):
    outbox, _, _, asked, uplink = kiosk_of(office, broker, tmp_path / "kiosk")
    kiosk = office.kiosk()
    words = (
        LOBBY.replace("kiosk-lobby-1", kiosk.kiosk_id).replace("blk-hoa-binh", kiosk.premises_id).replace('"0305"', f'"{UNIT}"')
    )
    agent = KioskAgent(
        profile=make_profile(words),
        clock=system_clock(),
        random_bytes=random_bytes,
        outbox=outbox,
        asked=asked,
        connection=lambda: uplink.health().state.value,
    )
    app = house_of(office)
    for end in (outbox.close, agent.stop, uplink.stop):
        request.addfinalizer(end)
    outbox.listen(agent.outbox_changed)
    agent.start()
    uplink.start()
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    request.addfinalizer(gateway.stop)

    declaration_id = guest_at(agent)
    eventually(lambda: agent.view().state.screen.standing == "accepted")
    resident = signed_in(office, app, "resident", request)
    page = resident.get("/me").text
    assert ("Yes, my guest" in page, "Trần Văn An" in page) == (True, False)
    resident.post("/me/guests", data={"csrf": csrf_of(resident), "declaration": declaration_id, "answer": answer})
    eventually(lambda: agent.view().state.screen.host == answer)

    screen = Client(create_page(agent, random_bytes=random_bytes, clock=system_clock()), host="127.0.0.1")
    request.addfinalizer(screen.close)
    assert SAID[answer] in screen.get("/screen").text

    officer = signed_in(office, app, "officer", request)
    seen = officer.get(f"/police/premises/{kiosk.premises_id}").text
    assert ("The household says that this is not their guest" in seen) == (answer == "refused")
    assert "Trần Văn An" not in seen
