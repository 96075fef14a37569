"""When certificates and revocation lists end is said in time: by doctor, and by the gateway when it starts."""

import json
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from luutru.certificates import WARN_BEFORE, check_revocations, endings
from luutru.commands.doctor import app
from luutru.demo.pki import LIFETIME, Pki
from luutru.paper_keys import LIFETIME as PAPER_LIFETIME
from luutru.paper_keys import make_paper_key
from luutru.processes.gateway import warn_of_endings
from luutru.system import SystemClock
from residence.errors import Refused

NOW = SystemClock().now()


@pytest.fixture
def folder(tmp_path):
    """What a gateway holds: its chain anchor, its certificate, a copy of the broker's revocation list; and something else."""
    pki = Pki(tmp_path, now=NOW)
    pki.gateway()
    (tmp_path / "notes.pem").write_text("nothing of ours")
    return tmp_path


def test_everything_that_ends_is_found_with_its_end(folder):
    found = {each.path.rpartition("/")[2]: (each.kind, each.ends.date(), each.soon) for each in endings(folder, now=NOW)}
    end = (NOW + LIFETIME).date()
    assert found == {
        "ca.pem": ("certificate", end, False),
        "luutru-gateway.pem": ("certificate", end, False),
        "crl.pem": ("revocation list", end, False),
    }


def test_from_thirty_days_before_the_end_on_it_is_soon_and_stays_so_after_it(folder):
    for before, soon in ((WARN_BEFORE + timedelta(hours=1), False), (WARN_BEFORE - timedelta(hours=1), True), (-LIFETIME, True)):
        assert {each.soon for each in endings(folder, now=NOW + LIFETIME - before)} == {soon}


STEPS = {31: None, 30: 30, 16: 30, 15: 15, 7: 7, 2: 7, 1: 1, 0: 0, -1: 0}


def test_the_steps_are_thirty_fifteen_seven_days_and_one(folder):
    for days, step in STEPS.items():
        (found,) = {each.step for each in endings(folder, now=NOW + LIFETIME - timedelta(days=days))}
        assert found == step, days


def test_a_starting_gateway_says_what_ends_soon(folder):
    with capture_logs() as quiet:
        warn_of_endings(folder, now=NOW)
    with capture_logs() as loud:
        warn_of_endings(folder, now=NOW + LIFETIME)
    assert quiet == []
    assert {(each["log_level"], each["kind"]) for each in loud} == {("error", "certificate"), ("error", "revocation list")}


def test_it_says_so_of_the_newest_certificate_papers_are_signed_with(tmp_path):
    keys, empty = tmp_path / "keys", tmp_path / "tls"
    for each in (keys, empty):
        each.mkdir()
    make_paper_key(keys / "server-paper-2020.pem", name="Cũ", now=NOW - PAPER_LIFETIME)
    make_paper_key(keys / "server-paper-2026.pem", name="Mới", now=NOW)
    assert warn_of_endings(empty, keys, now=NOW) == ()
    ends = NOW + PAPER_LIFETIME
    for days, step in STEPS.items():
        told = [(each.name, each.step) for each in warn_of_endings(empty, keys, now=ends - timedelta(days=days))]
        assert told == ([] if step is None else [("server-paper-2026.pem", step)])


def test_doctor_looks_at_the_folders_it_is_given(folder, tmp_path_factory):
    short = tmp_path_factory.mktemp("ending")
    Pki(short, now=NOW - LIFETIME + timedelta(days=3))
    answer = CliRunner().invoke(app, ["--for", "gateway", "--tls", str(folder), "--tls", str(short), "--json"])
    checks = {each["name"]: each["ok"] for each in json.loads(answer.stdout)["checks"]}
    assert checks[f"revocation list {folder / 'crl.pem'}"] is True
    assert checks[f"revocation list {short / 'crl.pem'}"] is False
    assert checks[f"certificate {short / 'ca.pem'}"] is False
    assert answer.exit_code == 1


def test_a_list_stays_usable_until_its_end_and_not_a_second_longer(folder):
    pem, authority = (folder / "crl.pem").read_bytes(), (folder / "ca.pem").read_bytes()
    end = next(each.ends for each in endings(folder, now=NOW) if each.kind == "revocation list")
    assert check_revocations(pem, authority=authority, now=end - timedelta(seconds=1)) == pem
    with pytest.raises(Refused):
        check_revocations(pem, authority=authority, now=end)


def test_revoking_twice_and_another_keeps_every_revocation(folder):
    pki = Pki(folder, now=NOW)
    for name in ("kiosk-a", "kiosk-b"):
        pki.kiosk(name)
    assert pki.revoke("kiosk-a") == pki.revocations.read_bytes()
    once = serials(pki)
    both = pki.revoke("kiosk-b")
    assert pki.revoke("kiosk-a") == both  # nothing new: not signed again
    assert once < serials(Pki(folder))
    assert len(serials(pki)) == 2


def serials(pki):
    from cryptography import x509

    return {each.serial_number for each in x509.load_pem_x509_crl(pki.revocations.read_bytes())}
