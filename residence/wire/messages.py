"""The messages inside envelopes and receipts: their names, versions and shapes.

- A schema name is ``<message>/<major>``; a new major is a new message, a new optional field is not.
- Decoding checks types and required fields and ignores fields it does not know; whoever passes a message on passes the exact
  bytes on, so nothing unknown is lost.
- A presence is not a declaration: it says that a card was shown at a door (``entry``) or that somebody was found inside in the
  night (``night_check``). It never creates a stay.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from residence.credentials.evidence import Evidence
from residence.people.person import Person
from residence.stays.declaration import StayDeclaration

STAY_DECLARATION: Final = "stay-declaration/1"
PRESENCE: Final = "presence/1"
RECEIPT: Final = "receipt/1"

ReceiptState = Literal["kept", "received", "accepted", "refused", "conflicting"]


class Presence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person seen at a premises. ``declaration_id`` is its own identity, in the same name space as declarations."""

    declaration_id: str
    seen_at: str
    kind: Literal["entry", "night_check"]
    premises_id: str
    person: Person
    evidence: Evidence
    unit: str | None = None


class ReceiptFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as the declarant may see it: never anything about another person."""

    code: str
    severity: Literal["error", "warning", "info"]
    pointer: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The registry's signed answer to one statement. No name and no number is in it."""

    declaration_id: str
    code: str  # twelve characters a person can read out; residence.wire.receipts.receipt_code
    state: ReceiptState
    schema: str  # schema of the statement answered
    body_digest: str  # hex SHA-256 of the statement's body
    accepted_at: str  # the authority's time of commit
    kept_at: str | None = None  # the kiosk's time, advisory
    due: str | None = None  # the legal deadline by ``rule_set``
    on_time: bool | None = None
    rule_set: str | None = None
    rule: str | None = None
    premises_id: str | None = None
    kiosk_id: str | None = None
    epoch: str | None = None
    sequence: int | None = None
    findings: tuple[ReceiptFinding, ...] = ()


MESSAGES: Final[dict[str, type[msgspec.Struct]]] = {
    STAY_DECLARATION: StayDeclaration,
    PRESENCE: Presence,
    RECEIPT: Receipt,
}
