"""What a person asks about what is held of them: objection, restriction, deletion; asked once, answered by an officer in the law's time, signed.

- A copy needs nobody's answer and a correction is a dispute (``registry/disputing.py``); neither stands here.
- One request for a right waits at a time: ``Conflict("rights.standing")``. What is said names nobody; so does the answer.
- A refusal says on which legal basis, or it is none: ``Refused("rights.basis")``.
- Restriction: while one waits or was granted, no house recalls the person's data (``registry/recall_consents.py``), the one thing done here that no law asks for.
- Deletion, granted or in part, deletes at once what no law asks for: addresses for messages, consents to be recalled. The register itself goes by
  ``luutru registry retention erase``, by somebody who has the keys; the answer says what is kept and why.

Example: ``ask_right(connection, "person-1", "deletion", said="...", by="acc-1", now=now, random_bytes=...)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from registry.changing import is_keepable
from registry.contact_points import take_back_address
from registry.locking import locked_row
from registry.recall_consents import end_all_consents
from residence.access.rights import Clocks, Right, clocks, load_rights
from residence.clock import rfc3339, uuid7
from residence.errors import Conflict, Refused
from residence.wire.answers import Answer, sign_answer
from residence.wire.signing import SigningKey

RightOutcome = Literal["granted", "partly", "refused", "withdrawn"]
ASKED_FOR: Final[tuple[Right, ...]] = ("objection", "restriction", "deletion")
NEEDS_BASIS: Final = frozenset({"partly", "refused"})
_REQUESTS: Final = tables.rights_requests.c


class RightAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer answers, or the person who takes the request back (``withdrawn``)."""

    outcome: RightOutcome
    by: str
    reason: str
    legal_basis: str = ""


def ask_right(
    connection: Connection,
    person_id: str,
    right: Right,
    *,
    said: str,
    by: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Keep a request; returns its id."""
    person = locked_row(connection, tables.persons, person_id)
    if person is None or right not in ASKED_FOR:
        raise Refused("rights.unknown", "/right")
    if not said.strip() or not is_keepable(said):
        raise Refused("rights.said", "/said")
    waits = (_REQUESTS.person_id == person_id, _REQUESTS.right == right, _REQUESTS.answered_at.is_(None))
    if connection.scalar(select(_REQUESTS.request_id).where(*waits).limit(1)) is not None:
        raise Conflict("rights.standing", "/right")
    request_id = str(uuid7(now, random_bytes(10)))
    row = {
        "commune_code": person.commune_code,
        "request_id": request_id,
        "person_id": person_id,
        "right": right,
        "said": said.strip(),
        "asked_by": by,
        "asked_at": now,
    }
    connection.execute(insert(tables.rights_requests), [row])
    return request_id


def answer_right(connection: Connection, request_id: str, given: RightAnswer, *, signer: SigningKey, now: datetime) -> None:
    """Answer a request once, signed, and do what the answer says; ``Conflict("rights.answered")`` when somebody was faster."""
    if not given.reason.strip() or not is_keepable(given.reason):
        raise Refused("rights.reason", "/reason")
    if (given.outcome in NEEDS_BASIS and not given.legal_basis.strip()) or not is_keepable(given.legal_basis):
        raise Refused("rights.basis", "/legal_basis")
    row = request_of(connection, request_id)
    if row is None:
        raise Conflict("rights.answered")
    values = {
        "outcome": given.outcome,
        "reason": given.reason.strip(),
        "legal_basis": given.legal_basis.strip() or None,
        "answered_by": given.by,
        "answered_at": now,
        "answer": _signed(row, given, signer, now),
    }
    waits = (_REQUESTS.request_id == request_id) & _REQUESTS.answered_at.is_(None)
    if connection.execute(update(tables.rights_requests).where(waits).values(**values)).rowcount != 1:
        raise Conflict("rights.answered")
    if row.right == "deletion" and given.outcome in {"granted", "partly"}:
        take_back_address(connection, row.person_id)
        end_all_consents(connection, row.person_id, now=now)


def request_of(connection: Connection, request_id: str) -> Row[Any] | None:
    """Return one request."""
    return connection.execute(select(tables.rights_requests).where(_REQUESTS.request_id == request_id).limit(1)).first()


def requests_of(connection: Connection, person_id: str) -> list[Row[Any]]:
    """Return a person's requests, oldest first."""
    query = select(tables.rights_requests).where(_REQUESTS.person_id == person_id)
    return list(connection.execute(query.order_by(_REQUESTS.asked_at, _REQUESTS.request_id)).all())


def waiting_requests(connection: Connection, commune_code: str, *, limit: int = 200) -> list[Row[Any]]:
    """Return a commune's requests nobody has answered, oldest first."""
    query = select(tables.rights_requests).where(_REQUESTS.commune_code == commune_code, _REQUESTS.answered_at.is_(None))
    return list(connection.execute(query.order_by(_REQUESTS.asked_at, _REQUESTS.request_id).limit(limit)).all())


def clocks_of_request(row: Row[Any]) -> Clocks:
    """Return by when a request is answered and done."""
    return clocks(row.right, asked_at=row.asked_at, rules=load_rights())


def _signed(row: Row[Any], given: RightAnswer, signer: SigningKey, now: datetime) -> bytes:
    answer = Answer(
        answer_id=row.request_id,
        answers="request",
        subject=row.right,
        asked_at=rfc3339(row.asked_at),
        due=rfc3339(clocks_of_request(row).act_by),
        outcome=given.outcome,
        reason=given.reason.strip(),
        answered_at=rfc3339(now),
        legal_basis=given.legal_basis.strip() or None,
    )
    return sign_answer(answer, signer)
