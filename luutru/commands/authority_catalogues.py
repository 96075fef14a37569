"""What of another authority's code lists ``luutru authority status`` says: how old they are, and in what they differ from ours.

- *Unknown* and *missing* entries need somebody; *moved* and *reworded* ones mean what they meant and are followed.

Example: ``kbtt  reasons: 20 entries, fetched 2026-07-10 07:00:00Z``
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec
from sqlalchemy import Connection

from registry.authority_catalogues import Catalogue, all_kept
from residence.stays.ministry_lists import Difference, ListName, differences


class CatalogueReport(msgspec.Struct, frozen=True, kw_only=True):
    """One list. ``alarms``: how many of its differences need somebody."""

    name: str
    entries: int
    fetched_at: datetime
    fresh_until: datetime
    alarms: int
    differences: tuple[Difference, ...]


def catalogue_reports(connection: Connection, authority: str) -> list[CatalogueReport]:
    """Return what is said of every list that was ever fetched."""
    return [_report(each) for each in all_kept(connection, authority)]


def _report(known: Catalogue) -> CatalogueReport:
    found = differences(cast("ListName", known.name), known.content)
    return CatalogueReport(
        name=known.name,
        entries=len(known.content),
        fetched_at=known.fetched_at,
        fresh_until=known.fresh_until,
        alarms=sum(each.is_alarm for each in found),
        differences=found,
    )


def in_words(listed: CatalogueReport) -> str:
    """Return a list's line, and one for each difference."""
    head = f"kbtt  list {listed.name}: {listed.entries} entries, fetched {listed.fetched_at:%Y-%m-%d %H:%M:%SZ}"
    return "\n".join([head, *(f"        {each.kind}: {each.code} {each.label}" for each in listed.differences)])
