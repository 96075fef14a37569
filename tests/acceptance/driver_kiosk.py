"""A kiosk without a screen, as a process of its own: the real outbox and uplink, and somebody who declares without end.

Every attempt is written to a ledger before it is kept, and again after, so that a kill at any moment leaves an honest account:
``attempted <id>``, ``kept <id>``, ``settled <id> <state> <sha256 of the receipt>``. The ledger outlives the process.

    python driver_kiosk.py PROFILE LEDGER --every 0.02 --count 100 [--person N] [--settle SECONDS] [--days N] [--synced]
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_agent.declaring import Machine
from edge_agent.line import Line
from edge_agent.outbox import Outbox
from edge_agent.store import open_store
from edge_agent.uplink import Uplink
from firmware_config.profiles import load_profile
from luutru import keys, system
from residence.clock import VIETNAM, rfc3339, uuid7
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.wire.keyring import load_keyring


class Ledger:
    """An append-only account; one line is one write."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()

    def say(self, *words: object) -> None:
        with self._lock:
            self._file.write((" ".join(str(word) for word in words) + "\n").encode())


def invented(number: int) -> Person:
    """Return invented person ``number``; the personal number agrees with sex and year."""
    return Person(
        full_name="Nguyễn Văn " + "".join("ABCDEGHIKL"[int(digit)] for digit in str(number)).capitalize(),
        birth=PartialDate(value="1990-01-01", precision="day"),
        sex="male",
        personal_number=f"079090{number:06d}",
        document=Document(kind=DocumentKind.CARD_2021, number=f"079090{number:06d}", issued="2021-08-15"),
    )


def declaration(number: int, premises_id: str, unit: str, *, days: int = 0) -> StayDeclaration:
    now = datetime.now(UTC)
    return StayDeclaration(
        declaration_id=str(uuid7(now, system.random_bytes(10))),
        declared_at=rfc3339(now),
        person=invented(number),
        evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr", reader="driver"),
        declarant=Declarant(role="self"),
        premises_id=premises_id,
        unit=unit,
        arrival=rfc3339(now.astimezone(VIETNAM).replace(microsecond=0) + timedelta(days=days)),
        reason=Reason.VISIT,
    )


def open_outbox(profile_path: Path, *, resend_after: float = 2.0, synced: bool = False) -> tuple[Outbox, Uplink, str, str]:
    profile = load_profile(profile_path)
    machine = Machine(
        clock=system.system_clock(),
        boot_id=system.boot_id(),
        random_bytes=system.random_bytes,
        clock_synced=(lambda: True) if synced else system.clock_synced,
    )
    outbox = Outbox(
        open_store(profile.path(profile.store.path)),
        kiosk_id=profile.kiosk.id,
        signer=keys.read_signing_key(profile.path(profile.keys.signing_key_file), use="kiosk-sign"),
        provisioned=load_keyring(profile.path(profile.keys.keyring_file).read_bytes()),
        machine=machine,
        built_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    line = Line(
        host=profile.broker.host,
        port=profile.broker.port,
        site=profile.kiosk.site,
        kiosk_id=profile.kiosk.id,
        ca_file=profile.path(profile.broker.authority_file),
        certificate_file=profile.path(profile.broker.certificate_file),
        key_file=profile.path(profile.broker.key_file),
        resend_after=resend_after,
        backoff_base=0.1,
        backoff_cap=0.5,
        hold_cap=2.0,
        boot_id=machine.boot_id,
    )
    uplink = Uplink(outbox, line, clock=machine.clock, jitter=system.fraction)
    return outbox, uplink, profile.premises.id, (profile.premises.units or ("1",))[0]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("profile", type=Path)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--every", type=float, default=0.02)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--person", type=int, default=0, help="always this person; otherwise a new one each time")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--settle", type=float, default=0.0, help="after declaring, wait this long for every receipt")
    parser.add_argument("--days", type=int, default=0, help="arrivals so many days ahead")
    parser.add_argument("--synced", action="store_true", help="call the clock confirmed, whatever the machine says")
    parser.add_argument("--offline", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ledger = Ledger(options.ledger)
    outbox, uplink, premises_id, unit = open_outbox(options.profile, synced=options.synced)

    def changed(declaration_id: str) -> None:
        settlement = outbox.settlement(declaration_id)
        if settlement is not None and settlement.receipt is not None:
            digest = hashlib.sha256(settlement.receipt.code.encode() + settlement.receipt.accepted_at.encode()).hexdigest()
            ledger.say("settled", declaration_id, settlement.state, digest)

    outbox.listen(changed)

    def say_what_is_settled() -> None:
        for line in options.ledger.read_text("ascii").splitlines():
            if line.startswith("kept "):
                changed(line.split()[1])

    say_what_is_settled()  # a kill between commit and ledger: say it now
    if not options.offline:
        uplink.start()
    for offset in range(options.count):
        statement = declaration(options.person or options.first + offset, premises_id, unit, days=options.days)
        ledger.say("attempted", statement.declaration_id)
        outbox.keep(statement)
        ledger.say("kept", statement.declaration_id)
        time.sleep(options.every)
    end = time.monotonic() + options.settle
    while outbox.depth() and time.monotonic() < end:
        time.sleep(0.05)
    depth = outbox.depth()
    ledger.say("left", depth)
    if not options.offline:
        uplink.stop()
    say_what_is_settled()  # the last one leaves the outbox a moment before its listener is told
    outbox.close()
    return 0 if depth == 0 or options.offline else 1


if __name__ == "__main__":
    sys.exit(main())
