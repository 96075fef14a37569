"""How well the rules of cleaning find what was planted in an invented city: precision and recall of each rule, with their intervals.

- The city is imported by the usual way, a second number is given to some, and one whole run goes through it. What was planted is compared after.
- ``recall``: of the records (households, premises) planted for a rule, those an item of it is about. ``precision``: of a rule's items, those about
  something planted that makes them right: a person who stands twice is registered twice, and rightly an overlap.
- Only what can show counts as planted: a telephone given to one person only is nobody's disagreement, nor a dead person registered nowhere today.
- ``stale`` compares two days and is not measured.

Example: ``luutru bench cleaning --json``
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from luutru.benchmarks.result import BenchResult
from luutru.commands.registry_city import City, fill_registry
from luutru.commands.registry_import import ways
from registry import tables
from registry.cleaning.passing import run_passes
from registry.database import Registry, connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.persons import Stamp, identifier_row
from registry.synthetic.city import Part, city
from registry.synthetic.disagreeing import with_disagreements
from registry.synthetic.spoiling import Plan
from registry.vault import Vault
from residence.cleaning.rules import RULES, SUBJECTS, CleaningChoices, RuleName, Subject
from residence.cleaning.shares import share_of
from residence.stays.known import KnownNumber

Marks = dict[Subject, defaultdict[str, set[str]]]
FULL, QUICK = 12_000, 1_500
SEED: Final = 211
SHARE: Final = 0.004
NOW: Final = datetime(2026, 7, 10, 7, tzinfo=UTC)
# Rule -> marks it is to find; further marks that make an item of it right.
PLANTED: Final[dict[RuleName, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "household_no_head": (("household_no_head",), ()),
    "household_several_heads": (("household_two_heads",), ()),
    "premises_no_owner": (("premises_no_owner",), ("household_no_head",)),
    "premises_over_capacity": (("premises_over_capacity",), ()),
    "person_two_numbers": (("second_number",), ("duplicate",)),
    "number_shared": (("number_of_two_persons",), ("duplicate",)),
    "number_against_sex": (("sex_disagrees",), ("number_of_two_persons", "second_number")),
    "number_against_birth": (
        ("birth_year_disagrees",),
        ("age_implausible", "family_implausible", "number_of_two_persons", "second_number", "birth:off"),
    ),
    "old_number_unlinked": (("old_number_unlinked",), ("number:old_only",)),
    "phone_shared": (("phone_of_many",), ("duplicate",)),
    "residences_overlap": (("residence_overlaps",), ("duplicate",)),
    "age_implausible": (("age_implausible",), ()),
    "family_implausible": (("family_implausible",), ("birth_year_disagrees", "birth:off", "age_implausible")),
    "dead_but_active": (("dead_but_active",), ()),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DisagreeingCity(City):
    """A city with further errors planted; remembers its parts and what is wrong with its premises."""

    drawn: list[tuple[Part, pl.DataFrame]] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        """Draw it."""
        chance = np.random.default_rng(self.seed + 1)
        plan = Plan(field_errors=SHARE, household_errors=SHARE)
        for part in city(self.persons, np.random.default_rng(self.seed), plan=plan):
            self.drawn.append(with_disagreements(part, share=SHARE, chance=chance))
            yield self.drawn[-1][0]


def run(*, quick: bool = False) -> BenchResult:
    """Measure."""
    persons = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="luutru-cleaning-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/registry.db"
        upgrade(url)
        vault = Vault(FileKeyProvider(folder / "vault", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
        registry, drawn = connect(url, vault=vault), DisagreeingCity(persons=persons, seed=SEED)
        fill_registry(registry, drawn, folder / "truth.parquet", lambda _what, _done, _all: None)
        marks = _marks(registry, drawn, pl.read_parquet(folder / "truth.parquet"))
        _give_second_numbers(registry, marks["person"], count=max(2, round(persons * SHARE)))
        started, cpu = time.perf_counter(), time.process_time()
        report = run_passes(registry, choices=CleaningChoices(), now=NOW, random_bytes=secrets.token_bytes, whole=True)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        items = _items(registry)
        registry.close()
    judged = sum(report.judged.values())
    return BenchResult(
        figures={
            "persons": persons,
            "items": sum(report.new.values()),
            "cpu_seconds": round(cpu, 2),
            "seconds": round(seconds, 2),
            "judged_per_cpu_second": round(judged / max(cpu, 1e-9)),
            "rules": {rule: _quality(rule, items[rule], marks[RULES[rule].subject]) for rule in PLANTED},
        },
        baselines={},
        ratios={},
        settings={"seed": SEED, "planted_share": SHARE, "engine": "sqlite", "judged": report.judged},
    )


def _marks(registry: Registry, drawn: DisagreeingCity, truth: pl.DataFrame) -> Marks:
    """Return the marks by kind of subject and the registry's id; what cannot show is left out."""
    means = replace(ways(registry, "")[0], source=drawn.source)
    by_record: dict[str, str] = {ref: own_id for ref, own_id in truth.select("record_ref", "person_id").iter_rows() if own_id}
    found: Marks = {each: defaultdict(set) for each in SUBJECTS}
    for part, places in drawn.drawn:
        living_at = part.residences.filter(pl.col("valid_to").is_null() | (pl.col("valid_to") >= NOW.date().isoformat()))
        here = set(living_at["record_ref"])
        phones = part.records.filter(pl.col("record_ref").is_in(list(here)) & (pl.col("status") != "deceased"))
        shared = set(phones.filter(pl.col("phone").is_duplicated())["record_ref"])
        homes = dict(part.residences.drop_nulls("household_ref").select("record_ref", "household_ref").iter_rows())
        of_home = dict(part.residences.drop_nulls("household_ref").select("household_ref", "premises_ref").iter_rows())
        for record_ref, planted in part.truth.select("record_ref", "planted").iter_rows():
            words = {each for each in planted.split(";") if each}
            words -= {"dead_but_active"} if record_ref not in here else set()
            words -= {"phone_of_many"} if record_ref not in shared else set()
            if record_ref in by_record:
                found["person"][by_record[record_ref]] |= words
            if record_ref in homes:
                of_household = words & {"household_no_head", "household_two_heads"}
                found["household"][means.row_id("household", homes[record_ref])] |= of_household
                found["premises"][of_home[homes[record_ref]]] |= of_household
        for premises_ref, planted in places.iter_rows():
            found["premises"][premises_ref].add(planted)
    return found


def _give_second_numbers(registry: Registry, marks: defaultdict[str, set[str]], *, count: int) -> None:
    """Give persons nothing was planted at a second number in force: no import does."""
    columns = tables.identifiers.c
    with registry.writing() as connection:
        query = tables.identifiers.select().where(columns.kind == "personal").order_by(columns.identifier_id)
        rows = [row for row in connection.execute(query) if not marks[row.person_id]][:count]
        keys = registry.vault.load_keys(connection, [row.person_id for row in rows])
        for at, row in enumerate(rows):
            number = KnownNumber(kind="personal", value=f"001199{at:06d}")
            stamp = Stamp(row.commune_code, NOW, None)
            further = identifier_row(
                number, row.person_id, key=keys[row.person_id], identifier_id=f"second-{at}", stamp=stamp, vault=registry.vault
            )
            connection.execute(tables.identifiers.insert(), further)
            marks[row.person_id].add("second_number")


def _items(registry: Registry) -> dict[str, list[set[str]]]:
    """Return what each rule's items are about."""
    with registry.reading() as connection:
        rules = {row.item_id: row.rule for row in connection.execute(tables.cleaning_items.select())}
        about: defaultdict[str, set[str]] = defaultdict(set)
        for link in connection.execute(tables.cleaning_links.select()):
            about[link.item_id].add(link.about_id)
    found: defaultdict[str, list[set[str]]] = defaultdict(list)
    for item_id, rule in rules.items():
        found[rule].append(about[item_id])
    return found


def _quality(rule: RuleName, items: list[set[str]], marks: dict[str, set[str]]) -> dict[str, Any]:
    wanted, further = (set(each) for each in PLANTED[rule])
    right = sum(any(marks.get(each, set()) & (wanted | further) for each in about) for about in items)
    planted = {own_id for own_id, words in marks.items() if words & wanted}
    found = planted & {each for about in items for each in about}
    precision, recall = share_of(right, len(items)), share_of(len(found), len(planted))
    return {
        "planted": len(planted),
        "items": len(items),
        "precision": precision.share,
        "precision_interval": [precision.low, precision.high],
        "recall": recall.share,
        "recall_interval": [recall.low, recall.high],
    }
