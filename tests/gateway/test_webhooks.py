"""Programs are told what happened: signed by Standard Webhooks as its reference library reads it, for days if need be, and nowhere it may not go."""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64decode
from datetime import datetime, timedelta
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
import standardwebhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from server_parts import World
from sqlalchemy import update
from webhook_parts import receiving

from gateway.webhook_line import Post
from gateway.webhooks import collect_all, tell_programs
from luutru.demo.pki import Pki
from luutru.processes.gateway_telling import build_telling
from luutru.system import random_bytes
from registry import tables
from registry.api_clients import ApiClient, add_client, disable_client
from registry.webhook_deliveries import LEASE, collect, deliveries_of, due_deliveries, news_for, take, told_hooks
from registry.webhooks import (
    BEFORE_ALL,
    HookGiven,
    HookOwner,
    add_hook,
    change_state,
    hook_of,
    keys_of,
    new_hook_id,
    renew_key,
    tell_again,
)
from residence.wire.webhook_reach import Reach
from residence.wire.webhooks import GIVE_UP, PAUSES

HERE = Reach(networks=("127.0.0.0/8",), plain_http=True, answer_seconds=5)
HOTEL = "htl-sao-mai"
OWNER = HookOwner(account_id="acc-clerk", client_id=None)


@pytest.fixture(scope="module")
def receiver():
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def post():
    made = Post(HERE)
    yield made
    made.close()


@pytest.fixture
def town(tmp_path, receiver, post, monkeypatch):
    """A house with its desk and a receiver that has taken nothing; the reference library lives at the house's time."""
    receiver.clear()
    world = World(tmp_path)

    class HouseTime(datetime):
        @classmethod
        def now(cls, tz=None):  # noqa: ARG003
            return world.clock.now()

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", HouseTime)
    yield SimpleNamespace(world=world, receiver=receiver, post=post)
    world.close()


def subscribe(town, *, url=None, owner=OWNER, **changes):
    given = {"signing": "hmac", "premises": (HOTEL,), "types": ()} | changes
    world, now = town.world, town.world.clock.now()
    hook_id = new_hook_id(now, random_bytes)
    with world.registry.writing() as connection:
        add_hook(
            connection, HookGiven(owner=owner, commune_code="demo-01", url=url or town.receiver.url, **given),
            hook_id=hook_id, vault=world.vault, now=now, random_bytes=random_bytes,
        )  # fmt: skip
    return hook_id


def tell(town, *, seconds=10):
    town.world.clock.pass_time(seconds=seconds)
    return tell_programs(town.world.registry, post=town.post, clock=town.world.clock, random_bytes=random_bytes)


def hook(town, hook_id):
    with town.world.registry.reading() as connection:
        return hook_of(connection, hook_id, OWNER, vault=town.world.vault)


def keys(town, hook_id):
    with town.world.registry.reading() as connection:
        return keys_of(connection, hook_id, vault=town.world.vault, now=town.world.clock.now()).keys


def sent(town, hook_id):
    with town.world.registry.reading() as connection:
        return deliveries_of(connection, hook_id)


def verified(town, message, hook_id, which=0):
    return standardwebhooks.Webhook(keys(town, hook_id)[which].told).verify(message.body, message.headers)


def test_what_is_declared_arrives_once_signed_as_the_reference_library_reads_it_and_names_nobody(town):
    hook_id = subscribe(town)
    receipt = town.world.declare_guest().receipt
    assert tell(town).delivered == 1
    (message,) = town.receiver.taken
    told = verified(town, message, hook_id)
    assert (told["type"], told["data"]["receipt_code"]) == ("declaration.accepted", receipt.code)
    assert message.headers["webhook-id"] == told["data"]["id"] == receipt.declaration_id
    asked = town.world.client().get("/api/v1/events", headers=town.world.bearer("clerk")).json()["items"]
    assert asked == [told["data"]]
    assert "Trần".encode() not in message.body
    assert tell(town).delivered == 0
    assert [each.state for each in sent(town, hook_id)] == ["delivered"]
    forged = SimpleNamespace(body=message.body.replace(b"accepted", b"refused_"), headers=message.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verified(town, forged, hook_id)


def test_while_a_key_changes_over_both_verify_and_a_day_later_the_new_one_alone(town):
    hook_id = subscribe(town)
    (before,) = keys(town, hook_id)
    with town.world.registry.writing() as connection:
        renew_key(connection, hook(town, hook_id), vault=town.world.vault, now=town.world.clock.now(), random_bytes=random_bytes)
    town.world.declare_guest()
    tell(town)
    (message,) = town.receiver.taken
    assert keys(town, hook_id)[1].told == before.told
    assert verified(town, message, hook_id, 0) == verified(town, message, hook_id, 1)
    town.world.clock.pass_time(hours=24)
    town.world.declare_guest(unit="202")
    tell(town)
    assert verified(town, town.receiver.taken[1], hook_id)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(before.told).verify(town.receiver.taken[1].body, town.receiver.taken[1].headers)


def test_by_ed25519_the_public_half_is_enough_and_another_key_says_no(town):
    hook_id = subscribe(town, signing="ed25519")
    town.world.declare_guest()
    tell(town)
    (message,) = town.receiver.taken
    version, _, signature = message.headers["webhook-signature"].partition(",")
    signed = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
    public = keys(town, hook_id)[0].told
    assert (version, public[:5]) == ("v1a", "whpk_")
    key = Ed25519PublicKey.from_public_bytes(b64decode(public.removeprefix("whpk_")))
    key.verify(b64decode(signature), signed)
    with pytest.raises(InvalidSignature):
        key.verify(b64decode(signature), signed + b" ")


def test_only_the_types_asked_for_are_told(town):
    hook_id = subscribe(town, types=("declaration.refused",))
    town.world.declare_guest()
    assert (tell(town).made, sent(town, hook_id)) == (0, [])


def test_a_message_that_fails_is_tried_ten_times_over_three_days_under_one_id_and_can_be_sent_again(town):
    hook_id = subscribe(town)
    town.receiver.answers = [500] * 20
    town.world.declare_guest()
    began = town.world.clock.now()
    tell(town)
    for pause in PAUSES:
        assert tell(town, seconds=pause.total_seconds() * 0.8).failed == 0  # not before its time
        assert tell(town, seconds=pause.total_seconds() * 0.4).failed == 1
    assert len(town.receiver.taken) == 10
    assert len({each.headers["webhook-id"] for each in town.receiver.taken}) == 1
    assert town.world.clock.now() - began > timedelta(days=3)
    (delivery,) = sent(town, hook_id)
    assert (delivery.state, delivery.attempts, delivery.fault, delivery.http_status) == ("failed", 10, "webhook.refused", 500)
    town.receiver.answers.clear()
    headers = town.world.bearer("clerk") | {"idempotency-key": "again-again"}
    step = {"step": "resend", "delivery_id": delivery.delivery_id}
    assert town.world.client().post(f"/api/v1/webhooks/{hook_id}/steps", json=step, headers=headers).status_code == 200
    assert tell(town, seconds=3600).delivered == 1
    assert town.receiver.taken[-1].headers["webhook-id"] == delivery.message_id
    assert verified(town, town.receiver.taken[-1], hook_id)
    assert (hook(town, hook_id).failures, hook(town, hook_id).fault) == (0, None)


def test_an_address_that_takes_nothing_for_five_days_is_written_to_no_more(town):
    hook_id = subscribe(town)
    town.receiver.answers = [500, 500]
    town.world.declare_guest()
    tell(town)
    tell(town, seconds=(GIVE_UP + timedelta(seconds=1)).total_seconds())
    assert (hook(town, hook_id).state, len(town.receiver.taken)) == ("given_up", 2)
    assert tell(town, seconds=10**6).failed == 0


def test_410_stops_it_at_once_and_let_on_again_nothing_is_missing(town):
    hook_id = subscribe(town)
    town.receiver.answers = [410]
    first = town.world.declare_guest().declaration_id
    tell(town)
    second = town.world.declare_guest(unit="202").declaration_id
    tell(town)
    assert (hook(town, hook_id).state, hook(town, hook_id).fault, len(town.receiver.taken)) == ("gone", "webhook.gone", 1)
    with town.world.registry.writing() as connection:
        change_state(connection, hook(town, hook_id), "active")
    tell(town)
    assert [each.headers["webhook-id"] for each in town.receiver.taken[1:]] == [first, second]


def test_told_again_from_an_instant_each_message_bears_the_id_it_had(town):
    hook_id = subscribe(town)
    ids = [town.world.declare_guest(unit=each).declaration_id for each in ("201", "202")]
    tell(town)
    with town.world.registry.writing() as connection:
        tell_again(connection, hook(town, hook_id), since=town.world.clock.now() - timedelta(hours=1))
    tell(town)
    assert [each.headers["webhook-id"] for each in town.receiver.taken] == ids + ids


def test_who_asks_to_wait_is_waited_for(town):
    subscribe(town)
    town.receiver.answers = [(429, {"retry-after": "600"})]
    town.world.declare_guest()
    tell(town)
    assert tell(town, seconds=500).delivered == 0
    assert tell(town, seconds=120).delivered == 1


def test_one_address_that_does_not_answer_holds_up_no_other_and_is_left_alone_for_a_while(town):
    dead = subscribe(town, url="http://127.0.0.1:9/hook")
    subscribe(town)
    for unit in ("201", "202"):
        town.world.declare_guest(unit=unit)
    done = tell(town)
    assert (done.delivered, done.failed) == (2, 1)  # its second was not tried
    stands = hook(town, dead)
    assert (stands.fault, stands.quiet_until > town.world.clock.now()) == ("webhook.unreachable", True)
    with town.world.registry.reading() as connection:
        assert due_deliveries(connection, now=town.world.clock.now()) == []


def test_a_redirect_is_not_followed(town):
    hook_id = subscribe(town)
    town.receiver.answers = [(302, {"location": town.receiver.url})]
    town.world.declare_guest()
    tell(town)
    assert (len(town.receiver.taken), sent(town, hook_id)[0].http_status) == (1, 302)


def test_two_gateways_make_each_message_once(town):
    hook_id = subscribe(town)
    town.world.declare_guest()
    town.world.clock.pass_time(seconds=10)
    now = town.world.clock.now()
    with town.world.registry.reading() as connection:
        (stands,) = told_hooks(connection, after=BEFORE_ALL)
        news = news_for(connection, stands, (HOTEL,), now=now)
    made = []
    for _gateway in range(2):
        with town.world.registry.writing() as connection:
            made.append(collect(connection, stands, news, now=now, random_bytes=random_bytes))
    assert (made, len(sent(town, hook_id))) == ([1, 0], 1)


def test_what_a_sender_took_and_died_over_is_sent_by_the_next(town):
    subscribe(town)
    town.world.declare_guest()
    town.world.clock.pass_time(seconds=10)
    collect_all(town.world.registry, now=town.world.clock.now(), random_bytes=random_bytes)
    with town.world.registry.writing() as connection:
        (due,) = due_deliveries(connection, now=town.world.clock.now())
        assert take(connection, due, now=town.world.clock.now())
        assert not take(connection, due, now=town.world.clock.now())
    assert tell(town).delivered == 0
    assert tell(town, seconds=LEASE.total_seconds()).delivered == 1


def _end_account(connection):
    connection.execute(
        update(tables.accounts).where(tables.accounts.c.account_id == "acc-clerk").values(disabled_at=datetime.now().astimezone())
    )


def _take_house(connection):
    connection.execute(update(tables.accounts).where(tables.accounts.c.account_id == "acc-clerk").values(areas=["blk-hoa-binh"]))


def _end_program(connection):
    disable_client(connection, "program", now=datetime.now().astimezone())


@pytest.mark.parametrize("lost", [_end_account, _take_house, _end_program])
@pytest.mark.parametrize("waiting", [True, False])
def test_whose_rights_were_taken_back_is_told_nothing_from_then_on_not_even_what_waits(town, lost, waiting):
    world = town.world
    with world.registry.writing() as connection:
        client = ApiClient(
            client_id="program",
            commune_code="demo-01",
            account_id="acc-clerk",
            label="PMS",
            grants=("read",),
            created_at=world.clock.now(),
        )
        add_client(connection, client, "secret")
    hook_id = subscribe(town, owner=HookOwner(account_id="acc-clerk", client_id="program"))
    world.declare_guest()
    world.clock.pass_time(seconds=10)
    if waiting:
        collect_all(world.registry, now=world.clock.now(), random_bytes=random_bytes)
    with world.registry.writing() as connection:
        lost(connection)
    tell(town)
    assert town.receiver.taken == []
    assert [each.fault for each in sent(town, hook_id)] == (["webhook.not_told"] if waiting else [])


NAMES = {
    "a name of this machine": ["127.0.0.1"],
    "one good address and one of the cloud's own": ["1.1.1.1", "169.254.169.254"],
    "nothing": [],
}


@pytest.mark.parametrize("case", NAMES)
def test_a_name_is_judged_by_every_address_it_has_when_it_is_used(case):
    looked = Post(Reach(), look_up=lambda _host, _port: [ip_address(each) for each in NAMES[case]])
    outcome = looked.send("https://pms.example/hook", b"{}", {}, attempts=1, fraction=0.0)
    looked.close()
    assert outcome.fault == "webhook.private_address"


def test_the_connection_goes_to_the_address_that_was_judged_and_the_certificate_to_the_name(tmp_path):
    looked = []

    def look_up(host, port):
        looked.append((host, port))
        return [ip_address("127.0.0.1")]

    identity = Pki(tmp_path, broker_name="pms.example").broker()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(identity.certificate, identity.key)
    with receiving(tls=tls) as receiver:
        line = Post(Reach(networks=("127.0.0.0/8",), ca_file=str(identity.ca)), look_up=look_up)
        good = line.send(f"https://pms.example:{receiver.port}/hook", b"{}", {"webhook-id": "1"}, attempts=1, fraction=0.0)
        bad = line.send(f"https://other.example:{receiver.port}/hook", b"{}", {}, attempts=1, fraction=0.0)
        line.close()
    assert (good.fault, bad.fault, len(receiver.taken)) == (None, "webhook.unreachable", 1)
    assert receiver.taken[0].headers["host"] == f"pms.example:{receiver.port}"
    assert looked == [("pms.example", receiver.port), ("other.example", receiver.port)]  # once each


def test_the_gateways_own_thread_tells_a_program(town):
    hook_id = subscribe(town)
    town.world.declare_guest()
    town.world.clock.pass_time(seconds=10)
    stopping = threading.Event()
    telling = build_telling(HERE, registry=town.world.registry, clock=town.world.clock, stopping=stopping)
    with telling.running():
        for _ in range(500):
            if [each.state for each in sent(town, hook_id)] == ["delivered"]:
                break
            stopping.wait(0.02)
    assert [each.state for each in sent(town, hook_id)] == ["delivered"]
    assert json.loads(town.receiver.taken[0].body)["data"]["premises_id"] == HOTEL
