"""Cases at one premises worked on as one: the lead is acted on, and what is done with it is done with each; taken apart again at any time.

- Each case keeps its own row, person, sightings and events: merging makes nobody's record part of somebody else's.
- At the same premises only: nobody's comings and goings at two places are put together.
- By the claimant of the lead; a case nobody has claimed is claimed with it, for the lead's purpose. A case of a colleague's is not taken.
- A member is not acted on alone and does not stand in the queue; it stays what it is by then when it is taken out.

Example: ``merge_case(connection, lead, other, by=officer_id, reason="one family", step=Step(...))``; ``act_together(connection, lead_id, step, ...)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.case_tasks import note_step
from registry.cases import CaseStep, act, case
from residence.access.purposes import Purpose
from residence.cases.transitions import CaseAction, CaseStatus
from residence.errors import Refused

AT_MOST: Final = 20
_LINKS: Final = tables.case_links.c
_STANDS: Final = _LINKS.split_at.is_(None)


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """The time, and randomness."""

    now: datetime
    random_bytes: Callable[[int], bytes]


def members_of(connection: Connection, lead_id: str) -> list[str]:
    """Return the cases worked on together with a lead, by id."""
    query = select(_LINKS.case_id).where(_LINKS.lead_id == lead_id, _STANDS).order_by(_LINKS.case_id).limit(AT_MOST)
    return [str(each) for each in connection.scalars(query)]


def lead_of(connection: Connection, case_id: str) -> str | None:
    """Return the case another is worked on with."""
    found = connection.scalar(select(_LINKS.lead_id).where(_LINKS.case_id == case_id, _STANDS).limit(1))
    return None if found is None else str(found)


def merged_counts(connection: Connection, commune_code: str) -> dict[str, int]:
    """Return lead -> how many cases are worked on with it, in a commune."""
    query = select(_LINKS.lead_id, func.count()).where(_LINKS.commune_code == commune_code, _STANDS).group_by(_LINKS.lead_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def act_together(connection: Connection, case_id: str, step: CaseStep, *, means: Means) -> CaseStatus:
    """Take a step with a case and all that are worked on with it; all or none of them, in the caller's transaction."""
    if lead_of(connection, case_id) is not None:
        raise Refused("case.is_merged", "/case_id")
    state = act(connection, case_id, step, now=means.now, random_bytes=means.random_bytes)
    for member in members_of(connection, case_id):
        act(connection, member, step, now=means.now, random_bytes=means.random_bytes)
    return state


def merge_case(connection: Connection, lead: Row[Any], case_id: str, *, said: tuple[str, str], means: Means) -> None:
    """Work on another case together with this one. ``said``: by whom, and why."""
    by, reason = said
    other = case(connection, case_id)
    if not reason:
        raise Refused("case.reason_missing", "/reason")
    if (
        other is None
        or (other.premises_id, other.commune_code) != (lead.premises_id, lead.commune_code)
        or case_id == lead.case_id
    ):
        raise Refused("case.not_mergeable", "/case_id")
    in_others = lead_of(connection, case_id) or lead_of(connection, lead.case_id) or members_of(connection, case_id)
    if lead.state != CaseStatus.CLAIMED.value or lead.claimed_by != by or in_others:
        raise Refused("case.not_mergeable", "/case_id")
    if len(members_of(connection, lead.case_id)) >= AT_MOST:
        raise Refused("case.not_mergeable", "/case_id")
    if other.state == CaseStatus.OPEN.value:
        claim = CaseStep(action=CaseAction.CLAIM, by=by, purpose=Purpose(lead.claim_purpose))
        act(connection, case_id, claim, now=means.now, random_bytes=means.random_bytes)
    elif (other.state, other.claimed_by) != (CaseStatus.CLAIMED.value, by):
        raise Refused("case.not_mergeable", "/case_id")
    link = {
        "commune_code": lead.commune_code,
        "case_id": case_id,
        "merged_at": means.now,
        "lead_id": lead.case_id,
        "merged_by": by,
        "split_at": None,
    }
    connection.execute(insert(tables.case_links), [link])
    for each in (lead, other):
        note_step(connection, each, "merged", by=by, now=means.now, random_bytes=means.random_bytes, reason=reason)


def split_case(connection: Connection, lead: Row[Any], case_id: str, *, by: str, means: Means) -> None:
    """Take a case out of those worked on together; it stays in the state it has."""
    same = (_LINKS.case_id == case_id, _LINKS.lead_id == lead.case_id, _STANDS)
    if not connection.execute(update(tables.case_links).where(*same).values(split_at=means.now)).rowcount:
        raise Refused("case.not_merged", "/case_id")
    for each in (lead, case(connection, case_id)):
        if each is not None:
            note_step(connection, each, "split", by=by, now=means.now, random_bytes=means.random_bytes)
