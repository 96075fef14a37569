"""Writes whom the interface cannot take into the portal's import files, and puts it on each record: a count has to settle it.

- Taken are records that need another channel and of which the authority knows nothing yet. What keeps a guest out of the file, too, is said and left.
- The files are written under another name, read back, compared, and only then given theirs and noted. Whoever dies before the note has a file and records
  that are still to be exported: the portal refuses the overlap of a second upload, and the count tells.
- Putting somebody into a file is a telling like any other: it is on their access record.

Example: ``export(registry, Order(authority="kbtt", facility="sao-mai", folder=Path(".")), means=means).files``
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from gateway.authorities.planning import Told
from gateway.authorities.port import Task
from gateway.authorities.portal_files import verify_xlsx, verify_xml, write_xlsx, write_xml
from gateway.authorities.portal_rows import DateForm, Labels, file_problems, guest_elements, guest_row
from registry.authority_content import content_of, premises_kind, record_telling, stay_row
from registry.authority_lists import exportable
from registry.authority_records import day_of, put
from registry.database import Registry
from residence.clock import VIETNAM, rfc3339
from residence.errors import Refused

WITHDRAWN: Final = ("withdrawn", "removed")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to write, for whom, and where."""

    authority: str
    facility: str
    folder: Path
    labels: Labels
    dates: DateForm = "day-first"


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. ``days``: how many arrivals of each day, to count back; ``left_out``: record -> codes."""

    files: tuple[str, ...]
    guests: int
    days: dict[str, int]
    left_out: dict[str, tuple[str, ...]]


class _Guest(msgspec.Struct, frozen=True, kw_only=True):
    row: Any
    task: Task
    telling: Told
    left: datetime | None
    content: Any


def export(registry: Registry, order: Order, *, now: datetime, random_bytes: Callable[[int], bytes]) -> Exported:
    """Write the files; ``Refused("authority.nothing_to_export")`` when there is nobody to write."""
    with registry.writing() as connection:
        guests, left_out = _guests(connection, registry, order)
        if not guests:
            raise Refused("authority.nothing_to_export", detail=f"{len(left_out)} left out")
        files = _write(guests, order, now=now)
        for each in guests:
            record_telling(connection, each.content, each.row, now=now, random_bytes=random_bytes)
            told = msgspec.to_builtins(each.telling)
            values = {"state": "exported", "told": told, "day": day_of(each.telling.start), "problems": None, "changed_at": now}
            put(connection, each.row, code="authority.in_the_file", sent_at=now, again=False, **values)
    days = Counter(day_of(each.telling.start) for each in guests)
    return Exported(files=files, guests=len(guests), days=dict(sorted(days.items())), left_out=left_out)


def _guests(connection: Connection, registry: Registry, order: Order) -> tuple[list[_Guest], dict[str, tuple[str, ...]]]:
    guests: list[_Guest] = []
    left_out: dict[str, tuple[str, ...]] = {}
    for row in exportable(connection, authority=order.authority, facility=order.facility):
        guest = _guest(connection, registry, row)
        if guest is None:
            left_out[row.record_id] = ("authority.departure_missing",)
            continue
        problems = file_problems(guest.task)
        if problems:
            left_out[row.record_id] = tuple(each.code for each in problems)
        else:
            guests.append(guest)
    return guests, left_out


def _guest(connection: Connection, registry: Registry, row: Row[Any]) -> _Guest | None:
    """Return what the file needs of one record; None for who is gone, withdrawn or has no planned departure."""
    stay = stay_row(connection, row.stay_id)
    content = content_of(connection, stay, vault=registry.vault) if stay is not None else None
    if stay is None or content is None or stay.status in WITHDRAWN:
        return None
    until = stay.ended_at or stay.planned_end
    if until is None:
        return None
    telling = Told(
        start=rfc3339(stay.start_at),
        until=rfc3339(until),
        who=content.who,
        ended=stay.ended_at is not None,
        sure="probably",
        disputed=() if content.declaration.person.nationality != "VNM" else content.disputed,  # the XML has no place for it
    )
    task = Task(
        operation="arrival",
        facility=row.facility,
        declaration=content.declaration,
        premises_kind=premises_kind(stay),
        unit=stay.unit,
        arrival=stay.start_at,
        until=until,
        disputed=telling.disputed,
    )
    return _Guest(row=row, task=task, telling=telling, left=stay.ended_at, content=content)


def _write(guests: Sequence[_Guest], order: Order, *, now: datetime) -> tuple[str, ...]:
    order.folder.mkdir(parents=True, exist_ok=True)
    stamp = now.astimezone(VIETNAM).strftime("%Y%m%d-%H%M%S")
    here = [each for each in guests if not each.task.is_foreigner]
    foreign = [each for each in guests if each.task.is_foreigner]
    files = []
    if here:
        rows = [guest_row(each.task, number=place, labels=order.labels) for place, each in enumerate(here, start=1)]
        files.append(_placed(order.folder / f"{order.facility}-{stamp}.xlsx", rows, write=write_xlsx, verify=verify_xlsx))
    if foreign:
        entries = [
            guest_elements(each.task, number=place, form=order.dates, left=each.left)
            for place, each in enumerate(foreign, start=1)
        ]
        files.append(_placed(order.folder / f"{order.facility}-{stamp}.xml", entries, write=write_xml, verify=verify_xml))
    return tuple(files)


def _placed(path: Path, content: Any, *, write: Callable[[Path, Any], None], verify: Callable[[Path, Any], int]) -> str:
    """Write, read back, and only then give the file its name. It is personal: nobody else may read it."""
    unchecked = path.with_name(f"{path.name}.unchecked")
    os.close(os.open(unchecked, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    try:
        write(unchecked, content)
        verify(unchecked, content)
        unchecked.replace(path)
    finally:
        unchecked.unlink(missing_ok=True)
    return str(path)
