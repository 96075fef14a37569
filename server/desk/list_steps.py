"""A list of guests declared piece by piece, by the desk's own form and the one recording path; a dry run is the same, rolled back.

- A line becomes the fields of the form, is read and checked as a form is, and only without an error is it recorded.
- What a line says makes its declaration's id: the same line again, in this list or another, is the same statement and is passed over.
- A warning does not hold a line up: the dry run has shown it, and so does the outcome.
- When the last piece is through, the counts must make up the list (``guest-import.counts_differ``), or nothing of that piece stands.

Example: ``while not step(server, account, list_id=list_id, phase="declare"): ...``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as AnyMapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import Connection

from registry.desk_lists import Place
from registry.guest_lists import (
    GuestList,
    Outcome,
    Phase,
    counts_of,
    done_pieces,
    hold_premises,
    lines_of,
    load_list,
    note_piece,
    outcomes_of,
    put_state,
)
from registry.importing.headings import is_example
from registry.importing.mapping import Mapping
from registry.premises import load_places
from registry.receipts import StoredReceipt, receipts_by_id
from registry.recording import Recorded, Statement, record
from residence.clock import uuid7_text
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import Conflict, Problem, Refused
from residence.stays.check import check_declaration
from residence.stays.declaration import Declarant, StayDeclaration
from residence.stays.spans import instant
from residence.wire.messages import STAY_DECLARATION, ReceiptFinding
from server.country_names import country_words
from server.desk.guest_form import FormContext, field_of, read_form
from server.desk.own_premises import workplace
from server.policy import Account
from server.wiring import Server

if TYPE_CHECKING:
    from registry.importing.guests import GuestLine

READER: Final = "desk:list"
_ANYBODY: Final = Declarant(role="host")  # a line is the same line whoever of the house gives it
# Fields of the form -> of a list.
_LISTED: Final = {"personal_number": "identity_number", "document_number": "identity_number"}
_AFTER: Final = {"check": "checked", "declare": "declared"}
Known = AnyMapping[str, StoredReceipt]


class _Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A line and what it declares, with every reason found."""

    line: GuestLine
    declaration: StayDeclaration
    reasons: tuple[tuple[str, str, str], ...]


def open_list(server: Server, connection: Connection, account: Account, list_id: str) -> GuestList:
    """Return a list of a premises the account declares for, or raise ``Refused("server.not_allowed")``."""
    given = load_list(connection, list_id)
    if given is None:
        raise Refused("server.not_allowed")
    workplace(server, connection, account, action="declare", premises_id=given.premises_id)
    return given


def step(server: Server, account: Account, *, list_id: str, phase: Phase) -> bool:
    """Take the next piece; True when there is none left."""
    with server.registry.writing() as connection:
        given = open_list(server, connection, account, list_id)
        hold_premises(connection, Place(given.commune_code, given.premises_id))
        given = open_list(server, connection, account, list_id)
        if given.state not in {"check": ("checking", "checked"), "declare": ("checked", "declaring", "declared")}[phase]:
            raise Conflict("guest-import.not_checked")
        piece = done_pieces(connection, given, phase)
        if piece < given.pieces:
            _take_piece(server, connection, account, given=given, phase=phase, piece=piece)
            piece += 1
        if piece < given.pieces:
            return False
        _prove(connection, given, phase)
        put_state(connection, given, _AFTER[phase], now=server.clock.now())  # type: ignore[arg-type]  # of the table above
    return True


def _take_piece(server: Server, connection: Connection, account: Account, *, given: GuestList, phase: Phase, piece: int) -> None:
    from registry.importing.guests import read_guests  # brings Polars, which a server needs for nothing else

    lines = lines_of(connection, given, [piece], vault=server.registry.vault)[piece]
    earlier = {each.declaration_id for each in outcomes_of(connection, given, phase) if each.declaration_id}
    trial = connection.begin_nested()
    examples = [
        Outcome(each.number, "ignored", None, (("guest-import.example", "info", ""),)) for each in lines if is_example(each)
    ]
    guests = read_guests([each for each in lines if not is_example(each)], given.headings, reading(given.mapping))
    outcomes = [*examples, *_declare(server, connection, account, given=given, guests=guests, earlier=earlier)]
    if phase == "check":
        trial.rollback()
    else:
        trial.commit()
    now = server.clock.now()
    note_piece(connection, given, sorted(outcomes, key=lambda each: each.number), phase=phase, piece=piece, now=now)
    put_state(connection, given, "checking" if phase == "check" else "declaring", now=now)


def _prove(connection: Connection, given: GuestList, phase: Phase) -> None:
    """Hold the outcomes against the list: every line ended in exactly one way."""
    counts = counts_of(connection, given, phase)
    numbers = {each.number for each in outcomes_of(connection, given, phase)}
    if sum(counts.values()) != given.rows or len(numbers) != given.rows:
        raise Conflict("guest-import.counts_differ", "", f"{counts} of {given.rows}")


def reading(mapping: Mapping) -> Mapping:
    """Return a mapping that also knows the names of countries."""
    said = mapping.guests
    countries = country_words() | said.words.get("nationality", {})
    return msgspec.structs.replace(mapping, guests=msgspec.structs.replace(said, words={**said.words, "nationality": countries}))


def _declare(
    server: Server, connection: Connection, account: Account, *, given: GuestList, guests: Sequence[GuestLine], earlier: set[str]
) -> list[Outcome]:
    """Read, check and record; returns every line's outcome."""
    read = [_read(server, account, given, each) for each in guests]
    places = load_places(connection, {(given.premises_id, said.unit) for _, said, _ in read})
    known = receipts_by_id(connection, [said.declaration_id for _, said, _ in read])
    outcomes, able = list[Outcome](), list[_Declared]()
    for line, said, problems in read:
        checked = check_declaration(
            said, premises=places.place(given.premises_id, said.unit), rules=server.rules, now=server.clock.now()
        ).problems
        unread = {each.pointer for each in problems}
        reasons = _unlike((*line.reasons, *_told((*problems, *(each for each in checked if each.pointer not in unread)))))
        judged = _judge(_Declared(line=line, declaration=said, reasons=reasons), known=known, earlier=earlier)
        if isinstance(judged, Outcome):
            outcomes.append(judged)
        else:
            able.append(judged)
        if not (isinstance(judged, Outcome) and judged.state == "refused"):
            earlier.add(said.declaration_id)
    recorded = _record(server, connection, account, [each.declaration for each in able])
    return [*outcomes, *(_outcome(each, answer) for each, answer in zip(able, recorded, strict=True))]


def _judge(line: _Declared, *, known: Known, earlier: set[str]) -> Outcome | _Declared:
    """Return the outcome of a line that is not to be recorded, the line itself when it is."""
    number, own_id = line.line.number, line.declaration.declaration_id
    if any(severity == "error" for _, severity, _ in line.reasons):
        return Outcome(number, "refused", None, line.reasons)
    if own_id in earlier:
        return Outcome(number, "ignored", own_id, (("guest-import.repeated", "info", ""),))
    return _known(number, known[own_id]) if own_id in known else line


def _read(
    server: Server, account: Account, given: GuestList, line: GuestLine
) -> tuple[GuestLine, StayDeclaration, tuple[Problem, ...]]:
    context = FormContext(now=server.clock.now(), account_id=account.account_id, account_name=account.name)
    result = read_form({**line.form, "premises_id": given.premises_id}, context=context)
    evidence = Evidence(level=EvidenceLevel.STATED, source="typed", reader=READER)
    said = msgspec.structs.replace(result.declaration, evidence=evidence)
    return line, msgspec.structs.replace(said, declaration_id=_id_of(server, said)), result.problems


def _id_of(server: Server, said: StayDeclaration) -> str:
    """Return the id a line's content makes, keyed: nobody can tell from an id who is meant."""
    content = msgspec.json.encode(msgspec.structs.replace(said, declaration_id="", declared_at="", declarant=_ANYBODY))
    digest = server.registry.vault.state_digest(f"guest-list:{said.premises_id}", content)
    return uuid7_text(instant(said.arrival) or server.clock.now(), bytes.fromhex(digest))


def _record(server: Server, connection: Connection, account: Account, said: Iterable[StayDeclaration]) -> list[Recorded]:
    now = server.clock.now()
    bodies = [(each, msgspec.json.encode(each)) for each in said]
    statements = [
        Statement(
            schema=STAY_DECLARATION,
            message=each,
            body=body,
            body_digest=sha256(body).hexdigest(),
            received_at=now,
            origin="import",
            account=account.account_id,
        )
        for each, body in bodies
    ]
    return record(
        connection,
        statements,
        vault=server.registry.vault,
        rules=server.rules,
        signer=server.signer,
        now=now,
        random_bytes=server.random_bytes,
    )


def _outcome(each: _Declared, answer: Recorded) -> Outcome:
    found = _unlike((*each.reasons, *_findings(answer.receipt.findings)))
    state = answer.receipt.state
    if state in {"accepted", "conflicting"}:
        return Outcome(each.line.number, state, answer.declaration_id, found)
    return Outcome(each.line.number, "refused", answer.declaration_id, found or (("registry.dead_letter", "error", ""),))


def _known(number: int, receipt: StoredReceipt) -> Outcome:
    """Say what became of a line that came before: refused then is refused still."""
    before = ("guest-import.came_before", "info", "")
    if receipt.state in {"accepted", "conflicting"}:
        return Outcome(number, "ignored", receipt.declaration_id, (before,))
    return Outcome(number, "refused", receipt.declaration_id, (*_findings(receipt.receipt.findings), before))


def _findings(findings: Iterable[ReceiptFinding]) -> tuple[tuple[str, str, str], ...]:
    """Return what a receipt says besides that it stands; what is only for the record is in the receipt itself."""
    return tuple((each.code, each.severity, _field(each.pointer)) for each in findings if each.severity != "info")


def _told(problems: Iterable[Problem]) -> tuple[tuple[str, str, str], ...]:
    return tuple((each.code, each.severity, _field(each.pointer)) for each in problems)


def _field(pointer: str) -> str:
    field = field_of(pointer)
    return _LISTED.get(field, field)


def _unlike(reasons: Iterable[tuple[str, str, str]]) -> tuple[tuple[str, str, str], ...]:
    """Return reasons once each: an unreadable cell is not also a missing one."""
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    unreadable = {field for code, _, field in reasons if code.startswith("import.") and field}
    for code, severity, field in reasons:
        if field not in unreadable or code.startswith("import."):
            found.setdefault((code, field), (code, severity, field))
    return tuple(found.values())
