"""How much of the host's processor one whole reading of a chip takes, how many commands it needs, and how long they are in the air.

- The card is the tests' simulated one in a process of its own, with files as long as real ones are said to be; so the processor time is
  that of reader and judge alone. Read with PACE by the card's number, Chip and Active Authentication, no portrait; judged against a trust
  store with the issuer and a fresh list. Once with extended length and once without.
- ``air_ms_*``: computed, not measured: nine bits a byte as ISO/IEC 14443-3 type A sends them, blocks of 256 bytes with their three bytes of
  frame and an acknowledgement for each chained one (14443-4). What a real chip computes meanwhile is not in it.
- Baseline: the same elliptic-curve operations, agreed keys and all, by OpenSSL on the same curve in the same run: what no reader can do without.
- ``pace_ec_share``: the time of PACE's curve arithmetic alone, repeated by itself, over the time of the whole reading.
- Needs a checkout with its tests' packages (scripts/bootstrap test), for the card is there.

Example: ``luutru bench chip --quick --json``
"""

from __future__ import annotations

import base64
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.session import ChipReader, Opening
from luutru.benchmarks.result import BenchResult
from luutru.system import SystemClock, random_bytes
from residence.clock import VIETNAM
from residence.credentials.chip.capture import Capture
from residence.credentials.chip.certificates import parse_certificate, parse_revocation_list
from residence.credentials.chip.groups import STANDARD
from residence.credentials.chip.trust_store import TrustStore, assemble
from residence.credentials.chip.verdict import judge
from residence.credentials.evidence import EvidenceLevel
from residence.errors import Refused

TESTS: Final = Path(__file__).parents[2] / "tests"
CURVE: Final = 13  # brainpoolP256r1, for PACE and for the chip's key
RATES: Final = {"106": 106_000, "424": 424_000, "848": 848_000}
TARGETS: Final = {"host_cpu_ms": 150.0, "apdus_extended": 30, "apdus_short": 45}
_BITS_A_BYTE: Final = 9
_BLOCK: Final = 256
_FRAME: Final = 3  # protocol control byte and checksum
_AGREEMENTS: Final = 3  # PACE agrees twice, Chip Authentication once, each time with a key of its own


@dataclass(kw_only=True)
class PipedCard:
    """The simulated card in its own process; notes how long each command and answer was."""

    source: IO[bytes]
    sink: IO[bytes]
    about: dict[str, str]
    lengths: list[int] = field(default_factory=list)

    def lay(self, *, extended: bool) -> None:
        """Lay the card down anew."""
        self._say(b"E" if extended else b"S")
        self.lengths.clear()

    def transceive(self, apdu: bytes) -> bytes:
        """Send one command and return the answer."""
        self._say(b"A" + apdu)
        answer = self.source.read(int.from_bytes(self.source.read(2), "big"))
        self.lengths += [len(apdu), len(answer)]
        return answer

    def _say(self, message: bytes) -> None:
        self.sink.write(len(message).to_bytes(2, "big") + message)
        self.sink.flush()


@contextmanager
def piped_card() -> Iterator[PipedCard]:
    """Start the card's process and end it afterwards."""
    if not (TESTS / "simulators" / "card" / "piped.py").is_file():
        raise Refused("chip.no_card", "", "the simulated card is in a checkout's tests folder")
    command = [sys.executable, "-m", "simulators.card.piped"]
    with subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise Refused("chip.no_card")
        try:
            line = process.stdout.readline()
            if not line:
                raise Refused("chip.no_card", "", "the simulated card did not start; run scripts/bootstrap test")
            yield PipedCard(source=process.stdout, sink=process.stdin, about=msgspec.json.decode(line))
        finally:
            process.stdin.close()


def run(*, quick: bool) -> BenchResult:
    """Read the card both ways, time the curves alone, and the floor."""
    readings = 3 if quick else 21
    with piped_card() as card:
        store = _store(card.about)
        spent, extended = _readings(card, store, readings, extended=True)
        extended_air = _air(card.lengths)
        short_spent, short = _readings(card, store, readings, extended=False)
        short_air = _air(card.lengths)
    cpu, pace = statistics.median(spent), _median_ms(_pace_arithmetic, readings)
    floor = _median_ms(_openssl_floor, readings)
    figures = {
        "host_cpu_ms": round(cpu, 1),
        "host_cpu_ms_least": round(min(spent), 1),
        "host_cpu_ms_most": round(max(spent), 1),
        "host_cpu_ms_short": round(statistics.median(short_spent), 1),
        "apdus_extended": extended.commands,
        "apdus_short": short.commands,
        "pace_ec_ms": round(pace, 1),
        "pace_ec_share": round(pace / cpu, 2),
        **{f"air_ms_{rate}_extended": ms for rate, ms in extended_air.items()},
        **{f"air_ms_{rate}_short": ms for rate, ms in short_air.items()},
        "file_bytes": {name: len(raw) for name, raw in sorted(extended.files.items())},
    }
    return BenchResult(
        name="chip",
        figures=figures,
        baselines={"openssl_curve_ms": round(floor, 2)},
        ratios={"host_cpu_to_openssl_curve": round(cpu / floor, 1)},
        settings={"readings": readings, "protocol": extended.access.protocol, "targets": TARGETS},
    )


def _store(about: dict[str, str]) -> TrustStore:
    authority = parse_certificate(base64.b64decode(about["authority"]))
    return assemble([authority], [parse_revocation_list(base64.b64decode(about["list"]))])


def _readings(card: PipedCard, store: TrustStore, count: int, *, extended: bool) -> tuple[list[float], Capture]:
    """Return the processor's milliseconds of each reading, and the last one; one goes before to warm up."""
    spent: list[float] = []
    last = _one_reading(card, store, extended=extended)
    for _ in range(count):
        began = time.process_time_ns()
        last = _one_reading(card, store, extended=extended)
        spent.append((time.process_time_ns() - began) / 1e6)
    return spent, last


def _one_reading(card: PipedCard, store: TrustStore, *, extended: bool) -> Capture:
    clock = SystemClock()
    card.lay(extended=extended)
    reader = ChipReader(card, draw=FromBytes(random_bytes), clock=clock)
    capture = reader.read(Opening(can=card.about["can"]), bound_to=(b"bench",))
    # the card's revocation list has a date of its own; a reading is judged on a day that list is fresh
    now = store.lists[0].this_update + timedelta(days=1)
    verdict = judge(capture, store, now=now, today=now.astimezone(VIETNAM).date())
    if verdict.level is not EvidenceLevel.CHIP_PRESENT:
        raise Refused("chip.not_present", "", f"level {int(verdict.level)}: {[each.code for each in verdict.findings]}")
    return capture


def _air(lengths: list[int]) -> dict[str, float]:
    """Return the milliseconds in the air at each rate, for commands and answers of these lengths."""
    sent = 0
    for length in lengths:
        blocks = max(1, -(-length // (_BLOCK - _FRAME)))
        sent += length + blocks * _FRAME + (blocks - 1) * _FRAME  # each chained block is acknowledged
    return {name: round(1e3 * sent * _BITS_A_BYTE / rate, 1) for name, rate in RATES.items()}


def _median_ms(work: Callable[[], Any], count: int) -> float:
    work()
    spent = []
    for _ in range(max(5, count)):
        began = time.process_time_ns()
        work()
        spent.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(spent)


def _pace_arithmetic() -> bytes:
    """Do what generic mapping asks of the reader's curve: two keys, two points checked, a generator, two agreements."""
    group, draw = STANDARD[CURVE], FromBytes(random_bytes)
    theirs = group.encode(group.generator)
    private = draw.scalar(group.order)
    group.encode(group.power(group.generator, private))
    agreed = group.power(group.decode(theirs), private)
    mapped = group.map_generic(draw.scalar(1 << 128), agreed)
    private = draw.scalar(group.order)
    group.encode(group.power(mapped, private))
    return group.secret(group.power(group.decode(theirs), private))


def _openssl_floor() -> None:
    peer = _PEER.public_key()
    for _ in range(_AGREEMENTS):
        ec.generate_private_key(ec.BrainpoolP256R1()).exchange(ec.ECDH(), peer)


_PEER: Final = ec.generate_private_key(ec.BrainpoolP256R1())
