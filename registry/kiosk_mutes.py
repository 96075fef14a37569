"""Maintenance: alarms of a kiosk or a whole site are silent for some hours, with a reason. Nothing else is.

- A mute lasts 1 to 72 hours and ends by itself; by hand before, which says who did it. Nothing has to run for it to end.
- One stands for a subject at a time; a second one is refused, so that nobody's end is moved unseen.
- Every mute is its own record, ended ones too: who, why, from when, until when (``registry/retention_policy.toml`` says how long).
- What is muted is an alarm. Declarations, dead letters and signs of life go their way.

Example: ``mute(connection, NewMute(kind="site", subject="htl-sao-mai", ...), mute_id=mute_id, now=now)``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, exists, func, insert, select, update

from registry import tables
from residence.errors import Conflict, Malformed, Refused

Kind = Literal["kiosk", "site"]
KINDS: Final[tuple[Kind, ...]] = ("kiosk", "site")
SHORTEST, LONGEST = 1, 72  # hours
LONGEST_REASON: Final = 200
MOST_LISTED: Final = 500
_MUTES: Final = tables.kiosk_mutes
_LOCK: Final = 0x6D757465  # a space of advisory locks of its own


class NewMute(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asks for. ``hours`` and ``reason`` are as they were typed."""

    commune_code: str
    kind: str
    subject: str
    hours: str
    reason: str
    by: str


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """One mute, standing or over."""

    mute_id: str
    subject_kind: Kind
    subject_id: str
    reason: str
    muted_by: str
    muted_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    def stands(self, now: datetime) -> bool:
        """Tell whether it is in force."""
        return self.ended_at is None and self.muted_at <= now < self.ends_at


def mute(connection: Connection, new: NewMute, *, mute_id: str, now: datetime) -> None:
    """Silence a subject's alarms; raises ``Malformed`` for hours or a reason that will not do, ``Refused`` for a subject that is not the commune's.

    ``Conflict("mute.stands")`` while one stands.
    """
    hours, reason = _hours(new.hours), "".join(each for each in " ".join(new.reason.split()) if each.isprintable())
    if not reason or len(reason) > LONGEST_REASON:
        raise Malformed("mute.reason_missing", "/reason")
    if new.kind not in KINDS or not _is_there(connection, new):
        raise Refused("mute.subject_unknown", "/subject")
    if connection.dialect.name == "postgresql":  # two operators at once; SQLite has one writer
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(f"{new.commune_code} {new.subject}"))))
    columns = _MUTES.c
    same = (columns.commune_code == new.commune_code, columns.subject_kind == new.kind, columns.subject_id == new.subject)
    standing = select(exists().where(*same, columns.ends_at > now, columns.ended_at.is_(None)))
    if connection.scalar(standing):
        raise Conflict("mute.stands", "/subject")
    row = {
        "commune_code": new.commune_code,
        "mute_id": mute_id,
        "subject_kind": new.kind,
        "subject_id": new.subject,
        "reason": reason,
        "muted_by": new.by,
        "muted_at": now,
        "ends_at": now + timedelta(hours=hours),
    }
    connection.execute(insert(_MUTES), [row])


def unmute(connection: Connection, mute_id: str, *, commune_code: str, by: str, now: datetime) -> None:
    """End a mute by hand; ``Conflict("mute.over")`` when it is over or not this commune's."""
    columns = _MUTES.c
    which = (columns.mute_id == mute_id, columns.commune_code == commune_code, columns.ended_at.is_(None), columns.ends_at > now)
    if connection.execute(update(_MUTES).where(*which).values(ended_at=now, ended_by=by)).rowcount == 0:
        raise Conflict("mute.over")


def mutes_of(connection: Connection, commune_code: str, *, since: datetime, limit: int = MOST_LISTED) -> list[Mute]:
    """Return a commune's mutes that end, or ended by themselves, after an instant; the last to end first."""
    columns = _MUTES.c
    listed = [columns[name] for name in Mute.__struct_fields__]
    query = select(*listed).where(columns.commune_code == commune_code, columns.ends_at > since)
    rows = connection.execute(query.order_by(columns.ends_at.desc()).limit(limit))
    return [Mute(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def standing(mutes: Iterable[Mute], *, now: datetime) -> dict[tuple[Kind, str], Mute]:
    """Return by subject what is muted now."""
    return {(each.subject_kind, each.subject_id): each for each in mutes if each.stands(now)}


def _hours(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 2 and SHORTEST <= int(typed) <= LONGEST):  # noqa: PLR2004 - digits of 72
        raise Malformed("mute.hours_unfit", "/hours")
    return int(typed)


def _is_there(connection: Connection, new: NewMute) -> bool:
    columns = tables.kiosks.c
    subject = columns.kiosk_id if new.kind == "kiosk" else columns.premises_id
    here = (columns.commune_code == new.commune_code, subject == new.subject, columns.retired_at.is_(None))
    return bool(connection.scalar(select(exists().where(*here))))
