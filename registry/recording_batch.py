"""One group of statements inside one savepoint: replays first, then each statement in order, then all rows at once.

- Nothing is written before every statement of the group has been judged; a failure leaves the savepoint to roll back nothing.
- Receipts are made last: each promises a place in the log of statements, and other batches wait for the next number from there on (ADR 163).
- Only what depends on the statements before is done one by one; checks, receipts and rows are made in loops of their own (``judged.py``).
- A refused statement is kept under a key of its own and names no person; a recorded one is sealed under its person's key.

Example: called by ``registry/recording.py`` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from registry import presences, tables
from registry.answering import answer, is_on_time
from registry.asking import Identity, sequences_used
from registry.columns import NUL
from registry.declarations import Facts, KeptDeclaration
from registry.explaining import Seen, has_own_place, is_explained
from registry.judged import Answer, Judged, answer_all, instant_or_none, receipt_row, write_all
from registry.kiosks import communes_of_kiosks
from registry.looking_up import look_up
from registry.person_changes import PersonWriter
from registry.premises import load_places
from registry.presences import KEPT_FOR, pseudonym_of
from registry.quarantine import NOWHERE
from registry.receipts import receipts_by_id
from registry.setting_aside import put_aside
from registry.statements import Means, Recorded, Statement
from registry.undated import date_again
from registry.vault import Cell
from registry.writing import Pending
from residence.clock import parse_instant
from residence.errors import Problem, problem
from residence.people.names import check_text
from residence.stays.check import LONGEST, CheckResult, check_declaration
from residence.stays.deadlines import person_kind
from residence.stays.declaration import StayDeclaration
from residence.stays.known import KnownStay
from residence.stays.reconcile import Reconciliation, reconcile
from residence.wire.messages import Presence, Receipt, ReceiptFinding
from residence.wire.receipts import read_unverified


def record_together(connection: Connection, statements: Sequence[Statement], means: Means) -> list[Recorded]:
    """Record a group; raises whatever goes wrong with any of them."""
    group = _Group(connection, statements, means)
    means.lap("look-ups")
    checked = [group.check(each) for each in statements]
    taken = [group.take(statement, check) for statement, check in zip(statements, checked, strict=True)]
    judged = group.collect(taken)
    means.lap("reconcile")
    group.pending.flush(connection, rules=means.rules, now=means.now, random_bytes=means.random_bytes)
    date_again(connection, statements, now=means.now)
    means.lap("rows")
    results = group.finish(taken, judged)
    means.lap("receipts")
    return results


class _Checked(NamedTuple):
    verdict: CheckResult
    problems: tuple[Problem, ...]
    ok: bool


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
        self.picture = look_up(
            connection,
            [each for each in messages if isinstance(each, StayDeclaration)],
            seen=[(each.person, at) for each in messages if isinstance(each, Presence) and (at := instant_or_none(each.seen_at))],
            vault=means.vault,
        )
        self.watched = presences.watched_among(connection, {each.premises_id for each in messages})
        self.people = PersonWriter(self.picture, self.pending, means)

    def check(self, statement: Statement) -> _Checked | None:
        """Check a declaration on its own; None for a presence and for what is on record."""
        message = statement.message
        if not isinstance(message, StayDeclaration) or message.declaration_id in self.given:
            return None
        premises = self.places.place(message.premises_id, message.unit)
        verdict = check_declaration(message, premises=premises, rules=self.means.rules, now=statement.received_at)
        if premises is None:
            # The check alone only warns: a declaration is worth reading before its premises is known. Recording needs the place.
            return _Checked(verdict, (*verdict.problems, problem("registry.premises_unknown", "/premises_id")), ok=False)
        return _Checked(verdict, verdict.problems, verdict.ok)

    def take(self, statement: Statement, checked: _Checked | None) -> Recorded | Judged | str:
        """Judge one statement; what is answered at once comes back recorded, a statement again in its group as its id."""
        own_id = statement.message.declaration_id
        if NUL in own_id:  # no row can carry it
            return put_aside(self.connection, statement, self.means, code="declaration.identifier_malformed", state="refused")
        before = self.given.get(own_id)
        if before is not None:
            if before[0] != bytes.fromhex(statement.body_digest):
                return put_aside(self.connection, statement, self.means, code="registry.identity_reused", state="refused")
            return self._again(own_id) if before[1] else own_id
        identity = _identity(statement)
        if identity is not None and self.sequences.get(identity, own_id) != own_id:
            return put_aside(self.connection, statement, self.means, code="registry.sequence_reused", state="refused")
        if checked is None:
            return self._take_presence(statement, statement.message)  # type: ignore[arg-type]  # what is no declaration
        judged = self._judge(statement, statement.message, checked)  # type: ignore[arg-type]  # only declarations are checked
        self._note(statement, b"")
        return judged

    def collect(self, taken: Sequence[Recorded | Judged | str]) -> list[Judged]:
        """Collect the rows of what was judged, and return that."""
        judged = [each for each in taken if isinstance(each, Judged)]
        write_all(judged, pending=self.pending, picture=self.picture, watched=self.watched, means=self.means)
        return judged

    def finish(self, taken: Sequence[Recorded | Judged | str], judged: Sequence[Judged]) -> list[Recorded]:
        """Answer what was judged; returns everybody's answer, in order."""
        answers = answer_all(self.connection, judged, self.means)
        for each, (_, signed) in zip(judged, answers, strict=True):
            self._note(each.statement, signed)
        made = iter(answers)
        return [self._recorded(each, made) for each in taken]

    def _recorded(self, taken: Recorded | Judged | str, made: Iterator[Answer]) -> Recorded:
        if isinstance(taken, Recorded):
            return taken
        if isinstance(taken, str):
            return self._again(taken)
        receipt, signed = next(made)
        return Recorded(declaration_id=receipt.declaration_id, receipt=receipt, receipt_bytes=signed)

    def _again(self, own_id: str) -> Recorded:
        signed = self.given[own_id][1]
        return Recorded(declaration_id=own_id, receipt=read_unverified(signed), receipt_bytes=signed, replayed=True)

    def _note(self, statement: Statement, signed: bytes) -> None:
        """Remember what was answered for what comes again in this group; no bytes: the answer is yet to be made."""
        own_id, identity = statement.message.declaration_id, _identity(statement)
        self.given[own_id] = (bytes.fromhex(statement.body_digest), signed)
        if identity is not None:
            self.sequences[identity] = own_id

    def commune_of(self, statement: Statement) -> str:
        """Return the commune a statement belongs to: its premises', else its kiosk's."""
        commune_code = self.places.commune_of(statement.message.premises_id)
        if commune_code is not None:
            return commune_code
        return self.kiosk_communes.get(statement.source.kiosk_id, NOWHERE) if statement.source else NOWHERE

    def _judge(self, statement: Statement, message: StayDeclaration, checked: _Checked) -> Judged:
        outcome: Reconciliation | None = None
        if checked.ok:
            known = self.picture.known_for(message)
            outcome = reconcile(message, known, rules=self.means.rules, received_at=statement.received_at)
        facts = _facts(statement, message, checked.verdict)
        commune_code = self.commune_of(statement)
        person_id, key = None, None
        if outcome is not None and outcome.state != "refused":
            person_id, key = self.people.write(message, outcome, commune_code)
        if key is None:
            key = self.people.key_for_statement(message.declaration_id, commune_code)
        kept = KeptDeclaration(declaration=message, person_id=None, facts=facts, received_at=statement.received_at)
        return Judged(
            statement=statement,
            message=message,
            verdict=checked.verdict,
            problems=checked.problems,
            outcome=outcome,
            facts=facts,
            commune_code=commune_code,
            person_id=person_id,
            key=key,
            before=self._take_in(kept, outcome, commune_code) if outcome is not None else {},
        )

    def _take_in(self, kept: KeptDeclaration, outcome: Reconciliation, commune_code: str) -> dict[str, KnownStay]:
        """Make it part of the picture; returns the stays it changes as they were."""
        named = (*outcome.stay.removed, *(each.stay_id for each in outcome.stay.stays)) if outcome.stay else ()
        before = {each: self.picture.stays[each] for each in named if each in self.picture.stays}
        if outcome.state == "refused":  # kept aside until something makes it fit; what waited for it may fit now
            others = self.people.write_others(kept.declaration, outcome, commune_code)
            self.picture.take_in_refused(kept, outcome, named=others, commune_code=commune_code)
        else:
            self.picture.take_in(kept, outcome, commune_code=commune_code)
        return before

    def _take_presence(self, statement: Statement, message: Presence) -> Recorded:
        faults = self._faults_of(message)
        if faults:
            receipt, receipt_bytes = answer(statement, self.means, state="refused", findings=faults)
            self._keep(statement, receipt, receipt_bytes)
            return Recorded(declaration_id=message.declaration_id, receipt=receipt, receipt_bytes=receipt_bytes)
        receipt, receipt_bytes = answer(statement, self.means, state="accepted")
        seen = Seen(person=message.person, premises_id=message.premises_id, at=parse_instant(message.seen_at, "/seen_at"))
        commune_code = self.commune_of(statement)
        if message.for_desk:  # the clerk declares this very guest: a parent's stay does not
            explained = has_own_place(seen, picture=self.picture, rules=self.means.rules)
        else:
            explained = is_explained(
                self.connection, seen, picture=self.picture, commune_code=commune_code, rules=self.means.rules
            )
        if not explained:
            self._keep(statement, receipt, receipt_bytes)
            self._keep_presence(statement, message)
        return Recorded(declaration_id=message.declaration_id, receipt=receipt, receipt_bytes=receipt_bytes)

    def _faults_of(self, message: Presence) -> tuple[ReceiptFinding, ...]:
        faults = []
        if message.premises_id not in self.places:
            faults.append(("registry.premises_unknown", "/premises_id"))
        if instant_or_none(message.seen_at) is None:
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
            "kind": "desk" if message.for_desk else message.kind,
            "kiosk_id": statement.source.kiosk_id if statement.source else None,
            "person_kind": person_kind(message.person),
            "reading_sealed": vault.seal(key, Cell("presences", "reading", own_id), statement.body),
            "signed": statement.source.signed if statement.source else None,
            "evidence_level": int(statement.evidence_level),
            "seen_at": seen_at,
            "expires_at": self.means.now + KEPT_FOR,  # by our clock: a kiosk's may say any year
            "recorded_at": self.means.now,
        }
        self.pending.inserts[tables.subject_keys].append(key_row)
        self.pending.inserts[tables.presences].append(row)
        self.watched.add(message.premises_id)

    def _keep(self, statement: Statement, receipt: Receipt, receipt_bytes: bytes) -> None:
        self._note(statement, receipt_bytes)
        row = receipt_row(statement, receipt, receipt_bytes, commune_code=self.commune_of(statement), means=self.means)
        self.pending.inserts[tables.receipts].append(row)


def _identity(statement: Statement) -> Identity | None:
    source = statement.source
    return (source.kiosk_id, source.epoch, source.sequence) if source else None


def _facts(statement: Statement, message: StayDeclaration, verdict: CheckResult) -> Facts:
    due = verdict.due if message.kind == "arrival" else None
    return Facts(
        evidence_level=int(statement.evidence_level),
        reason=message.reason.value if message.reason else None,
        due=due,
        on_time=is_on_time(statement, due),
        rule=verdict.rule,
        rule_set=verdict.rule_set,
    )
