"""Coverage-guided fuzzing of what anybody can show a kiosk: bit streams of codes, and the payloads they say.

- Seeds are the payloads of ``tests/vectors/card-qr`` and codewords that say one of them.
- The first byte is the version, the rest are data codewords; what they say goes through the payload parser, and so do the bytes themselves.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from fuzz.targets import committed

INSTRUMENTED = ["edge_agent.scanning.soft.bitstream", "residence.credentials", "residence.people"]
VECTORS = Path(__file__).parents[1] / "vectors" / "card-qr"
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


def load() -> None:
    import residence.credentials.reading  # noqa: F401


def _as_codewords(payload: bytes) -> bytes:
    """Return a byte segment of version 20, as an encoder writes it."""
    bits = (4 << 16 | len(payload)) << 8 * len(payload) | int.from_bytes(payload, "big")
    return (bits << 4).to_bytes(len(payload) + 3, "big")


def seeds() -> dict[str, bytes]:
    found = committed("codes")
    for path in sorted(VECTORS.glob("*.json")):
        vector = json.loads(path.read_text("utf-8"))
        payload = (
            vector["payload"].encode("utf-8", "surrogatepass") if "payload" in vector else bytes.fromhex(vector["payload_hex"])
        )
        found[path.stem] = b"\x13" + payload
        found[f"{path.stem}-code"] = b"\x13" + _as_codewords(payload[:400])
    return found
