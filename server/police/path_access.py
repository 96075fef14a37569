"""What a page needs to work on one guided path: the row, what the policy is asked about it, the look its reading is.

- A path of another commune and one that is not there answer alike; one that concerns the officer's own kin or house is refused.
- Reading what somebody said needs the path taken by this officer, and is on the record.

Example: ``open_path(server, connection, account, path_id, action="work_path")``
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row

from registry.numbering import Means
from registry.paths import path_of
from registry.release import Look
from residence.access.purposes import Purpose
from residence.errors import Refused
from server.police.case_access import own_interests
from server.policy import Account, PathResource
from server.wiring import Server

PURPOSE: Final = Purpose.GUIDED_PATH


def open_path(server: Server, connection: Connection, account: Account, path_id: str, *, action: str) -> Row[Any]:
    """Return a path after asking the policy, or raise ``Refused("server.not_allowed" | "path.not_taken")``."""
    row = path_of(connection, path_id)
    if row is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "take_path", resource=_resource(server, connection, account, row))
    if action != "take_path" and not is_held(server, connection, account, row):
        raise Refused("path.not_taken", "/step")
    return row


def is_held(server: Server, connection: Connection, account: Account, row: Row[Any]) -> bool:
    """Tell whether this officer works on a path."""
    resource = _resource(server, connection, account, row)
    return server.policy.allows(account, "work_path", resource=resource, purpose=PURPOSE.value)


def _resource(server: Server, connection: Connection, account: Account, row: Row[Any]) -> PathResource:
    interests = own_interests(server, connection, account.account_id)
    barred = row.premises_id in interests.places or row.person_id in interests.people
    return PathResource(
        path_id=row.path_id,
        commune=row.commune_code,
        taken_by=row.taken_by or "",
        conflicted=(account.account_id,) if barred else (),
    )


def look_at(account: Account, path_id: str, *, purpose: Purpose = PURPOSE) -> Look:
    """Return the look an officer takes at a path."""
    return Look(account_id=account.account_id, role="officer", purpose=purpose, commune_code=account.commune_code, about=path_id)


def path_means(server: Server) -> Means:
    """Return what a step works with."""
    return Means(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
