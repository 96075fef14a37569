"""``luutru gateway keys``: what operators and programs get."""

import json

import pytest
from laid_tables import lay_sqlite
from typer.testing import CliRunner

from luutru.commands.gateway import app
from luutru.keys import read_sealing_key, receipt_signer
from luutru.processes.gateway import GatewaySettings, make_opener, make_signer
from luutru.system import system_clock
from registry.key_changes import keyring_if_reachable
from residence.clock import parse_instant
from residence.errors import Refused, Untrusted
from residence.wire.envelope import verify_envelope
from residence.wire.receipts import verify_receipt

RUNNER = CliRunner()


@pytest.fixture
def options(small_office):
    return ["--registry", small_office.url, "--vault", str(small_office.vault_folder)]


@pytest.fixture
def run(small_office, options):
    def run(command, *words, status=0):
        extra = ["--keys", str(small_office.keys)] if command in {"rotate", "begin"} else []
        result = RUNNER.invoke(app, ["keys", command, *words, *extra, *options, "--json"])
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    return run


def test_keys_are_listed_with_use_owner_validity_and_standing(small_office, run, options):
    own = small_office.kiosk().signer.key_id
    run("revoke", own)
    answer = run("list")
    listed = {key["key_id"]: key for key in answer["keys"]}
    assert answer["serial"] == 2
    assert listed[own]["standing"] == "revoked"
    assert listed[own]["revoked_at"]
    seal = listed["fleet-gateway-seal"]
    assert (seal["use"], seal["owner"], seal["standing"], seal["valid_to"]) == ("seal", "authority", "in force", None)
    people = RUNNER.invoke(app, ["keys", "list", *options])
    assert "fleet-gateway-seal" in people.stdout
    assert "Kiosks are sent ring 2." in people.stdout


def test_a_rotated_sealing_key_lies_beside_the_old_and_a_running_gateway_finds_it(small_office, run):
    opener = make_opener(small_office.keys)
    answer = run("rotate", "seal", "--overlap-days", "3")
    made = read_sealing_key(small_office.keys / f"{answer['key_id']}.key")
    listed = {key["key_id"]: key for key in run("list")["keys"]}
    assert listed[made.key_id]["standing"] == listed["fleet-gateway-seal"]["standing"] == "in force"
    assert listed["fleet-gateway-seal"]["valid_to"] == answer["ends"]["fleet-gateway-seal"]
    kiosk = small_office.kiosk()
    ring = keyring_if_reachable(small_office.registry)
    kiosk.recipient = ring.find(made.key_id, "seal", at=system_clock().now())
    sealed = kiosk.seal(small_office.declaration(kiosk), now=small_office.clock.now())
    verified = verify_envelope(sealed, keyring=ring, at=small_office.clock.now())
    assert opener.open(verified).header.recipient_key_id == made.key_id
    empty = small_office.folder / "empty"
    for path in small_office.keys.glob("gateway-seal*.key"):
        path.rename(path.with_suffix(".gone"))
    with pytest.raises(Untrusted):
        make_opener_of(empty, small_office).open(verified)


def make_opener_of(directory, office):
    """An opener whose directory lost its keys after the start."""
    directory.mkdir()
    (directory / "gateway-seal.key").write_bytes((office.keys / "gateway-seal.gone").read_bytes())
    opener = make_opener(directory)
    (directory / "gateway-seal.key").unlink()
    return opener


def test_a_gateway_signs_with_the_newest_receipt_key_that_holds_when_it_starts(small_office, run):
    settings = GatewaySettings(
        registry=small_office.url, vault=small_office.vault_folder, keys=small_office.keys, tls=small_office.folder
    )

    def signer():
        return make_signer(settings, small_office.registry, now=system_clock().now()).key_id

    assert signer() == "fleet-gateway-receipt"
    new = run("rotate", "receipt")["key_id"]
    assert signer() == new
    run("revoke", new)
    assert signer() == "fleet-gateway-receipt"
    run("revoke", "fleet-gateway-receipt", status=1)
    away = receipt_signer(small_office.keys, "gateway-receipt", keyring=None, now=system_clock().now())
    assert away.key_id == new  # no registry to ask: the newest there is
    with pytest.raises(Refused):
        receipt_signer(small_office.folder, "gateway-receipt", keyring=None, now=system_clock().now())


def test_a_receipt_by_a_clock_that_is_behind_its_own_key_is_believed_all_the_same(small_office, run):
    """The key was lost and made anew, and then the gateway's clock went back: what it answers must not be worthless for ever."""
    run("rotate", "receipt")
    settings = GatewaySettings(
        registry=small_office.url, vault=small_office.vault_folder, keys=small_office.keys, tls=small_office.folder
    )
    for old in small_office.keys.glob("gateway-receipt.key"):
        old.unlink()
    signer = make_signer(settings, small_office.registry, now=small_office.clock.now())  # months before the key
    answered = small_office.make_intake(signer=signer).take([small_office.deliver(small_office.kiosk())])
    (receipt,) = (data for _, data in answered.receipts)
    said = verify_receipt(receipt, keyring=keyring_if_reachable(small_office.registry))
    assert parse_instant(said.accepted_at) < signer.since == parse_instant(said.signed_at)


def test_the_first_keys_are_made_once_and_all_or_none(tmp_path):
    registry, folder = f"sqlite:///{tmp_path}/registry.db", tmp_path / "keys"
    words = [
        "keys",
        "begin",
        "79-demo",
        "--keys",
        str(folder),
        "--registry",
        registry,
        "--vault",
        str(tmp_path / "vault"),
        "--json",
    ]
    assert json.loads(RUNNER.invoke(app, words).stdout)["problems"] == ["registry.not_upgraded"]
    lay_sqlite(tmp_path / "registry.db")
    made = json.loads(RUNNER.invoke(app, words).stdout)["keys"]
    assert [each["use"] for each in made] == ["seal", "receipt", "receipt", "keyring", "door-list", "door-pass"]
    assert all(len(each["fingerprint"]) == 64 for each in made)
    kept = sorted(path.name for path in folder.iterdir())
    assert len(kept) == 6
    assert json.loads(RUNNER.invoke(app, words).stdout)["problems"] == ["key.exists"]
    elsewhere = [each if each != str(folder) else str(tmp_path / "other") for each in words]
    assert json.loads(RUNNER.invoke(app, elsewhere).stdout)["problems"] == ["key.exists"]
    assert (sorted(path.name for path in folder.iterdir()), list((tmp_path / "other").iterdir())) == (kept, [])


def test_a_key_whose_file_is_lost_is_followed_by_a_new_one(small_office, run):
    for path in small_office.keys.glob("gateway-seal*.key"):
        path.unlink()
    answer = run("rotate", "seal", "--instead-of", "fleet-gateway-seal")
    assert answer["ends"].keys() == {"fleet-gateway-seal"}
    assert run("revoke", "fleet-gateway-seal")["changed"]
    assert make_opener(small_office.keys)


REFUSED = {
    "a lost key nobody knows": (["rotate", "seal", "--instead-of", "nobody"], "key.unknown"),
    "a lost key of another use": (["rotate", "receipt", "--instead-of", "fleet-gateway-seal"], "key.unknown"),
    "nothing to rotate": (["rotate", "server-receipt"], "key.file_missing"),
    "the last of its use": (["revoke", "fleet-gateway-seal"], "key.last"),
    "nobody's key": (["revoke", "nobody"], "key.unknown"),
}


@pytest.mark.parametrize(("words", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_is_said_with_its_code(run, options, words, code):
    answer = run(*words, status=1)
    assert (answer["ok"], answer["problems"]) == (False, [code])
    people = RUNNER.invoke(app, ["keys", *words, *options])
    assert people.exit_code == 1
    assert people.stderr.strip()


def test_a_key_the_registry_does_not_take_leaves_no_file(small_office, run):
    (small_office.keys / "server-receipt.key").write_text(
        (small_office.keys / "gateway-receipt.key").read_text().replace("fleet-gateway-receipt", "nobody-knows")
    )
    before = sorted(small_office.keys.iterdir())
    assert run("rotate", "server-receipt", status=1)["problems"] == ["key.unknown"]
    assert sorted(small_office.keys.iterdir()) == before
    assert run("list")["serial"] == 2


def test_people_read_what_was_done(small_office, options):
    rotated = RUNNER.invoke(app, ["keys", "rotate", "receipt", "--keys", str(small_office.keys), *options])
    assert "New key gateway-receipt-" in rotated.stdout
    assert "fleet-gateway-receipt ends" in rotated.stdout
    for said in ("is revoked", "was revoked before"):
        assert said in RUNNER.invoke(app, ["keys", "revoke", "fleet-gateway-receipt", *options]).stdout
    assert RUNNER.invoke(app, ["keys", "rotate", "house", *options]).exit_code == 2
