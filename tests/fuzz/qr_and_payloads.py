"""Coverage-guided fuzzing of what anybody can show a kiosk: bit streams of codes, and the payloads they say.

- Run by hand: ``.venv/bin/python tests/fuzz/qr_and_payloads.py -max_total_time=300`` after ``pip install atheris`` (no
  dependency of ours; it has wheels for Linux on x86-64). Arguments are libFuzzer's; a folder keeps what was found.
- The suite runs ``judge`` on seeded bytes without atheris (``tests/edge/test_soft_hostile.py``).
- The first byte is the version, the rest are data codewords; what they say goes through the payload parser, and so do the bytes themselves.
"""

from __future__ import annotations

import sys
from datetime import date

TODAY = date(2026, 7, 10)


def judge(data: bytes) -> None:
    """Raise AssertionError, or whatever else was raised, where a promise is broken."""
    from edge_agent.scanning.soft.bitstream import parse
    from residence.credentials.reading import read_payload
    from residence.errors import Malformed, Refused, catalogue

    stream = data[1:]
    refusal = None
    try:
        payload = parse(stream, version=data[0] % 40 + 1 if data else 1).payload
    except (Malformed, Refused) as error:
        refusal, payload = error.code, b""
    assert refusal is None or refusal in catalogue(), refusal
    assert len(payload) * 10 <= len(stream) * 24, "more than the stream can hold"
    for each in {payload, stream}:
        outcome = read_payload(each, reader="fuzz", today=TODAY)
        assert outcome.ok == (outcome.reading is not None)
        assert outcome.ok or outcome.problems
        assert all(every.message.vi and every.message.en for every in outcome.problems)
        if outcome.reading is not None:
            assert outcome.kind == "card-qr"
            assert outcome.reading.person.full_name.isprintable()


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["edge_agent.scanning.soft.bitstream", "residence"]):
        import edge_agent.scanning.soft.bitstream  # noqa: F401
        import residence.credentials.reading  # noqa: F401

    def one(data: bytes) -> None:
        judge(data)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
