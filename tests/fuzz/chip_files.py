"""Fuzzing of what a chip can say: every parser, and the whole verdict over files of which one is the fuzzer's.

- Seeds lie in ``tests/fuzz/corpus/chip``, named after their parser: an invented citizen's files and the certificates over them.
- The first byte says which parser; a refusal must be one of ours with a code of the catalogue, and nothing else may come out.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from fuzz.targets import committed, refused

INSTRUMENTED = ["residence.credentials"]
NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
CORPUS = Path(__file__).parent / "corpus" / "chip"
_verdicts = {}


def parsers():
    from residence.credentials.chip import certificates, dg13, lds, public_keys, security_infos, security_object, signed_data, tlv
    from residence.credentials.chip import trust_sources as sources
    from residence.credentials.chip.active import verify_active
    from residence.credentials.chip.chip_authentication import infos_of_dg14, ways_of

    # what a seed of the corpus begins with depends on these names and their order: see seeds()
    return {
        "active": lambda data: verify_active(
            public_keys.parse_public_key(tlv.read_node(data, trailing=True).raw),
            b"8 bytes.",
            data[tlv.declared_size(data) :],
            algorithm_oid="0.4.0.127.0.7.1.1.4.1.3",
        ),
        "key": public_keys.parse_public_key,
        "master": lambda data: sources.read_master_list(data, pinned=frozenset()),
        "tree": tlv.check_tree,
        "CardAccess": security_infos.parse_security_infos,
        "COM": lds.parse_com,
        "DG1": lds.parse_dg1,
        "DG2": lds.parse_dg2,
        "DG7": lds.parse_dg7,
        "DG11": lds.parse_dg11,
        "DG12": lds.parse_dg12,
        "DG13": dg13.parse_dg13,
        "DG14": lambda data: ways_of(infos_of_dg14(data)),
        "DG15": lambda data: public_keys.parse_public_key(lds.parse_dg15(data)),
        "DG16": lds.parse_dg16,
        "SOD": lambda data: security_object.parse_sod(data).signed.verify(),
        "signed": lambda data: signed_data.parse_signed_data(data).verify(),
        "certificate": lambda data: certificates.parse_certificate(data).key,
        "revocations": certificates.parse_revocation_list,
        "sources": lambda data: sources.gather(data, what="fuzz"),
        "verdict": whole_verdict,
    }


def whole_verdict(data):
    """Judge a card of which the file named by the second byte is the fuzzer's; never raises."""
    from residence.credentials.chip.capture import Access, Capture
    from residence.credentials.chip.certificates import parse_certificate
    from residence.credentials.chip.trust_store import assemble
    from residence.credentials.chip.verdict import judge

    if not _verdicts:
        names = ("COM", "DG1", "DG13", "DG14", "DG15", "SOD")
        _verdicts["files"] = {name: (CORPUS / f"{name}.bin").read_bytes() for name in names}
        _verdicts["store"] = assemble([parse_certificate((CORPUS / "certificate.bin").read_bytes())])
    files = dict(_verdicts["files"])
    name = sorted(files)[data[0] % len(files)] if data else "COM"
    files[name] = data[1:]
    capture = Capture(access=Access(protocol="PACE"), files=files, card_access=data[1:])
    verdict = judge(capture, _verdicts["store"], now=NOW, today=date(2026, 7, 10))
    altered = files[name] != _verdicts["files"][name]
    assert not (altered and verdict.level > 2 and name.startswith("DG")), "an altered group counted"


def load() -> None:
    parsers()


def seeds() -> dict[str, bytes]:
    """Return the files of the corpus; ``DG14~key-number`` is one more of DG14."""
    return committed("chip", sorted(parsers()))


def judge(data: bytes) -> None:
    """Raise AssertionError, or whatever else was raised, where a promise is broken."""
    known = parsers()
    refused(known[sorted(known)[data[0] % len(known)]] if data else known["tree"], data[1:])


def record() -> None:
    """Write one more file of the corpus for each shape that mutation alone would take long to find; keys are kept nowhere."""
    from cryptography.hazmat.primitives import serialization
    from simulators.card import citizen, pki
    from simulators.card.citizen import Citizen

    from residence.credentials.chip.groups import STANDARD

    country = pki.Country()
    rsa = pki.Country(authority_key="rsa2048", signer_key="rsa2048", authority_digest="sha256", pss=True)
    key = pki.new_key("rsa1024")
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    master = pki.master_list([country.authority.der, rsa.authority.der], country.signer)
    groups = {1: citizen.dg1(), 13: citizen.dg13()}
    explicit = pki.spell_out_curve(country.authority, STANDARD[16])
    written = {
        "CardAccess~all": citizen.card_access(
            *(citizen.pace_info(kind, 2, 13 if kind in {2, 4, 6} else 1) for kind in (1, 2, 3, 4, 6))
        ),
        "DG13~set": citizen.dg13(in_set=True, string_tag=0x13),
        "DG14~dh": Citizen(country, chip=(1, 2)).groups[14],
        "DG14~key-number": Citizen(country, chip=(12, 2), chip_key_id=2).groups[14],
        "SOD~rsa": pki.security_object(groups, rsa.signer, digest="sha512", pss=True),
        "active~rsa": spki + citizen.rsa_signer(key)(b"8 bytes."),
        "certificate~explicit": explicit.der,
        "certificate~pss": rsa.signer.der,
        "key~dh": citizen.group_spki(1, STANDARD[1].encode(STANDARD[1].generator)),
        "key~rsa": spki,
        "master": master,
        "signed~master": master,
        "sources~master": master,
    }
    for name, data in written.items():
        (CORPUS / f"{name}.bin").write_bytes(data)


if __name__ == "__main__":
    record()
