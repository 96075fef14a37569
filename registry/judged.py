"""What judged declarations leave behind: receipts and rows, made for a whole group.

- Each step is a loop of its own over the group. One thing done five hundred times costs half of five hundred times everything (ADR 37).
- Nothing here looks at what another statement of the group changed: the rows follow from how each was judged.
- The declaration's row and body are sealed under its person's key, or under a key of its own when it names nobody.

Example: ``write_all(judged, ...)``, and once that is written ``answers = answer_all(connection, judged, means)``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection

from registry import tables
from registry.answering import compose
from registry.bulk import write_rows
from registry.chip_judgements import write_judgement
from registry.columns import NUL, fitting
from registry.declarations import Facts
from registry.parties import party_row
from registry.presences import identities
from registry.promised_places import promise_places
from registry.statements import Means, Statement
from registry.stay_changes import write_findings, write_stays
from registry.surroundings import Surroundings
from registry.vault import Cell, SubjectKey
from registry.writing import Pending
from residence.clock import parse_instant
from residence.errors import Malformed, Problem
from residence.stays.check import CheckResult
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding, FindingSeverity
from residence.stays.known import KnownStay
from residence.stays.reconcile import Reconciliation, ReconciliationState
from residence.wire.messages import Receipt, ReceiptFinding
from residence.wire.receipts import sign_receipt

Answer = tuple[Receipt, bytes]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration, and all that was decided about it."""

    statement: Statement
    message: StayDeclaration
    verdict: CheckResult
    problems: tuple[Problem, ...]  # the check's, and the registry's own
    outcome: Reconciliation | None  # None: the check refused it
    facts: Facts
    commune_code: str
    person_id: str | None
    key: SubjectKey
    before: Mapping[str, KnownStay]  # the stays it changes, as they were

    @property
    def state(self) -> ReconciliationState:
        """Return what became of it."""
        return self.outcome.state if self.outcome else "refused"


def answer_all(connection: Connection, judged: Sequence[Judged], means: Means) -> list[Answer]:
    """Write each one's receipt, with the place in the log it promises, and return it with its signed bytes.

    To be called once all other rows are written: from here to the transaction's end other batches wait for the next numbers.
    """
    told = [
        _for_declarant(each.problems, each.outcome.findings if each.outcome else (), each.message.declaration_id)
        for each in judged
    ]
    receipts = [
        compose(each.statement, means, state=each.state, verdict=each.verdict, findings=findings)
        for each, findings in zip(judged, told, strict=True)
    ]
    states = [(each.declaration_id, each.state) for each in receipts]
    places = promise_places(connection, states, now=means.now, random_bytes=means.random_bytes)
    placed = [msgspec.structs.replace(each, log=place) if place else each for each, place in zip(receipts, places, strict=True)]
    answers = [(each, sign_receipt(each, means.signer)) for each in placed]
    rows = [
        receipt_row(each.statement, receipt, signed, commune_code=each.commune_code, means=means)
        for each, (receipt, signed) in zip(judged, answers, strict=True)
    ]
    write_rows(connection, tables.receipts, rows)
    return answers


def write_all(
    judged: Sequence[Judged],
    *,
    pending: Pending,
    picture: Surroundings,
    watched: set[str],
    means: Means,
) -> None:
    """Collect the rows of all of them but their receipts; those of people were collected while they were judged."""
    seal = means.vault.seal
    bodies = [seal(each.key, Cell("declarations", "body", each.message.declaration_id), each.statement.body) for each in judged]
    pending.inserts[tables.declarations] += [
        _declaration_row(each, body, means) for each, body in zip(judged, bodies, strict=True)
    ]
    pending.inserts[tables.stay_parties] += [
        party_row(each.message, commune_code=each.commune_code)
        for each in judged
        if each.message.party and each.message.kind == "arrival" and each.state != "refused"
    ]
    for each in judged:
        if each.statement.chip is not None:
            write_judgement(pending, each.statement, each.statement.chip, commune_code=each.commune_code, means=means)
    for each in judged:
        if each.outcome is not None:
            write_findings(pending, each.outcome, commune_code=each.commune_code, now=means.now)
    for each in judged:
        change = each.outcome.stay if each.outcome else None
        if change is not None:
            write_stays(pending, change, before=each.before, message=each.message, picture=picture, means=means)
            own = [stay for stay in change.stays if stay.stay_id == change.stay_id and stay.premises_id in watched]
            pending.covers.extend(
                (means.vault.pseudonym(stay.premises_id, who), stay) for stay in own for who in identities(each.message.person)
            )


def receipt_row(statement: Statement, receipt: Receipt, signed: bytes, *, commune_code: str, means: Means) -> dict[str, Any]:
    """Return the row that keeps a receipt's exact bytes."""
    return {
        "commune_code": commune_code,
        "declaration_id": receipt.declaration_id,
        "code": receipt.code,
        "schema": receipt.schema,
        "state": receipt.state,
        "body_digest": bytes.fromhex(statement.body_digest),
        "kiosk_id": receipt.kiosk_id,
        "epoch": receipt.epoch,
        "sequence": receipt.sequence,
        "receipt_bytes": signed,
        "issued_at": means.now,
    }


def _declaration_row(judged: Judged, body_sealed: bytes | None, means: Means) -> dict[str, Any]:
    statement, message, facts = judged.statement, judged.message, judged.facts
    source = statement.source
    return {
        "commune_code": judged.commune_code,
        "declaration_id": message.declaration_id,
        "schema": statement.schema,
        "kind": message.kind,
        "about": fitting(message.about, tables.declarations.c.about),  # the sealed body keeps what was refused whole
        "person_id": judged.person_id,
        "subject_id": judged.key.subject_id,
        "premises_id": message.premises_id.replace(NUL, "\ufffd"),
        "unit": fitting(message.unit, tables.declarations.c.unit),
        "origin": statement.origin,
        "kiosk_id": source.kiosk_id if source else None,
        "epoch": source.epoch if source else None,
        "sequence": source.sequence if source else None,
        "body_sealed": body_sealed,
        "body_digest": bytes.fromhex(statement.body_digest),
        "signed": source.signed if source else None,
        "declarant_role": message.declarant.role,
        "declarant_account": statement.account,
        "evidence_level": facts.evidence_level,
        "evidence_source": message.evidence.source,
        "state": judged.state,
        "problems": [{"code": each.code, "severity": each.severity, "pointer": each.pointer} for each in judged.problems],
        "reason": facts.reason,
        "arrival_at": instant_or_none(message.arrival),
        "due": facts.due,
        "on_time": facts.on_time,
        "rule": facts.rule,
        "rule_set": facts.rule_set,
        "received_at": statement.received_at,
        "recorded_at": means.now,
    }


def _for_declarant(problems: Sequence[Problem], findings: Sequence[Finding], declaration_id: str) -> tuple[ReceiptFinding, ...]:
    """Return what the declarant may see: the check's problems, and findings about their own statement by code only."""
    checked = [_told(each.code, each.severity, each.pointer) for each in problems]
    own = [_told(each.code, each.severity, each.pointer) for each in findings if declaration_id in each.about]
    return tuple(dict.fromkeys((*checked, *own)))


@lru_cache(maxsize=1024)
def _told(code: str, severity: FindingSeverity, pointer: str) -> ReceiptFinding:
    return ReceiptFinding(code=code, severity=severity, pointer=pointer)


def instant_or_none(text: str) -> Any:
    """Return an instant, None for what cannot be read."""
    try:
        return parse_instant(text)
    except Malformed:
        return None
