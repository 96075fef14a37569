"""What two officers do together: one port, and the table of kinds. What is asked for is previewed, seen whole by another, and carried out as seen.

- A matter says three things: what would happen (as JSON, worked out as the act itself where it can be), who may see and settle it, and how it
  is done. Its page, its rows, its clock and its rules are the same for all (``registry/second_eyes.py``, ``second_eyes_pages.py``).
- What would happen is always worked out for whoever asked: with their claims, their area, their account as it is now.
- Something that cannot happen any more has no preview; it can only be returned.

Example: ``propose(server, connection, account, Wanted(kind=Kind.MERGE, subject=pair_id, content={}, reason="both cards seen"))``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from registry.second_eyes import Kind, Wish, ask, asker_of, digest_of
from residence.errors import LuutruError
from server.inspectors import rules_matter
from server.police import bulk_matter, case_matters, merge_matter, order_matter
from server.police.matter_scene import Scene
from server.policy import Account, ProposalResource, Role
from server.visitor import account_of
from server.wiring import Server


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing two do together."""

    preview: Callable[[Scene], dict[str, Any]]
    require: Callable[[Scene], None]  # raises unless ``scene.viewer`` may see it and settle it
    carry_out: Callable[[Scene], None]  # in the transaction that grants it
    role: Role = "officer"


MATTERS: Final[Mapping[Kind, Matter]] = {
    Kind.SEAL_LOOKS: Matter(
        preview=case_matters.preview_seal, require=case_matters.require_case, carry_out=case_matters.nothing_more
    ),
    Kind.HAND_OUT: Matter(
        preview=case_matters.preview_file, require=case_matters.require_case, carry_out=case_matters.nothing_more
    ),
    Kind.MERGE: Matter(preview=merge_matter.preview, require=merge_matter.require, carry_out=merge_matter.carry_out),
    Kind.ENTER_ORDER: Matter(preview=order_matter.preview, require=order_matter.require, carry_out=order_matter.carry_out),
    Kind.BULK: Matter(preview=bulk_matter.preview, require=bulk_matter.require, carry_out=bulk_matter.carry_out),
    Kind.LOOK_RULES: Matter(
        preview=rules_matter.preview, require=rules_matter.require, carry_out=rules_matter.carry_out, role="inspector"
    ),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for, before it has been previewed."""

    kind: Kind
    subject: str
    content: Mapping[str, Any]
    reason: str


def propose(server: Server, connection: Connection, account: Account, wanted: Wanted) -> str:
    """Preview what is asked for and write it down; returns its id. Whether this account may ask is asked before."""
    now = server.clock.now()
    scene = Scene(
        server=server,
        connection=connection,
        asker=account,
        viewer=account,
        subject=wanted.subject,
        content=wanted.content,
        reason=wanted.reason,
        asked_at=now,
    )
    matter = MATTERS[wanted.kind]
    matter.require(scene)
    wish = Wish(
        kind=wanted.kind,
        subject=wanted.subject,
        content=wanted.content,
        digest=digest_of(matter.preview(scene)),
        reason=wanted.reason,
        asked_by=account.account_id,
        commune_code=account.commune_code,
        expires_at=now + server.case_times.second_person_within,
    )
    return ask(connection, wish, now=now, random_bytes=server.random_bytes)


def matter_of(row: Row[Any]) -> Matter:
    """Return the matter of a proposal."""
    return MATTERS[Kind(row.kind)]


def resource_of(row: Row[Any]) -> ProposalResource:
    """Return the policy's view of a proposal."""
    role = matter_of(row).role
    return ProposalResource(proposal_id=row.proposal_id, commune=row.commune_code, asked_by=row.asked_by, role=role)


def scene_of(server: Server, connection: Connection, viewer: Account, row: Row[Any]) -> Scene | None:
    """Return a proposal as its matter sees it; None when whoever asked may not sign in any more."""
    asker = asker_of(connection, row)
    if asker is None:
        return None
    return Scene(
        server=server,
        connection=connection,
        asker=account_of(asker),
        viewer=viewer,
        subject=row.subject,
        content=row.content,
        reason=row.reason,
        asked_at=row.asked_at,
    )


def preview_of(scene: Scene | None, row: Row[Any]) -> dict[str, Any] | None:
    """Return what would happen now, or None when it cannot happen any more."""
    if scene is None:
        return None
    try:
        return matter_of(row).preview(scene)
    except LuutruError:
        return None
