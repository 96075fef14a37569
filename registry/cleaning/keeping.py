"""What a page's judgement does to the items: new, standing, back, cleared; each change with a step that says when.

- Only what was judged is cleared: items found at the page's subjects, and of rules that are found from every side, those linked to them.
- A decided item stays as it was decided while its digest is the same; with another digest it is open again, and due anew.
- A cleared item that is found again is open again.

Example: ``keep_items(connection, found, subject="person", ids=ids, sight=sight, random_bytes=random_bytes).new``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, select, update

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.cleaning.found import MOST_SHOWN, Found, Sight
from residence.cleaning.rules import RULES, Subject, due_on
from residence.clock import VIETNAM, uuid7

OPEN, DECIDED, CLEARED = "open", "decided", "cleared"
_ITEMS: Final = tables.cleaning_items
_LINKS: Final = tables.cleaning_links


class Kept(NamedTuple):
    """What became of the items of a page, by rule."""

    new: Counter[str]
    back: Counter[str]
    cleared: Counter[str]
    standing: Counter[str]


class Judged(NamedTuple):
    """Which subjects a page judged, and which it found gone (merged, erased, ended): these clear no shared item."""

    subject: Subject
    ids: Sequence[str]
    gone: Sequence[str] = ()


def keep_items(
    connection: Connection, found: Sequence[Found], judged: Judged, *, sight: Sight, random_bytes: Callable[[int], bytes]
) -> Kept:
    """Write what was found at the judged subjects, and clear what is no longer there."""
    by_id = {each.item_id: each for each in found}
    rows = connection.execute(select(_ITEMS).where(among(_ITEMS.c.item_id, sorted(by_id), connection)))
    known = {row.item_id: row for row in rows}
    kept = Kept(Counter(), Counter(), Counter(), Counter())
    fresh, steps = [], []
    for item_id, each in sorted(by_id.items()):
        digest, before = each.digest(sight.vault), known.get(item_id)
        if before is None:
            kept.new[each.rule] += 1
            fresh.append(_item(each, digest, sight))
            steps.append(step_row(each.commune_code, item_id, "found", at=sight.now, random_bytes=random_bytes))
        elif before.state == CLEARED or before.digest != digest:
            was_open = before.state == OPEN
            (kept.standing if was_open else kept.back)[each.rule] += 1
            _change(connection, each, digest, sight, due=before.due if was_open else _due(each, sight))
            if not was_open:
                steps.append(step_row(each.commune_code, item_id, "back", at=sight.now, random_bytes=random_bytes))
        else:
            kept.standing[each.rule] += 1
    standing = [item_id for item_id, row in known.items() if row.state == OPEN]
    connection.execute(update(_ITEMS).where(among(_ITEMS.c.item_id, standing, connection)).values(seen_at=sight.now))
    gone = _gone(connection, judged, set(by_id))
    steps += [step_row(row.commune_code, row.item_id, "cleared", at=sight.now, random_bytes=random_bytes) for row in gone]
    kept.cleared.update(row.rule for row in gone)
    gone_ids = [row.item_id for row in gone]
    connection.execute(update(_ITEMS).where(among(_ITEMS.c.item_id, gone_ids, connection)).values(state=CLEARED))
    write_rows(connection, _ITEMS, fresh)
    write_rows(connection, _LINKS, [link for row in fresh for link in _links(by_id[row["item_id"]])])
    write_rows(connection, tables.cleaning_steps, steps)
    return kept


def forget_items(connection: Connection, ids: Sequence[str]) -> None:
    """Delete every item about these persons, with its steps, and what was confirmed of them; what concerns others is found again."""
    links, columns = _LINKS.c, _ITEMS.c
    about = list(connection.scalars(select(links.item_id).where(among(links.about_id, ids, connection)).distinct()))
    for column in (links.item_id, tables.cleaning_steps.c.item_id, columns.item_id):
        connection.execute(delete(column.table).where(among(column, about, connection)))
    asked = tables.confirmations
    connection.execute(delete(asked).where(among(asked.c.person_id, ids, connection)))


def step_row(commune_code: str, item_id: str, step: str, *, at: datetime, random_bytes: Callable[[int], bytes]) -> dict[str, Any]:
    """Return a row of ``cleaning_steps``; a person's step adds who, why and what was before."""
    return {
        "commune_code": commune_code,
        "step_id": str(uuid7(at, random_bytes(10))),
        "item_id": item_id,
        "batch_id": None,
        "step": step,
        "outcome": None,
        "by": None,
        "reason": None,
        "before": None,
        "at": at,
    }


def _item(found: Found, digest: str, sight: Sight) -> dict[str, Any]:
    return {
        "commune_code": found.commune_code,
        "item_id": found.item_id,
        "rule": found.rule,
        "subject_id": found.about[0],
        "evidence": found.evidence,
        "digest": digest,
        "state": OPEN,
        "owner": RULES[found.rule].owner,
        "due": _due(found, sight),
        "found_at": sight.now,
        "seen_at": sight.now,
        "outcome": None,
        "batch_id": None,
    }


def _due(found: Found, sight: Sight) -> datetime:
    day = due_on(RULES[found.rule], sight.today, sight.choices)
    return datetime.combine(day, datetime.min.time(), VIETNAM)


def _links(found: Found) -> list[dict[str, str]]:
    return [{"commune_code": found.commune_code, "about_id": each, "item_id": found.item_id} for each in found.about[:MOST_SHOWN]]


def _change(connection: Connection, found: Found, digest: str, sight: Sight, *, due: datetime) -> None:
    """Let an item say what was found now, and stand open."""
    values = {"evidence": found.evidence, "digest": digest, "state": OPEN, "seen_at": sight.now, "due": due}
    values |= {"subject_id": found.about[0], "outcome": None, "batch_id": None}
    connection.execute(update(_ITEMS).where(_ITEMS.c.item_id == found.item_id).values(**values))
    connection.execute(delete(_LINKS).where(_LINKS.c.item_id == found.item_id))
    write_rows(connection, _LINKS, _links(found))


def _gone(connection: Connection, judged: Judged, found: set[str]) -> list[Any]:
    """Return the open items of what was judged that were not found any more."""
    own = [each.name for each in RULES.values() if each.subject == judged.subject and not each.shared]
    shared = [each.name for each in RULES.values() if each.subject == judged.subject and each.shared]
    columns = _ITEMS.c
    wanted = select(columns.commune_code, columns.item_id, columns.rule).where(columns.state == OPEN)
    at_subjects = wanted.where(among(columns.subject_id, [*judged.ids, *judged.gone], connection), columns.rule.in_(own))
    linked = select(_LINKS.c.item_id).where(among(_LINKS.c.about_id, judged.ids, connection))
    queries = [at_subjects, wanted.where(columns.item_id.in_(linked), columns.rule.in_(shared))]
    rows = [row for query in queries for row in connection.execute(query)]
    return [row for row in rows if row.item_id not in found]
