"""``luutru chip verify``: files that were read elsewhere are judged as the reader's own are, and the status says what came of it."""

from __future__ import annotations

import json

import pytest
from simulators.card import citizen, pki
from simulators.card.citizen import NUMBER, Citizen
from typer.testing import CliRunner

from luutru.commands.chip import app

ASSUMED = "chip.signing_time_assumed"  # without DG13 nothing says when the card was made


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture
def read_elsewhere(country, tmp_path):
    """A card's files, and a folder with its issuer and a fresh list."""
    for place, raw in Citizen(country).files().items():
        (tmp_path / f"{place:04X}.bin").write_bytes(raw)
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "csca.der").write_bytes(country.authority.der)
    (tmp_path / "trust" / "vn.crl").write_bytes(country.revocation_list())
    return tmp_path


def verify(folder, *groups, sod="011D.bin", at="2026-07-10", trust=True):
    arguments = ["verify", "--json", "--sod", str(folder / sod), "--at", at]
    arguments += [part for each in groups for part in ("--dg", f"{each}={folder / f'01{each:02X}.bin'}")]
    result = CliRunner().invoke(app, [*arguments, *(["--trust", str(folder / "trust")] if trust else [])])
    assert NUMBER not in result.output
    return result.exit_code, json.loads(result.stdout)


def codes(answer):
    return {each["code"] for each in answer["findings"]}


def test_genuine_files_are_verified_to_their_issuer(read_elsewhere):
    status, answer = verify(read_elsewhere, 1, 13, 14, 15)
    assert status == 0
    assert [answer["checks"][each] for each in ("passive", "issuer", "revocation")] == ["passed"] * 3
    assert answer["issuer"] == "VN"
    assert answer["signed_with"] == "ecdsa-sha256, sha256"
    assert answer["files"] == {"DG1": True, "DG13": True, "DG14": True, "DG15": True}
    assert answer["level"] == 0  # nobody opened a chip here
    assert not codes(answer)


def test_an_altered_group_fails_and_is_named(read_elsewhere):
    path = read_elsewhere / "0101.bin"
    path.write_bytes(path.read_bytes().replace(b"KHOI", b"KHOA"))
    status, answer = verify(read_elsewhere, 1, 14)
    assert (status, answer["checks"]["passive"]) == (1, "failed")
    assert answer["files"] == {"DG1": False, "DG14": True}
    assert codes(answer) == {"chip.group_altered", ASSUMED, "chip.key_not_given"}


def test_without_dg1_nobody_is_named_and_nothing_is_passed(read_elsewhere):
    status, answer = verify(read_elsewhere, 14)
    assert (status, answer["checks"]["passive"]) == (1, "not_performed")
    assert codes(answer) == {"chip.no_zone", ASSUMED, "chip.key_not_given"}


def test_the_day_of_judgement_and_the_trust_decide_what_is_known(read_elsewhere):
    _, answer = verify(read_elsewhere, 1, at="2026-12-24")
    assert answer["checks"]["revocation"] == "stale"
    _, answer = verify(read_elsewhere, 1, trust=False)
    assert (answer["checks"]["issuer"], codes(answer)) == ("not_performed", {"chip.no_anchors", "chip.key_not_given"})


def test_what_is_no_security_object_fails(read_elsewhere):
    status, answer = verify(read_elsewhere, 1, sod="0101.bin")
    assert (status, answer["checks"]["passive"]) == (1, "failed")
    assert codes(answer) == {"chip.tlv"}


@pytest.mark.parametrize("group", ["1", "x=0101.bin", "1=nowhere.bin"])
def test_a_group_is_a_number_and_a_file(read_elsewhere, group):
    result = CliRunner().invoke(app, ["verify", "--sod", str(read_elsewhere / "011D.bin"), "--dg", group])
    assert result.exit_code == 2


def test_people_get_the_findings_in_words(read_elsewhere):
    (read_elsewhere / "0101.bin").write_bytes(citizen.dg1().replace(b"KHOI", b"KHOA"))
    given = ["verify", "--sod", str(read_elsewhere / "011D.bin"), "--dg", f"1={read_elsewhere / '0101.bin'}"]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 1
    assert "passive: failed" in result.stdout
    assert "[chip.group_altered] /DG1" in result.stdout
