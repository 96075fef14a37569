"""An archive looked after by one process, where there is nobody to give commands by timers: in containers.

- Configured and begun when it is not yet; then a look every minute, told in the log, and a backup every night, a full one on Sundays (Vietnam's time).
- What cannot be done now (PostgreSQL away, disk full) is said and tried again at the next look; nothing here ends the process.

Example: ``due(None, now=now, hour=3)`` is "full"
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from luutru.backups.pgbackrest import Repository
from luutru.backups.settings import SETTINGS, Place, files_of, let_group_read, make_passphrase, write_files
from luutru.backups.watching import look
from residence.clock import VIETNAM, Clock
from residence.errors import LuutruError

LOOK_EVERY: Final = 60.0  # seconds
TRY_EVERY: Final = 2.0
MOST: Final = (10.0, 26.0)  # seconds behind, hours since the newest backup
_SUNDAY: Final = 6
_log: Final = structlog.get_logger("luutru.backup")
Kind = Literal["full", "diff"]


def due(newest: datetime | None, *, now: datetime, hour: int) -> Kind | None:
    """Return which backup is to be made now: none while the newest is of after the last night's hour."""
    if newest is None:
        return "full"
    here = now.astimezone(VIETNAM)
    tonight = here.replace(hour=hour, minute=0, second=0, microsecond=0)
    if here < tonight or newest >= tonight:
        return None
    return "full" if here.weekday() == _SUNDAY else "diff"


def keep(
    place: Place,
    engine: Engine,
    *,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    ended: Callable[[float], bool],
    hour: int,
    group: bool = False,
) -> None:
    """Look after one archive until ``ended(seconds)`` says so; ``group``: whoever shares the group of its folder may drill."""
    if not (place.folder / SETTINGS).exists():
        write_files(place.folder, files_of(place, passphrase=make_passphrase(random_bytes)))
    if group:
        let_group_read(place)
    repository = Repository(place.folder / SETTINGS)
    pause = 0.0
    while not ended(pause):
        try:
            pause = LOOK_EVERY if _turn(repository, engine, clock=clock, hour=hour) else TRY_EVERY
        except (LuutruError, DBAPIError, OSError) as error:
            _log.warning("not now", why=error.code if isinstance(error, LuutruError) else type(error).__name__)
            pause = TRY_EVERY


def _turn(repository: Repository, engine: Engine, *, clock: Clock, hour: int) -> bool:
    """Make what is due, then look; returns whether all is well."""
    newest = newest_of(repository)
    kind = due(newest, now=clock.now(), hour=hour)
    if kind is not None:
        for command in ("stanza-create", "check") if newest is None else ():
            repository.run(command)
        repository.run("backup", f"--type={kind}")
        _log.info("backed up", kind=kind)
    seen = look(repository, engine, clock=clock, wait=time.sleep, most=MOST)
    if seen["ok"]:
        _log.info("archived", behind_seconds=seen["behind_seconds"], hours=seen["hours"])
    else:
        _log.warning("behind", problems=seen["problems"], hours=seen["hours"])
    return bool(seen["ok"])


def newest_of(repository: Repository) -> datetime | None:
    """Return when the newest backup ended; None when there is none."""
    try:
        return datetime.fromtimestamp(repository.info()["backup"][-1]["timestamp"]["stop"], UTC)
    except LuutruError as error:
        if error.code != "backup.none_yet":
            raise
        return None
