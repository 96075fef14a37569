"""Which communes the registry holds premises of, one after the other: what is done for all of them is done commune by commune.

- The next one is asked for by the key of ``premises``, so that no table is read from end to end to know them; a statement for each commune then
  names it, and a distributed database answers it from one shard.

Example: ``for commune_code in communes(registry): ...``
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from registry import tables
from registry.database import Registry


def communes(registry: Registry) -> Iterator[str]:
    """Return every commune with premises, in order; each is asked for when the one before it is done with."""
    column, last = tables.premises.c.commune_code, ""
    while True:
        with registry.reading() as connection:
            found = connection.scalar(select(column).where(column > last).order_by(column).limit(1))
        if found is None:
            return
        yield found
        last = found
