"""Search a table of persons for pairs with Splink: the same steps and settings on DuckDB and on Spark.

- ``find_pairs`` bounds the keys, scores every pair that shares one, and returns those at or above the threshold, the strongest first.
- A pair names the smaller id first and carries what each comparison said and how many bits it weighed, the value's rarity included.
- Splink's own messages are about its tables; they are not printed.

Example: ``find_pairs(api, "persons", model=load_model(), persons=1_000).pairs``
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import msgspec

from registry.duplicates.blocks import counting
from registry.duplicates.columns import COLUMNS, HASHES, ID, TEXTS, Candidate, columns_of
from registry.duplicates.comparisons import COMPARISONS
from registry.duplicates.settings import Model, settings_for

if TYPE_CHECKING:
    import pyarrow as pa
    from splink import DuckDBAPI, Linker, SettingsCreator
    from splink.internals.database_api import DatabaseAPI

QUIET: Final = 40  # logging.ERROR
_COMMON: Final = tuple(each.name for each in COMPARISONS if any(level.common_by for level in each.levels))
_ANSWERS: Final = (
    *("match_weight", f"{ID}_l", f"{ID}_r"),
    *(f"gamma_{each.name}" for each in COMPARISONS),
    *(f"mw_{each.name}" for each in COMPARISONS),
    *(f"mw_tf_adj_{name}" for name in _COMMON),
)


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
    kinds = (
        dict.fromkeys(TEXTS, pa.string())
        | dict.fromkeys(HASHES, pa.int64())
        | {"word_count": pa.int32(), "has_accents": pa.bool_()}
    )
    return pa.table({name: pa.array(columns[name], kinds[name]) for name in COLUMNS})


def load(api: DatabaseAPI[Any], table: str, batches: Iterable[pa.Table]) -> int:
    """Put batches of rows into a table of an engine, made here; returns how many rows it has."""
    from splink import DuckDBAPI

    return _load_duckdb(api, table, batches) if isinstance(api, DuckDBAPI) else _load_spark(api, table, batches)


def find_pairs(api: DatabaseAPI[Any], table: str, *, model: Model, persons: int) -> Search:
    """Return every pair of ``table`` at or above the model's threshold."""
    counts = api.query_sql(counting(table)).as_record_list()
    too_common, left_out = defaultdict(list), Counter[str]()
    for each in counts:
        too_common[each["name"]].append(each["value"])
        left_out[each["name"]] += each["persons"]
    linker = linker_of(api, table, settings_for(model, persons=persons, too_common=too_common))
    found = linker.inference.predict(threshold_match_weight=model.threshold, warning_mode="never")
    rows = found.query_sql(f"SELECT {', '.join(_ANSWERS)} FROM {{this}}").as_record_list()  # noqa: S608 - names of our own
    pairs = sorted(map(_pair, rows), key=lambda each: (-each.bits, each.one, each.other))
    return Search(pairs=tuple(pairs), left_out=dict(sorted(left_out.items())))


def linker_of(api: DatabaseAPI[Any], table: str, settings: SettingsCreator) -> Linker:
    """Return Splink's linker over a table."""
    from splink import Linker

    return Linker(api.register(table, table_name=f"{table}_to_link"), settings, log_level=QUIET)


def _load_duckdb(api: DuckDBAPI, table: str, batches: Iterable[pa.Table]) -> int:
    connection, count = api.duckdb_con, 0
    for batch in batches:
        connection.register("batch", batch)
        made = f"INSERT INTO {table} SELECT * FROM batch" if count else f"CREATE TABLE {table} AS SELECT * FROM batch"  # noqa: S608 - names of our own
        connection.execute(made)
        connection.unregister("batch")
        count += batch.num_rows
    return count


def _load_spark(api: Any, table: str, batches: Iterable[pa.Table]) -> int:
    frames, count = [], 0
    for batch in batches:
        frames.append(api.spark.createDataFrame(batch))
        count += batch.num_rows
    reduce(lambda one, other: one.unionAll(other), frames).persist().createOrReplaceTempView(table)
    return count


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
