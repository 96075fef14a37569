"""Which dated rules this registry has judged by: written down with a digest, so that a changed rule is noticed.

- A rule set that was once in force never changes; the same id with other content is a ``Conflict("registry.rule_set_changed")``.

Example: ``put_in_force(connection, load_rule_book(), commune_code="demo-01", now=now)``
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec
from sqlalchemy import Connection, insert, select

from registry import tables
from residence.errors import Conflict
from residence.stays.rules import RuleBook, RuleSet, TemporaryRules


def put_in_force(connection: Connection, rules: RuleBook, *, commune_code: str, now: datetime) -> int:
    """Write down every set not yet known; returns how many were new."""
    columns = tables.rule_sets.c
    known = {
        row[0]: bytes(row[1])
        for row in connection.execute(select(columns.rule_set_id, columns.digest).where(columns.commune_code == commune_code))
    }
    rows = []
    dated: tuple[RuleSet | TemporaryRules, ...] = (*rules.sets, *rules.temporary)
    for each in dated:
        digest = hashlib.sha256(msgspec.json.encode(each)).digest()
        if known.get(each.id, digest) != digest:
            raise Conflict("registry.rule_set_changed", "", each.id)
        if each.id not in known:
            rows.append(
                {
                    "commune_code": commune_code,
                    "rule_set_id": each.id,
                    "valid_from": each.valid_from.isoformat(),
                    "valid_to": each.valid_to.isoformat() if each.valid_to else None,
                    "article": each.article,
                    "digest": digest,
                    "in_force_at": now,
                }
            )
    if rows:
        connection.execute(insert(tables.rule_sets), rows)
    return len(rows)
