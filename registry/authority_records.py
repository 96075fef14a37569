"""What another authority is to be told of each stay, as a row that moves with the stay: the outbox of every connector.

- ``note_stays`` runs in the transaction that writes the stays (``registry/writing.py``); only premises bound by ``authority_links`` give rows.
- A row says what the other knows (``told``), never what to do next: that is worked out from the stay when its turn comes
  (``gateway/authorities/planning.py``), so a lost or repeated wake-up changes nothing.
- ``take_next`` and ``mark_sending`` commit before anything is sent, ``settle`` after. Whoever dies in between leaves a row that says *sending*:
  when its claim has run out nobody knows whether it got through, and it is ``doubtful`` from then on.
- An attempt settles only itself: a row that somebody else has taken meanwhile stays as it is.

Example: ``row = take_next(connection, now=now)`` is the oldest thing due, locked; None when nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, and_, case, insert, literal, or_, select, update

from registry import tables
from registry.asking import among, ask
from residence.clock import VIETNAM, parse_instant, uuid7_text
from residence.stays.spans import normal_unit

RecordState = Literal[
    "due",  # something may have to be told; ``next_at`` says when it is looked at
    "sending",  # claimed, and on its way
    "silent",  # an attempt was made and no answer came: it may be there
    "probably",  # the authority refused the same again, so it is probably there; a count settles it
    "accepted",  # told, and the authority said yes
    "confirmed",  # and it was counted in the authority's own list
    "refused",  # a person has to mend something first
    "other-channel",  # this way cannot take it; the portal's file or a visit can
    "exported",  # written into the portal's file; a count settles it
    "nothing",  # nothing to tell: withdrawn before it was told, or the person was erased
]
IN_HAND: Final = ("sending", "silent")
CANDIDATES: Final = 20  # more than workers that tell another authority at once
MOVED: Final = "authority.other_establishment"
_TABLE: Final = tables.authority_records
_BOUND: Final = "SELECT premises_id FROM authority_links WHERE ended_at IS NULL AND premises_id {among}"


def note_stays(
    connection: Connection, stays: Iterable[Mapping[str, Any]], *, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Make or wake the rows of these stays (rows of ``stays``), in the transaction that writes them."""
    rows = list(stays)
    places = sorted({row["premises_id"] for row in rows})
    if not places or not ask(connection, _BOUND, places):  # nearly always: what every batch asks is written out in SQL
        return
    standing = links_of(connection, places)
    for authority in sorted({each.authority for each in standing}):
        for row in rows:
            link = link_for(standing, row["premises_id"], row["unit"], authority=authority)
            if link is not None:
                note_stay(connection, link, row["stay_id"], now=now, random_bytes=random_bytes)


def links_of(connection: Connection, premises_ids: list[str]) -> list[Row[Any]]:
    """Return the bindings that stand at these premises."""
    links = tables.authority_links
    query = select(links).where(among(links.c.premises_id, premises_ids, connection), links.c.ended_at.is_(None))
    return list(connection.execute(query).all())


def link_for(standing: Iterable[Row[Any]], premises_id: str, unit: str | None, *, authority: str) -> Row[Any] | None:
    """Return the binding a room falls under: the one that names it, else the one of all other rooms."""
    here = [each for each in standing if each.premises_id == premises_id and each.authority == authority]
    named = [each for each in here if each.units and normal_unit(unit) in each.units]
    return next(iter(named or [each for each in here if not each.units]), None)


def note_stay(
    connection: Connection, link: Row[Any], stay_id: str, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Wake one stay's row, or make it. One in hand is only marked: whoever has it looks again when it is settled."""
    columns = _TABLE.c
    in_hand = columns.state.in_(IN_HAND)
    woken = (
        update(_TABLE)
        .where(columns.stay_id == stay_id, columns.authority == link.authority)
        .values(
            again=case((in_hand, True), else_=columns.again),
            state=case((in_hand, columns.state), else_="due"),
            next_at=case((in_hand, columns.next_at), else_=literal(now, columns.next_at.type)),
            changed_at=now,
        )
    )
    if connection.execute(woken).rowcount:
        _move(connection, link, stay_id, now=now)
        return
    row = {
        "commune_code": link.commune_code,
        "record_id": uuid7_text(now, random_bytes(10)),
        "authority": link.authority,
        "facility": link.facility,
        "premises_id": link.premises_id,
        "stay_id": stay_id,
        "state": "due",
        "doubtful": False,
        "again": False,
        "attempts": 0,
        "failures": 0,
        "next_at": now,
        "recorded_at": now,
        "changed_at": now,
    }
    connection.execute(insert(_TABLE), [row])


def wake_stays_of(connection: Connection, person_id: str, *, now: datetime) -> None:
    """Let what was told of a person's stays be looked at again: something about them came under dispute, or no longer is."""
    stays, columns = tables.stays.c, _TABLE.c
    ids = list(connection.scalars(select(stays.stay_id).where(stays.person_id == person_id)))
    if ids:
        told = (among(columns.stay_id, ids, connection), columns.state.in_(("accepted", "confirmed")))
        connection.execute(update(_TABLE).where(*told).values(state="due", next_at=now, changed_at=now))


def _move(connection: Connection, link: Row[Any], stay_id: str, *, now: datetime) -> None:
    """Follow a stay into a room of another establishment: what nobody was told of moves with it; what was told is for a person."""
    columns = _TABLE.c
    elsewhere = (columns.stay_id == stay_id, columns.authority == link.authority, columns.facility != link.facility)
    row = connection.execute(select(_TABLE).where(*elsewhere)).first()
    if row is None or row.state in IN_HAND:
        return
    told = {"state": "refused", "code": MOVED, "problems": [{"code": MOVED, "pointer": "/unit"}], "changed_at": now}
    values = {"facility": link.facility} if row.told is None else told
    connection.execute(update(_TABLE).where(columns.record_id == row.record_id).values(values))


def take_next(
    connection: Connection,
    *,
    authorities: Collection[str],
    now: datetime,
    shut: Collection[tuple[str, str]] = (),
    lock: bool = True,
) -> Row[Any] | None:
    """Return the row that has waited longest and is due, locked until the transaction ends. ``shut``: (authority, facility) to leave out."""
    columns = _TABLE.c
    waiting = and_(columns.state.in_(("due", "silent")), columns.next_at <= now)
    abandoned = and_(columns.state == "sending", columns.claimed_until <= now)
    query = select(_TABLE).where(columns.authority.in_(sorted(authorities)), or_(waiting, abandoned))
    for authority, facility in sorted(shut):
        query = query.where(or_(columns.authority != authority, columns.facility != facility))
    waiting_longest = connection.execute(
        query.order_by(columns.next_at, columns.record_id).limit(CANDIDATES if lock else 1)
    ).all()
    if not lock:
        return next(iter(waiting_longest), None)
    for row in waiting_longest:  # asked of all communes; a lock names one, so that a distributed database can take it
        own = (columns.commune_code == row.commune_code, columns.record_id == row.record_id)
        locked = connection.execute(query.where(*own).with_for_update(skip_locked=True)).first()
        if locked is not None:
            return locked
    return None


def mark_sending(
    connection: Connection, row: Row[Any], *, operation: str, telling: Mapping[str, Any], now: datetime, until: datetime
) -> int:
    """Claim a taken row for one attempt; returns the attempt's number. What was in hand before without an end is doubtful."""
    attempt = row.attempts + 1
    values = {
        "state": "sending",
        "operation": operation,
        "telling": dict(telling),
        "day": day_of(telling["start"]),
        "doubtful": row.doubtful or row.state in IN_HAND,
        "again": False,  # what is sent was worked out from the stay as it stands now
        "attempts": attempt,
        "claimed_until": until,
        "sent_at": now,
        "changed_at": now,
    }
    connection.execute(update(_TABLE).where(_TABLE.c.record_id == row.record_id).values(values))
    return int(attempt)


def day_of(start: str) -> str:
    """Return the day of an arrival, as people in Vietnam count."""
    return parse_instant(start).astimezone(VIETNAM).date().isoformat()


def put(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Change a row that ``take_next`` has locked, without an attempt."""
    connection.execute(update(_TABLE).where(_TABLE.c.record_id == row.record_id).values({"claimed_until": None, **values}))


def settle(connection: Connection, record_id: str, *, attempt: int, state: RecordState, now: datetime, **values: Any) -> bool:
    """Write how an attempt ended; False when it is no longer this attempt's row. A stay that changed meanwhile is due again."""
    columns = _TABLE.c
    query = update(_TABLE).where(columns.record_id == record_id, columns.attempts == attempt, columns.state == "sending")
    fields: dict[str, Any] = {"state": state, "next_at": now, "claimed_until": None, "changed_at": now, **values}
    if state not in IN_HAND:
        fields["state"] = case((columns.again, "due"), else_=state)
        instant = columns.next_at.type
        fields["next_at"] = case((columns.again, literal(now, instant)), else_=literal(fields["next_at"], instant))
        fields["again"] = False
    return connection.execute(query.values(fields)).rowcount > 0
