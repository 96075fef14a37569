"""Chip authentication mapping judged: the chip that ran PACE holds the private key of EF.CardSecurity's public one (Doc 9303-11, 4.4.3.3.3).

- EF.CardSecurity is SignedData over SecurityInfos; its signature must hold and its signer be issued by a trusted certificate of the same
  country as the document's own signer, unrevoked. Otherwise the proof is not looked at: not performed.
- The key must lie in the group PACE was run in; any of the chip's keys in that group will do. A proof that fits none of them is failed: the
  chip has the issuer's file and not the key in it.

Example: ``judge_mapping(proof, raw, store, passive, now=now)``
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from residence.credentials.chip.capture import MappingProof
from residence.credentials.chip.groups import STANDARD, EcGroup
from residence.credentials.chip.passive import PassiveOutcome
from residence.credentials.chip.public_keys import EcKey, parse_public_key
from residence.credentials.chip.security_infos import SecurityInfos, parse_security_infos
from residence.credentials.chip.signed_data import parse_signed_data
from residence.credentials.chip.trust_store import TrustStore
from residence.credentials.evidence import CheckOutcome
from residence.errors import LuutruError

_SECURITY_OBJECT: Final = "0.4.0.127.0.7.3.2.1"


def signed_infos(raw: bytes, store: TrustStore, *, country: str, now: datetime) -> SecurityInfos | None:
    """Return the entries of EF.CardSecurity when a trusted issuer of this country stands behind them."""
    signed = parse_signed_data(raw)
    signer, _ = signed.verify()
    issuer = store.issuer_of(signer)
    if signed.content_type != _SECURITY_OBJECT or issuer is None or issuer.country != country:
        return None
    if store.revocation_of(signer, when=now) == "revoked":
        return None
    return parse_security_infos(signed.content)


def judge_mapping(proof: MappingProof, raw: bytes, store: TrustStore, passive: PassiveOutcome, *, now: datetime) -> CheckOutcome:
    """Tell whether the proof fits a key the issuer signed: failed only where there is such a key and it does not fit."""
    group = STANDARD.get(proof.parameter)
    if not isinstance(group, EcGroup) or not raw or passive.checks["issuer"] != "passed":
        return "not_performed"
    try:
        infos = signed_infos(raw, store, country=passive.issuer, now=now)
        keys = [parse_public_key(each.spki) for each in (infos.chip_keys if infos else ())]
    except LuutruError:
        return "not_performed"
    points = [each.point for each in keys if isinstance(each, EcKey) and each.group.name == group.name]
    if not points:
        return "not_performed"
    scalar = int.from_bytes(proof.proof, "big")
    if not 0 < scalar < group.order:
        return "failed"
    return "passed" if any(group.encode(group.power(each, scalar)) == proof.mapping_key for each in points) else "failed"
