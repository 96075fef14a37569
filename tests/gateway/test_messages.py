"""Notices leave by e-mail: to a real mail server, once, with a link that declares; whatever fails is tried again, and nobody's name goes out."""

from __future__ import annotations

import json
import re
import ssl
import threading
from datetime import timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from factories import EVENING, make_person
from mail_parts import mail_server, settings_of
from server_parts import COMMUNE, World, csrf_of
from sqlalchemy import select
from typer.testing import CliRunner

from gateway.giving_way import Progress
from gateway.mail_settings import parse_mail
from gateway.mailing import send_due
from gateway.sweep import sweep
from luutru.commands.gateway import app as gateway_app
from luutru.demo.pki import Pki
from luutru.processes.gateway import GatewaySettings
from luutru.processes.gateway_beside import build_beside
from luutru.system import random_bytes
from registry import tables
from registry.contact_points import AddressGiven, addresses_of, confirm_address, give_address, take_back_address
from registry.messages import PAUSES
from residence.cases.messages import Told, check_address, letters, said, write_letter
from residence.cases.notices import NoticeKind
from residence.errors import Conflict, Malformed, Refused, sentence
from server.languages import LANGUAGES, sentence_in

DESK, GUEST = "le-tan@example.org", "khach@example.net"
NUMBER = "001195000222"


@pytest.fixture(scope="module")
def mail():
    with mail_server() as running:
        yield running


@pytest.fixture
def town(tmp_path, mail):
    """A registry with a hotel, its web pages, and a mail server that is empty again."""
    mailbox, settings = mail
    mailbox.taken.clear()
    mailbox.refuse.clear()
    world = World(tmp_path)
    yield SimpleNamespace(world=world, mailbox=mailbox, settings=settings)
    world.close()


def send(town, **changes):
    return send_due(town.world.registry, settings=changes.get("settings", town.settings), clock=town.world.clock)


def give(town, address, *, to="htl-sao-mai", kind="premises", confirmed=True):
    world = town.world
    given = AddressGiven(
        subject_kind=kind, subject_id=to, commune_code=COMMUNE, address=address, language="vi", account_id="acc-clerk"
    )
    with world.registry.writing() as connection:
        contact_id = give_address(connection, given, vault=world.vault, now=world.clock.now(), random_bytes=random_bytes)
        if confirmed:
            confirm_address(connection, contact_id, now=world.clock.now())
    return contact_id


def let_somebody_be_overdue(town, **seen):
    """Somebody is seen at the hotel and the deadline passes: the sweep makes the notice."""
    world = town.world
    world.see_somebody(**({"premises_id": "htl-sao-mai", "unit": "201"} | seen))
    world.clock.instant += timedelta(days=1)
    swept = sweep(world.registry, rules=world.rules, now=world.clock.now(), random_bytes=random_bytes)
    assert swept.notices == 1


def states(town):
    with town.world.registry.reading() as connection:
        rows = connection.execute(select(tables.messages).order_by(tables.messages.c.message_id)).all()
    return {row.recipient: row.state for row in rows}


def test_a_house_is_written_to_once_and_the_link_declares_in_one_step(town):
    give(town, DESK)
    let_somebody_be_overdue(town)
    assert [send(town).by_state, send(town).by_state] == [{"sent": 2, "no_address": 1}, {}]
    assert len(town.mailbox.bodies(DESK)) == 2  # one asked to confirm the address, one is the notice
    client = town.world.client()
    path = town.mailbox.link(DESK).removeprefix("http://localhost:8300")
    page = client.get(path).text
    assert re.search(r'name="unit"[^>]*value="201"', page)
    fields = {
        "csrf": csrf_of(client), "full_name": "Phạm Thị Thử Nghiệm", "birth": "01/02/1995", "sex": "female", "personal_number": NUMBER,
        "nationality": "VNM", "unit": "201", "arrival": "2026-07-10T19:00", "reason": "tourism", "document_kind": "", "attested": "yes",
    }  # fmt: skip
    answered = client.post(path, data=fields)
    while "This receipt is in the registry" not in answered.text:
        warned = re.search(r'name="seen_warnings" value="([^"]+)"', answered.text)
        assert warned, answered.text
        answered = client.post(path, data=fields | {"seen_warnings": warned[1]})
    assert client.post(path, data=fields).text.count("This receipt is in the registry") == 1  # sent twice, recorded once
    with town.world.registry.reading() as connection:
        assert len(connection.execute(select(tables.declarations)).all()) == 1
        assert connection.scalar(select(tables.notices.c.answer)) == "declared"


def test_whoever_was_seen_is_written_to_if_they_gave_an_address_and_no_row_says_who_it_was(town):
    world = town.world
    seen = make_person(full_name="Phạm Thị Thử Nghiệm", personal_number=NUMBER, sex="female", document=None)
    world.declare_guest(premises_id="blk-hoa-binh", unit="1203", person=seen)
    with world.registry.reading() as connection:
        person_id = connection.scalar(select(tables.persons.c.person_id))
    give(town, GUEST, to=person_id, kind="person")
    let_somebody_be_overdue(town)
    assert send(town).by_state == {"sent": 2, "no_address": 1}
    (notice,) = [each for each in town.mailbox.bodies(GUEST) if "The place where you are staying" in each]
    assert "Room" not in notice
    with world.registry.reading() as connection:
        rows = connection.execute(select(tables.messages).where(tables.messages.c.kind == "notice")).all()
    assert person_id not in {each.subject_id for each in rows}
    assert "A visitor" not in world.client().get(town.mailbox.link(GUEST).removeprefix("http://localhost:8300")).text


def test_no_message_names_anybody_or_the_place(town):
    give(town, DESK)
    let_somebody_be_overdue(town)
    send(town)
    for _, each in town.mailbox.taken:
        for secret in ("Thử Nghiệm", NUMBER, "Sao Mai", "Phố Thử", "htl-sao-mai"):
            assert secret not in each.as_string() + each.get_content()


def test_what_is_answered_meanwhile_is_not_sent(town):
    give(town, DESK)
    let_somebody_be_overdue(town)
    with town.world.registry.writing() as connection:
        connection.execute(tables.notices.update().values(answered_at=town.world.clock.now(), answer="visitor"))
    assert send(town).by_state == {"sent": 1, "needless": 2}


def test_a_notice_waits_for_an_address_and_goes_when_one_is_confirmed(town):
    let_somebody_be_overdue(town)
    assert send(town).by_state == {"no_address": 2}
    give(town, DESK)
    assert send(town).by_state == {"sent": 2}


def test_an_address_nobody_confirms_gets_the_one_message_that_asks(town):
    contact_id = give(town, DESK, confirmed=False)
    let_somebody_be_overdue(town)
    assert send(town).by_state == {"sent": 1, "no_address": 2}
    client, path = town.world.client(), town.mailbox.link(DESK).removeprefix("http://localhost:8300")
    assert "Confirm this address" in client.get(path).text
    assert send(town).by_state == {}  # looking is no answer: mail is opened by machines
    assert "Confirmed" in client.post(path, data={"csrf": csrf_of(client)}).text
    assert send(town).by_state == {"sent": 1}
    with town.world.registry.reading() as connection:
        (contact,) = addresses_of(connection, "htl-sao-mai", vault=town.world.vault)
    assert (contact.contact_id, contact.confirmed, contact.shown) == (contact_id, True, "l…@example.org")


def test_a_server_that_is_away_costs_a_pause_and_nothing_else(town):
    give(town, DESK)
    away = settings_of(9)  # nobody listens there
    assert send(town, settings=away).trouble == "mail.unreachable"
    assert send(town).by_state == {}
    town.world.clock.instant += PAUSES[0]
    assert send(town).by_state == {"sent": 1}


def test_a_message_refused_for_now_is_tried_nine_times_and_one_refused_for_good_never_again(town):
    give(town, DESK)
    town.mailbox.refuse = ["451 later"] * 9
    told = []
    for pause in (*PAUSES, timedelta()):
        told.append(send(town).by_state)
        town.world.clock.instant += pause
    assert told == [{"waiting": 1}] * 8 + [{"failed": 1}]
    assert (send(town).by_state, town.mailbox.taken) == ({}, [])
    town.mailbox.refuse = ["550 no such user"]
    give(town, "khong-co@example.org", to="blk-hoa-binh")
    assert [send(town).by_state, send(town).by_state] == [{"failed": 1}, {}]


def test_a_sender_that_dies_is_followed_by_another_and_the_message_keeps_its_id(town, monkeypatch):
    give(town, DESK)

    def die(*_args, **_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("registry.messages.settle", die)  # after the server took it, before we could say so
        with pytest.raises(KeyboardInterrupt):
            send(town)
    assert states(town) == {"contact": "sending"}
    assert send(town).by_state == {}
    town.world.clock.instant += timedelta(minutes=6)
    assert send(town).by_state == {"sent": 1}
    first, again = (each for _, each in town.mailbox.taken)
    assert first["Message-ID"] == again["Message-ID"]
    assert first.get_content() == again.get_content()


def test_a_server_that_breaks_off_is_asked_again(town):
    give(town, DESK)
    town.mailbox.vanish = 1
    assert send(town).trouble == "mail.unreachable"
    town.world.clock.instant += PAUSES[0]
    assert send(town).by_state == {"sent": 1}


def test_nobody_can_be_made_to_send_mail_to_strangers(town):
    give(town, DESK, confirmed=False)
    with pytest.raises(Conflict) as refusal:
        give(town, "nguoi-la@example.org")
    assert refusal.value.code == "contact.too_soon"


def test_an_address_taken_back_is_gone_with_what_waited_for_it(town):
    give(town, DESK, confirmed=False)
    with town.world.registry.writing() as connection:
        take_back_address(connection, "htl-sao-mai")
    assert send(town).by_state == {}
    assert town.world.registry.engine.connect().execute(select(tables.contact_points)).all() == []


def test_a_new_address_takes_over_when_it_is_confirmed_and_not_before(town):
    give(town, DESK)
    send(town)
    town.world.clock.instant += timedelta(hours=1)
    give(town, GUEST, confirmed=False)
    with town.world.registry.reading() as connection:
        found = addresses_of(connection, "htl-sao-mai", vault=town.world.vault)
    assert [(each.address, each.confirmed) for each in found] == [(DESK, True), (GUEST, False)]


def test_over_tls_with_a_password_and_with_a_wrong_one_nothing_is_sent(town, tmp_path):
    identity = Pki(tmp_path / "pki").broker()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(identity.certificate, identity.key)
    secret = tmp_path / "password"
    give(town, DESK)
    with mail_server(tls=tls, password="mat-khau-thu") as (mailbox, plain):
        shared = {
            "security": "starttls",
            "ca": str(identity.ca),
            "username": "luutru",
            "password_file": str(secret),
            "answer_seconds": 2,
        }
        settings = msgspec.structs.replace(plain, **shared)
        for password, came in (("khong-dung", False), ("mat-khau-thu", True)):
            secret.write_text(password, "utf-8")
            secret.chmod(0o600)
            assert (send(town, settings=settings).trouble is None) == came
            assert len(mailbox.taken) == came
            town.world.clock.instant += PAUSES[0]
        town.mailbox = mailbox
        assert len(mailbox.bodies(DESK)) == 1
        give(town, GUEST, to="blk-hoa-binh")
        strangers = msgspec.structs.replace(settings, ca="")  # the system's certificates do not vouch for this server
        assert send(town, settings=strangers).trouble == "mail.unreachable"


def test_a_gateway_that_is_told_how_sends_beside_its_intake(town):
    give(town, DESK)
    nowhere = {each: Path() for each in ("vault", "keys", "tls")}
    settings = GatewaySettings(registry="", night_hour=None, mail=town.settings, **nowhere)
    build_beside(
        settings,
        registry=town.world.registry,
        clock=town.world.clock,
        stopping=threading.Event(),
        intake=lambda: Progress(0, False),
    ).turn()
    assert len(town.mailbox.bodies(DESK)) == 1


def test_by_command_once_and_what_waits_is_counted(town, tmp_path):
    give(town, DESK)
    told = {"server": "127.0.0.1", "sender": "luutru@example.org", "pages": "http://localhost:8300", "security": "none"}
    lines = [f'{name} = "{value}"' for name, value in told.items()] + [f"port = {town.settings.port}"]
    (tmp_path / "mail.toml").write_text("\n".join(lines), "utf-8")
    where = ["--registry", f"sqlite:///{tmp_path}/registry.db", "--vault", str(tmp_path / "keys"), "--json"]

    def run(*words):
        return json.loads(CliRunner().invoke(gateway_app, ["messages", *words, *where]).stdout)

    assert "done" not in run()
    assert run("--mail", str(tmp_path / "mail.toml"))["done"] == {"sent": 1}
    assert len(town.mailbox.bodies(DESK)) == 1


def test_a_password_is_read_from_a_file_nobody_else_reads(tmp_path):
    (tmp_path / "password").write_text("mat-khau-thu\n", "utf-8")
    (tmp_path / "password").chmod(0o600)
    settings = settings_of(1, username="luutru", password_file="password", folder=tmp_path)
    assert settings.password() == "mat-khau-thu"
    (tmp_path / "password").chmod(0o644)
    with pytest.raises(Refused) as refusal:
        settings.password()
    assert refusal.value.code == "mail.password_missing"


GOOD = 'server = "smtp.example.org"\nsender = "luutru@example.org"\npages = "https://luutru.example.org"\n'
WRONG = {
    "server = ": "mail.not_toml",
    GOOD + 'sendr = "x"': "mail.unknown_setting",
    GOOD + 'security = "some"': "mail.invalid_setting",
    GOOD + 'security = "none"': "mail.not_sealed",
    GOOD.replace("https", "http"): "mail.not_sealed",
    GOOD.replace("https://", ""): "mail.invalid_setting",
    GOOD.replace("luutru@", ""): "mail.invalid_setting",
}


@pytest.mark.parametrize(("text", "code"), WRONG.items())
def test_settings_that_would_not_do_are_refused(text, code):
    assert parse_mail(GOOD.encode()).sends_to == ("smtp.example.org", 587)
    with pytest.raises((Malformed, Refused)) as refusal:
        parse_mail(text.encode())
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@b",
        "a@b.c",
        "a b@example.org",
        "a@example.org\nBcc: b@example.org",
        "á@example.org",
        "a@-x.org",
        f"{'a' * 65}@example.org",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Malformed):
        check_address(text)


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_has_a_sentence_for_the_house_and_for_the_person_in_six_languages(kind):
    for to_house, language in product((True, False), LANGUAGES):
        letter = write_letter(Told(kind=kind, to_house=to_house, link="https://x/n/1/2", due=EVENING), language=language)
        assert letter.body.count("https://x/n/1/2") == 2
        own, other = letter.body.split("-----")
        assert own.startswith(sentence_in(sentence(said(kind, to_house=to_house)), language))
        assert "14:00" in own
        assert "Mở trang này" in other if language != "vi" else "Open this page" in other


@pytest.mark.parametrize("stops", [None, "recovery", "way_in"])
def test_who_is_asked_to_confirm_or_stop_something_reads_it_in_their_language(stops):
    for language in letters()["ends"]:
        letter = write_letter(Told(kind=None, stops=stops, to_house=False, link="https://x/n/1/2"), language=language)
        assert letter.subject == letters()["mail.subject_" + (stops or "confirm")][language]
        assert letter.body.startswith(sentence_in(sentence("mail." + (stops or "confirm")), language))
