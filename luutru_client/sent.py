"""The shapes of what is sent, written by ``scripts/docs`` from the API's document.

- A field without ``NotRequired`` has to be there. Times are RFC 3339 with offset, days YYYY-MM-DD.

Example: ``change: Move = {"change": "move", "unit": "202"}``
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

DocumentKind = Literal[
    "birth-certificate",
    "can-cuoc-2024",
    "cccd-2021",
    "cmnd",
    "driving-licence",
    "health-card",
    "identity-certificate",
    "none",
    "number-notice",
    "other",
    "passport",
]


EvidenceLevel = Literal[0, 1, 2, 3, 4, 5, 6]


PmsEventType = Literal[
    "stay.guest.cancelled",
    "stay.guest.checked_in",
    "stay.guest.checked_out",
    "stay.guest.extended",
    "stay.guest.moved",
]


Reason = Literal[
    "aid",
    "business",
    "charity",
    "conference",
    "consulate",
    "embassy",
    "family-visit",
    "international-organisation",
    "marketing",
    "marriage",
    "medical",
    "other",
    "press",
    "settlement",
    "study",
    "tourism",
    "trade",
    "visa-extension",
    "visit",
    "work",
]


class Access(TypedDict):
    """How the chip was opened."""

    protocol: NotRequired[str]
    attempts: NotRequired[list[Attempt]]
    downgraded_from: NotRequired[str]


class Attempt(TypedDict):
    """One try to open the chip: with which protocol and secret, and what came of it ("9000", a status, or a code)."""

    protocol: str
    outcome: str


class Batch(TypedDict):
    """Up to 500 declarations; one that is none is refused by itself."""

    declarations: list[StayDeclaration | dict[str, Any]]


class CheckOut(TypedDict):
    """The guest has left. ``left_at``: RFC 3339; left out, it is now."""

    left_at: NotRequired[str | None]


class ChipEvidence(TypedDict):
    """One chip's evidence as a declaration carries it; bytes are base64 in JSON."""

    access: NotRequired[Access]
    sod: NotRequired[str]
    dg1: NotRequired[str]
    dg14: NotRequired[str]
    dg15: NotRequired[str]
    card_access: NotRequired[str]
    card_security: NotRequired[str]
    chip: NotRequired[ChipTranscript | None]
    chip_refused: NotRequired[str]
    active_signature: NotRequired[str]
    active_refused: NotRequired[str]
    mapping: NotRequired[MappingProof | None]
    findings: NotRequired[list[str]]
    trust_version: NotRequired[int]
    consent: NotRequired[Consent | None]


class ChipTranscript(TypedDict):
    """One Chip Authentication as it can be checked again: which way, our ephemeral key, and the first answer under the new keys."""

    oid: str
    key_id: int | None
    ephemeral: str
    answer: str


class Consent(TypedDict):
    """That the person said yes before their chip was read: which words they were shown, and when."""

    text: str
    at: str


class Declarant(TypedDict):
    """Who makes the statement. ``name`` and ``account`` stay empty when the person declares for themselves."""

    role: Literal["facility", "host", "household", "officer", "self", "transport"]
    name: NotRequired[str | None]
    account: NotRequired[str | None]
    helper: NotRequired[str | None]


class Document(TypedDict):
    """One document shown: its kind, its number as printed (text, leading zeros kept), issuer as ICAO three-letter code."""

    kind: DocumentKind
    number: NotRequired[str | None]
    issuer: NotRequired[str]
    issued: NotRequired[str | None]
    expiry: NotRequired[str | None]


class Evidence(TypedDict):
    """What stands behind a person's fields. ``checks`` maps a check's name to its outcome."""

    level: EvidenceLevel
    source: Literal["card-qr", "chip", "mrz", "spoken", "typed"]
    reader: NotRequired[str | None]
    checks: NotRequired[dict[str, Literal["failed", "not_performed", "not_supported", "passed", "stale"]]]
    attested_by: NotRequired[str | None]
    chip: NotRequired[ChipEvidence | None]


class Extend(TypedDict):
    """The guest stays longer."""

    change: Literal["extend"]
    until: str


class House(TypedDict):
    """Everybody who sleeps in the house."""

    guests: list[HouseGuest]


class HouseGuest(TypedDict):
    """One guest of the program's list. ``number``: of the card or passport; days are those of Vietnam."""

    reference: str
    full_name: str
    number: NotRequired[str | None]
    unit: NotRequired[str | None]
    arrival: NotRequired[str | None]
    departure: NotRequired[str | None]


class MappingProof(TypedDict):
    """What chip authentication mapping left: the chip's proof and its mapping key, in the standard group of this number."""

    parameter: int
    mapping_key: str
    proof: str


class Move(TypedDict):
    """The guest is in another room of the house."""

    change: Literal["move"]
    unit: str


class PartialDate(TypedDict):
    """A date known to the day, month or year: "1995-02-01" / "1995-02" / "1995"."""

    value: str
    precision: Literal["day", "month", "year"]


class Person(TypedDict):
    """A person as one declaration or reading states them. All text NFC."""

    full_name: str
    birth: NotRequired[PartialDate | None]
    sex: NotRequired[Literal["female", "male"] | None]
    nationality: NotRequired[str]
    personal_number: NotRequired[str | None]
    old_number: NotRequired[str | None]
    cancelled_numbers: NotRequired[list[str]]
    document: NotRequired[Document | None]
    residence_text: NotRequired[str | None]
    name_quality: NotRequired[Literal["accents_lost", "case_lost", "full", "mrz"]]


class PmsEvent(TypedDict):
    """A CloudEvent in JSON. ``source``: the system and its property."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: PmsEventType
    time: str
    data: PmsGuest
    datacontenttype: NotRequired[Literal["application/json"]]


class PmsGuest(TypedDict):
    """One guest of one reservation. ``visit``: counts check-ins of the same guest on it; a departure may be a day or an instant."""

    premises_id: str
    reservation: str
    arrival: str
    person: PmsPerson
    visit: NotRequired[int]
    room: NotRequired[str | None]
    departure_planned: NotRequired[str | None]
    departed_at: NotRequired[str | None]
    purpose_of_stay: NotRequired[Reason | None]
    permitted_stay_until: NotRequired[str | None]
    why: NotRequired[Literal["mistake", "no-show"]]


class PmsPerson(TypedDict):
    """The guest. ``ref``: what the system calls them, the same in every event."""

    ref: str
    full_name: str
    birth: NotRequired[PartialDate | None]
    sex: NotRequired[Literal["female", "male"] | None]
    nationality: NotRequired[str]
    personal_number: NotRequired[str | None]
    document: NotRequired[Document | None]
    residence_text: NotRequired[str | None]


class PointReason(TypedDict):
    """Why one point stands open. ``about``: the guest's reference or the stay's id; left out for people seen and statements to put right."""

    kind: Literal["differs", "not-declared", "not-in-house", "to-mend", "undeclared"]
    reason: Literal[
        "authority",
        "declaration-wrong",
        "has-left",
        "list-wrong",
        "not-here-yet",
        "other",
        "papers-awaited",
        "refuses",
        "same-person",
    ]
    about: NotRequired[str]


class SignOff(TypedDict):
    """Everybody who sleeps in the house, and why what does not agree does not."""

    guests: list[HouseGuest]
    reasons: NotRequired[list[PointReason]]


class StayDeclaration(TypedDict):
    """One statement about one stay. Times are RFC 3339 with offset."""

    declaration_id: str
    declared_at: str
    person: Person
    evidence: Evidence
    declarant: Declarant
    premises_id: str
    arrival: str
    kind: NotRequired[Literal["arrival", "correction", "departure", "extension", "withdrawal"]]
    about: NotRequired[str | None]
    unit: NotRequired[str | None]
    planned_departure: NotRequired[str | None]
    reason: NotRequired[Reason | None]
    reason_text: NotRequired[str | None]
    permitted_stay_until: NotRequired[str | None]
    note: NotRequired[str | None]
    late_cause: NotRequired[Literal["authority", "no-connection", "no-papers", "not-noticed", "other"] | None]
    party: NotRequired[str | None]
    accompanied_by: NotRequired[str | None]


class Undo(TypedDict):
    """Take back what was said last."""

    change: Literal["undo"]


class Withdraw(TypedDict):
    """The guest did not come, or was declared by mistake."""

    change: Literal["withdraw"]
    why: Literal["mistake", "no-show"]


Change = Extend | Move | Withdraw | Undo
