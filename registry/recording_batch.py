"""One group of statements inside one savepoint: replays first, then each statement in order, then all rows at once.

- Nothing is written before every statement of the group has been judged; a failure leaves the savepoint to roll back nothing.
- A refused statement is kept under a key of its own and names no person; a recorded one is sealed under its person's key.

Example: called by ``registry/recording.py`` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from registry import presences, surroundings, tables
from registry.answering import answer, is_on_time
from registry.asking import Identity, sequences_used
from registry.columns import NUL, fitting
from registry.declarations import Facts
from registry.explaining import Seen, is_explained
from registry.kiosks import communes_of_kiosks
from registry.person_changes import PersonWriter
from registry.premises import load_places
from registry.presences import KEPT_FOR, identities, pseudonym_of
from registry.quarantine import NOWHERE
from registry.receipts import receipts_by_id
from registry.setting_aside import put_aside
from registry.statements import Means, Recorded, Statement
from registry.stay_changes import write_findings, write_stays
from registry.vault import Cell
from registry.writing import Pending
from residence.clock import parse_instant
from residence.errors import Malformed, Problem, problem
from residence.people.names import check_text
from residence.stays.check import LONGEST, CheckResult, check_declaration
from residence.stays.deadlines import person_kind
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding
from residence.stays.reconcile import Reconciliation, reconcile
from residence.wire.messages import Presence, Receipt, ReceiptFinding
from residence.wire.receipts import read_unverified


def record_together(connection: Connection, statements: Sequence[Statement], means: Means) -> list[Recorded]:
    """Record a group; raises whatever goes wrong with any of them."""
    group = _Group(connection, statements, means)
    means.lap("look-ups")
    results = [group.take(statement) for statement in statements]
    means.lap("reconcile")
    group.pending.flush(connection, rules=means.rules, now=means.now, random_bytes=means.random_bytes)
    means.lap("rows")
    return results


class _Group:
    """What is known while a group is judged."""

    def __init__(self, connection: Connection, statements: Sequence[Statement], means: Means) -> None:
        self.connection = connection
        self.means = means
        self.pending = Pending()
        stored = receipts_by_id(connection, (each.message.declaration_id for each in statements))
        self.given = {own_id: (each.body_digest, each.receipt_bytes) for own_id, each in stored.items()}
        self.sequences = sequences_used(connection, (identity for each in statements if (identity := _identity(each))))
        fresh = [each for each in statements if each.message.declaration_id not in self.given]
        messages = [each.message for each in fresh]
        self.places = load_places(connection, ((each.premises_id, each.unit) for each in messages))
        kiosks = {each.source.kiosk_id for each in fresh if each.source and each.message.premises_id not in self.places}
        self.kiosk_communes = communes_of_kiosks(connection, kiosks)
        self.picture = surroundings.load(
            connection,
            [each for each in messages if isinstance(each, StayDeclaration)],
            seen=[(each.person, at) for each in messages if isinstance(each, Presence) and (at := _instant(each.seen_at))],
            vault=means.vault,
        )
        self.watched = presences.watched_among(connection, {each.premises_id for each in messages})
        self.people = PersonWriter(self.picture, self.pending, means)

    def take(self, statement: Statement) -> Recorded:
        """Judge one statement and collect its rows."""
        own_id = statement.message.declaration_id
        if NUL in own_id:  # no row can carry it
            return put_aside(self.connection, statement, self.means, code="declaration.identifier_malformed", state="refused")
        before = self.given.get(own_id)
        if before is not None:
            if before[0] == bytes.fromhex(statement.body_digest):
                return Recorded(declaration_id=own_id, receipt=read_unverified(before[1]), receipt_bytes=before[1], replayed=True)
            return put_aside(self.connection, statement, self.means, code="registry.identity_reused", state="refused")
        identity = _identity(statement)
        if identity is not None and self.sequences.get(identity, own_id) != own_id:
            return put_aside(self.connection, statement, self.means, code="registry.sequence_reused", state="refused")
        if isinstance(statement.message, Presence):
            return self._take_presence(statement, statement.message)
        return self._take_declaration(statement, statement.message)

    def commune_of(self, statement: Statement) -> str:
        """Return the commune a statement belongs to: its premises', else its kiosk's."""
        commune_code = self.places.commune_of(statement.message.premises_id)
        if commune_code is not None:
            return commune_code
        return self.kiosk_communes.get(statement.source.kiosk_id, NOWHERE) if statement.source else NOWHERE

    def _take_declaration(self, statement: Statement, message: StayDeclaration) -> Recorded:
        premises = self.places.place(message.premises_id, message.unit)
        means = self.means
        verdict = check_declaration(message, premises=premises, rules=means.rules, now=statement.received_at)
        problems = verdict.problems
        outcome: Reconciliation | None = None
        if premises is None:
            # The check alone only warns: a declaration is worth reading before its premises is known. Recording needs the place.
            problems = (*problems, problem("registry.premises_unknown", "/premises_id"))
        elif verdict.ok:
            known = self.picture.known_for(message)
            outcome = reconcile(message, known, rules=means.rules, received_at=statement.received_at)
        state = outcome.state if outcome else "refused"
        facts = _facts(statement, message, verdict)
        findings = outcome.findings if outcome else ()
        receipt, receipt_bytes = answer(
            statement, means, state=state, verdict=verdict, findings=_for_declarant(problems, findings, message.declaration_id)
        )
        self._keep(statement, receipt, receipt_bytes)
        commune_code = self.commune_of(statement)
        person_id, key = None, None
        if outcome is not None and outcome.state != "refused":
            person_id, key = self.people.write(message, outcome, commune_code)
        if key is None:
            key = self.people.key_for_statement(message.declaration_id, commune_code)
        row = self._declaration_row(statement, message, facts=facts, problems=problems)
        row |= {
            "person_id": person_id,
            "subject_id": key.subject_id,
            "body_sealed": means.vault.seal(key, Cell("declarations", "body", message.declaration_id), statement.body),
            "state": state,
        }
        self.pending.inserts[tables.declarations].append(row)
        if outcome is not None:
            write_findings(self.pending, outcome, commune_code=commune_code, now=means.now)
            self._take_in(message, outcome, facts, commune_code)
        return Recorded(declaration_id=message.declaration_id, receipt=receipt, receipt_bytes=receipt_bytes)

    def _take_in(self, message: StayDeclaration, outcome: Reconciliation, facts: Facts, commune_code: str) -> None:
        named = (*outcome.stay.removed, *(each.stay_id for each in outcome.stay.stays)) if outcome.stay else ()
        before = {each: self.picture.stays[each] for each in named if each in self.picture.stays}
        if outcome.state == "refused":  # kept aside until something makes it fit; what waited for it may fit now
            others = self.people.write_others(message, outcome, commune_code)
            self.picture.take_in_refused(message, outcome, facts, named=others, commune_code=commune_code)
        else:
            self.picture.take_in(message, outcome, facts, commune_code=commune_code)
        if outcome.stay is None:
            return
        write_stays(self.pending, outcome.stay, before=before, message=message, picture=self.picture, means=self.means)
        vault = self.means.vault
        for stay in outcome.stay.stays:
            if stay.stay_id == outcome.stay.stay_id and stay.premises_id in self.watched:
                self.pending.covers.extend((vault.pseudonym(stay.premises_id, each), stay) for each in identities(message.person))

    def _declaration_row(
        self, statement: Statement, message: StayDeclaration, *, facts: Facts, problems: tuple[Problem, ...]
    ) -> dict[str, Any]:
        source = statement.source
        return {
            "commune_code": self.commune_of(statement),
            "declaration_id": message.declaration_id,
            "schema": statement.schema,
            "kind": message.kind,
            "about": fitting(message.about, tables.declarations.c.about),  # the sealed body keeps what was refused whole
            "premises_id": message.premises_id.replace(NUL, "\ufffd"),
            "unit": fitting(message.unit, tables.declarations.c.unit),
            "origin": statement.origin,
            "kiosk_id": source.kiosk_id if source else None,
            "epoch": source.epoch if source else None,
            "sequence": source.sequence if source else None,
            "body_digest": bytes.fromhex(statement.body_digest),
            "signed": source.signed if source else None,
            "declarant_role": message.declarant.role,
            "declarant_account": statement.account,
            "evidence_level": facts.evidence_level,
            "evidence_source": message.evidence.source,
            "problems": [{"code": each.code, "severity": each.severity, "pointer": each.pointer} for each in problems],
            "reason": facts.reason,
            "arrival_at": _instant(message.arrival),
            "due": facts.due,
            "on_time": facts.on_time,
            "rule": facts.rule,
            "rule_set": facts.rule_set,
            "received_at": statement.received_at,
            "recorded_at": self.means.now,
        }

    def _take_presence(self, statement: Statement, message: Presence) -> Recorded:
        faults = self._faults_of(message)
        if faults:
            receipt, receipt_bytes = answer(statement, self.means, state="refused", findings=faults)
            self._keep(statement, receipt, receipt_bytes)
            return Recorded(declaration_id=message.declaration_id, receipt=receipt, receipt_bytes=receipt_bytes)
        receipt, receipt_bytes = answer(statement, self.means, state="accepted")
        seen = Seen(person=message.person, premises_id=message.premises_id, at=parse_instant(message.seen_at, "/seen_at"))
        commune_code = self.commune_of(statement)
        explained = is_explained(self.connection, seen, picture=self.picture, commune_code=commune_code, rules=self.means.rules)
        if not explained:
            self._keep(statement, receipt, receipt_bytes)
            self._keep_presence(statement, message)
        return Recorded(declaration_id=message.declaration_id, receipt=receipt, receipt_bytes=receipt_bytes)

    def _faults_of(self, message: Presence) -> tuple[ReceiptFinding, ...]:
        faults = []
        if message.premises_id not in self.places:
            faults.append(("registry.premises_unknown", "/premises_id"))
        if _instant(message.seen_at) is None:
            faults.append(("time.malformed", "/seen_at"))
        if message.unit is not None:
            faults += [(each.code, each.pointer) for each in check_text(message.unit, "/unit", longest=LONGEST["unit"])]
        return tuple(ReceiptFinding(code=code, severity="error", pointer=pointer) for code, pointer in faults)

    def _keep_presence(self, statement: Statement, message: Presence) -> None:
        commune_code = self.commune_of(statement)
        vault, own_id = self.means.vault, message.declaration_id
        key, key_row = vault.new_key(own_id, "presence", commune_code=commune_code, now=self.means.now)
        seen_at = parse_instant(message.seen_at, "/seen_at")
        row = {
            "commune_code": commune_code,
            "presence_id": own_id,
            "premises_id": message.premises_id,
            "unit": message.unit,
            "pseudonym_index": pseudonym_of(message.person, message.premises_id, vault),
            "kind": message.kind,
            "kiosk_id": statement.source.kiosk_id if statement.source else None,
            "person_kind": person_kind(message.person),
            "reading_sealed": vault.seal(key, Cell("presences", "reading", own_id), statement.body),
            "signed": statement.source.signed if statement.source else None,
            "evidence_level": int(message.evidence.level),
            "seen_at": seen_at,
            "expires_at": self.means.now + KEPT_FOR,  # by our clock: a kiosk's may say any year
            "recorded_at": self.means.now,
        }
        self.pending.inserts[tables.subject_keys].append(key_row)
        self.pending.inserts[tables.presences].append(row)
        self.watched.add(message.premises_id)

    def _keep(self, statement: Statement, receipt: Receipt, receipt_bytes: bytes) -> None:
        digest = bytes.fromhex(statement.body_digest)
        self.given[receipt.declaration_id] = (digest, receipt_bytes)
        identity = _identity(statement)
        if identity is not None:
            self.sequences[identity] = receipt.declaration_id
        row = {
            "commune_code": self.commune_of(statement),
            "declaration_id": receipt.declaration_id,
            "code": receipt.code,
            "schema": receipt.schema,
            "state": receipt.state,
            "body_digest": digest,
            "kiosk_id": receipt.kiosk_id,
            "epoch": receipt.epoch,
            "sequence": receipt.sequence,
            "receipt_bytes": receipt_bytes,
            "issued_at": self.means.now,
        }
        self.pending.inserts[tables.receipts].append(row)


def _identity(statement: Statement) -> Identity | None:
    source = statement.source
    return (source.kiosk_id, source.epoch, source.sequence) if source else None


def _facts(statement: Statement, message: StayDeclaration, verdict: CheckResult) -> Facts:
    due = verdict.due if message.kind == "arrival" else None
    return Facts(
        evidence_level=int(message.evidence.level),
        reason=message.reason.value if message.reason else None,
        due=due,
        on_time=is_on_time(statement, due),
        rule=verdict.rule,
        rule_set=verdict.rule_set,
    )


def _for_declarant(problems: Sequence[Problem], findings: Sequence[Finding], declaration_id: str) -> tuple[ReceiptFinding, ...]:
    """Return what the declarant may see: the check's problems, and findings about their own statement by code only."""
    checked = [ReceiptFinding(code=each.code, severity=each.severity, pointer=each.pointer) for each in problems]
    own = [
        ReceiptFinding(code=each.code, severity=each.severity, pointer=each.pointer)
        for each in findings
        if declaration_id in each.about
    ]
    return tuple(dict.fromkeys((*checked, *own)))


def _instant(text: str) -> Any:
    try:
        return parse_instant(text)
    except Malformed:
        return None
