"""A stay that rests on several arrivals (a kiosk's and the desk's, or a form sent from two tables): a step is said of each of them.

- Extensions and departures end or lengthen the stay whole, by the rules. A change of room and a withdrawal change the arrival they are about and no
  other, so without this a guest who moved would stand in two rooms, and one who never came would still be in the house.
- What is said besides is recorded in the same transaction, before the step itself, under an id that follows from both: sent twice it is said once, and
  undoing the step takes all of it back.

Example: ``beside(said, correction)`` is one correction more for a guest declared at the kiosk and at the desk
"""

from __future__ import annotations

import msgspec

from residence.credentials.chip.claims import said_again
from residence.stays.declaration import StayDeclaration
from residence.stays.spans import normal_unit
from server.desk.one_stay import Said, beside_id


def beside(said: Said, step: StayDeclaration) -> tuple[StayDeclaration, ...]:
    """Return what has to be said besides a correction or withdrawal, so that it holds for the whole stay."""
    if step.kind == "withdrawal" and step.about == said.last.declaration_id and step.about != said.content.declaration_id:
        return tuple(_about(each, step) for each in said.last_beside)
    if step.about != said.content.declaration_id:
        return ()
    if step.kind == "withdrawal":
        return tuple(_about(each, step) for each in said.others)
    moved = step.kind == "correction" and normal_unit(step.unit) != normal_unit(said.content.unit)
    return tuple(msgspec.structs.replace(_about(each, step), unit=step.unit) for each in said.others) if moved else ()


def _about(each: StayDeclaration, step: StayDeclaration) -> StayDeclaration:
    """Return the step, said of another statement by the same hand."""
    return msgspec.structs.replace(
        each,
        declaration_id=beside_id(step.declaration_id, each.declaration_id),
        declared_at=step.declared_at,
        kind=step.kind,
        about=each.declaration_id,
        declarant=step.declarant,
        evidence=said_again(each.evidence),
        note=step.note if step.kind == "withdrawal" else each.note,
    )
