"""What Citus refuses, as a list of rules that tables and statements are held against.

- The distribution column of every table is ``commune_code``.
- Source of the rules: the pages of Citus's own documentation named in ``SOURCES``, and the words of its refusals.
- Statements are read by sqlglot as PostgreSQL's; each rule answers with what is wrong, or nothing.

>>> breaches("UPDATE stays SET commune_code = 'x' WHERE stay_id = 'y'")
['distribution column is changed']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlglot
from sqlalchemy import BigInteger, Column, Integer, String, Table, UniqueConstraint
from sqlglot import exp

from registry import tables

KEY = "commune_code"
SOURCES = (
    "https://docs.citusdata.com/en/stable/develop/reference_workarounds.html",
    "https://docs.citusdata.com/en/stable/develop/reference_ddl.html",
    "https://docs.citusdata.com/en/stable/develop/reference_dml.html",
)
# Functions PostgreSQL calls volatile that anybody might write in an UPDATE.
VOLATILE = {"RANDOM", "CLOCK_TIMESTAMP", "GEN_RANDOM_UUID", "NEXTVAL", "UUID_GENERATE_V4", "TIMEOFDAY", "RAND", "UUID"}
DISTRIBUTED = frozenset(tables.metadata.tables)


def table_breaches(table: Table) -> list[str]:
    """Return what Citus would refuse of a table."""
    found = []
    column = table.c.get(KEY)
    if column is None or column.nullable or not (type(column.type) is String and column.type.length == 16):
        found.append("distribution column is missing, may be null or differs in type")
    if KEY not in table.primary_key.columns:
        found.append("primary key without distribution column")
    unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    unique += [each for each in table.indexes if each.unique]
    if any(KEY not in [each.name for each in one.columns] for one in unique):
        found.append("unique without distribution column")
    for constraint in table.foreign_key_constraints:
        pairs = [(each.parent.name, each.column.name) for each in constraint.elements]
        if (KEY, KEY) not in pairs:
            found.append("foreign key without distribution column")
    if any(_draws(each) for each in table.columns):
        found.append("sequence smaller than bigint")
    return found


def _draws(column: Column) -> bool:
    drawn = (
        column.identity is not None
        or (column.autoincrement is True)
        or (column.default is not None and column.default.is_sequence)
    )
    return drawn and isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)


def breaches(sql: str) -> list[str]:
    """Return what Citus would refuse of a statement; a COPY is an insert of the columns it names."""
    if sql.lstrip().upper().startswith("COPY"):
        return [] if f"{KEY}" in sql else ["insert without distribution column"]
    tree = sqlglot.parse_one(sql, dialect="postgres")
    if not any(each.name in DISTRIBUTED for each in tree.find_all(exp.Table)):
        return []
    return [said for said, rule in RULES.items() if rule(tree)]


def _inserts_without_key(tree: exp.Expression) -> bool:
    for insert in tree.find_all(exp.Insert):
        named = insert.this.expressions if isinstance(insert.this, exp.Schema) else []
        if KEY not in [each.name for each in named]:
            return True
    return False


def _changes_key(tree: exp.Expression) -> bool:
    set_ = [each for update in tree.find_all(exp.Update, exp.OnConflict) for each in update.expressions]
    return any(isinstance(each, exp.EQ) and each.this.name == KEY for each in set_)


def _conflict_without_key(tree: exp.Expression) -> bool:
    return any(KEY not in [each.name for each in one.args.get("conflict_keys") or ()] for one in tree.find_all(exp.OnConflict))


def _locks_across_shards(tree: exp.Expression) -> bool:
    return any(each.args.get("locks") and not _one_shard(each) for each in tree.find_all(exp.Select))


def _inserts_subquery(tree: exp.Expression) -> bool:
    return any(each.find(exp.Select) for insert in tree.find_all(exp.Insert) for each in insert.find_all(exp.Values))


def _volatile(tree: exp.Expression) -> bool:
    called = {each.sql_name().upper() for one in tree.find_all(exp.Update, exp.Delete) for each in one.find_all(exp.Func)}
    called |= {each.name.upper() for one in tree.find_all(exp.Update, exp.Delete) for each in one.find_all(exp.Anonymous)}
    return bool(called & VOLATILE)


def _only_in_one_shard(tree: exp.Expression) -> bool:
    recursive = any(each.args.get("recursive") for each in tree.find_all(exp.With))
    return recursive or tree.find(exp.TableSample, exp.GroupingSets, exp.Cube, exp.Rollup) is not None


def _joins_elsewhere(tree: exp.Expression) -> bool:
    """Tell whether two distributed tables are joined otherwise than on their distribution columns."""
    for select in tree.find_all(exp.Select):
        sides = list(_sides(select))
        for join in select.args.get("joins") or ():
            if len([each for each in sides if each]) > 1 and _is_distributed(join.this) and not _same_key(join.args.get("on")):
                return True
    return False


def _sides(select: exp.Select) -> Iterator[bool]:
    first = select.args.get("from_") or select.args.get("from")
    for each in [first.this if first else None, *(join.this for join in select.args.get("joins") or ())]:
        yield each is not None and _is_distributed(each)


def _is_distributed(source: exp.Expression) -> bool:
    return any(each.name in DISTRIBUTED for each in source.find_all(exp.Table))


def _correlates_elsewhere(tree: exp.Expression) -> bool:
    """Tell whether a subquery names a column of the query around it without binding both to one commune."""
    for select in tree.find_all(exp.Select):
        around = select.find_ancestor(exp.Select, exp.Update, exp.Delete)
        if around is None:
            continue
        own = {each.alias_or_name for each in select.find_all(exp.Table)}
        strange = {each.table for each in select.find_all(exp.Column) if each.table} - own
        outer = {each.alias_or_name for each in around.find_all(exp.Table)}
        if strange & outer and not _same_key(select.args.get("where")):
            return True
    return False


def _same_key(condition: exp.Expression | None) -> bool:
    if condition is None:
        return False
    return any(
        isinstance(each.this, exp.Column)
        and isinstance(each.expression, exp.Column)
        and each.this.name == each.expression.name == KEY
        and each.this.table != each.expression.table
        for each in condition.find_all(exp.EQ)
    )


def _one_shard(select: exp.Select) -> bool:
    where = select.args.get("where")
    return where is not None and any(
        isinstance(each.this, exp.Column) and each.this.name == KEY and not isinstance(each.expression, exp.Column)
        for each in where.find_all(exp.EQ)
    )


RULES: dict[str, Callable[[exp.Expression], bool]] = {
    "insert without distribution column": _inserts_without_key,
    "distribution column is changed": _changes_key,
    "conflict target without distribution column": _conflict_without_key,
    "FOR UPDATE across shards": _locks_across_shards,
    "subquery among inserted values": _inserts_subquery,
    "volatile function in a change": _volatile,
    "works in one shard only": _only_in_one_shard,
    "join not on the distribution column": _joins_elsewhere,
    "subquery correlated on another column": _correlates_elsewhere,
}
