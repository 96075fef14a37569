"""The messages inside envelopes and receipts: their names, versions and shapes.

- A schema name is ``<message>/<major>``; a new major is a new message, a new optional field is not.
- Decoding checks types and required fields and ignores fields it does not know; whoever passes a message on passes the exact
  bytes on, so nothing unknown is lost.
- A presence is not a declaration: it says that a card was shown at a door (``entry``) or that somebody was found inside in the
  night (``night_check``). It never creates a stay. One ``for_desk`` is a card the clerk of a front desk held up to declare its holder.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from residence.credentials.evidence import Evidence
from residence.errors import Malformed
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
    for_desk: bool = False  # shown at the desk's own kiosk, for the clerk to declare: the clerk's page may open it


class ReceiptFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as the declarant may see it: never anything about another person."""

    code: str
    severity: Literal["error", "warning", "info"]
    pointer: str = ""


class LogPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The place in the log of statements that was promised with the answer (``residence/transparency/statements.py``)."""

    log: str  # the id of the log's key, 8 hex digits
    index: int  # from 0
    salt: bytes  # 16 bytes that stand nowhere else; in JSON as base64


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The registry's signed answer to one statement. No name and no number is in it."""

    declaration_id: str
    code: str  # twelve characters a person can read out; residence.wire.receipts.receipt_code
    state: ReceiptState
    schema: str  # schema of the statement answered
    body_digest: str  # hex SHA-256 of the statement's body
    accepted_at: str  # the authority's time of commit
    signed_at: str | None = (
        None  # when it was signed, where ``accepted_at`` does not say it: again by another key, or by a clock before the key
    )
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
    log: LogPlace | None = None


MESSAGES: Final[dict[str, type[msgspec.Struct]]] = {
    STAY_DECLARATION: StayDeclaration,
    PRESENCE: Presence,
    RECEIPT: Receipt,
}
_DECODERS: Final = {schema: msgspec.json.Decoder(kind) for schema, kind in MESSAGES.items()}


def encode_message(message: msgspec.Struct) -> bytes:
    """Write a message as JSON, in UTF-8."""
    return msgspec.json.encode(message)


def schema_of(message: msgspec.Struct) -> str:
    """Return the schema name of a message, or raise ``Malformed("message.schema_unknown")``."""
    for schema, kind in MESSAGES.items():
        if type(message) is kind:
            return schema
    raise Malformed("message.schema_unknown", "", type(message).__name__)


def decode_message(schema: str, data: bytes) -> msgspec.Struct:
    """Read a message of ``schema``, or raise ``Malformed`` with a JSON pointer to the field; unknown fields are ignored."""
    decoder = _DECODERS.get(schema)
    if decoder is None:
        raise Malformed("message.schema_unknown", "", schema)
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        raise Malformed("message.malformed", _pointer(path.rstrip("`")), what) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("message.malformed", "", "not JSON") from error


def _pointer(path: str) -> str:
    """Turn msgspec's ``.person.numbers[0]`` into the JSON pointer ``/person/numbers/0``."""
    return path.replace("[", "/").replace("]", "").replace(".", "/")
