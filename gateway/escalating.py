"""Before it is late: a house with somebody still to be declared is told while there is time, in steps, one message for all of them.

- Asked every minute of each premises at which somebody undeclared was seen or refused; only lodgings are written to (a home is asked after its deadline).
- One notice for each house, deadline and step, however many people it concerns; how many is on the desk's page.
- Whoever the house said is a visitor counts for nobody, as on that page, and so does a refused arrival that was said anew.
- What a mail server or a channel could not take before the deadline is not sent after it (``gateway/mailing.py``, ``gateway/alarms.py``).

Example: due at 23:00, undeclared at 21:00: a notice at 21:00, and another at 22:15 if anybody still is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog
from sqlalchemy import Connection, select

from registry import tables
from registry.database import Registry
from registry.desk_lists import Place, list_unsettled
from registry.notices import Notice, send_notice, sent_notices
from registry.premises import load_places
from registry.presences import premises_with_presences, sightings
from registry.said_anew import not_said_anew
from registry.tables_stays import REFUSED
from residence.cases.notices import NoticeKind, addressee
from residence.clock import rfc3339
from residence.places.premises import Premises, PremisesKind
from residence.stays.deadlines import deadline
from residence.stays.rules import RuleBook

STEPS: Final = (timedelta(hours=2), timedelta(minutes=45))  # ours: time to find the guest, then time to declare
LOOK_BACK: Final = timedelta(hours=36)  # as the desk's page: what is older is past every deadline
PAGE: Final = 500
log = structlog.get_logger("luutru.gateway")


def warn(registry: Registry, *, rules: RuleBook, now: datetime, random_bytes: Callable[[int], bytes]) -> int:
    """Tell every lodging whose deadline is near and that was not told of this step; returns how many notices went out."""
    sent = 0
    for premises_ids in _pages(registry, now):
        with registry.writing() as connection:
            places = load_places(connection, [(each, None) for each in premises_ids])
            found = [place for each in premises_ids if (place := places.place(each, None)) is not None]
            for premises in found:
                if any(map(_is_facility, (premises.kind, *(each.kind for each in premises.earlier_kinds)))):
                    sent += _warn_one(connection, registry, premises, rules=rules, now=now, random_bytes=random_bytes)
    if sent:
        log.info("warned before the deadline", notices=sent)
    return sent


def somebody_is_due(connection: Connection, registry: Registry, premises_id: str, *, rules: RuleBook, now: datetime) -> bool:
    """Tell whether somebody at a house is still to be declared, with a deadline that is not over."""
    premises = load_places(connection, [(premises_id, None)]).place(premises_id, None)
    return premises is not None and any(due > now for due in _dues(connection, registry, premises, rules=rules, now=now))


def _pages(registry: Registry, now: datetime) -> Iterator[list[str]]:
    after: str | None = ""
    while after is not None:
        with registry.reading() as connection:
            page = premises_with_presences(connection, after=after, limit=PAGE)
        if page:
            yield page
        after = page[-1] if len(page) == PAGE else None
    said = tables.declarations.c
    query = select(said.premises_id).where(REFUSED, said.recorded_at >= now - LOOK_BACK).distinct().order_by(said.premises_id)
    with registry.reading() as connection:
        refused = list(connection.scalars(query))
    for at in range(0, len(refused), PAGE):
        yield refused[at : at + PAGE]


def _warn_one(
    connection: Connection,
    registry: Registry,
    premises: Premises,
    *,
    rules: RuleBook,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> int:
    near = [due for due in _dues(connection, registry, premises, rules=rules, now=now) if now < due <= now + max(STEPS)]
    if not near:
        return 0
    due = min(near)
    step = min(each for each in STEPS if due - now <= each)
    notice = Notice(
        kind=NoticeKind.DEADLINE_NEAR,
        about=sha256(f"{premises.premises_id} {rfc3339(due)} {step.seconds}".encode()).hexdigest(),
        who=premises.premises_id,
        premises_id=premises.premises_id,
        commune_code=premises.commune_code,
        addressee="facility",
        due=due,
        rule=NoticeKind.DEADLINE_NEAR.value,
        rule_set=rules.rule_set_for(now).id,
    )
    return send_notice(connection, notice, now=now, random_bytes=random_bytes) is not None


def _is_facility(kind: PremisesKind) -> bool:
    return addressee(NoticeKind.DEADLINE_NEAR, kind) == "facility"


def _dues(connection: Connection, registry: Registry, premises: Premises, *, rules: RuleBook, now: datetime) -> list[datetime]:
    """Return the deadline of everybody who is still to be declared here, and came while it was a lodging."""
    since, own_id = now - LOOK_BACK, premises.premises_id
    visitors = {each.who for each in sent_notices(connection, [own_id], since=since) if each.answered_at}
    seen = [
        deadline(each.seen_at, premises_kind=kind, person=each.person, rules=rules, remote_area=premises.remote_area).due
        for each in sightings(connection, [own_id], since=since)
        if each.who not in visitors and _is_facility(kind := premises.kind_at(each.seen_at))
    ]
    place = Place(premises.commune_code, own_id)
    listed = list_unsettled(connection, place, since=since)
    listed = [each for each in listed if each.arrival_at is None or _is_facility(premises.kind_at(each.arrival_at))]
    refused = [each for each in listed if each.state == "refused" and each.is_about_somebody_undeclared and each.due]
    anew = not_said_anew(connection, refused, place=place, vault=registry.vault, rules=rules)
    return seen + [each.due for each in refused if each.due and each.declaration_id in anew]
