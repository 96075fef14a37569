"""A step with more cases than one officer may do at once, done by two: the preview is the act itself, rolled back, for every case.

- The second person must be free to see every one of the cases; one interest in one of them is enough to leave it to a colleague.
- What is done is compared case by case with what was seen; another outcome anywhere takes all of it back (``Conflict("eyes.changed")``).
- Done, it is the asker's act and can be taken back like any other (``registry/case_bulk.py``).

Example: ``preview(scene)["items"][0]`` is {"case", "premises", "unit", "code", "from", "to", "closing", "given_to", "until"}
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import select

from registry import tables
from registry.asking import among
from registry.case_bulk import BEYOND, Asked, Item, keep_act, run_bulk
from registry.second_eyes import digest_of
from residence.clock import rfc3339
from residence.errors import Conflict, Refused
from server.police.bulk_steps import bulk_step
from server.police.case_access import own_interests
from server.police.matter_scene import Scene


def preview(scene: Scene) -> dict[str, Any]:
    """Return what would become of each case."""
    return _said(scene, _asked(scene), _run(scene, keep=False))


def require(scene: Scene) -> None:
    """Refuse whoever may not see every one of the cases."""
    columns = tables.cases.c
    wanted = among(columns.case_id, sorted(_asked(scene).case_ids), scene.connection)
    rows = scene.connection.execute(select(tables.cases).where(wanted)).all()
    interests = own_interests(scene.server, scene.connection, scene.viewer.account_id)
    if any(row.commune_code != scene.viewer.commune_code or interests.bars(row) for row in rows):
        raise Refused("server.not_allowed")


def carry_out(scene: Scene) -> None:
    """Do it, as seen."""
    asked = _asked(scene)
    seen = digest_of(preview(scene))
    items = _run(scene, keep=True)
    if digest_of(_said(scene, asked, items)) != seen:
        raise Conflict("eyes.changed")
    of = (scene.asker.commune_code, scene.subject, scene.asker.account_id)
    keep_act(scene.connection, asked, items, of=of, now=scene.server.clock.now())


def _asked(scene: Scene) -> Asked:
    return msgspec.convert(dict(scene.content), Asked)


def _run(scene: Scene, *, keep: bool) -> tuple[Item, ...]:
    asked = _asked(scene)
    step = bulk_step(scene.server, scene.connection, scene.asker, asked)
    return run_bulk(scene.connection, asked, do=step, keep=keep, at_most=BEYOND)


def _said(scene: Scene, asked: Asked, items: Iterable[Item]) -> dict[str, Any]:
    columns = tables.cases.c
    query = select(columns.case_id, columns.premises_id, columns.unit)
    wanted = query.where(among(columns.case_id, sorted(asked.case_ids), scene.connection))
    where = {row.case_id: row for row in scene.connection.execute(wanted)}
    return {
        "action": asked.action,
        "value": asked.value,
        "reason": asked.reason,
        "items": [_item(each, where.get(each.case_id)) for each in items],
    }


def _item(item: Item, where: Any) -> dict[str, Any]:
    before, after = item.before, item.after
    held = after.task.held_until if after else None
    return {
        "case": item.case_id,
        "premises": where.premises_id if where else None,
        "unit": where.unit if where else None,
        "code": item.code,
        "from": before.state if before else None,
        "holder": before.claimed_by if before else None,
        "to": after.state if after else None,
        "closing": after.closing_code if after else None,
        "given_to": after.task.given_to if after else None,
        "until": rfc3339(held) if held else None,
    }
