"""May this officer have this case? The one place police pages turn a case's id into its row.

- A case of another commune, one that is not there, and one the officer must not decide about answer alike.
- What bars somebody is an interest (``registry/interests.py``); the policy file says what it bars.

Example: ``row, resource = readable_case(server, connection, account, case_id)``
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from registry.cases import case
from registry.interests import Interests, interests_of
from residence.clock import VIETNAM
from residence.errors import Refused
from server.policy import Account, CaseResource
from server.wiring import Server


def own_interests(server: Server, connection: Connection, account_id: str) -> Interests:
    """Return what somebody must not decide about today."""
    return interests_of(connection, account_id, on=server.clock.now().astimezone(VIETNAM).date())


def readable_case(server: Server, connection: Connection, account: Account, case_id: str) -> tuple[Row[Any], CaseResource]:
    """Return a case this officer may read and the policy's view of it, or raise ``Refused("server.not_allowed")``."""
    row = case(connection, case_id)
    if row is None:
        raise Refused("server.not_allowed")
    barred = own_interests(server, connection, account.account_id).bars(row)
    resource = CaseResource(
        case_id=row.case_id,
        commune=row.commune_code,
        claimed_by=row.claimed_by or "",
        conflicted=(account.account_id,) if barred else (),
    )
    server.policy.require(account, "read_case", resource=resource)
    return row, resource
