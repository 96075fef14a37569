"""What the night's work does for keys: everybody's key under the one in force, former keys destroyed, a rotation of indexes taken a step further.

- At the turn of a year a commune's new key is used by whoever is new; here everybody else follows, so that the former year's key can go.
- What cannot be done yet (a transaction from before is open, an order holds on to a key) waits for another night, and the report says so.
- Not ended means: the indexes are between two keys, come again in a minute. While it is so, nobody compares them (``gateway/nightly.py``).

Example: ``tend_keys(registry, keys, times=KeyTimes(), now=now)`` is ``(True, {"rewrapped": 0, ...})``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from registry.backups import period_keys
from registry.database import Registry
from registry.index_rotation import rotate_index
from registry.key_provider import FileKeyProvider
from registry.key_rotation import SETTLED, destroy_period, rewrap_commune
from registry.vault import period_key_id
from residence.access.key_times import KeyTimes
from residence.errors import Refused


def tend_keys(
    registry: Registry,
    keys: FileKeyProvider,
    *,
    times: KeyTimes,
    now: datetime,
    settled: timedelta = SETTLED,
    go_on: Callable[[], bool] = lambda: True,
) -> tuple[bool, dict[str, Any]]:
    """Do what is due of keys; returns whether it came to an end, and what it did. Again on the same night does nothing twice."""
    report: dict[str, Any] = {"rewrapped": 0, "destroyed": [], "index": "none", "waits": []}
    with registry.reading() as connection:
        needed = period_keys(connection)
    of_communes = defaultdict[str, set[str]](set)
    for name in needed:
        of_communes[name.rpartition(":")[0]].add(name)
    for commune_code, names in sorted(of_communes.items()):
        _begin_if_old(keys, commune_code, times=times, now=now)
        if names != {registry.vault.period_in_force(commune_code, now)}:
            report["rewrapped"] += rewrap_commune(registry, commune_code, now=now, go_on=go_on)
            if not go_on():
                return False, report
    _destroy(registry, keys, report, times=times, now=now, settled=settled)
    return _rotate_index(registry, keys, report, times=times, now=now, settled=settled, go_on=go_on), report


def _begin_if_old(keys: FileKeyProvider, commune_code: str, *, times: KeyTimes, now: datetime) -> None:
    period = period_key_id(commune_code, now)
    if times.due((now - keys.opened_at(period)).days, times.period_days):
        keys.begin_generation(period, now=now)


def _destroy(
    registry: Registry, keys: FileKeyProvider, report: dict[str, Any], *, times: KeyTimes, now: datetime, settled: timedelta
) -> None:
    for name in keys.period_keys() if times.destroy_after_days else ():
        if times.due((now - keys.closed_at(name)).days, times.destroy_after_days):
            try:
                why = f"out of force for {times.destroy_after_days} days"
                destroy_period(registry, keys, name, now=now, why=why, settled=settled)
                report["destroyed"].append(name)
            except Refused as error:
                report["waits"].append(f"{name}: {error.code}")


def _rotate_index(
    registry: Registry,
    keys: FileKeyProvider,
    report: dict[str, Any],
    *,
    times: KeyTimes,
    now: datetime,
    settled: timedelta,
    go_on: Callable[[], bool],
) -> bool:
    """Take a rotation a step further, or begin one that is due; tells whether rows all have one form, as far as that can be."""
    state = keys.indexes.state()
    old = state.since is None or times.due((now - state.since).days, times.index_days)
    try:
        done = rotate_index(registry, keys, now=now, begin=bool(times.index_days) and old, settled=settled, go_on=go_on)
    except Refused as error:
        report["waits"].append(f"index: {error.code}")
        return error.code != "vault.not_settled" or not state.in_force
    report["index"], report["index_rows"] = done.step, done.renewed
    return done.step not in {"in_force", "broken_off"}
