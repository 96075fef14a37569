"""Other numbers for the rules by which looks are asked about, by two inspectors: each number as it is today and as it would be.

Example: ``preview(scene)["changes"]`` is [["address_people", 6, 8]]
"""

from __future__ import annotations

from typing import Any

from registry.look_questions import put_in_force, rules_in_force
from residence.access.look_rules import changed
from server.police.matter_scene import Scene
from server.policy import CommuneResource


def preview(scene: Scene) -> dict[str, Any]:
    """Return what would count instead of what."""
    rules = rules_in_force(scene.connection, scene.asker.commune_code)
    then = changed(rules, scene.content)
    return {"changes": [[name, getattr(rules, name), getattr(then, name)] for name in sorted(scene.content)]}


def require(scene: Scene) -> None:
    """Refuse whoever may not change the numbers."""
    for account in (scene.asker, scene.viewer):
        commune = CommuneResource(commune=scene.asker.commune_code)
        scene.server.policy.require(account, "change_look_rules", resource=commune)


def carry_out(scene: Scene) -> None:
    """Put them in force."""
    then = changed(rules_in_force(scene.connection, scene.asker.commune_code), scene.content)
    by, now = (scene.asker.account_id, scene.viewer.account_id), scene.server.clock.now()
    put_in_force(scene.connection, scene.asker.commune_code, then, by=by, now=now, random_bytes=scene.server.random_bytes)
