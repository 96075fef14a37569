"""Whom a chip's signer is traced to: anchors, links, lists, pinned master lists, directories, and the authority's signed bundle."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from simulators.card import pki
from typer.testing import CliRunner

from luutru.commands.trust import app
from luutru.keys import make_key
from luutru.system import random_bytes
from luutru.trust_folder import load
from residence.credentials.chip.certificates import parse_certificate, parse_revocation_list
from residence.credentials.chip.groups import STANDARD
from residence.credentials.chip.trust_sources import gather, read_master_list
from residence.credentials.chip.trust_store import Deviation, assemble
from residence.errors import Malformed, Untrusted
from residence.wire.keyring import Keyring, dump_keyring
from residence.wire.signing import SigningKey
from residence.wire.trust_bundle import TrustBundle, accept_bundle, sign_bundle, store_of

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def country():
    return pki.Country()


def certificate(holder):
    return parse_certificate(holder.der)


def test_an_anchor_signs_itself_and_a_signer_is_traced_to_it(country):
    store = assemble([certificate(country.authority)])
    assert len(store.anchors) == 1
    assert store.issuer_of(certificate(country.signer)).fingerprint == store.anchors[0].fingerprint


def test_what_is_no_authority_or_does_not_sign_itself_stays_out_with_its_reason(country):
    raw = bytearray(country.authority.der)
    raw[-1] ^= 1
    store = assemble([parse_certificate(bytes(raw)), certificate(country.signer)])
    assert store.is_empty
    assert {each.reason for each in store.left_out} == {"chip.signature", "chip.not_an_authority"}


def test_a_link_counts_when_its_predecessor_is_trusted_and_only_then(country):
    fresh, link = country.link_to_new_authority()
    assert not assemble([certificate(link)]).links
    store = assemble([certificate(link), certificate(country.authority)])
    assert [each.fingerprint for each in store.links] == [certificate(link).fingerprint]

    holder = pki.issue(
        pki.name("VN", "Test document signer"), pki.new_key(), issuer=fresh.certificate.subject, issuer_key=fresh.key
    )
    assert store.issuer_of(certificate(holder)).fingerprint == certificate(link).fingerprint

    foreign = pki.Country(code="DE")
    assert assemble([certificate(foreign.authority), certificate(link)]).left_out[0].reason == "chip.orphan"


@pytest.mark.parametrize(("name", "number"), [("brainpoolP512r1", 17), ("brainpoolP384r1", 16), ("secp256r1", 12)])
def test_an_authority_that_spells_its_curve_out_is_trusted_like_any_other(name, number):
    country = pki.Country(authority_key=name)
    spelled = pki.spell_out_curve(country.authority, STANDARD[number])
    store = assemble([certificate(spelled)])
    assert store.anchors[0].key.explicit
    assert store.issuer_of(certificate(country.signer)) is not None

    bent = spelled.der.replace(
        STANDARD[number].generator.y().to_bytes(STANDARD[number].field_bytes, "big"), b"\x01" * STANDARD[number].field_bytes
    )
    with pytest.raises(Malformed, match=r"chip\.key"):
        _ = parse_certificate(bent).key


def test_a_list_of_revocations_counts_when_its_issuer_signed_it(country):
    genuine = parse_revocation_list(country.revocation_list(7))
    forged = parse_revocation_list(pki.Country().revocation_list(8))
    store = assemble([certificate(country.authority)], [genuine, forged])
    assert store.lists == (genuine,)
    assert 7 in store.lists[0].revoked
    assert {each.reason for each in store.left_out} == {"chip.orphan"}


def test_a_list_that_is_only_a_part_is_not_taken_for_the_whole(country):
    only_authorities = x509.IssuingDistributionPoint(
        full_name=None, relative_name=None, only_contains_user_certs=False, only_contains_ca_certs=True,
        only_some_reasons=None, indirect_crl=False, only_contains_attribute_certs=False,
    )  # fmt: skip
    assert parse_revocation_list(country.revocation_list(7, extensions=[x509.CRLNumber(3)])).revoked
    for partial in (x509.DeltaCRLIndicator(2), only_authorities):
        with pytest.raises(Malformed, match=r"critical extension"):
            parse_revocation_list(country.revocation_list(extensions=[x509.CRLNumber(3), partial]))


def test_a_master_list_counts_only_when_its_signer_is_pinned(country):
    others = [pki.Country(code=code).authority.der for code in ("DE", "NL")]
    raw = pki.master_list([country.authority.der, *others], country.signer)
    fingerprint = certificate(country.signer).fingerprint

    taken, left_out = read_master_list(raw, pinned=frozenset({fingerprint}))
    assert sorted(each.country for each in taken) == ["DE", "NL", "VN"]
    assert not left_out
    with pytest.raises(Untrusted, match=r"chip\.list_not_pinned"):
        read_master_list(raw, pinned=frozenset({certificate(country.authority).fingerprint}))
    gathered = gather(raw, what="list")
    assert (gathered.certificates, gathered.left_out[0].reason) == ([], "chip.list_not_pinned")


def test_a_directory_in_ldif_gives_lists_and_no_document_signers(country):
    def entry(attribute, raw):
        text = base64.b64encode(raw).decode()
        return f"{attribute}:: " + "\n ".join(text[start : start + 70] for start in range(0, len(text), 70))

    master = pki.master_list([country.authority.der], country.signer)
    ldif = "\n".join(
        [
            "version: 1",
            "dn: c=VN,dc=data",
            entry("userCertificate;binary", country.signer.der),
            "",
            entry("certificateRevocationList;binary", country.revocation_list(7)),
            entry("pkdMasterListContent", master),
            "",
        ]
    ).encode()
    gathered = gather(ldif, pinned=frozenset({certificate(country.signer).fingerprint}), what="directory")
    assert (len(gathered.certificates), len(gathered.lists), gathered.document_signers) == (1, 1, 1)
    assert not gathered.left_out


def test_a_deviation_excuses_by_name_until_its_day(country):
    signer = certificate(country.signer)
    until = NOW + timedelta(days=1)
    deviation = Deviation(id="VN-1", rule="validity", until=until, fingerprint=signer.fingerprint)
    store = assemble([certificate(country.authority)], deviations=(deviation,))
    assert store.deviation_for(signer, "validity", when=NOW) is deviation
    assert store.deviation_for(signer, "country", when=NOW) is None
    assert store.deviation_for(signer, "validity", when=until + timedelta(seconds=1)) is None


@pytest.fixture
def signed(country, tmp_path):
    """A bundle, the key that signed it, and the keyring that vouches for the key."""
    entry = make_key(
        tmp_path / "keyring.key",
        key_id="authority/keyring/1",
        use="keyring",
        owner="authority",
        now=NOW - timedelta(days=400),
        random_bytes=random_bytes,
    )
    bundle = TrustBundle(
        version=8,
        issued=NOW,
        expires=NOW + timedelta(days=30),
        certificates=(country.authority.der, b"0\x00"),
        lists=(country.revocation_list(7),),
    )
    seed = json.loads((tmp_path / "keyring.key").read_text())
    signer = SigningKey("authority/keyring/1", base64.b64decode(seed["private"]))
    return sign_bundle(bundle, signer), Keyring([entry], serial=1)


def test_a_bundle_is_taken_when_the_keyring_vouches_for_it_and_never_an_older_one(signed):
    data, ring = signed
    assert accept_bundle(data, keyring=ring, at=NOW, held=8).version == 8
    with pytest.raises(Untrusted, match=r"trust\.rollback"):
        accept_bundle(data, keyring=ring, at=NOW, held=9)
    with pytest.raises(Untrusted):
        accept_bundle(data[:-1] + bytes([data[-1] ^ 1]), keyring=ring, at=NOW)
    with pytest.raises(Untrusted):
        accept_bundle(data, keyring=Keyring([], serial=1), at=NOW)


def test_a_bundle_whose_time_is_over_is_kept_but_its_lists_are_stale(signed, country):
    data, ring = signed
    store = store_of(accept_bundle(data, keyring=ring, at=NOW))
    signer = certificate(country.signer)
    assert store.revocation_of(signer, when=NOW) == "good"
    assert store.revocation_of(signer, when=NOW + timedelta(days=31)) == "stale"
    assert store.issuer_of(signer) is not None
    assert len(store.left_out) == 1


DEVIATION = """
[[deviation]]
id = "VN-2026-1"
rule = "validity"
country = "VN"
until = 2099-01-31T00:00:00+07:00
reason = "an invented letter"
"""


@pytest.mark.parametrize(
    "wrong",
    [
        DEVIATION + DEVIATION,
        DEVIATION.replace("validity", "anything"),
        DEVIATION.replace("T00:00:00+07:00", ""),
        DEVIATION.replace("an invented letter", ""),
        DEVIATION + 'fingerprint = "00"',
        DEVIATION + "also = 1",
        "[[deviation",
    ],
    ids=["twice", "no such rule", "a time without offset", "no reason", "for two", "more than is known", "no TOML"],
)
def test_a_departure_that_says_too_little_is_not_accepted(tmp_path, wrong):
    (tmp_path / "deviations.toml").write_text(wrong, "utf-8")
    with pytest.raises(Malformed, match=r"trust\.deviation"):
        load(tmp_path)


def test_the_command_takes_shows_builds_and_verifies(country, tmp_path, signed):
    runner, folder = CliRunner(), tmp_path / "trust"
    _, ring = signed
    pem = country.authority.certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "csca.pem").write_bytes(pem)
    (tmp_path / "vn.crl").write_bytes(country.revocation_list(7))
    (tmp_path / "rubbish.cer").write_bytes(b"0\x03abc")
    (tmp_path / "ring.json").write_bytes(dump_keyring(ring))

    def run(*arguments):
        result = runner.invoke(app, [*map(str, arguments), "--json"])
        return result.exit_code, json.loads(result.stdout)

    assert run("show", "--trust", folder)[1]["highest_level"] == 3
    status, answer = run("import", "--trust", folder, tmp_path / "csca.pem", tmp_path / "vn.crl", tmp_path / "rubbish.cer")
    assert (status, answer["anchors"], answer["lists"], answer["new"]) == (1, 1, 1, 2)
    assert answer["refused"][0]["code"] == "chip.tlv"
    assert run("show", "--trust", folder)[1]["countries"] == ["VN"]
    bundle = tmp_path / "trust.bundle"
    accepted = folder / "deviations.toml"
    accepted.write_text(DEVIATION.replace('country = "VN"', ""), "utf-8")
    for command in (("show",), ("build", "--key", tmp_path / "keyring.key", "--version", 9, "--out", bundle)):
        assert run(*command, "--trust", folder)[1]["code"] == "trust.deviation"
    assert not bundle.exists()
    accepted.write_text(DEVIATION, "utf-8")
    assert [each["id"] for each in run("show", "--trust", folder)[1]["deviations"]] == ["VN-2026-1"]
    assert run("build", "--trust", folder, "--key", tmp_path / "keyring.key", "--version", 9, "--out", bundle)[0] == 0
    status, answer = run("verify", bundle, "--keyring", tmp_path / "ring.json", "--held", 8)
    assert (status, answer["ok"], answer["version"], answer["anchors"], answer["deviations"]) == (0, True, 9, 1, 1)
    status, answer = run("verify", bundle, "--keyring", tmp_path / "ring.json", "--held", 10)
    assert (status, answer["code"]) == (1, "trust.rollback")


def test_the_command_takes_a_master_list_only_with_its_pin_and_says_what_it_left_out(country, tmp_path):
    runner, folder = CliRunner(), tmp_path / "trust"
    foreign = pki.Country(code="NL")
    orphan = country.link_to_new_authority()[1]
    listed = [country.authority.der, foreign.authority.der, pki.Country().signer.der]
    (tmp_path / "national.ml").write_bytes(pki.master_list(listed, country.signer))
    entry = base64.b64encode(pki.master_list([foreign.authority.der], country.signer)).decode()
    (tmp_path / "directory.ldif").write_text(f"dn: c=NL\npkdMasterListContent:: {entry}\n", "ascii")

    def take(*arguments):
        result = runner.invoke(app, ["import", "--trust", str(folder), *map(str, arguments), "--json"])
        answer = json.loads(result.stdout)
        return result.exit_code, answer, {each["code"] for each in answer["refused"]}

    status, answer, refused = take(tmp_path / "national.ml")
    assert (status, answer["anchors"], refused) == (1, 0, {"chip.list_not_pinned"})

    pin = certificate(country.signer).fingerprint.upper()
    pin = ":".join(pin[start : start + 2] for start in range(0, 64, 2))  # as people copy it
    status, answer, refused = take("--pin", pin, tmp_path / "national.ml")
    assert (status, answer["countries"], answer["new"]) == (1, ["NL", "VN"], 2)
    assert refused == {"chip.not_an_authority"}

    status, answer, refused = take("--pin", pin, tmp_path / "directory.ldif")
    assert (status, answer["new"], refused) == (0, 0, set())
    (tmp_path / "orphan.cer").write_bytes(pki.Country().link_to_new_authority()[1].der)
    (tmp_path / "link.cer").write_bytes(orphan.der)
    status, answer, refused = take(tmp_path / "orphan.cer", tmp_path / "link.cer")
    assert (status, answer["links"], refused) == (1, 1, {"chip.orphan"})

    notes = [json.loads(line) for line in (folder / "sources.jsonl").read_text().splitlines()]
    assert [(each["source"], each["new"]) for each in notes] == [
        ("national.ml", 0),
        ("national.ml", 2),
        ("directory.ldif", 0),
        ("orphan.cer, link.cer", 1),
    ]
    shown = json.loads(runner.invoke(app, ["show", "--trust", str(folder), "--json"]).stdout)
    assert {(each["kind"], each["country"]) for each in shown["certificates"]} == {
        ("anchor", "NL"),
        ("anchor", "VN"),
        ("link", "VN"),
    }
