"""A page opened at a kiosk by a chip: once, now, by that kiosk's key and that visit's bytes, for a chip the gateway believed; told, and closed again."""

from __future__ import annotations

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import chip_parts as chips
import pytest
from chip_parts import Citizen, cloned, pki, store_of
from factories import EVENING
from mail_parts import mail_server
from server_parts import COMMUNE, csrf_of
from sqlalchemy import select
from town_with_chips import Town

from gateway.mailing import send_due
from registry import accounts, tables
from registry.accounts import Passkey
from registry.contact_points import AddressGiven, confirm_address, give_address
from registry.declarations import declaration_row
from registry.kiosks import add_key, revoke_key
from registry.stay_codes import slip_seed
from residence.clock import rfc3339
from residence.wire.keyring import KeyEntry
from residence.wire.signing import SigningKey
from residence.wire.stay_codes import code_of
from residence.wire.way_in import AHEAD, LIFETIME, TEXT_PREFIX, sign_ticket

HOME = "khoi@example.org"


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture
def town(tmp_path, country):
    made = Town(tmp_path, store_of(country, version=4))
    yield made
    made.close()


@pytest.fixture
def declared(town, country):
    """The id of what somebody with a genuine chip declared at the kiosk."""
    return declare(town, Citizen(country).card())


def declare(town, card, **changes):
    return town.declare(card, **changes).rpartition("/")[2]


def ticket(town, declaration_id, *, signer=None, own_code=None, at=None):
    """What the kiosk's screen shows after that statement, or what somebody makes of the parts they have."""
    with town.registry.reading() as connection:
        statement = declaration_row(connection, declaration_id)
        seed = slip_seed(connection, statement, vault=town.vault)
    return sign_ticket(
        declaration_id, own_code or code_of(seed), signer or town.gateway.kiosk().signer, now=at or town.clock.now()
    )


def scan(client, text):
    return client.post("/sign-in/kiosk", data={"csrf": csrf_of(client, "/sign-in/kiosk"), "ticket": text})


def says(answer, words):
    return (answer.status_code, words in answer.text) == (403, True)


def passkey(town, credential_id, account_id):
    made = Passkey(credential_id=credential_id, account_id=account_id, commune_code=COMMUNE, public_key=b"k", sign_count=0, label=credential_id, created_at=town.clock.now())  # fmt: skip
    with town.registry.writing() as connection:
        accounts.add_passkey(connection, made)


def whose(town):
    with town.registry.reading() as connection:
        return connection.scalar(select(tables.ways_in.c.account_id)), connection.scalar(select(tables.ways_in.c.person_id))


def test_a_scanned_ticket_opens_the_persons_own_page_once_and_both_pages_say_so(town, declared):
    text, me, late = ticket(town, declared), town.client(), town.client()
    assert not [each for each in (chips.NUMBER, "KHOI", chips.PERSON.full_name) if each in text]
    opened = scan(me, text)
    assert str(opened.url).endswith("/account")
    assert "with a card at a kiosk" in opened.text
    assert "Add a passkey" in opened.text
    page = me.get("/me").text
    assert chips.PERSON.full_name in page
    assert "Your page was opened at a kiosk" in page
    assert says(scan(late, text), "was used already")
    assert says(scan(late, ticket(town, declared)), "was used already")  # a new ticket of the same statement


def other_kiosk(town):
    """The key of a second kiosk of the authority, as much in force as the first's."""
    signer = SigningKey("kiosk-777-sign-1", secrets.token_bytes(32))
    second = KeyEntry(key_id=signer.key_id, use="kiosk-sign", owner="kiosk-777", public_key=signer.public_key, valid_from=rfc3339(EVENING))  # fmt: skip
    with town.registry.writing() as connection:
        add_key(connection, second, commune_code=COMMUNE)
    return signer


def another_visit(town):
    """The id of what somebody else declared at the same kiosk a moment later."""
    kiosk = town.gateway.kiosk()
    typed = town.gateway.declaration(kiosk)
    town.gateway.intake.take([town.gateway.deliver(kiosk, typed)])
    return typed.declaration_id


def own_code_of(town, declaration_id):
    """What the slip of that visit says."""
    with town.registry.reading() as connection:
        return code_of(slip_seed(connection, declaration_row(connection, declaration_id), vault=town.vault))


OTHERS_KEY = SigningKey("kiosk-000-sign-1", bytes(32))
FORGED = {
    "signed by somebody else under the kiosk's key id": lambda town, said: ticket(town, said, signer=OTHERS_KEY),
    "signed by a key nobody knows": lambda town, said: ticket(town, said, signer=SigningKey("x", bytes(32))),
    "signed by a key with a nought in its name": lambda town, said: ticket(town, said, signer=SigningKey("x\0y", bytes(32))),
    "signed by the authority's own key": lambda town, said: ticket(town, said, signer=town.gateway.fleet.receipt_key),
    "signed by another kiosk in force, with the visit's own bytes": lambda town, said: ticket(
        town, said, signer=other_kiosk(town)
    ),
    "of somebody else's statement, by the same kiosk, with the bytes of one's own visit": lambda town, said: ticket(
        town, said, own_code=own_code_of(town, another_visit(town))
    ),
    "made by a stolen key without the visit": lambda town, said: ticket(town, said, own_code="AAAA-BBBB-CCCC"),
    "with one letter changed": lambda town, said: ticket(town, said)[:-9] + "AAAAAAAAA",
    "cut short": lambda town, said: ticket(town, said)[:-20],
    "empty": lambda _town, _said: "",
    "no ticket": lambda _town, said: TEXT_PREFIX + said.replace("-", ""),
    "too long": lambda town, said: ticket(town, said) + "A" * 600,
    "not ASCII": lambda _town, _said: TEXT_PREFIX + "ổ" * 40,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_what_is_not_that_kiosks_word_in_that_visit_opens_nothing_and_spends_nothing(town, declared, forge):
    assert says(scan(town.client(), forge(town, declared)), "This code opens nothing.")
    assert str(scan(town.client(), ticket(town, declared)).url).endswith("/account")


TOO_LITTLE = {
    "a copy of the chip": ({}, lambda country: cloned(country).card()),
    "a chip in which the kiosk claims more than it shows": ({"tell": chips.lying}, lambda country: cloned(country).card()),
}


@pytest.mark.parametrize(("said", "card"), TOO_LITTLE.values(), ids=TOO_LITTLE)
def test_a_chip_the_gateway_did_not_find_present_opens_nothing_whatever_the_kiosk_says(town, country, said, card):
    declaration_id = declare(town, card(country), **said)
    assert says(scan(town.client(), ticket(town, declaration_id)), "was not checked well enough")


def test_before_it_arrived_and_without_a_chip_nothing_opens(town):
    kiosk = town.gateway.kiosk()
    typed = town.gateway.declaration(kiosk)
    early = sign_ticket(typed.declaration_id, "AAAA-BBBB-CCCC", kiosk.signer, now=town.clock.now())
    assert says(scan(town.client(), early), "has not arrived yet")
    town.gateway.intake.take([town.gateway.deliver(kiosk, typed)])
    assert says(scan(town.client(), ticket(town, typed.declaration_id)), "was not checked well enough")


@pytest.mark.parametrize(("wait", "opens"), [(LIFETIME, True), (LIFETIME + timedelta(seconds=1), False), (-AHEAD, True), (-AHEAD - timedelta(seconds=1), False)])  # fmt: skip
def test_a_ticket_is_good_for_three_minutes_by_our_clock(town, declared, wait, opens):
    at = (town.clock.now() - wait).replace(microsecond=0)
    answer = scan(town.client(), ticket(town, declared, at=at))
    assert str(answer.url).endswith("/account") is opens
    assert says(answer, "older than three minutes") is not opens


def test_an_old_statement_and_a_revoked_kiosk_open_nothing(town, declared, country):
    with town.registry.writing() as connection:
        revoke_key(connection, town.gateway.kiosk().signer.key_id, now=town.clock.now())
    assert says(scan(town.client(), ticket(town, declared)), "This code opens nothing.")
    town.clock.pass_time(minutes=31)
    with town.registry.writing() as connection:
        connection.execute(tables.keys.update().values(revoked_at=None))
    assert says(scan(town.client(), ticket(town, declared)), "older than half an hour")


def test_of_two_phones_at_the_same_moment_one_opens_it(town, declared):
    text, phones = ticket(town, declared), [town.client() for _ in range(4)]
    for each in phones:
        each.get("/sign-in/kiosk")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda phone: scan(phone, text).status_code, phones))
    assert sorted(answers) == [200, 403, 403, 403]


def test_who_sees_it_was_not_them_closes_it_and_no_kiosk_opens_it_again(town, declared, country):
    me, thief = town.client(), town.client()
    scan(me, ticket(town, declared))
    account_id, person_id = whose(town)
    passkey(town, "own phone", account_id)
    town.clock.pass_time(hours=25)
    again = town.client()
    given = AddressGiven(subject_kind="person", subject_id=person_id, commune_code=COMMUNE, address=HOME, language="en", account_id=account_id)  # fmt: skip
    with town.registry.writing() as connection:
        contact_id = give_address(connection, given, vault=town.vault, now=town.clock.now(), random_bytes=secrets.token_bytes)
        confirm_address(connection, contact_id, now=town.clock.now())
    stolen = declare(town, Citizen(country).card())
    scan(thief, ticket(town, stolen))
    passkey(town, "another phone", account_id)
    town.clock.pass_time(minutes=1)
    first = re.findall(r'name="way_in" value="([^"]+)"', thief.get("/me").text)
    assert len(first) == 1  # the last opening, and no other, can be closed on the page
    with town.registry.reading() as connection:
        (own,) = connection.scalars(select(tables.ways_in.c.way_in_id).where(tables.ways_in.c.way_in_id != first[0])).all()
    thief.post("/me/kiosk-way-in/stop", data={"csrf": csrf_of(thief, "/me"), "way_in": own})
    with town.registry.reading() as connection:
        assert connection.scalars(select(tables.ways_in.c.stopped_at)).all() == [None, None]
    refused = thief.post("/account/passkeys/remove", data={"csrf": csrf_of(thief, "/account"), "credential_id": "own phone"})
    assert "no earlier way in can be removed" in refused.text
    with mail_server() as (mailbox, settings):
        send_due(town.registry, settings=settings, clock=town.clock)
        (told,) = [each for each in mailbox.bodies(HOME) if "opened your page about stays with your card" in each][-1:]
    link = re.search(r"/n/[\w-]+/[0-9a-f]+", told)[0]
    page = again.get(link)
    assert "It was not me: stop it" in page.text
    assert "Stopped." in again.post(link, data={"csrf": csrf_of(again, link)}).text
    assert str(thief.get("/me").url).endswith("/sign-in?next=/me")
    with town.registry.reading() as connection:
        assert [each.label for each in accounts.passkeys_of(connection, account_id)] == ["own phone"]
    third = declare(town, Citizen(country).card())
    assert says(scan(town.client(), ticket(town, third)), "was shut")


def test_whoever_came_in_by_the_opening_that_is_closed_is_out_and_whoever_was_there_before_stays(town, declared, country):
    me, thief = town.client(), town.client()
    scan(me, ticket(town, declared))
    town.clock.pass_time(minutes=2)
    scan(thief, ticket(town, declare(town, Citizen(country).card())))
    town.clock.pass_time(minutes=1)
    given = thief.post("/me/delegations/give", data=GIVING | {"csrf": csrf_of(thief, "/me/delegations")})
    assert given.status_code == 200, given.text
    assert str(close(me).url).endswith("/me")
    assert str(thief.get("/me").url).endswith("/sign-in?next=/me")
    with town.registry.reading() as connection:
        assert connection.scalars(select(tables.delegations.c.ended_at)).all() == [town.clock.now()]
    assert str(close(me).url).endswith("/sign-in?next=/me")  # one's own opening, closed by the session it began


GIVING = {"scope": "see", "days": "30", "label": "a friend"}


def close(client):
    """Press the button of the page that says that a kiosk opened it."""
    way_in = re.search(r'name="way_in" value="([^"]+)"', client.get("/me").text)[1]
    return client.post("/me/kiosk-way-in/stop", data={"csrf": csrf_of(client, "/me"), "way_in": way_in})


def test_whose_ticket_a_stranger_was_faster_with_shows_the_card_again_and_closes_that_one(town, declared, country):
    stranger, me = town.client(), town.client()
    scan(stranger, ticket(town, declared))
    passkey(town, "a stranger's phone", whose(town)[0])
    town.clock.pass_time(minutes=2)
    scan(me, ticket(town, declare(town, Citizen(country).card())))
    _mine, theirs = re.findall(r'name="way_in" value="([^"]+)"', me.get("/me").text)
    me.post("/me/kiosk-way-in/stop", data={"csrf": csrf_of(me, "/me"), "way_in": theirs})
    assert str(stranger.get("/me").url).endswith("/sign-in?next=/me")
    assert str(me.get("/me").url).endswith("/me")
    with town.registry.reading() as connection:
        assert accounts.passkeys_of(connection, whose(town)[0]) == []


def test_a_found_card_silences_no_word_to_its_owner(town, declared, country):
    scan(town.client(), ticket(town, declared))
    account_id, person_id = whose(town)
    given = AddressGiven(subject_kind="person", subject_id=person_id, commune_code=COMMUNE, address=HOME, language="en", account_id=account_id)  # fmt: skip
    with town.registry.writing() as connection:
        contact_id = give_address(connection, given, vault=town.vault, now=town.clock.now(), random_bytes=secrets.token_bytes)
        confirm_address(connection, contact_id, now=town.clock.now())
    town.clock.pass_time(hours=24 * 10)
    thief = town.client()
    scan(thief, ticket(town, declare(town, Citizen(country).card())))
    for form in ({"action": "take_back"}, {"address": "thief@example.org"}):
        refused = thief.post("/me/messages", data={"csrf": csrf_of(thief, "/me/messages"), **form})
        assert "no earlier way in can be removed" in refused.text
    close(thief)
    with mail_server() as (mailbox, settings):
        send_due(town.registry, settings=settings, clock=town.clock)
        assert len([each for each in mailbox.bodies(HOME) if "opened your page about stays with your card" in each]) == 2
