"""A look at a PIN is counted on the disk before anything is told of it: guesses are no cheaper for whoever holds the mains switch.

- Before it is acted on, each look is noted as a wrong one; a right one is taken back afterwards. Whatever happens in between (the power goes,
  the process dies) costs the owner one of their attempts and a thief one of theirs.
- Right and wrong take the same write before the lamp says anything, so the wait tells nothing.
- Where the note cannot be written (disk full, card read-only), memory counts instead, but only in a door that has been at work for as long as a
  wrong PIN counts: a restart forgets, and this makes a restart cost an hour (ADR 157). Until then no PIN is looked at, from outside.

Example: ``decision = counted(decide(presented, situation), memory, began_ns=began_ns, now_ns=now_ns, keep=keep)``
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from edge_agent.door.deciding import Decision, Memory
from edge_agent.door.guessing import PINS_WITHIN_NS, with_one_more
from residence.doors.words import AccessEvent


def counted(decision: Decision, before: Memory, *, began_ns: int, now_ns: int, keep: Callable[[Memory], bool]) -> Decision:
    """Return the decision, when the look at a PIN it rests on has been counted; else one that learnt nothing.

    ``began_ns``: since when memory counts. ``keep`` writes down what is to outlive a restart, and tells whether it will.
    """
    if not decision.looked_at_pin or keep(_as_if_wrong(decision, before, now_ns)) or now_ns - began_ns >= PINS_WITHIN_NS:
        return decision
    return Decision(said=AccessEvent.DENIED_AUTHENTICATION_UNAVAILABLE, memory=before, credential=decision.credential)


def _as_if_wrong(decision: Decision, before: Memory, now_ns: int) -> Memory:
    wrong = decision.memory.wrong_pins
    if wrong == before.wrong_pins:
        wrong = with_one_more(wrong, decision.credential, now_ns=now_ns)
    return msgspec.structs.replace(before, wrong_pins=wrong)
