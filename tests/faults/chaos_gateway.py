"""A gateway of a chaos run: the real command, and a note of every envelope it acknowledges.

- The note is written just before the acknowledgement; the database says when it committed. Nothing else is changed.
- While the file ``LUUTRU_CHAOS_DEATH`` is there, it dies at the worst moment, without a word: a batch is committed, and nobody knows. The file goes first.
- ``LUUTRU_CHAOS_BUG`` plants two bugs at once, which show in different ways: acknowledge on arrival, deduplicate in memory.

    LUUTRU_CHAOS_RECORD=gateway-1.jsonl LUUTRU_CHAOS_DEATH=die-gateway-1 python -m tests.faults.chaos_gateway gateway run --broker ...
"""

from __future__ import annotations

import os
from pathlib import Path

import gateway.worker
from faults.chaos_parts import DOOMED
from faults.chaos_record import Record
from faults.registry_parts import _forget as forget
from gateway.intake import Intake
from gateway.transport import MqttTransport
from luutru.__main__ import main
from residence.errors import LuutruError
from residence.wire.envelope import read_header


def declared_in(deliveries):
    """Return the declarations these deliveries carry, as far as they can be read."""
    found = []
    for each in deliveries:
        try:
            found.append(read_header(each.payload).declaration_id)
        except LuutruError:  # a state message, or nobody's envelope
            continue
    return found


def watch(record):
    """Note what is acknowledged."""
    acknowledge = MqttTransport.acknowledge

    def noted(transport, deliveries):
        if ids := declared_in(deliveries):
            record.say("acknowledged", ids=ids)
        acknowledge(transport, deliveries)

    MqttTransport.acknowledge = noted


def plant():
    """Acknowledge on arrival, and remember what was recorded in memory only."""
    collect, acknowledge = MqttTransport.collect, MqttTransport.acknowledge
    record_in, seen = Intake.record_in, set()

    def acknowledging(transport, limit, **times):
        batch = collect(transport, limit, **times)
        acknowledge(transport, batch)
        return batch

    def forgetting(intake, connection, reads, now):
        ids = {each.header.declaration_id for each in reads}
        forget(connection, list(ids - seen))
        seen.update(ids)
        return record_in(intake, connection, reads, now)

    MqttTransport.collect, Intake.record_in = acknowledging, forgetting
    MqttTransport.acknowledge = lambda _transport, _deliveries: None  # it was said before


def doom(death):
    """Die between commit and acknowledgement, when asked to."""
    acknowledge = MqttTransport.acknowledge

    def dying(transport, deliveries):
        if death.exists() and declared_in(deliveries):
            death.unlink()
            os._exit(DOOMED)
        acknowledge(transport, deliveries)

    MqttTransport.acknowledge = dying


def doom_before_receipts(death):
    """Die between commit and receipts: what has to be told apart from memory when it comes again."""
    post = gateway.worker.post

    def dying(transport, receipts):
        if death.exists() and receipts:
            death.unlink()
            os._exit(DOOMED)
        return post(transport, receipts)

    gateway.worker.post = dying


if __name__ == "__main__":
    watch(Record(Path(os.environ["LUUTRU_CHAOS_RECORD"])))
    death = Path(os.environ["LUUTRU_CHAOS_DEATH"])
    if os.environ.get("LUUTRU_CHAOS_BUG"):
        plant()
        doom_before_receipts(death)  # it has acknowledged long before
    else:
        doom(death)
    main()
