"""An outage of ours is written down and held against nobody; what explains somebody later is tried again before each step."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from gateway.measures import Measures
from gateway.outage_watch import OutageWatch
from gateway.sweep import sweep
from gateway.worker import Worker
from luutru.__main__ import app
from luutru.system import random_bytes
from registry import tables
from registry.gateway_reports import GatewayReport, latest_reports, write_report
from registry.households import Registration, add_household, add_person, add_residences
from registry.kiosks import keep_state
from residence.clock import rfc3339
from residence.errors import Malformed, Untrusted
from residence.people.person import PartialDate
from residence.wire.keyring import dump_keyring
from residence.wire.outages import OutageWindow, read_outage, sign_outage, verify_outage
from residence.wire.state import KioskState
from residence.wire.topics import SHARDS, shard_of

SEEN = datetime(2026, 7, 10, 14, 0, tzinfo=UTC)  # 21:00 in Vietnam
DUE = datetime(2026, 7, 10, 16, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(hours=36)


@pytest.fixture
def office(small_office):
    return small_office


def run(office, at):
    return sweep(office.registry, rules=office.rules, now=at, random_bytes=random_bytes)


def see(office, person, at=SEEN, **changes):
    office.clock.instant = at
    kiosk = office.kiosk()
    seen = office.presence(kiosk, person=person, seen_at=at.isoformat(), **changes)
    office.intake.take([office.deliver(kiosk, seen)])


def watch(office, *, worker="gateway", shards=range(SHARDS)):
    return OutageWatch(worker=worker, shards=shards, signer=office.fleet.receipt_key, random_bytes=random_bytes)


def report(office, at, *, worker="gateway"):
    """What a worker does every few seconds."""
    made = GatewayReport(worker=worker, at=at, seconds=3.0, connection="connected", shards="0-63")
    with office.registry.writing() as connection:
        watch(office, worker=worker).reporting(connection, now=at)
        write_report(connection, made, now=at)


def outages(office):
    with office.registry.reading() as connection:
        signed = connection.scalars(select(tables.outages.c.signed).order_by(tables.outages.c.ended_at)).all()
    return [verify_outage(each, keyring=office.keyring) for each in signed]


def test_a_gateway_that_was_away_signs_from_when_to_when_and_nobody_hears_of_it(office):
    see(office, office.person())
    report(office, DUE - timedelta(minutes=30))
    back = DUE + timedelta(hours=3)
    report(office, back)
    (window,) = outages(office)
    assert (window.cause, window.began_at, window.ended_at) == (
        "gateway_down",
        rfc3339(DUE - timedelta(minutes=30)),
        rfc3339(back),
    )
    assert run(office, back + timedelta(hours=12)).notices == 0
    assert run(office, back + GRACE).notices == 1


def test_a_gateway_that_was_away_for_days_still_knows_since_when(office):
    report(office, SEEN)
    report(office, SEEN + timedelta(days=3), worker="another")
    report(office, SEEN + timedelta(days=3))
    assert [each.began_at for each in outages(office)] == [rfc3339(SEEN)]
    with office.registry.reading() as connection:
        assert {each.worker for each in latest_reports(connection, since=SEEN + timedelta(days=2))} == {"gateway", "another"}


def test_a_new_start_within_minutes_is_no_outage(office):
    report(office, SEEN)
    report(office, SEEN + timedelta(minutes=4))
    assert outages(office) == []


def test_an_outage_of_other_shards_concerns_other_premises(office):
    see(office, office.person())
    own = shard_of(office.kiosk().premises_id)
    with office.registry.writing() as connection:
        write_report(
            connection, GatewayReport(worker="gateway", at=SEEN, seconds=3.0, connection="connected", shards=""), now=SEEN
        )
        watch(office, shards=[each for each in range(SHARDS) if each != own]).reporting(connection, now=DUE + timedelta(hours=1))
    assert len(outages(office)) == 1
    assert run(office, DUE + timedelta(hours=2)).notices == 1


def heard(office, at, **changes):
    """A kiosk's state comes and is kept, as the worker does it."""
    state = KioskState(**{"kiosk_id": office.kiosk().entry.owner, "session": 1, "online": True, "at": rfc3339(at), **changes})
    with office.registry.writing() as connection:
        watch(office).kiosks_heard(connection, [state], now=at)
        keep_state(connection, state, now=at)


def test_a_kiosk_that_comes_back_leaves_an_outage_of_its_premises(office):
    see(office, office.person())
    heard(office, SEEN)
    heard(office, SEEN + timedelta(minutes=10), online=False)
    back = DUE + timedelta(hours=8)
    heard(office, back, session=2)
    (window,) = outages(office)
    assert (window.cause, window.premises_id) == ("kiosk_offline", office.kiosk().premises_id)
    assert window.began_at == rfc3339(SEEN + timedelta(minutes=10))
    assert run(office, back + timedelta(minutes=5)).notices == 0
    assert run(office, back + GRACE).notices == 1


def test_a_kiosk_that_was_connected_and_could_not_deliver_leaves_one_too(office):
    stuck = rfc3339(SEEN)
    heard(office, SEEN + timedelta(minutes=20), outbox_depth=3, oldest_unsent_at=stuck)
    heard(office, SEEN + timedelta(minutes=40), outbox_depth=9, oldest_unsent_at=stuck)
    assert outages(office) == []
    heard(office, SEEN + timedelta(minutes=50))
    assert [each.began_at for each in outages(office)] == [stuck]


def test_the_worker_writes_both_by_itself(office, tmp_path):
    measures = Measures(worker="gateway", shards="0-63", monotonic_ns=office.clock.monotonic_ns)
    worker = Worker(None, office.intake, clock=office.clock, measures=measures, outages=watch(office))
    report(office, SEEN)
    office.clock.instant = SEEN + timedelta(hours=1)
    worker._transport = msgspec.defstruct("Line", [("state", object)])(state=msgspec.defstruct("State", [("value", str)])("up"))
    worker._write_measures(office.clock.now())
    assert [each.cause for each in outages(office)] == ["gateway_down"]


def luutru(*arguments):
    return CliRunner().invoke(app, ["outages", *arguments])


def test_an_outage_is_listed_and_its_proof_verified_by_whoever_holds_the_keyring(office, tmp_path):
    report(office, SEEN)
    report(office, SEEN + timedelta(hours=1))
    (tmp_path / "keyring.json").write_bytes(dump_keyring(office.keyring))
    listed = luutru("list", "--registry", office.url, "--to", str(tmp_path / "proofs"), "--json")
    (window,) = json.loads(listed.stdout)["outages"]
    assert window["cause"] == "gateway_down"
    proof = tmp_path / "proofs" / f"{window['outage_id']}.outage"
    held = luutru("verify", str(proof), "--keyring", str(tmp_path / "keyring.json"), "--json")
    assert (held.exit_code, json.loads(held.stdout)["outage"]) == (0, window)
    proof.write_bytes(proof.read_bytes().replace(b"14:00", b"13:00"))
    broken = luutru("verify", str(proof), "--keyring", str(tmp_path / "keyring.json"))
    assert (broken.exit_code, "NOT" in broken.stdout) == (1, True)
    assert luutru("verify", str(proof)).exit_code == 1
    assert luutru("list", "--since", "yesterday").exit_code == 2


WINDOW = OutageWindow(
    outage_id="o1", cause="gateway_down", began_at="2026-07-10T14:00:00Z", ended_at="2026-07-10T15:00:00Z", shards=(1, 2)
)
REFUSED = {
    "neither premises nor shards": msgspec.structs.replace(WINDOW, shards=()),
    "both": msgspec.structs.replace(WINDOW, premises_id="blk"),
    "a shard there is not": msgspec.structs.replace(WINDOW, shards=(64,)),
    "an end before its beginning": msgspec.structs.replace(WINDOW, ended_at="2026-07-10T13:00:00Z"),
}


@pytest.mark.parametrize("window", REFUSED.values(), ids=REFUSED.keys())
def test_an_outage_that_cannot_be_is_refused(window):
    with pytest.raises(Malformed, match=r"outage\.malformed"):
        read_outage(msgspec.json.encode(window))


def test_an_outage_one_byte_of_which_changed_is_not_believed(office):
    signed = sign_outage(WINDOW, office.fleet.receipt_key)
    assert verify_outage(signed, keyring=office.keyring) == WINDOW
    at = signed.index(b"15:00:00Z")
    with pytest.raises(Untrusted, match=r"signature\.bad"):
        verify_outage(signed[:at] + b"16" + signed[at + 2 :], keyring=office.keyring)


def register(office, person, **changes):
    """Register somebody as living at the first kiosk's premises."""
    with office.registry.writing() as connection:
        person_id = add_person(
            connection,
            person,
            commune_code=commune(office),
            vault=office.registry.vault,
            now=LONG_AGO,
            random_bytes=random_bytes,
        )
        home = {"premises_id": office.kiosk().premises_id, "kind": "permanent", "valid_from": "2020-01-01", **changes}
        living = Registration(person_id=person_id, **home)
        add_residences(connection, [living], commune_code=commune(office), now=LONG_AGO, random_bytes=random_bytes)
    return person_id


def commune(office):
    with office.registry.reading() as connection:
        return connection.scalar(
            select(tables.premises.c.commune_code).where(tables.premises.c.premises_id == office.kiosk().premises_id)
        )


def unnumbered(person, **changes):
    return msgspec.structs.replace(person, personal_number=None, document=None, **changes)


WRITTEN = {
    "without accents": "TRAN VAN MINH HOA",
    "in another order": "Minh Hòa Trần Văn",
    "without middle names": "Trần Hòa",
    "with the mark on the other vowel": "Trần Văn Minh Hoà",
}


@pytest.mark.parametrize("name", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_resident_whose_name_is_written_otherwise_is_explained(office, name):
    resident = msgspec.structs.replace(office.person(), full_name="Trần Văn Minh Hòa")
    register(office, resident)
    see(office, unnumbered(resident, full_name=name))
    assert run(office, DUE).notices == 0


def test_another_person_of_the_same_name_is_not(office):
    resident = msgspec.structs.replace(office.person(), full_name="Trần Văn Minh Hòa")
    register(office, resident)
    see(office, unnumbered(resident, birth=PartialDate(value="1950-01-01", precision="day")))
    assert run(office, DUE).notices == 1


CHILD = PartialDate(value="2018-05-05", precision="day")


@pytest.mark.parametrize(("birth", "notices"), [(CHILD, 0), (PartialDate(value="1990-05-05", precision="day"), 1)])
def test_a_child_of_somebody_who_lives_here_is_explained_and_a_grown_up_is_not(office, birth, notices):
    home = "household-1"
    with office.registry.writing() as connection:
        add_household(
            connection,
            home,
            commune_code=commune(office),
            premises_id=office.kiosk().premises_id,
            unit=None,
            now=LONG_AGO,
        )
    register(office, office.person(), household_id=home)
    child = msgspec.structs.replace(office.person(), birth=birth)
    register(office, child, household_id=home, valid_to="2025-12-31")  # of the same household's book, no longer living here
    see(office, child)
    assert run(office, DUE).notices == notices


def test_who_is_registered_only_after_being_seen_is_explained_before_the_notice(office):
    person = office.person()
    see(office, person)
    register(office, person)
    swept = run(office, DUE)
    assert (swept.notices, swept.explained) == (0, 1)
    assert office.count("presences") == 0


def test_and_before_the_case_with_the_notice_answered(office):
    person = office.person()
    see(office, person)
    assert run(office, DUE).notices == 1
    see(office, person, DUE + timedelta(hours=3), kind="night_check")
    register(office, person)
    swept = run(office, DUE + timedelta(hours=25))
    assert (swept.cases, swept.explained) == (0, 2)
    with office.registry.reading() as connection:
        assert connection.scalar(select(tables.notices.c.answered_at)) is not None
