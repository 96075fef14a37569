"""Fuzzing of what a chip can say: every parser, and the whole verdict over files of which one is the fuzzer's.

- Run by hand: ``scripts/fuzz chip 300``. Seeds lie in ``tests/fuzz/corpus/chip``: an invented citizen's files and the certificates over them.
- The suite runs ``judge`` on mutated seeds without atheris (``tests/edge/test_chip_hostile.py``).
- The first byte says which parser; a refusal must be one of ours with a code of the catalogue, and nothing else may come out.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
CORPUS = Path(__file__).parent / "corpus" / "chip"
_verdicts = {}


def parsers():
    from residence.credentials.chip import certificates, dg13, lds, public_keys, security_infos, security_object, signed_data, tlv
    from residence.credentials.chip import trust_sources as sources
    from residence.credentials.chip.chip_authentication import infos_of_dg14, ways_of

    return {
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


def judge(data: bytes) -> None:
    """Raise AssertionError, or whatever else was raised, where a promise is broken."""
    from residence.errors import LuutruError, catalogue

    known = parsers()
    parse = known[sorted(known)[data[0] % len(known)]] if data else known["tree"]
    try:
        parse(data[1:])
    except LuutruError as error:
        if error.code not in catalogue():
            raise AssertionError(error.code) from error


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["residence.credentials"]):
        parsers()

    def one(data: bytes) -> None:
        judge(data)

    seeds = CORPUS.parent.parent.parent.parent / ".tools" / "fuzz-chip"
    seeds.mkdir(parents=True, exist_ok=True)
    names = sorted(parsers())
    for path in CORPUS.glob("*.bin"):
        if path.stem in names:
            (seeds / path.stem).write_bytes(bytes([names.index(path.stem)]) + path.read_bytes())
    atheris.Setup([*sys.argv, "-max_len=32767", "-timeout=1", "-rss_limit_mb=256", str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
