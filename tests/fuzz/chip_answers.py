"""Fuzzing of what a chip answers while it is read: whole readings, files behind a genuine opening, and protected answers.

- The first byte says which of ``conversations`` the rest is for.
- ``reading``: the rest are the chip's answers, each behind two bytes of length; a card that has said everything refuses. Our own random
  numbers are always the same, so a recorded conversation opens again and the fuzzer stands behind the door.
- ``file``: a simulated card opened with BAC holds the fuzzer's bytes as the file that the next byte names. What was read is judged too.
- ``protected``: the rest is what stands in a protected answer before its MAC, which is made right here.
- ``remote``: the bytes are a capture as it travels to a gateway, and are judged there.
- A reading ends with a capture or with one of our refusals; after a refusal no channel is open, and no file was more than a file may be.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from fuzz.targets import refused

INSTRUMENTED = ["edge_agent.chip", "residence.credentials"]
CORPUS = Path(__file__).parent / "corpus" / "chip-answers"
FILES = Path(__file__).parent / "corpus" / "chip"
NOW, TODAY = datetime(2026, 7, 10, 9, tzinfo=UTC), date(2026, 7, 10)
PLACES = {"DG14": 0x010E, "COM": 0x011E, "SOD": 0x011D, "DG1": 0x0101, "DG13": 0x010D, "DG15": 0x010F, "DG11": 0x010B}


def load() -> None:
    import residence.credentials.chip.verdict  # noqa: F401


class _Clock:
    """Time stands still: how long a card may take is tested elsewhere."""

    def monotonic_ns(self):
        return 0


def _draw():
    from edge_agent.chip.drawing import FromBytes

    numbers = count()
    return FromBytes(lambda size: hashlib.shake_256(b"fuzz %d" % next(numbers)).digest(size))


class Telling:
    """A card that says what it was told to say, then refuses."""

    def __init__(self, told):
        self.answers = iter(split(told))

    def transceive(self, apdu):
        return next(self.answers, b"\x6f\x00")


def split(data):
    answers, place = [], 0
    while place + 2 <= len(data) and len(answers) < 200:
        size = int.from_bytes(data[place : place + 2], "big")
        answers.append(data[place + 2 : place + 2 + size])
        place += 2 + size
    return answers


def joined(answers):
    return b"".join(len(each).to_bytes(2, "big") + each for each in answers)


def _read(card, opening, *, reset=lambda: None):
    from edge_agent.chip.files import LARGEST_FILE
    from edge_agent.chip.session import ChipReader
    from residence.credentials.chip.trust_store import TrustStore
    from residence.credentials.chip.verdict import judge as judge_capture

    reader = ChipReader(card, draw=_draw(), clock=_Clock(), reset=reset)
    captures = []
    if refused(lambda: captures.append(reader.read(opening, bound_to=(b"fuzz",), extra=("DG11",)))):
        assert not captures
        return
    assert all(len(each) <= LARGEST_FILE for each in captures[0].files.values())
    verdict = judge_capture(captures[0], TrustStore(), now=NOW, today=TODAY)
    assert verdict.level <= 3, "trusted without an anchor"


def _opening():
    from simulators.card.citizen import CAN, MRZ_KEY

    from edge_agent.chip.session import Opening

    return Opening(can=CAN, mrz_keys=(MRZ_KEY,))


def reading(data):
    _read(Telling(data), _opening())


def file(data):
    from simulators.card.card import Personality, SimulatedCard
    from simulators.card.citizen import MRZ_KEY

    name = sorted(PLACES)[data[0] % len(PLACES)] if data else "COM"
    files = {place: (FILES / f"{each}.bin").read_bytes() for each, place in PLACES.items()}
    files[PLACES[name]] = data[1:]
    card = SimulatedCard(Personality(files=files, mrz_key=MRZ_KEY, active_signer=lambda _challenge: bytes(128)))
    _read(card, _opening(), reset=card.reset)


def protected(data):
    from edge_agent.chip.secure_messaging import SecureMessaging, session_keys
    from residence.credentials.chip import tlv
    from residence.credentials.chip.suites import AES_128, AUTHENTICATION, TRIPLE_DES

    for suite in (AES_128, TRIPLE_DES):
        body, status = data[:-2], data[-2:]
        code = suite.message_mac(suite.derive(b"secret", AUTHENTICATION), 1, body)
        guard = SecureMessaging(suite, session_keys(suite, b"secret"))
        refused(guard.open, body + tlv.encode(0x8E, code) + status)
        refused(SecureMessaging(suite, session_keys(suite, b"secret")).open, data)


def remote(data):
    import msgspec

    from residence.credentials.chip.capture import Capture
    from residence.credentials.chip.trust_store import TrustStore
    from residence.credentials.chip.verdict import judge as judge_capture

    try:
        capture = msgspec.json.decode(data, type=Capture)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    verdict = judge_capture(capture, TrustStore(), now=NOW, today=TODAY)
    assert verdict.level <= 3, "trusted without an anchor"


CONVERSATIONS = [reading, file, protected, remote]


def judge(data: bytes) -> None:
    if data:
        CONVERSATIONS[data[0] % len(CONVERSATIONS)](data[1:])


def seeds() -> dict[str, bytes]:
    """Return recorded readings and captures, each file of the corpus in its place, and protected answers of each shape."""
    found = {path.stem: bytes([0]) + path.read_bytes() for path in sorted(CORPUS.glob("*.answers"))}
    found |= {path.stem + "-capture": bytes([3]) + path.read_bytes() for path in sorted(CORPUS.glob("*.json"))}
    for index, name in enumerate(sorted(PLACES)):
        for path in sorted(FILES.glob(f"{name}*.bin")):
            if path.stem.split("~")[0] == name:
                found[f"file-{path.stem}"] = bytes([1, index]) + path.read_bytes()
    for name, body in {
        "status": "99029000",
        "data": "871101" + "00" * 16 + "99029000",
        "odd": "8510" + "00" * 16 + "99029000",
    }.items():
        found[f"protected-{name}"] = bytes([2]) + bytes.fromhex(body) + b"\x90\x00"
    return found


def record() -> None:
    """Write the corpus: three cards of an invented citizen, read once each. Keys are made for it and kept nowhere."""
    import msgspec
    from simulators.card import pki
    from simulators.card.citizen import Citizen

    from edge_agent.chip.session import ChipReader

    CORPUS.mkdir(parents=True, exist_ok=True)
    country = pki.Country()
    for name, about in {
        "pace": {"pace": (2, 2, 12), "chip": (12, 2), "active": "secp256r1"},
        "bac": {"pace": None, "chip": (12, 1), "active": "rsa1024"},
        "integrated": {"pace": (4, 2, 12), "chip": None, "active": ""},
    }.items():
        card, answers = Citizen(country, **about).card(), []
        honest = card.transceive

        def transceive(apdu, honest=honest, answers=answers):
            answers.append(honest(apdu))
            return answers[-1]

        card.transceive = transceive
        capture = ChipReader(card, draw=_draw(), clock=_Clock(), reset=card.reset).read(
            _opening(), bound_to=(b"fuzz",), extra=("DG11",)
        )
        (CORPUS / f"{name}.answers").write_bytes(joined(answers))
        (CORPUS / f"{name}.json").write_bytes(msgspec.json.encode(capture))


if __name__ == "__main__":
    record()
