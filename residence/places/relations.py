"""Who answers for a place or a person: the words for it. The days and the people are in ``registry/relations.py``.

- Owner and manager are of premises, the head is of a household, a guardian is of a child or of whoever needs one.
- ``Answering`` says which of them declares at a premises, where that is not as its kind has it (``residence/stays/duty.py``).

Example: a landlord who lives elsewhere leaves it to the tenants: ``declared_by`` is ``"occupant"``.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

RelationKind = Literal["owner", "manager", "head", "guardian"]
Answering = Literal["household", "owner", "manager", "occupant"]
RELATION_KINDS: Final[tuple[RelationKind, ...]] = get_args(RelationKind)
