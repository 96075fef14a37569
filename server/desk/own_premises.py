"""Which premises a clerk works on now: the one named in the address, else the first of their own where it can be; the policy says whether.

- A premises that does not exist and one that is not the clerk's answer alike (``server.not_allowed``): nothing can be probed.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from registry.premises import load_premises
from residence.errors import Refused
from residence.places.premises import Premises
from server.policy import Account, PremisesResource
from server.wiring import Server

LOOKS = frozenset({"list_stays", "read_receipt"})  # what a clerk who only looks may do


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """The premises being worked on, and all the clerk may change to."""

    here: Premises
    own: tuple[Premises, ...]


def workplace(server: Server, connection: Connection, account: Account, *, action: str, premises_id: str = "") -> Workplace:
    """Return the clerk's premises after asking the policy for ``action`` there, or raise ``Refused("server.not_allowed")``."""
    chosen = premises_id or _first(account, action)
    known = load_premises(connection, {*account.premises, chosen} - {""}, vault=server.registry.vault)
    here = known.get(chosen)
    if here is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, action, resource=PremisesResource(premises_id=here.premises_id, commune=here.commune_code))
    own = tuple(known[each] for each in account.premises if each in known)
    return Workplace(here=here, own=own)


def _first(account: Account, action: str) -> str:
    """Return the first house of the account, where more than looking is asked the first where it may do more; empty when it has none."""
    fitting = [each for each in account.premises if action in LOOKS or each not in account.reads_only]
    return next(iter(fitting or account.premises), "")
