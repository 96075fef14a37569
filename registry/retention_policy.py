"""How long what is kept: one table of data class, purpose, legal basis, period and action, read from a file.

- Every table of the registry stands in exactly one class; a policy that forgets a table, or names one there is not, is refused.
- An action by time needs a period and the column it is counted from; only what ``registry/deletions.py`` knows how to do can be asked.
- A period below its class's floor is refused. Without a file of your own the one beside this module holds.

Example: ``read_policy().classes[0].keep_days``
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from importlib import resources
from typing import Final, Literal

import msgspec

from registry import tables
from registry.columns import Instant
from residence.errors import Malformed

Action = Literal["delete", "unseal", "keep"]
# class's first table -> what time can do to it; deletions.py does it.
DOABLE: Final[dict[str, frozenset[Action]]] = {
    "presences": frozenset({"delete"}),
    "sweep_marks": frozenset({"delete"}),
    "declarations": frozenset({"unseal"}),
    "quarantine": frozenset({"delete"}),
    "guest_list_pieces": frozenset({"delete"}),
    "messages": frozenset({"delete"}),
    "recall_consents": frozenset({"delete"}),
    "sessions": frozenset({"delete"}),
    "setup_links": frozenset({"delete"}),
    "sign_in_audit": frozenset({"delete"}),
    "access_records": frozenset({"delete"}),
    "door_events": frozenset({"delete"}),
    "door_boots": frozenset({"delete"}),
    "undated_declarations": frozenset({"delete"}),
    "door_passes": frozenset({"delete"}),
    "door_cards": frozenset({"delete"}),
    "kiosk_calls": frozenset({"delete"}),
    "paths": frozenset({"delete"}),
    "api_tokens": frozenset({"delete"}),
    "api_requests": frozenset({"delete"}),
    "api_batches": frozenset({"delete"}),
    "webhook_deliveries": frozenset({"delete"}),
}


class DataClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the table. ``tables``: the first is what time acts on, the others go with it."""

    name: str
    tables: tuple[str, ...]
    purpose: str
    legal_basis: str
    action: Action
    counted_from: str | None = None
    keep_days: int | None = None
    floor_days: int | None = None
    kept: str | None = None

    @property
    def period(self) -> timedelta:
        """Return the period of a class that time acts on."""
        return timedelta(days=self.keep_days or 0)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All classes, and the digest of the file that said them."""

    classes: tuple[DataClass, ...]
    digest: str

    @property
    def timed(self) -> tuple[DataClass, ...]:
        """Return the classes time acts on."""
        return tuple(each for each in self.classes if each.action != "keep")


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    classes: tuple[DataClass, ...] = msgspec.field(name="class")


def read_policy(content: bytes | None = None) -> Policy:
    """Read a policy, the built-in one if none is given, or raise ``Malformed("retention.*")``."""
    if content is None:
        content = resources.files("registry").joinpath("retention_policy.toml").read_bytes()
    try:
        classes = msgspec.toml.decode(content, type=_File).classes
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed("retention.unreadable", "", str(error)) from error
    _check_tables(classes)
    for place, each in enumerate(classes):
        _check(each, f"/class/{place}")
    return Policy(classes=classes, digest=hashlib.sha256(content).hexdigest()[:16])


def _check_tables(classes: tuple[DataClass, ...]) -> None:
    named = Counter(table for each in classes for table in each.tables)
    if strange := sorted(named.keys() - tables.metadata.tables.keys()):
        raise Malformed("retention.table_unknown", "/class", ", ".join(strange))
    if missing := sorted(tables.metadata.tables.keys() - named.keys()):
        raise Malformed("retention.table_missing", "/class", ", ".join(missing))
    if twice := sorted(table for table, times in named.items() if times > 1):
        raise Malformed("retention.table_twice", "/class", ", ".join(twice))


def _check(each: DataClass, pointer: str) -> None:
    if each.action == "keep":
        if each.keep_days is not None or not each.kept:
            raise Malformed("retention.period_unfit", f"{pointer}/keep_days", each.name)
        return
    if each.action not in DOABLE.get(each.tables[0], frozenset()):
        raise Malformed("retention.action_unknown", f"{pointer}/action", f"{each.action} {each.tables[0]}")
    column = tables.metadata.tables[each.tables[0]].columns.get(each.counted_from or "")
    if column is None or not isinstance(column.type, Instant):
        raise Malformed("retention.column_unknown", f"{pointer}/counted_from", each.name)
    if each.keep_days is None or each.keep_days < 0:
        raise Malformed("retention.period_unfit", f"{pointer}/keep_days", each.name)
    if each.floor_days is not None and each.keep_days < each.floor_days:
        raise Malformed("retention.below_floor", f"{pointer}/keep_days", each.name)
