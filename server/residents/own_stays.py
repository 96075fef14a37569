"""Which person an account is bound to, and whether a stay is theirs: asked alike by every page on which somebody speaks about a stay of their own.

- A stay of somebody else and one that is not there are refused alike.

Example: ``own = own_stay(server, connection, account, stay_id)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from registry.accounts import person_of
from registry.stay_codes import is_long_over
from registry.stays import StayOnList, stay
from residence.errors import Refused
from server.policy import Account, StayResource
from server.wiring import Server

STANDING: Final = frozenset({"open", "disputed"})


def own_person(server: Server, connection: Connection, account: Account) -> str:
    """Return the person, or raise ``Refused("account.nobodys")``."""
    server.policy.require(account, "read_own_record", resource=account)
    person_id = person_of(connection, account.account_id)
    if person_id is None:
        raise Refused("account.nobodys")
    return person_id


def own_stay(
    server: Server, connection: Connection, account: Account, stay_id: str, *, action: str = "speak_of_own_stay"
) -> StayOnList:
    """Return the stay if it is the person's own or the one a slip opened, or raise ``Refused("server.not_allowed")``."""
    person_id, found = person_of(connection, account.account_id), stay(connection, stay_id)
    is_own = found is not None and (account.stay == stay_id or (person_id is not None and found.person_id == person_id))
    asked = StayResource(stay_id=stay_id, account_id=account.account_id if is_own else "")
    server.policy.require(account, action, resource=asked)
    if found is None or (account.stay and is_long_over(found, now=server.clock.now())):
        raise Refused("server.not_allowed")
    return found


def standing_stay(server: Server, connection: Connection, account: Account, stay_id: str) -> StayOnList:
    """Return one's own stay that stands and has begun, or raise ``Refused("server.not_allowed")``."""
    found = own_stay(server, connection, account, stay_id)
    if found.status not in STANDING or found.is_expected(server.clock.now()):
        raise Refused("server.not_allowed")
    return found
