"""A kiosk of a chaos run, as a process: the real outbox and the real uplink, and people who declare without end.

- No screen and no camera: what is under test begins where the check-in dialogue hands a declaration over.
- A refusal (disk full, disk failing, no key in force at this clock) is what the screen would say: noted, and somebody else tries.
- Once the file ``calm`` lies beside the record nobody new comes; the process ends when every row has its receipt.
- ``--bug delete-on-puback`` is the planted kiosk that believes the broker.

    python -m tests.faults.chaos_kiosk PROFILE RECORD --every 0.03 --first 1000000
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from acceptance.driver_kiosk import invented, open_outbox

from edge_agent.outbox import Outbox
from faults.chaos_record import Record
from firmware_config.profiles import load_profile
from luutru import system
from residence.clock import VIETNAM, rfc3339, uuid7
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import LuutruError
from residence.stays.declaration import Declarant, Reason, StayDeclaration

SHARED = 40  # people who declare at every place, so that kiosks, gateways and the web meet over them
PAUSE = 0.1


def statement(number, premises_id, unit, *, now):
    """Return what an invented person states."""
    return StayDeclaration(
        declaration_id=str(uuid7(now, system.random_bytes(10))),
        declared_at=rfc3339(now),
        person=invented(number),
        evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr", reader="driver"),
        declarant=Declarant(role="self"),
        premises_id=premises_id,
        unit=unit,
        arrival=rfc3339(now.astimezone(VIETNAM).replace(microsecond=0)),
        reason=Reason.VISIT,
    )


def delete_on_puback(outbox, declaration_id):
    """Believe the broker."""
    with outbox._store.transaction() as cursor:
        cursor.execute("DELETE FROM outbox WHERE declaration_id = ?", (declaration_id,))


def declare(outbox, said, record):
    """Keep one declaration as the screen would, and say what came of it."""
    record.say("attempted", id=said.declaration_id)
    try:
        outbox.keep(said)
    except LuutruError as error:
        record.say("refused", id=said.declaration_id, code=error.code)
        time.sleep(PAUSE)
    else:
        record.say("shown", id=said.declaration_id)


def tell_of_pubacks(record):
    """Tell of every row that the broker has said to have."""
    mark_sent = Outbox.mark_sent

    def told(outbox, declaration_id):
        record.say("sent", id=declaration_id)
        mark_sent(outbox, declaration_id)

    Outbox.mark_sent = told


def watched(outbox, record):
    """Tell of every row that goes, with the receipt it went by."""

    def changed(declaration_id):
        rows = outbox._store.read("SELECT receipt FROM settled WHERE declaration_id = ?", (declaration_id,))
        if rows:
            record.say("settled", id=declaration_id, receipt=rows[0][0].hex())

    outbox.listen(changed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("profile", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--every", type=float, default=0.03)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--resend", type=float, default=5.0, help="seconds until a row without a receipt is sent again")
    parser.add_argument("--regulars", action="store_true", help="always the same people, and nobody else's")
    parser.add_argument("--bug", choices=("delete-on-puback",))
    options = parser.parse_args()
    if options.bug:
        Outbox.mark_sent = delete_on_puback
    record, clock, calm = Record(options.record), system.system_clock(), options.record.with_name("calm")
    tell_of_pubacks(record)
    outbox, uplink, premises_id, _ = open_outbox(options.profile, resend_after=options.resend)
    units = load_profile(options.profile).premises.units or (None,)
    waiting = outbox.unsettled(1_000_000)
    record.say("started", depth=len(waiting), epoch=outbox.epoch)
    for row in waiting:
        record.say("found", id=row.declaration_id)
    watched(outbox, record)
    uplink.start()
    number = options.first + time.time_ns() // 1000 % 900_000
    while not calm.exists():
        number += 1
        person = number if number % 3 else number % SHARED
        if options.regulars:
            person = options.first + number % SHARED
        declare(outbox, statement(person, premises_id, units[number % len(units)], now=clock.now()), record)
        time.sleep(options.every)
    while outbox.depth():
        time.sleep(0.02)
    record.say("empty", health=uplink.health().state)
    uplink.stop()
    outbox.close()
    record.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
