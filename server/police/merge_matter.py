"""Two records made one by two officers: what would move, and no name here; both records are looked at on the pair's own page, on the record.

- Whoever grants it has looked at both records since it was asked for; ``Conflict("eyes.not_looked")`` otherwise.
- Neither of the two decides about a relative or themselves.
- A row more or less that would move, a number, a change of either record: then it is not what was seen.

Example: ``preview(scene)["moves"]`` is {"stays": 2, "declarations": 2}
"""

from __future__ import annotations

from typing import Any

from registry.access_records import has_looked
from registry.duplicates.asking import merge_preview
from registry.duplicates.deciding import Decision, decide
from registry.duplicates.proposals import KnownPair, pair_of
from residence.errors import Conflict, Refused
from server.police.case_access import own_interests
from server.police.matter_scene import Scene
from server.policy import Account, PairResource


def preview(scene: Scene) -> dict[str, Any]:
    """Return what a merge would move, of the pair as it is now."""
    return merge_preview(scene.connection, _pair(scene))


def require(scene: Scene) -> None:
    """Refuse whoever may not decide about this pair: out of their area, or about a relative."""
    pair = _pair(scene)
    for account in (scene.asker, scene.viewer):
        resource = PairResource(pair_id=pair.pair_id, communes=(pair.commune_code, pair.other_commune))
        scene.server.policy.require(account, "decide_pair", resource=resource)
        if _is_kin(scene, account, pair):
            raise Refused("server.not_allowed")


def carry_out(scene: Scene) -> None:
    """Merge the two."""
    if not has_looked(scene.connection, scene.viewer.account_id, scene.subject, since=scene.asked_at):
        raise Conflict("eyes.not_looked")
    decision = Decision(account_id=scene.asker.account_id, reason=scene.reason)
    now, random_bytes = scene.server.clock.now(), scene.server.random_bytes
    decide(scene.connection, scene.subject, same=True, decision=decision, now=now, random_bytes=random_bytes)


def _pair(scene: Scene) -> KnownPair:
    pair = pair_of(scene.connection, scene.subject)
    if pair is None:
        raise Refused("server.not_allowed")
    return pair


def _is_kin(scene: Scene, account: Account, pair: KnownPair) -> bool:
    people = own_interests(scene.server, scene.connection, account.account_id).people
    return bool(people & {pair.one_id, pair.other_id})
