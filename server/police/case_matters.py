"""What two officers do with one case: seal the looks made for it until a day, or let it leave as a file with the name in it.

- Only whoever holds the case asks; it is theirs still when it is granted. A colleague who may read the case settles it.
- The file is fetched once, by whoever asked, while nothing about the case has changed; fetching it is a look of its own, noted as an export.
- What the file says of the person is what the claim's purpose releases, and no more.

Example: ``preview_file(scene)["fields"]`` is ["birth-date", "full-name", ...]
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

from registry.cases import events_of
from registry.evidence import case_evidence
from registry.premises import load_premises
from registry.release import Look
from registry.seen_persons import release_seen
from residence.access.purposes import PERSONAL, Purpose, released_fields
from residence.cases.transitions import CLOSED
from residence.clock import rfc3339
from residence.errors import Refused
from server.police.case_access import readable_case
from server.police.matter_scene import Scene


def preview_seal(scene: Scene) -> dict[str, Any]:
    """Return what would be sealed, and until when."""
    row = _held(scene, "seal_case")
    return _place(row) | {"until": scene.content["until"]}


def preview_file(scene: Scene) -> dict[str, Any]:
    """Return what would leave: of which case, for whom, which fields of the person, how many steps."""
    row = _handed_out(scene)
    fields = released_fields("officer", Purpose(row.claim_purpose)) & PERSONAL
    events = events_of(scene.connection, row.case_id)
    return _place(row) | {
        "receiver": scene.content["receiver"],
        "purpose": row.claim_purpose,
        "fields": sorted(each.value for each in fields),
        "steps": len(events),
        "sightings": sorted(row.presence_ids),
        "changed_at": rfc3339(row.changed_at),
    }


def require_case(scene: Scene) -> None:
    """Refuse whoever may not read the case."""
    readable_case(scene.server, scene.connection, scene.viewer, scene.subject)


def nothing_more(scene: Scene) -> None:
    """Leave it at that: what was granted is asked for wherever it counts."""


def _held(scene: Scene, action: str) -> Row[Any]:
    """Return the case, which whoever asked holds for a purpose, or refuse."""
    row, resource = readable_case(scene.server, scene.connection, scene.asker, scene.subject)
    scene.server.policy.require(scene.asker, action, resource=resource, purpose=row.claim_purpose or "")
    return row


def _handed_out(scene: Scene) -> Row[Any]:
    row = _held(scene, "hand_out_case")
    if row.state in CLOSED or not scene.content["receiver"]:
        raise Refused("eyes.receiver", "/receiver")
    return row


def case_file(scene: Scene) -> dict[str, Any]:
    """Return the file's content; the look is on the record."""
    row, vault = _handed_out(scene), scene.server.registry.vault
    place = load_premises(scene.connection, [row.premises_id], vault=vault)[row.premises_id]
    look = Look(
        account_id=scene.asker.account_id,
        role="officer",
        purpose=Purpose(row.claim_purpose),
        commune_code=row.commune_code,
        about=row.case_id,
        way="export",
    )
    now, random_bytes = scene.server.clock.now(), scene.server.random_bytes
    person = release_seen(
        scene.connection, row.presence_ids, who=row.who, look=look, vault=vault, now=now, random_bytes=random_bytes
    )
    evidence = case_evidence(scene.connection, row, vault=vault)
    return {
        "case": row.case_id,
        "receiver": scene.content["receiver"],
        "made_at": rfc3339(now),
        "rule": {"name": row.rule, "article": row.article, "set": row.rule_set},
        "place": {"premises": row.premises_id, "name": place.name, "address": place.address_text, "unit": row.unit},
        "person": {field.value: value for field, value in sorted(person.fields.items())},
        "disputed": sorted(each.value for each in person.disputed),
        "explanations_tried": list(row.explanations_tried),
        "moments": [{"at": rfc3339(each.at), "kind": each.kind} | _plain(each.facts) for each in evidence.moments],
    }


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(facts)
    return told


def _place(row: Row[Any]) -> dict[str, Any]:
    return {"case": row.case_id, "premises": row.premises_id, "unit": row.unit, "state": row.state}
