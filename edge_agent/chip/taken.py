"""What one reading has taken so far, and what follows from it: which groups were signed, why nothing opened, what the mapping left.

- ``not_opened`` names every attempt and the chip's answer to it, for whoever installs; no secret is in it.

>>> not_opened(Taken(attempts=[Attempt(protocol="BAC", outcome="6300")])).detail
'BAC 6300'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge_agent.chip.pace import PaceOutcome
from residence.credentials.chip.capture import Attempt, MappingProof
from residence.credentials.chip.lds import parse_dg1
from residence.credentials.chip.security_object import parse_sod
from residence.errors import LuutruError, Refused

_NOT_OPENED: Final = "chip.not_opened"


@dataclass(kw_only=True)
class Taken:
    """What a reading has so far."""

    attempts: list[Attempt] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    card_access: bytes = b""
    card_security: bytes = b""
    protocol: str = ""
    downgraded_from: str = ""
    pace: PaceOutcome | None = None


def not_opened(taken: Taken) -> Refused:
    """Return the refusal of a chip that nothing opened."""
    tried = ", ".join(f"{each.protocol} {each.outcome}" for each in taken.attempts)
    return Refused(_NOT_OPENED, "", tried or "nothing to try")


def was_called_wrong(error: LuutruError) -> bool:
    """Tell whether the chip itself refused a secret; else it may only have been pulled away."""
    return error.code == _NOT_OPENED and "chip.wrong_key" in error.detail


def is_vietnamese(taken: Taken) -> bool:
    """Tell whether the zone names Viet Nam as the issuer: no other country's DG13 is asked for."""
    try:
        return parse_dg1(taken.files["DG1"])[0][2:5] == "VNM"
    except (KeyError, LuutruError):
        return False


def signed_groups(taken: Taken) -> frozenset[str]:
    """Return the groups of EF.SOD: a copy may leave its keys out of EF.COM, which nobody signs."""
    try:
        return frozenset(f"DG{number}" for number in parse_sod(taken.files["SOD"]).groups)
    except (KeyError, LuutruError):
        return frozenset()


def mapping_of(pace: PaceOutcome | None) -> MappingProof | None:
    """Return what chip authentication mapping left, where it was run."""
    if pace is None or not pace.proof or pace.info.parameter is None:
        return None
    return MappingProof(parameter=pace.info.parameter, mapping_key=pace.mapping_key, proof=pace.proof)
