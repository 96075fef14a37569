"""Which person an account is bound to, and whether a stay is theirs: asked alike by every page on which somebody speaks about a stay of their own.

- A stay of somebody else and one that is not there are refused alike.

Example: ``own = own_stay(server, connection, account, stay_id)``
"""

from __future__ import annotations

from sqlalchemy import Connection

from registry.accounts import person_of
from registry.stays import StayOnList, stay
from residence.errors import Refused
from server.policy import Account
from server.wiring import Server


def own_person(server: Server, connection: Connection, account: Account) -> str:
    """Return the person, or raise ``Refused("account.nobodys")``."""
    server.policy.require(account, "read_own_record", resource=account)
    person_id = person_of(connection, account.account_id)
    if person_id is None:
        raise Refused("account.nobodys")
    return person_id


def own_stay(server: Server, connection: Connection, account: Account, stay_id: str) -> StayOnList:
    """Return the stay if it is the person's own, or raise ``Refused("server.not_allowed")``."""
    server.policy.require(account, "read_own_record", resource=account)
    person_id, found = person_of(connection, account.account_id), stay(connection, stay_id)
    if found is None or person_id is None or found.person_id != person_id:
        raise Refused("server.not_allowed")
    return found
