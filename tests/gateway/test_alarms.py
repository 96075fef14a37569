"""A house is alarmed by its own channels before it is late: to a real mail server and a real HTTP receiver, once each, while there is time, and without a name."""

from __future__ import annotations

import json
import socket
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from mail_parts import mail_server
from server_parts import World
from sqlalchemy import select
from typer.testing import CliRunner
from webhook_parts import receiving

from gateway.alarm_line import AlarmLine
from gateway.alarm_settings import parse_alarms
from gateway.alarms import PAUSES, keep_channels, raise_alarms
from gateway.escalating import warn
from gateway.mailing import send_due
from luutru.commands.gateway import app as gateway_app
from luutru.processes.gateway_alarms import build_alarms
from luutru.system import random_bytes
from registry import tables
from registry.alarm_channels import channels_of
from residence.cases.messages import Letter
from residence.errors import Malformed, Refused

HOUSE = "htl-sao-mai"
PAGES = 'pages = "http://localhost:8300"\n'


@pytest.fixture(scope="module")
def sinks():
    with mail_server() as (mailbox, settings), receiving() as receiver:
        yield SimpleNamespace(mailbox=mailbox, mail=settings, receiver=receiver)


@pytest.fixture
def town(tmp_path, sinks):
    """A hotel where somebody was seen in the afternoon and is to be declared by 23:00, and two empty sinks."""
    sinks.mailbox.taken.clear()
    sinks.mailbox.refuse.clear()
    sinks.receiver.clear()
    world = World(tmp_path)
    world.see_somebody(premises_id=HOUSE, unit="201")
    yield SimpleNamespace(world=world, folder=tmp_path, **vars(sinks))
    world.close()


def lay(town, **urls):
    """Lay a file of channels and their secrets; returns the settings."""
    lines = [PAGES]
    for name, url in urls.items():
        secret = town.folder / f"{name}.url"
        secret.write_text(url, "utf-8")
        secret.chmod(0o600)
        lines.append(f'[[channel]]\npremises_id = "{HOUSE}"\nname = "{name}"\nurl_file = "{name}.url"\n')
    (town.folder / "alarms.toml").write_text("".join(lines), "utf-8")
    settings = parse_alarms("".join(lines).encode(), folder=town.folder)
    assert keep_channels(town.world.registry, settings, now=town.world.clock.now(), random_bytes=random_bytes) == ()
    return settings


def sms(town):
    return f"json://127.0.0.1:{town.receiver.port}/"


def mail(town):
    return f"mailto://127.0.0.1:{town.mail.port}/?from=luutru@example.org&to=truc@example.org&mode=insecure"


def send(town, settings):
    line = AlarmLine(answer_seconds=2)
    world = town.world
    return raise_alarms(world.registry, settings=settings, line=line, rules=world.rules, clock=world.clock).by_state


def come_near(town, minutes=119):
    """Let the deadline be so many minutes away, and the notice be made."""
    world = town.world
    with world.registry.reading() as connection:
        seen = connection.scalar(select(tables.presences.c.seen_at))
    world.clock.instant = seen.replace(hour=16, minute=0) - timedelta(minutes=minutes)  # 23:00 in Vietnam
    return warn(world.registry, rules=world.rules, now=world.clock.now(), random_bytes=random_bytes)


def standing(town):
    with town.world.registry.reading() as connection:
        return {each.name: (each.state, each.fault) for each in channels_of(connection, HOUSE)}


def test_each_channel_is_tried_when_it_comes_and_alarmed_once_a_step_by_mail_and_by_push(town):
    settings = lay(town, phone=sms(town), night=mail(town))
    assert standing(town) == {"phone": ("untried", None), "night": ("untried", None)}
    assert [send(town, settings), send(town, settings)] == [{"sent": 2}, {}]
    assert come_near(town) == 1
    assert [send(town, settings), send(town, settings)] == [{"sent": 2}, {}]
    assert come_near(town, 44) == 1
    assert [send(town, settings), send(town, settings)] == [{"sent": 2}, {}]
    assert standing(town) == {"phone": ("works", None), "night": ("works", None)}
    pushed = [json.loads(each.body)["message"] for each in town.receiver.taken]
    assert len(pushed) == len(town.mailbox.taken) == 3
    mailed = [each.get_body(("plain",)).get_content() for _, each in town.mailbox.taken]
    for text in (*pushed[1:], *mailed[1:]):
        assert "Hạn 23:00" in text
        assert f"http://localhost:8300/desk?premises={HOUSE}" in text
    everything = b"".join(each.body for each in town.receiver.taken).decode() + "".join(
        str(each) for _, each in town.mailbox.taken
    )
    with town.world.registry.reading() as connection:
        assert connection.scalar(select(tables.presences.c.unit)) == "201"
    assert not any(each in everything for each in ("Thử Nghiệm", "001195", "github", "apprise@"))
    assert not any("201" in text for text in (*pushed, *mailed))  # an id in a header may
    assert send_due(town.world.registry, settings=town.mail, clock=town.world.clock).by_state == {
        "no_address": 2
    }  # the mail's own


def test_nothing_goes_once_everybody_is_declared_or_the_deadline_is_over(town):
    settings = lay(town, phone=sms(town))
    send(town, settings)
    come_near(town)
    with town.world.registry.writing() as connection:  # the sighting is accounted for before the alarm goes
        connection.execute(tables.presences.delete())
    assert send(town, settings) == {"needless": 1}
    town.world.see_somebody(premises_id=HOUSE, unit="202")
    come_near(town, 40)
    town.world.clock.instant += timedelta(minutes=41)
    assert send(town, settings) == {"needless": 1}
    assert len(town.receiver.taken) == 1  # the trial


def test_a_dead_channel_is_tried_again_shown_and_holds_up_no_other(town):
    settings = lay(town, phone=sms(town), night=mail(town))
    send(town, settings)
    come_near(town)
    town.receiver.answers = [500, (503, {"Retry-After": "1"})]
    assert send(town, settings) == {"waiting": 1, "sent": 1}
    assert standing(town) == {"phone": ("fails", "alarm.not_taken"), "night": ("works", None)}
    page = town.world.client("clerk")
    assert "phone" in page.get(f"/desk?premises={HOUSE}").text.split("This alarm does not reach you")[1].split("</p>")[0]
    assert send(town, settings) == {}  # its pause
    for pause, came in zip(PAUSES, ({"waiting": 1}, {"sent": 1}), strict=False):
        town.world.clock.instant += pause
        assert send(town, settings) == came
    assert standing(town)["phone"] == ("works", None)
    assert "This alarm does not reach you" not in page.get(f"/desk?premises={HOUSE}").text
    assert len(town.receiver.taken) == 1 + 3


def test_a_secret_is_read_each_time_and_none_that_others_may_read_nor_what_goes_open_nor_stays_here(town, caplog):
    wrong = {
        "pushy": ("khong-co://bi-mat", "alarm.url_unknown"),
        "screen": ("dbus://", "alarm.url_unknown"),
        "open": ("json://nguoi:bi-mat@sms.example.org/", "alarm.not_sealed"),
        "letter": ("mailto://nguoi:bi-mat@mail.example.org", "alarm.not_sealed"),
        "away": (f"json://nguoi:bi-mat@127.0.0.1:{9}/", "alarm.not_taken"),
    }
    settings = lay(town, **{name: url for name, (url, _) in wrong.items()})
    assert send(town, settings) == {"waiting": len(wrong)}
    assert standing(town) == {name: ("fails", code) for name, (_, code) in wrong.items()}
    assert "bi-mat" not in caplog.text
    (town.folder / "away.url").write_text(sms(town), "utf-8")  # changed while it runs
    (town.folder / "open.url").chmod(0o644)
    town.world.clock.instant += PAUSES[0]
    assert send(town, settings) == {"waiting": len(wrong) - 1, "sent": 1}
    assert (standing(town)["away"], standing(town)["open"]) == (("works", None), ("fails", "alarm.secret_missing"))


def test_a_provider_whose_answer_drips_holds_nobody_for_long():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip():
            line, _ = listening.accept()
            with line:
                line.recv(65536)
                line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
                for _ in range(20):
                    line.sendall(b"x")
                    threading.Event().wait(0.1)

        dripping = threading.Thread(target=drip)
        dripping.start()
        url = f"json://127.0.0.1:{listening.getsockname()[1]}/"
        assert AlarmLine(answer_seconds=0.3).send(url, Letter(subject="Luutru", body="x")) == "alarm.not_taken"
        assert dripping.is_alive()
        dripping.join(20)


def test_two_gateways_at_once_and_one_that_dies_alarm_once_each(town, monkeypatch):
    settings = lay(town, phone=sms(town))
    send(town, settings)
    come_near(town)
    both = [threading.Thread(target=send, args=(town, settings)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(20)
    assert len(town.receiver.taken) == 2  # the trial, the alarm
    come_near(town, 44)

    def die(*_args, **_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:  # before a word went out
        patched.setattr(AlarmLine, "send", die)
        with pytest.raises(KeyboardInterrupt):
            send(town, settings)
    assert send(town, settings) == {}
    town.world.clock.instant += timedelta(minutes=6)
    assert send(town, settings) == {"sent": 1}
    assert len(town.receiver.taken) == 3


def test_a_channel_taken_out_of_the_file_is_gone_with_what_waited_and_a_house_nobody_knows_is_told(town):
    settings = lay(town, phone=sms(town))
    none = msgspec.structs.replace(settings, channel=())
    keep_channels(town.world.registry, none, now=town.world.clock.now(), random_bytes=random_bytes)
    assert (standing(town), send(town, settings)) == ({}, {})
    nobody = msgspec.structs.replace(settings.channel[0], premises_id="htl-khong-co")
    strange = msgspec.structs.replace(settings, channel=(nobody,))
    unknown = keep_channels(town.world.registry, strange, now=town.world.clock.now(), random_bytes=random_bytes)
    assert unknown == ("htl-khong-co",)


def test_a_gateway_alarms_beside_its_intake_and_a_command_says_what_does_not_work(town):
    settings = lay(town, phone=sms(town), dead="khong-co://x")
    world = town.world
    beside = build_alarms(settings, registry=world.registry, rules=world.rules, clock=world.clock, stopping=threading.Event())
    beside.turn()
    assert len(town.receiver.taken) == 1
    where = ["--registry", f"sqlite:///{town.folder}/registry.db", "--vault", str(town.folder / "keys"), "--json"]
    said = CliRunner().invoke(gateway_app, ["messages", "--alarms", str(town.folder / "alarms.toml"), *where])
    failing = [{"premises": HOUSE, "channel": "dead", "code": "alarm.url_unknown"}]
    assert json.loads(said.stdout)["alarms"]["failing"] == failing


ONE = '[[channel]]\npremises_id = "h"\nname = "n"\nurl_file = "u"\n'
WRONG = {
    "pages = ": "alarm.not_toml",
    PAGES + 'page = "x"': "alarm.unknown_setting",
    PAGES + ONE + ONE: "alarm.invalid_setting",
    PAGES + ONE.replace('"n"', '""'): "alarm.invalid_setting",
    PAGES + "".join(ONE.replace('"n"', f'"n{each}"') for each in range(21)): "alarm.invalid_setting",
    PAGES.replace("localhost:8300", "example.org"): "alarm.not_sealed",
    PAGES.replace("http://", ""): "alarm.invalid_setting",
}


@pytest.mark.parametrize(("text", "code"), WRONG.items(), ids=WRONG.values())
def test_a_file_that_would_not_do_is_refused(text, code):
    assert parse_alarms((PAGES + ONE).encode(), folder=Path()).channel[0].language == "vi"
    with pytest.raises((Malformed, Refused)) as refusal:
        parse_alarms(text.encode())
    assert refusal.value.code == code
