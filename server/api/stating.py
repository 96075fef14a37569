"""What a program may state, and how it is read: one declaration, or each of a batch.

- The policy decides for the account, the scopes for the program; places that are not theirs and not there answer alike.
- What a chip said is believed only with the chip's own bytes, which this API does not take: levels 2 to 5 are refused.
- Nobody attests in another's name: ``evidence.attested_by`` is the calling account, which is kept with the row in any case.
- Only an officer declares as an officer: that role may change what other premises declared.

Example: ``may_state(server, caller, read_declaration(body), commune="demo-01")``
"""

from __future__ import annotations

from typing import Final

import msgspec

from residence.credentials.evidence import EvidenceLevel
from residence.errors import Refused
from residence.stays.declaration import StayDeclaration
from server.api.callers import ApiCaller
from server.policy import PremisesResource
from server.problems import Unreadable
from server.wiring import Server

ACTIONS: Final = {"correction": "correct", "withdrawal": "correct", "departure": "check_out"}
OFFICER: Final = "officer"


def read_declaration(body: bytes | msgspec.Raw) -> StayDeclaration:
    """Decode a declaration, or raise ``Malformed("server.input_unreadable")`` naming the field."""
    try:
        return msgspec.json.decode(body, type=StayDeclaration)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(error, StayDeclaration) from error


def may_state(server: Server, caller: ApiCaller, declaration: StayDeclaration, *, commune: str) -> None:
    """Refuse what the caller may not state. ``commune``: that of the premises, empty when there are none."""
    account = caller.account
    resource = PremisesResource(premises_id=declaration.premises_id, commune=commune)
    server.policy.require(account, ACTIONS.get(declaration.kind, "declare"), resource=resource)
    caller.require("declare", declaration.premises_id)
    if (
        declaration.declarant.role == OFFICER and account.role != OFFICER
    ):  # an officer's word reaches other premises' declarations
        raise Refused("server.role_not_yours", "/declarant/role")
    if declaration.declarant.account not in {None, account.account_id}:
        raise Refused("server.declarant_not_you", "/declarant/account")
    if declaration.evidence.attested_by not in {None, account.account_id}:  # level 6 without a name is an error of the check
        raise Refused("server.attester_not_you", "/evidence/attested_by")
    if EvidenceLevel.CHIP_READ <= declaration.evidence.level <= EvidenceLevel.CHIP_PRESENT:
        raise Refused("server.evidence_not_checked", "/evidence/level")
    if declaration.evidence.chip is not None:  # only a kiosk's is bound to its own reading and judged again
        raise Refused("server.evidence_not_checked", "/evidence/chip")
