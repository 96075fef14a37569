"""The shapes of what is answered, written by ``scripts/docs`` from the API's document.

- A newer server may tell more; nothing here is ever taken away.

Example: ``def gone(stay: StayAnswer) -> bool: return stay["status"] == "ended"``
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class BatchAnswer(TypedDict):
    """A batch and what became of each declaration, in the order sent. ``counts``: state -> how many. ``batch_id`` is null for a dry run."""

    batch_id: str | None
    state: Literal["accepted", "partly", "refused", "running"]
    size: int
    counts: dict[str, int]
    items: list[BatchItem]
    created_at: str
    done_at: str | None


class BatchItem(TypedDict):
    """What became of one declaration. ``code``, ``pointer`` and ``hint`` are those of the first problem that has to be mended."""

    position: int
    state: Literal["accepted", "checked", "conflicting", "invalid", "not_allowed", "received", "refused"]
    declaration_id: NotRequired[str | None]
    code: NotRequired[str | None]
    pointer: NotRequired[str]
    hint: NotRequired[Sentence | None]
    problems: NotRequired[list[ToldProblem]]
    replayed: NotRequired[bool]
    receipt: NotRequired[ReceiptAnswer | None]


class CheckAnswer(TypedDict):
    """What a dry run found; ``ok`` is false when a problem of severity error stands."""

    ok: bool
    problems: list[ToldProblem]
    due: str | None
    rule: str | None
    rule_set: str | None


class CloseAnswer(TypedDict):
    """A closed day. ``text`` is the signed close (``LD1:...``); ``listed`` is null for one closed without a list; ``open`` counts people."""

    close_id: str
    premises_id: str
    day: str
    closed_at: str
    closed_by: str
    arrivals: int
    in_house: int
    listed: int | None
    alike: int
    open: list[OpenCount]
    text: str


class ClosesAnswer(TypedDict):
    """Closed days, the latest evening first."""

    items: list[CloseAnswer]


class CodeEntry(TypedDict):
    """One word. ``ministry_code``: of the ministry's form; ``needs_text``: say more beside it; a stay that says it may begin on the days between."""

    code: str
    label: Sentence
    ministry_code: NotRequired[int | str | None]
    needs_text: NotRequired[bool]
    valid_from: NotRequired[str | None]
    valid_to: NotRequired[str | None]


class CodeList(TypedDict):
    """One list. Dates are those of its source, which is null for words of our own."""

    name: str
    source: NotRequired[str | None]
    valid_from: str | None
    valid_to: str | None
    entries: list[CodeEntry]


class CodeListName(TypedDict):
    """A list by its name."""

    name: str
    size: int


class DeclaredGuest(TypedDict):
    """A stay with nobody on the list."""

    stay_id: str
    full_name: str
    unit: str | None
    arrival: str
    departure: str | None


class Entry(TypedDict):
    """One code. ``{names}`` in its texts stand for values of the case."""

    code: str
    severity: Literal["error", "info", "warning"]
    meaning: Sentence
    mend: Sentence
    acts: Literal["clerk", "guest", "integrator", "nobody", "officer", "operator"]
    who: Sentence


class EventAnswer(TypedDict):
    """One event. ``id`` is the declaration's; ``type`` is declaration.accepted, declaration.conflicting or declaration.refused."""

    id: str
    type: str
    at: str
    premises_id: str
    unit: str | None
    kind: str
    about: str | None
    origin: str
    receipt_code: str
    due: str | None
    on_time: bool | None


class EventsAnswer(TypedDict):
    """A page of events, oldest first. ``next``: where to go on; ``more``: another page is ready."""

    items: list[EventAnswer]
    next: str
    more: bool


class KioskAnswer(TypedDict):
    """One kiosk's last sign of life."""

    kiosk_id: str
    premises_id: str
    health: str
    reasons: list[str]
    online: bool | None
    seen_at: str | None
    outbox_depth: int | None
    oldest_unsent_at: str | None
    time_state: str | None
    readers: dict[str, str]
    version: str | None


class Likely(TypedDict):
    """A guest and a stay that may be the same; a person decides."""

    reference: str
    stay_id: str


class Limits(TypedDict):
    """How much one request may hold, how many there may be, and what a declaration may hold. Times in the unit of the name."""

    declaration_bytes: int
    batch_declarations: int
    batch_bytes: int
    reconciliation_guests: int
    reconciliation_bytes: int
    page: int
    closes: int
    requests: int
    requests_per_seconds: int
    requests_of_everybody: int
    token_requests: int
    token_requests_per_seconds: int
    token_seconds: int
    receipt_look_ups: int
    receipt_look_ups_per_seconds: int
    idempotency_key_letters_least: int
    idempotency_key_letters: int
    idempotency_key_hours: int
    webhooks: int
    webhook_silent_minutes: int
    webhook_given_up_days: int
    webhook_replay_days: int
    pms_reference_letters: int
    pms_visits: int
    import_lines: int
    import_bytes: int
    import_unpacked_bytes: int
    import_cell_letters: int
    stay_minutes_least: int
    stay_days: int
    departure_ahead_minutes: int
    text: dict[str, int]


class LogPlace(TypedDict):
    """The place in the log of statements that was promised with the answer (``residence/transparency/statements.py``)."""

    log: str
    index: int
    salt: str


class Matched(TypedDict):
    """A guest and a stay that are the same, and what differs."""

    reference: str
    stay_id: str
    differs: list[Literal["arrival", "departure", "name", "number", "unit"]]


class OpenCount(TypedDict):
    """How many people stand open for one reason."""

    kind: str
    reason: str
    people: int


class PremisesAnswer(TypedDict):
    """One of the account's premises. ``units``: the rooms as they are declared."""

    premises_id: str
    name: str
    kind: str
    units: list[str]


class ProblemDocument(TypedDict):
    """RFC 9457, with our code, its sentences, what to do (``hint``: the words that may stand there), and every problem of the input."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    message: Sentence
    pointer: str
    hint: Sentence | None
    problems: list[ToldProblem]
    receipt: NotRequired[ReceiptAnswer | None]


class PublicReceipt(TypedDict):
    """What whoever holds a code may see. ``place`` is empty for homes. ``now``: ``state``, or ``superseded`` or ``withdrawn`` since."""

    code: str
    state: str
    accepted_at: str
    due: str | None
    on_time: bool | None
    rule: str | None
    rule_set: str | None
    place: str | None
    now: str
    now_by: str | None
    now_at: str | None


class ReasonedPoint(TypedDict):
    """A point, and why it stands open."""

    kind: Literal["differs", "not-declared", "not-in-house", "to-mend", "undeclared"]
    about: str
    people: int
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


class Receipt(TypedDict):
    """The registry's signed answer to one statement. No name and no number is in it."""

    declaration_id: str
    code: str
    state: Literal["accepted", "conflicting", "kept", "received", "refused"]
    schema: str
    body_digest: str
    accepted_at: str
    signed_at: NotRequired[str | None]
    kept_at: NotRequired[str | None]
    due: NotRequired[str | None]
    on_time: NotRequired[bool | None]
    rule_set: NotRequired[str | None]
    rule: NotRequired[str | None]
    premises_id: NotRequired[str | None]
    kiosk_id: NotRequired[str | None]
    epoch: NotRequired[str | None]
    sequence: NotRequired[int | None]
    findings: NotRequired[list[ReceiptFinding]]
    log: NotRequired[LogPlace | None]


class ReceiptAnswer(TypedDict):
    """A receipt and its signed text form. ``problems``: of a statement that stands in conflict, in words and with what to do."""

    receipt: Receipt
    text: str
    problems: NotRequired[list[ToldProblem]]


class ReceiptFinding(TypedDict):
    """A finding as the declarant may see it: never anything about another person."""

    code: str
    severity: Literal["error", "info", "warning"]
    pointer: NotRequired[str]


class ReconciliationAnswer(TypedDict):
    """The comparison. ``not_declared``: references of guests nobody declared."""

    agrees: bool
    matched: list[Matched]
    not_declared: list[str]
    not_in_house: list[DeclaredGuest]
    likely: list[Likely]


class Sentence(TypedDict):
    """One message in the languages every screen must have."""

    vi: str
    en: str


class SignOffAnswer(TypedDict):
    """The close, and the points it holds the digest of."""

    close: CloseAnswer
    points: list[ReasonedPoint]


class StayAnswer(TypedDict):
    """One stay. ``status``: expected, open, disputed, ended or withdrawn; ``rule``: which deadline it was judged by."""

    stay_id: str
    premises_id: str
    unit: str | None
    status: str
    start_at: str
    planned_end: str | None
    ended_at: str | None
    due: str | None
    on_time: bool | None
    rule: str | None
    rule_set: str | None
    declaration_ids: list[str]


class StaysAnswer(TypedDict):
    """A page of stays; ``next`` is the cursor of the page that follows, null on the last."""

    items: list[StayAnswer]
    next: str | None


class ToldProblem(TypedDict):
    """A problem as a program is told it: ``hint`` says what to do, and what may stand there."""

    code: str
    severity: str
    pointer: str
    message: Sentence
    hint: NotRequired[Sentence | None]
