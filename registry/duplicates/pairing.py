"""Search a table of persons for pairs with Splink: the same steps and settings on DuckDB and on Spark.

- ``find_pairs`` bounds the keys, scores every pair that shares one, and returns those at or above the threshold, the strongest first.
- A pair names the smaller id first and carries what each comparison said and how many bits it weighed, the value's rarity included.
- Splink's own messages are about its tables; they are not printed.

Example: ``find_pairs(api, "persons", model=load_model(), persons=1_000).pairs``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from registry.duplicates.blocks import BLOCKS, bounded, left_out
from registry.duplicates.columns import COLUMNS, ID, TEXTS, Candidate, columns_of
from registry.duplicates.comparisons import COMPARISONS
from registry.duplicates.settings import Model, settings_for

if TYPE_CHECKING:
    import pyarrow as pa
    from splink import DuckDBAPI, Linker
    from splink.internals.database_api import DatabaseAPI

QUIET: Final = 40  # logging.ERROR
_BOUNDED: Final = "persons_with_keys"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one comparison said: the level's code, and its weight in bits (below zero: it speaks for two persons)."""

    code: str
    bits: float


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two persons who may be one. ``bits``: two to that power says how much likelier one person is than two."""

    one: str
    other: str
    bits: float
    said: tuple[Said, ...]


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found, and whom it could not bring together because too many share a key (by key)."""

    pairs: tuple[Pair, ...]
    left_out: dict[str, int]


def arrow_of(persons: Iterable[Candidate]) -> pa.Table:
    """Return persons as one table of derived keys."""
    import pyarrow as pa

    columns = columns_of(persons)
    kinds = dict.fromkeys(TEXTS, pa.string()) | {"count": pa.int32(), "has_accents": pa.bool_()}
    return pa.table({name: pa.array(columns[name], kinds[name]) for name in COLUMNS})


def load(api: DuckDBAPI, table: str, batches: Iterable[pa.Table]) -> int:
    """Put batches of rows into a table of a DuckDB, made here; returns how many rows it has."""
    connection, count = api.duckdb_con, 0
    for batch in batches:
        connection.register("batch", batch)
        made = f"INSERT INTO {table} SELECT * FROM batch" if count else f"CREATE TABLE {table} AS SELECT * FROM batch"  # noqa: S608 - names of our own
        connection.execute(made)
        connection.unregister("batch")
        count += batch.num_rows
    return count


def find_pairs(api: DatabaseAPI[Any], table: str, *, model: Model, persons: int) -> Search:
    """Return every pair of ``table`` at or above the model's threshold."""
    linker, keyed = linker_of(api, table, model=model, persons=persons)
    rows = linker.inference.predict(threshold_match_weight=model.threshold, warning_mode="never").as_record_list()
    counts = api.query_sql(left_out(table, keyed)).as_record_list()[0]
    pairs = sorted(map(_pair, rows), key=lambda each: (-each.bits, each.one, each.other))
    return Search(pairs=tuple(pairs), left_out={name: int(counts[name]) for name in BLOCKS if counts[name]})


def linker_of(
    api: DatabaseAPI[Any], table: str, *, model: Model | None, persons: int, further: tuple[str, ...] = ()
) -> tuple[Linker, str]:
    """Return Splink's linker over the bounded table, and that table's name. ``further``: columns to keep, for training."""
    from splink import Linker

    keyed = api.query_sql(bounded(table, further)).physical_name
    settings = settings_for(model, persons=persons)
    return Linker(api.register(keyed, table_name=_BOUNDED), settings, log_level=QUIET), keyed


def _pair(row: dict[str, Any]) -> Pair:
    one, other = sorted((row[f"{ID}_l"], row[f"{ID}_r"]))
    said = (_said(row, comparison.name, [level.code for level in comparison.levels]) for comparison in COMPARISONS)
    return Pair(one=one, other=other, bits=round(row["match_weight"], 1), said=tuple(each for each in said if each))


def _said(row: dict[str, Any], name: str, codes: list[str]) -> Said | None:
    """Read a comparison's answer: Splink counts levels down to 0, and -1 says nothing."""
    answer = int(row[f"gamma_{name}"])
    if answer < 0:
        return None
    bits = row[f"mw_{name}"] + (row.get(f"mw_tf_adj_{name}") or 0.0)
    return Said(code=codes[len(codes) - 1 - answer], bits=round(bits, 1))
