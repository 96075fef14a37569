"""A machine becomes a kiosk, keeps its certificate young, moves, is revoked and wiped: real pages, HTTP, certificates and Mosquitto."""

from __future__ import annotations

import stat
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from claim_parts import MACHINE, Office, Talking, declare, read_of, revoke, wait_for
from cryptography.hazmat.primitives.asymmetric import ec
from key_parts import soft_tpm
from server_parts import COMMUNE, Client, World, csrf_of, free_address
from typer.testing import CliRunner

from edge_agent.line import ConnectionState
from edge_agent.provisioning import asking
from edge_agent.provisioning.page import ClaimShown, create_claim_page
from edge_agent.provisioning.renewing import read_certificate, read_tls_key
from firmware_config.profiles import load_profile
from gateway.certifying import Certifying
from luutru.commands.kiosk import app as kiosk
from luutru.demo.broker import Broker
from luutru.demo.pki import GATEWAY_NAME, Pki
from luutru.keys import read_signing_key
from luutru.kiosk_wiping import wipe
from luutru.processes.kiosk import open_outbox
from luutru.system import random_bytes
from registry.kiosk_certificates import ask_certificate, serials_in_force, wiped_at
from registry.kiosks import Enrolment, enrol_kiosk, keep_state, keyring_entries, retire_kiosk
from residence.clock import rfc3339
from residence.errors import LuutruError, Refused, Untrusted
from residence.wire.certificates import make_request
from residence.wire.claims import ClaimAnswer, claim_of, open_wiped, seal, unseal
from residence.wire.keyring import Keyring
from residence.wire.state import KioskState
from server.settings import Allowance

WRONG = (
    ({"kiosk_id": "kiosk 1"}, "begins with kiosk-"),
    ({"kiosk_id": GATEWAY_NAME}, "begins with kiosk-"),  # at the broker that name may read everything
    ({"machine": "x"}, "as it stands on the machine"),
    ({"premises_id": "htl-xa"}, "no such premises in this commune"),
    ({"replaces": "kiosk-elsewhere"}, "govuk-error-summary"),
    ({"profile": "../x"}, "govuk-error-summary"),
)
WITHIN_SECONDS = 5.0  # from the command to the broker that refuses


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One registry, served, and one authority; each test has kiosks of its own."""
    folder = tmp_path_factory.mktemp("claims")
    world = World(folder / "world", base_url=free_address(), sign_in_allowance=Allowance(times=1000, per=timedelta(minutes=5)))
    with world.serving():
        yield (
            world,
            Pki(folder / "pki"),
            Certifying(world.registry, folder=folder / "pki", gateway=GATEWAY_NAME, random_bytes=random_bytes),
        )
    world.close()


@pytest.fixture
def office(running, tmp_path):
    world, pki, certifying = running
    world.clock.instant = datetime.now(UTC)
    name = random_bytes(4).hex()
    return Office(
        world=world,
        pki=pki,
        folder=tmp_path,
        client=world.client(),
        certifying=certifying,
        operator=world.client("operator"),
        lobby=f"kiosk-lobby-{name}",
        desk=f"kiosk-desk-{name}",
    )


def test_a_machine_is_compared_approved_and_speaks_to_the_broker_until_it_is_revoked(office, tmp_path):
    profile = office.born(send=asking.post)  # over a real socket
    shown = office.operator.get("/operators/claims").text
    assert (office.lobby in shown, "Approved" in shown) == (True, True)
    with Broker(tmp_path / "broker", pki=office.pki) as broker:
        where = msgspec.structs.replace(profile.broker, host=broker.host, port=broker.port)
        profile = msgspec.structs.replace(profile, broker=where)
        with Talking(profile) as uplink:
            assert wait_for(lambda: uplink.health().state is ConnectionState.UP)
            began = time.monotonic()
            revoked = revoke(office, broker, office.lobby)
            assert (revoked.certificate, revoked.in_force, revoked.session_ended, revoked.problems) == (True, True, True, [])
            assert wait_for(lambda: "certificate verify failed" in broker.log.read_text("utf-8", "replace"))
            assert time.monotonic() - began < WITHIN_SECONDS
            assert uplink.health().state is not ConnectionState.UP
    office.pass_time(minutes=1)  # the registry's clock stands in tests, the revocation's went on
    with pytest.raises(Refused, match=r"key\.revoked"):
        office.renewing(profile, send=asking.post).renew()


def test_what_both_screens_show_is_the_same_and_that_of_other_keys_is_not_approved(office):
    claim = office.make_claim()
    first = office.claiming(claim)
    first.step()
    assert first.fingerprint in office.operator.get(f"/operators/claims/{claim.claim_id}").text
    assert office.settle(claim, fingerprint="D51P-J7E6-T28F-NVAH").status_code == 409
    again = office.claiming(claim)  # the power went; the same is asked again
    assert (again.fingerprint, again.step()) == (first.fingerprint, "compare")
    with pytest.raises(Refused, match=r"claim\.taken"):
        office.claiming(claim, "another machine").step()


def test_a_claim_is_for_its_machine_its_secret_and_its_day(office):
    claim = office.make_claim()
    for wrong, code in (
        (office.claiming(claim, "a", machine="20000000a1b2c3d4"), "claim.other_machine"),
        (office.claiming(msgspec.structs.replace(claim, secret=bytes(16)), "b"), "claim.unknown"),
        (office.claiming(msgspec.structs.replace(claim, claim_id="0123456789"), "c"), "claim.unknown"),
    ):
        with pytest.raises(Refused, match=code):
            wrong.step()
    office.pass_time(hours=25)
    with pytest.raises(Refused, match=r"claim\.over"):
        office.claiming(claim, "d").step()
    refused = office.make_claim(office.desk)
    with pytest.raises(Refused, match=r"claim\.other_machine"):
        office.claiming(refused, "e", machine="20000000a1b2c3d4").step()
    late = office.claiming(refused, "e")
    assert late.step() == "compare", "a serial number typed wrongly at first is not asked with again"
    office.settle(refused, "refuse")
    with pytest.raises(Refused, match=r"claim\.over"):
        late.step()
    assert office.settle(refused, fingerprint=late.fingerprint).status_code == 403


def test_whoever_stands_between_can_neither_give_another_authority_nor_other_keys(office, tmp_path):
    """The answer of a false server, and the ask with exchanged keys, fail for want of the secret."""
    claim = office.make_claim()
    false = Pki(tmp_path / "false")

    def stand_between(url, data):
        answer = ClaimAnswer(state="issued", kiosk_id=claim.kiosk_id, authority=false.ca.read_text("ascii"))
        assert claim_of(data) == claim.claim_id
        return seal(answer, claim_id=claim.claim_id, secret=bytes(16), direction="answer")

    claiming = office.claiming(claim, send=stand_between)
    with pytest.raises(Untrusted, match=r"claim\.unproven"):
        claiming.step()
    echoed = office.claiming(claim, send=lambda _url, data: data)  # its own word sent back is no answer
    with pytest.raises(Untrusted, match=r"claim\.unproven"):
        echoed.step()
    assert unseal(stand_between("", seal(ClaimAnswer(state="compare", kiosk_id="k"), claim_id=claim.claim_id, secret=b"", direction="ask")),
                  ClaimAnswer, secret=bytes(16), direction="answer").state == "issued"  # what is refused above is well formed  # fmt: skip


def test_a_certificate_is_renewed_from_half_its_life_on_and_half_a_year_after_its_end(office):
    profile = office.born()
    path = profile.path(profile.broker.certificate_file)
    first, renewing = path.read_bytes(), office.renewing(profile)
    assert (renewing.due(), renewing.renew(), path.read_bytes() == first) == (False, False, True)
    office.pass_time(days=46)
    assert (renewing.due(), renewing.renew()) == (True, False)
    assert (renewing.renew(), office.certifying.perform(office.now), renewing.renew()) == (False, 1, True)
    second = read_certificate(path)
    assert second.public_key() == read_of(first).public_key()
    assert (second.serial_number == read_of(first).serial_number, renewing.due()) == (False, False)
    office.pass_time(days=90 + 179)  # the house was closed for long
    assert (renewing.renew(), office.certifying.perform(office.now), renewing.renew()) == (False, 1, True)
    with office.world.registry.reading() as connection:
        assert serials_in_force(connection, office.lobby, now=office.now) == [read_certificate(path).serial_number]
    office.pass_time(days=90 + 181)
    with pytest.raises(Refused, match=r"claim\.certificate_over"):
        renewing.renew()


def test_a_machine_moves_only_with_an_empty_outbox_and_what_it_was_ends(office):
    profile = office.born()
    declare(profile, office)
    claim = office.make_claim(office.desk, premises_id="htl-sao-mai", profile="hotel-desk", replaces=office.lobby)
    with pytest.raises(Refused, match=r"claim\.outbox_not_empty"):
        office.claiming(claim)
    for name in ("outbox.db", "outbox.db-wal", "outbox.db-shm"):
        (office.folder / "machine" / name).unlink(missing_ok=True)
    claiming = office.claiming(claim)
    claiming.step()
    with office.world.registry.writing() as connection:
        said = KioskState(kiosk_id=office.lobby, session=1, online=True, at=rfc3339(office.now), outbox_depth=1)
        keep_state(connection, said, now=office.now)
    assert office.settle(claim).status_code == 403  # the registry heard that one waits
    with office.world.registry.writing() as connection:
        keep_state(connection, msgspec.structs.replace(said, outbox_depth=0), now=office.now)
    assert office.settle(claim).status_code == 200
    office.certifying.perform(office.now)
    assert claiming.step() == "issued"
    moved = load_profile(office.folder / "machine" / "kiosk.toml")
    assert (moved.kiosk.id, moved.kiosk.site, moved.premises.units) == (office.desk, "htl-sao-mai", ("201", "202"))
    assert sorted(each.name for each in (office.folder / "machine").glob("before-*/*.key")) == ["kiosk.key", "signing.key"]
    with pytest.raises(Refused, match=r"key\.revoked"):
        office.renewing(msgspec.structs.replace(profile, folder=str(next((office.folder / "machine").glob("before-*"))))).renew()


@pytest.mark.parametrize("dies_at", [1, 6, 8, 10])
def test_a_machine_that_loses_power_while_it_becomes_a_kiosk_goes_on(office, dies_at, monkeypatch):
    claim = office.make_claim()
    claiming = office.claiming(claim)
    claiming.step()
    office.settle(claim)
    office.certifying.perform(office.now)
    count, replace = [0], Path.replace

    def die(self, target):
        count[0] += 1
        if count[0] == dies_at:
            raise OSError("power")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(OSError, match="power"):
        claiming.step()
    monkeypatch.undo()
    again = office.claiming(claim)
    assert (again.fingerprint, again.step()) == (claiming.fingerprint, "issued")
    profile = load_profile(office.folder / "machine" / "kiosk.toml")
    open_outbox(profile, clock=office.world.clock).close()
    assert not office.renewing(profile).renew()  # its keys are those that were approved
    assert not [each for each in (office.folder / "machine").iterdir() if each.is_dir()]


def test_a_wiped_kiosk_leaves_its_signed_word_and_nothing_else(office, monkeypatch):
    profile = office.born()
    declare(profile, office)
    with pytest.raises(Refused, match=r"claim\.outbox_not_empty"):
        wipe(profile, machine=MACHINE, clock=office.world.clock, send=office.send)
    for name in ("outbox.db", "outbox.db-wal", "outbox.db-shm"):
        (office.folder / "machine" / name).unlink(missing_ok=True)
    with closing(open_outbox(profile, clock=office.world.clock)), pytest.raises(Refused, match=r"claim\.kiosk_runs"):
        wipe(profile, machine=MACHINE, clock=office.world.clock, send=office.send)
    sent = office.folder / "machine" / "configuration" / "seen" / "documents" / "door-list.json"
    sent.parent.mkdir(parents=True)
    sent.write_bytes(b"who may pass")
    with office.world.registry.reading() as connection:
        ring = Keyring(keyring_entries(connection))

    def away(_url, _data):
        raise Refused("claim.server_unreachable")

    with pytest.raises(Refused, match="unreachable"):
        wipe(profile, machine=MACHINE, clock=office.world.clock, send=away)
    said = wipe(profile, machine=MACHINE, clock=office.world.clock, send=office.send)
    assert {"kiosk.key", "signing.key", "kiosk.pem", "keyring.json"} <= set(said.erased)
    assert sorted(each.name for each in Path(profile.folder).rglob("*") if each.is_file()) == [
        "ca.pem",
        "kiosk.toml",
        "wiped.cose",
    ]
    word = (Path(profile.folder) / "wiped.cose").read_bytes()
    assert open_wiped(word, keyring=ring, at=office.now) == said
    with office.world.registry.reading() as connection:
        assert office.lobby in wiped_at(connection, COMMUNE)
        revoked = [each.revoked_at for each in keyring_entries(connection) if each.owner == office.lobby]
    assert None not in revoked
    with pytest.raises(LuutruError):  # said again, as somebody who kept it would
        asking.say_wiped(profile.broker.certificates_url, word, send=office.send)


def test_what_an_operator_writes_wrongly_is_said_beside_the_form(office):
    for changes, said in WRONG:
        page = office.make_claim(**changes)
        assert (page.status_code, said in page.text) == (422, True), changes


def test_no_certificate_is_made_for_a_name_that_is_no_kiosks(office):
    """As if a row had been written past the pages: the gateway's name at the broker, a bridge's, another gateway's that looks like a kiosk's."""
    others = Certifying(office.world.registry, folder=office.pki.ca.parent, gateway=office.desk, random_bytes=random_bytes)
    request = make_request(ec.generate_private_key(ec.SECP256R1()), name="x")
    for name in (GATEWAY_NAME, "bridge.blk-hoa-binh", office.desk):
        with office.world.registry.writing() as connection:
            enrol_kiosk(
                connection,
                Enrolment(kiosk_id=name, premises_id="blk-hoa-binh", commune_code=COMMUNE, profile="lobby"),
                keys=[],
                now=office.now,
            )
            ask_certificate(connection, request, kiosk_id=name, commune_code=COMMUNE, now=office.now)
        assert others.perform(office.now) == 0
        with office.world.registry.writing() as connection:
            retire_kiosk(connection, name, now=office.now)


def test_claims_are_the_operators_alone(office):
    claim = office.make_claim()
    for role in ("clerk", "officer", "resident", None):
        client = office.world.client(role)
        for address in ("/operators/claims", f"/operators/claims/{claim.claim_id}"):
            answer = client.get(address)
            assert (claim.secret.hex() in answer.text, "/sign-in" in str(answer.url) or answer.status_code == 403) == (
                False,
                True,
            )
        form = {"csrf": csrf_of(client), "action": "approve"}
        assert client.post(f"/operators/claims/{claim.claim_id}", data=form).status_code in {401, 403}


def test_keys_may_be_encrypted_for_this_machine_alone(office):
    claim = office.make_claim()
    office.claiming(claim, store="systemd-creds").step()
    office.settle(claim)
    office.certifying.perform(office.now)
    assert office.claiming(claim, store="systemd-creds").step() == "issued"
    folder = office.folder / "machine"
    profile = load_profile(folder / "kiosk.toml")
    assert profile.broker.key_file == f"/run/credentials/luutru-kiosk@{office.lobby}.service/kiosk.key"
    assert not [each for each in folder.rglob("*") if each.is_file() and b"PRIVATE" in each.read_bytes()]
    lines = (folder / "credentials.conf").read_text().split()
    assert [each.partition(":")[0] for each in lines[1:]] == [
        f"LoadCredentialEncrypted={name}" for name in ("kiosk.key", "signing.key")
    ]


def test_keys_may_be_opened_by_this_machines_tpm_alone(office, tmp_path, monkeypatch):
    claim, folder, held = office.make_claim(), office.folder / "machine", tmp_path / "held"
    with soft_tpm(tmp_path / "own") as own:
        monkeypatch.setenv("TPM2TOOLS_TCTI", own.tcti)
        office.claiming(claim, store="tpm").step()
        office.settle(claim)
        office.certifying.perform(office.now)
        assert office.claiming(claim, store="tpm").step() == "issued", "begun again it has the same keys"
        profile = load_profile(folder / "kiosk.toml")
        assert profile.broker.key_file == f"/run/luutru-keys-{office.lobby}/kiosk.key"
        assert not [each for each in folder.rglob("*") if each.is_file() and b"PRIVATE" in each.read_bytes()]
        opened = CliRunner().invoke(kiosk, ["open-keys", str(folder), "--into", str(held), "--json"])
        assert (opened.exit_code, msgspec.json.decode(opened.stdout)) == (0, {"opened": ["kiosk.key", "signing.key"]})
        assert read_tls_key(held / "kiosk.key").public_key() == read_certificate(folder / "kiosk.pem").public_key()
        assert read_signing_key(held / "signing.key", use="kiosk-sign").key_id == claim.key_id
        assert {stat.S_IMODE(each.stat().st_mode) for each in held.iterdir()} == {0o600}
        told = (folder / "credentials.conf").read_text()
        assert f"open-keys {folder} --into /run/luutru-keys-{office.lobby}" in told
    with soft_tpm(tmp_path / "thief") as other:
        monkeypatch.setenv("TPM2TOOLS_TCTI", other.tcti)
        stolen = CliRunner().invoke(kiosk, ["open-keys", str(folder), "--into", str(tmp_path / "stolen")])
        assert (stolen.exit_code, (tmp_path / "stolen").exists()) == (1, False)
        assert "key.store_unusable" in stolen.output


def test_the_commands_take_a_machine_from_its_code_to_its_end(office):
    claim, folder = office.make_claim(), str(office.folder / "machine")
    run = lambda *words: CliRunner().invoke(kiosk, [*words, "--json"])  # noqa: E731
    asked = run("claim", folder, claim.text, "--machine", MACHINE, "--port", "0", "--patience", "0")
    told = [msgspec.json.decode(line) for line in asked.stdout.splitlines()]
    assert (asked.exit_code, told[-1]["state"]) == (1, "compare")
    assert told[0]["fingerprint"] in office.operator.get(f"/operators/claims/{claim.claim_id}").text
    office.settle(claim)
    office.certifying.perform(office.now)
    assert run("claim", folder, claim.text, "--machine", MACHINE, "--port", "0", "--patience", "0").exit_code == 0
    renewed = run("renew", f"{folder}/kiosk.toml")
    assert (renewed.exit_code, msgspec.json.decode(renewed.stdout)["due"]) == (0, False)
    assert run("wipe", f"{folder}/kiosk.toml", "--machine", MACHINE).exit_code == 2  # not without --yes
    wiped = run("wipe", f"{folder}/kiosk.toml", "--machine", MACHINE, "--yes")
    assert (wiped.exit_code, msgspec.json.decode(wiped.stdout)["kiosk_id"]) == (0, office.lobby)
    assert "claim.unreadable" in CliRunner().invoke(kiosk, ["claim", folder, "nonsense", "--port", "0"]).output


def test_the_machines_own_page_takes_the_code_from_itself_only_and_never_shows_it():
    taken = []
    shown = ClaimShown(step="compare", kiosk_id="<kiosk>", fingerprint="AAAA-BBBB", trouble=("hỏng", "broken"))
    client = Client(create_claim_page(machine="<serial>", shown=lambda: shown, take=taken.append))
    here, form = {"host": "127.0.0.1:8800"}, {"code": "a code"}
    page = client.get("/", headers=here).text
    assert [each in page for each in ("AAAA-BBBB", "hỏng", "broken", "&lt;serial&gt;", "<kiosk>")] == [
        True,
        True,
        True,
        True,
        False,
    ]
    for headers in ({"host": "elsewhere.example"}, here | {"origin": "http://elsewhere.example"}, here | {"origin": "null"}):
        assert client.post("/", headers=headers, data=form).status_code == 403
    assert (
        client.post("/", headers=here | {"origin": "http://127.0.0.1:8800"}, data=form, follow_redirects=False).status_code == 303
    )
    assert taken == ["a code"]
    client.close()
