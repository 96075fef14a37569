"""Why a personal field may be read, and which fields come back for it: one table, role by purpose.

- No purpose, no field. A purpose that is not in a role's row is refused, and an unknown pair releases nothing.
- Each purpose is bound to something: a claimed case, a pair of records that waits, a number the officer has before them, a file somebody filed, the clerk's own premises, or the person's own account. Binding is checked by
  the caller's policy; the table says what must be bound.
- The officer's lists (``LISTS``) hold places, times, rules and evidence levels, and no name; a name comes back only for a claimed case,
  and the one field a dispute is about, be it the name, for that dispute.
- An operator looks after machines, an inspector after how officers look: no purpose, no field.
- A child's or anybody's number is shown masked unless the purpose needs the whole of it.

Example: ``released_fields("officer", Purpose.UNDECLARED_LIST)`` has no ``FULL_NAME``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, TypeVar

from residence.errors import Refused

Role = Literal["clerk", "resident", "officer", "operator", "inspector"]
# How one looked: at one person, at a list, to make a file, by a program, or told to another authority. It is not who else was there.
Way = Literal["single", "list", "export", "api", "told"]
Binding = Literal["none", "premises", "case", "pair", "dispute", "number", "opening", "path", "order", "file", "self"]
Value = TypeVar("Value")


class Field(StrEnum):
    """What can be released. The first group names or describes a person; the second does not."""

    FULL_NAME = "full-name"
    BIRTH_DATE = "birth-date"
    SEX = "sex"
    NATIONALITY = "nationality"
    PERSONAL_NUMBER = "personal-number"
    PERSONAL_NUMBER_MASKED = "personal-number-masked"
    OLD_NUMBER = "old-number"
    DOCUMENT = "document"
    RESIDENCE_TEXT = "residence-text"
    CONTACT = "contact"
    OWN_WORDS = "own-words"  # what somebody on a guided path said of themselves; held with the path
    WHEREABOUTS = "whereabouts"  # where somebody is declared whom an order names

    PREMISES = "premises"
    UNIT = "unit"
    INTERVAL = "interval"
    REASON = "reason"
    DECLARANT_ROLE = "declarant-role"
    EVIDENCE_LEVEL = "evidence-level"
    FINDINGS = "findings"
    RULE = "rule"
    RECEIPT_STATE = "receipt-state"


PERSONAL: Final = frozenset(
    {
        Field.FULL_NAME,
        Field.BIRTH_DATE,
        Field.SEX,
        Field.NATIONALITY,
        Field.PERSONAL_NUMBER,
        Field.PERSONAL_NUMBER_MASKED,
        Field.OLD_NUMBER,
        Field.DOCUMENT,
        Field.RESIDENCE_TEXT,
        Field.CONTACT,
        Field.WHEREABOUTS,
    }
)


class Purpose(StrEnum):
    """Why somebody looks. Written into the access record, shown to the person."""

    DECLARE_GUEST = "declare-guest"  # the duty of the premises: tonight's list, correct, check out
    UNDECLARED_LIST = "undeclared-list"
    STAYS_BY_PREMISES = "stays-by-premises"
    UNDECLARED_CASE = "undeclared-case"
    DISPUTE_REVIEW = "dispute-review"  # one field somebody says is wrong, and no other
    DUPLICATE_REVIEW = "duplicate-review"  # two records that may be of one person, side by side
    NUMBER_CHANGE = "number-change"  # a number of theirs is cancelled, replaced, or that taken back
    BREAK_GLASS = "break-glass"  # one case of another commune, opened for hours, with a reason the person reads
    GUIDED_PATH = "guided-path"  # somebody without papers is helped onto the books, by the officer who took the path
    HAND_OVER = "hand-over"  # another office is given what somebody on a path agreed to
    ISSUED_ORDER = "issued-order"  # what an order of a court or an investigation met, for the unit it names
    OWN_STAYS = "own-stays"
    OWN_PROCEDURE = "own-procedure"  # a form about oneself is filled in from what is known
    PROCEDURE_FILE = "procedure-file"  # an officer works on what a person filed
    RECEIPT_CHECK = "receipt-check"  # whoever holds a receipt's code


_PLACE: Final = frozenset({Field.PREMISES, Field.UNIT, Field.INTERVAL, Field.EVIDENCE_LEVEL, Field.FINDINGS, Field.RULE})
_WHO: Final = frozenset({Field.FULL_NAME, Field.BIRTH_DATE, Field.SEX, Field.NATIONALITY})
_RECEIPT: Final = frozenset({Field.RECEIPT_STATE, Field.RULE, Field.PREMISES})

RELEASED: Final[Mapping[tuple[Role, Purpose], frozenset[Field]]] = {
    ("clerk", Purpose.DECLARE_GUEST): _PLACE
    | _WHO
    | {Field.PERSONAL_NUMBER_MASKED, Field.DOCUMENT, Field.REASON, Field.DECLARANT_ROLE, Field.RECEIPT_STATE},
    ("clerk", Purpose.RECEIPT_CHECK): _RECEIPT,
    ("officer", Purpose.UNDECLARED_LIST): _PLACE,
    ("officer", Purpose.STAYS_BY_PREMISES): _PLACE | {Field.DECLARANT_ROLE},
    ("officer", Purpose.UNDECLARED_CASE): _PLACE
    | _WHO
    | {Field.PERSONAL_NUMBER_MASKED, Field.REASON, Field.DECLARANT_ROLE, Field.CONTACT},
    ("officer", Purpose.DISPUTE_REVIEW): PERSONAL - {Field.PERSONAL_NUMBER_MASKED, Field.WHEREABOUTS},
    ("officer", Purpose.DUPLICATE_REVIEW): _WHO
    | {Field.PERSONAL_NUMBER_MASKED, Field.DOCUMENT, Field.RESIDENCE_TEXT, Field.CONTACT},
    ("officer", Purpose.NUMBER_CHANGE): frozenset({Field.PERSONAL_NUMBER_MASKED, Field.DOCUMENT}),
    ("officer", Purpose.BREAK_GLASS): _PLACE | {Field.FULL_NAME, Field.BIRTH_DATE, Field.SEX},
    ("officer", Purpose.PROCEDURE_FILE): _WHO | {Field.PERSONAL_NUMBER, Field.CONTACT, Field.PREMISES},
    ("officer", Purpose.GUIDED_PATH): _WHO | {Field.OWN_WORDS},
    ("officer", Purpose.HAND_OVER): _WHO | {Field.OWN_WORDS},
    ("officer", Purpose.ISSUED_ORDER): frozenset({Field.WHEREABOUTS}),
    ("officer", Purpose.RECEIPT_CHECK): _RECEIPT,
    ("resident", Purpose.OWN_STAYS): _PLACE
    | PERSONAL - {Field.PERSONAL_NUMBER, Field.WHEREABOUTS}
    | {Field.REASON, Field.DECLARANT_ROLE, Field.RECEIPT_STATE},
    ("resident", Purpose.OWN_PROCEDURE): _WHO | {Field.PERSONAL_NUMBER, Field.CONTACT},
    ("resident", Purpose.RECEIPT_CHECK): _RECEIPT,
}

BOUND_TO: Final[Mapping[Purpose, Binding]] = {
    Purpose.DECLARE_GUEST: "premises",
    Purpose.UNDECLARED_LIST: "none",
    Purpose.STAYS_BY_PREMISES: "none",
    Purpose.UNDECLARED_CASE: "case",
    Purpose.DISPUTE_REVIEW: "dispute",
    Purpose.DUPLICATE_REVIEW: "pair",
    Purpose.NUMBER_CHANGE: "number",
    Purpose.BREAK_GLASS: "opening",
    Purpose.GUIDED_PATH: "path",
    Purpose.HAND_OVER: "path",
    Purpose.ISSUED_ORDER: "order",
    Purpose.OWN_STAYS: "self",
    Purpose.OWN_PROCEDURE: "self",
    Purpose.PROCEDURE_FILE: "file",
    Purpose.RECEIPT_CHECK: "none",
}
LISTS: Final = frozenset({Purpose.UNDECLARED_LIST, Purpose.STAYS_BY_PREMISES})


def purposes_of(role: Role) -> tuple[Purpose, ...]:
    """Return the purposes a role may state, in the table's order: what a page offers to choose from."""
    return tuple(purpose for each, purpose in RELEASED if each == role)


def released_fields(role: Role, purpose: Purpose) -> frozenset[Field]:
    """Return the fields that come back, or raise ``Refused("access.purpose_not_for_role")``."""
    try:
        return RELEASED[role, purpose]
    except KeyError:
        raise Refused("access.purpose_not_for_role", "/purpose", f"{role} may not state {purpose}") from None


def needs_access_record(role: Role, purpose: Purpose) -> bool:
    """Tell whether a look for this purpose reads anything of a person and so must be on the record."""
    return bool(released_fields(role, purpose) & PERSONAL)


def release(values: Mapping[Field, Value], *, role: Role, purpose: Purpose) -> dict[Field, Value]:
    """Return only those of ``values`` that the purpose releases."""
    fields = released_fields(role, purpose)
    return {field: value for field, value in values.items() if field in fields}
