"""What chips were found to be worth: written with the declaration, judged again when an officer opens it, counted for operators.

- The judgement that came with the declaration decides its level for good (``declarations.evidence_level``). Judging again changes no level: it
  adds a judgement where something else is found now, so that both can be seen.
- Judging again starts from the sealed body and the kiosk's signature over it, checked anew; a body nobody can open any more is not judged.
- A doubt about a kiosk's claim is a finding about the declaration. It is not told to the declarant, who did not make the claim.
- Nothing personal leaves this module: outcomes, levels and codes.

Example: ``open_evidence(connection, declaration_id, premises_id="htl-sao-mai", judging=judging).now.claim.level``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from registry import tables
from registry.declarations import declaration_row, message_json
from registry.kiosks import keyring_entries
from registry.statements import Means, Statement
from registry.stay_changes import add_finding
from registry.vault import Cell, Vault
from registry.writing import Pending
from residence.clock import uuid7_text
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claims import NOT_SHOWN, TRUST_DIFFERS, JudgedClaim, judge_claim, needs_judging
from residence.credentials.chip.trust_store import TrustStore
from residence.errors import LuutruError
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import finding
from residence.wire.envelope import verify_statement
from residence.wire.keyring import Keyring

JudgedBy = Literal["gateway", "server"]
Signature = Literal["held", "failed", "none"]
_NEW: Final = ("level", "doubt", "checks", "findings", "present_by", "issuer")


class Judging(msgspec.Struct, frozen=True, kw_only=True):
    """What judging again works with."""

    vault: Vault
    store: TrustStore
    now: datetime
    random_bytes: Callable[[int], bytes]


class KeptJudgement(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement as it was written down."""

    judged_by: JudgedBy
    judged_at: datetime
    claim: JudgedClaim
    said: dict[str, str]  # check -> what the kiosk claimed of it; empty where it said nothing


class OpenedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration's evidence as an officer may see it. ``code`` says why a signature failed."""

    declaration_id: str
    premises_id: str
    commune_code: str
    unit: str | None
    source: str
    level: int
    received_at: datetime
    judgements: tuple[KeptJudgement, ...]  # oldest first
    signature: Signature
    code: str = ""

    @property
    def now(self) -> KeptJudgement | None:
        """Return what was found last."""
        return self.judgements[-1] if self.judgements else None


class Doubts(msgspec.Struct, frozen=True, kw_only=True):
    """How often one kiosk claimed more than its bytes showed."""

    not_shown: int = 0
    trust_differs: int = 0


def write_judgement(pending: Pending, statement: Statement, claim: JudgedClaim, *, commune_code: str, means: Means) -> None:
    """Collect the rows of a judgement that came with a declaration, and its finding."""
    own_id = statement.message.declaration_id
    kiosk_id = statement.source.kiosk_id if statement.source else None
    about = {"commune_code": commune_code, "declaration_id": own_id, "kiosk_id": kiosk_id, "judged_by": "gateway"}
    said = statement.message.evidence.checks
    row, checks = _rows(claim, said, about=about, now=means.now, random_bytes=means.random_bytes)
    pending.inserts[tables.chip_judgements].append(row)
    pending.inserts[tables.chip_checks] += checks
    if claim.doubt:
        add_finding(pending, finding(claim.doubt, "/evidence/level", own_id), commune_code=commune_code, now=means.now)


def _rows(
    claim: JudgedClaim,
    said: dict[str, Any],
    *,
    about: dict[str, Any],
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    judgement_id = uuid7_text(now, random_bytes(10))
    row = about | {
        "judgement_id": judgement_id,
        "claimed_level": int(claim.claimed),
        "level": int(claim.level),
        "doubt": claim.doubt,
        "issuer": claim.issuer,
        "signed_with": claim.signed_with,
        "present_by": claim.present_by,
        "trust_version": claim.trust_version,
        "kiosk_trust_version": claim.kiosk_trust_version,
        "findings": list(claim.findings),
        "judged_at": now,
    }
    checks = [
        {
            "commune_code": about["commune_code"],
            "judgement_id": judgement_id,
            "check": name,
            "outcome": outcome,
            "claimed": said.get(name, ""),
        }
        for name, outcome in claim.checks.items()
    ]
    return row, checks


def judgements_of(connection: Connection, declaration_id: str) -> tuple[KeptJudgement, ...]:
    """Return every judgement of a declaration's chip, oldest first."""
    columns = tables.chip_judgements.c
    rows = connection.execute(
        select(tables.chip_judgements)
        .where(columns.declaration_id == declaration_id)
        .order_by(columns.judged_at, columns.judged_by, columns.judgement_id)
    ).all()
    checks: dict[str, list[Row[Any]]] = {}
    about = tables.chip_checks.c
    for each in connection.execute(select(tables.chip_checks).where(about.judgement_id.in_([row.judgement_id for row in rows]))):
        checks.setdefault(each.judgement_id, []).append(each)
    return tuple(_kept(row, checks.get(row.judgement_id, [])) for row in rows)


def _kept(row: Row[Any], checks: list[Row[Any]]) -> KeptJudgement:
    claim = msgspec.convert(
        {
            "claimed": row.claimed_level,
            "level": row.level,
            "checks": {each.check: each.outcome for each in checks},
            "findings": row.findings,
            "doubt": row.doubt,
            "issuer": row.issuer,
            "signed_with": row.signed_with,
            "present_by": row.present_by,
            "trust_version": row.trust_version,
            "kiosk_trust_version": row.kiosk_trust_version,
        },
        JudgedClaim,
    )
    said = {each.check: each.claimed for each in checks}
    return KeptJudgement(judged_by=row.judged_by, judged_at=row.judged_at, claim=claim, said=said)


def best_judgement(connection: Connection, declaration_ids: Iterable[str]) -> KeptJudgement | None:
    """Return what stands about the chip that showed most of these declarations' ones; None: no chip was read."""
    ids = sorted(judged_among(connection, declaration_ids))
    newest = [judgements_of(connection, each)[-1] for each in ids]
    return max(newest, key=lambda each: (each.claim.level, each.judged_at), default=None)


def open_evidence(connection: Connection, declaration_id: str, *, premises_id: str, judging: Judging) -> OpenedEvidence | None:
    """Judge a declaration's chip again from its bytes, note what is new, and return all that is known; None: no such one there."""
    row = declaration_row(connection, declaration_id)
    if row is None or row.premises_id != premises_id:
        return None
    kept = judgements_of(connection, declaration_id)
    signature: Signature = "none"
    code = ""
    if row.signed is not None:
        try:
            kept = (*kept, *_again(connection, row, kept, judging))
            signature = "held"
        except LuutruError as error:
            signature, code = "failed", error.code
    return OpenedEvidence(
        declaration_id=declaration_id,
        premises_id=row.premises_id,
        commune_code=row.commune_code,
        unit=row.unit,
        source=row.evidence_source,
        level=row.evidence_level,
        received_at=row.received_at,
        judgements=kept,
        signature=signature,
        code=code,
    )


def _again(connection: Connection, row: Row[Any], kept: tuple[KeptJudgement, ...], judging: Judging) -> tuple[KeptJudgement, ...]:
    """Return the new judgement where it differs from the last one; raises when the signature does not hold."""
    key = judging.vault.load_keys(connection, [row.subject_id]).get(row.subject_id)
    if key is None:
        return ()
    body = judging.vault.open(key, Cell("declarations", "body", row.declaration_id), row.body_sealed)
    header = verify_statement(row.signed, body, keyring=Keyring(keyring_entries(connection)), at=row.recorded_at)
    message = msgspec.json.decode(message_json(body, from_kiosk=True), type=StayDeclaration)
    if not needs_judging(message.evidence):
        return ()
    bound = binding(header.kiosk_id, header.declaration_id)
    claim = judge_claim(message.evidence, message.person, bound_to=bound, store=judging.store, now=judging.now)
    if kept and all(getattr(claim, name) == getattr(kept[-1].claim, name) for name in _NEW):
        return ()
    about = {
        "commune_code": row.commune_code,
        "declaration_id": row.declaration_id,
        "kiosk_id": header.kiosk_id,
        "judged_by": "server",
    }
    made, checks = _rows(claim, message.evidence.checks, about=about, now=judging.now, random_bytes=judging.random_bytes)
    connection.execute(insert(tables.chip_judgements), [made])
    if checks:
        connection.execute(insert(tables.chip_checks), checks)
    said = {each["check"]: each["claimed"] for each in checks}
    return (KeptJudgement(judged_by="server", judged_at=judging.now, claim=claim, said=said),)


def doubts_by_kiosk(connection: Connection, commune_code: str, *, since: datetime) -> dict[str, Doubts]:
    """Return the kiosks of a commune whose claims were doubted when they came, since an instant."""
    columns = tables.chip_judgements.c
    query = (
        select(columns.kiosk_id, columns.doubt, func.count())
        .where(
            columns.commune_code == commune_code,
            columns.doubt.in_((NOT_SHOWN, TRUST_DIFFERS)),
            columns.judged_at >= since,
            columns.judged_by == "gateway",
        )
        .group_by(columns.kiosk_id, columns.doubt)
    )
    counted: dict[str, dict[str, int]] = {}
    for kiosk_id, doubt, count in connection.execute(query):
        counted.setdefault(kiosk_id or "", {})[doubt] = count
    return {
        kiosk_id: Doubts(not_shown=each.get(NOT_SHOWN, 0), trust_differs=each.get(TRUST_DIFFERS, 0))
        for kiosk_id, each in counted.items()
    }


def judged_among(connection: Connection, declaration_ids: Iterable[str]) -> frozenset[str]:
    """Return which of these declarations have a chip's judgement."""
    columns = tables.chip_judgements.c
    wanted = sorted(set(declaration_ids))
    return frozenset(connection.scalars(select(columns.declaration_id).where(columns.declaration_id.in_(wanted)).distinct()))
