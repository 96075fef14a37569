"""Invented people, cards and declarations for tests: change one thing, keep the rest right.

Nobody here exists; numbers agree with sex and birth year unless a test says otherwise.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import msgspec

from residence.clock import rfc3339, uuid7
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.stays.declaration import Declarant, Reason, StayDeclaration

EVENING = datetime(2026, 7, 10, 7, 0, tzinfo=UTC)  # 14:00 in Vietnam
_counter = count(1)


class StandingClock:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = EVENING) -> None:
        self.instant = now
        self.nanoseconds = 1_000_000_000

    def now(self) -> datetime:
        return self.instant

    def monotonic_ns(self) -> int:
        return self.nanoseconds

    def pass_time(self, **parts: float) -> None:
        step = timedelta(**parts)
        self.instant += step
        self.nanoseconds += int(step.total_seconds() * 1e9)


def make_id(now: datetime = EVENING) -> str:
    return str(uuid7(now, next(_counter).to_bytes(10, "big")))


def make_person(**changes: object) -> Person:
    person = Person(
        full_name="Trần Văn An",
        birth=PartialDate(value="1995-02-01", precision="day"),
        sex="male",
        personal_number="001095000117",
        document=Document(kind=DocumentKind.CARD_2021, number="001095000117", issued="2021-08-15"),
        residence_text="Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội",
    )
    return msgspec.structs.replace(person, **changes)


def make_declaration(**changes: object) -> StayDeclaration:
    declaration = StayDeclaration(
        declaration_id=make_id(),
        declared_at=rfc3339(EVENING),
        person=make_person(),
        evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr", reader="camera:zxing"),
        declarant=Declarant(role="self"),
        premises_id="blk-hoa-binh",
        unit="1203",
        arrival="2026-07-10T14:00:00+07:00",
        planned_departure="2026-07-12T12:00:00+07:00",
        reason=Reason.VISIT,
    )
    return msgspec.structs.replace(declaration, **changes)


def is_uuid7(text: str) -> bool:
    return UUID(text).version == 7
