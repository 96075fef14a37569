"""Fuzzing of machine-readable zones, as a passport, a card or a typed text may give them, and of other people's texts on the way there.

- The bytes are lines, top first, in UTF-8 or Latin-1. Seeds are the lines of ``tests/vectors/mrz``.
- A zone that is accepted has no problem of severity error and names somebody; nothing is raised, whatever stands there.
- The chip's key comes from the same lines, and DG1 in the chip holds them: both must cope with what the zone's parser copes with.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from fuzz.targets import committed, refused

INSTRUMENTED = ["residence.credentials", "residence.people"]
VECTORS = Path(__file__).parents[1] / "vectors" / "mrz"
TODAY = date(2026, 7, 10)


def load() -> None:
    import residence.credentials.chip.lds
    import residence.credentials.reading  # noqa: F401


def seeds() -> dict[str, bytes]:
    vectors = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(VECTORS.glob("*.json"))}
    return committed("zones") | {
        name: "\n".join(each["lines"]).encode("utf-8", "surrogatepass") for name, each in vectors.items()
    }


def judge(data: bytes) -> None:
    from residence.credentials.chip import tlv
    from residence.credentials.chip.access_keys import key_of_lines
    from residence.credentials.chip.lds import parse_dg1
    from residence.credentials.reading import read_mrz
    from residence.errors import has_errors

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    lines = text.split("\n")
    outcome = read_mrz(lines, reader="fuzz", today=TODAY)
    assert outcome.ok == (outcome.reading is not None)
    assert outcome.ok == (outcome.fields is not None and not has_errors(outcome.problems))
    assert outcome.ok or outcome.problems
    if outcome.reading is not None:
        assert outcome.reading.person.full_name.isprintable()
        assert len(key_of_lines(lines)) == 24
    refused(parse_dg1, tlv.encode(0x61, tlv.encode(0x5F1F, "".join(lines).encode("utf-8", "surrogatepass"))))
