"""A sighting is nobody's location history: whatever a copy of the whole database is asked, no person's sightings at two premises join."""

from __future__ import annotations

import itertools
import re
import secrets
from collections import defaultdict
from datetime import timedelta

import pytest
from factories import EVENING, make_person
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from laid_tables import lay_sqlite
from recording_town import Town, make_presence, make_town
from sqlalchemy import func, select

from gateway.sweep import sweep
from registry import tables
from registry.looking_back import Means, look_back
from registry.recording import Source
from registry.release import Look
from registry.vault import Vault
from residence.access.purposes import Purpose
from residence.clock import rfc3339
from residence.stays.rules import load_rule_book

PREMISES = ("blk-hoa-binh", "htl-sao-mai")
PEOPLE = [
    make_person(full_name=name, personal_number=number, document=None)
    for name, number in (("Trần Văn Mẫu", "001095000901"), ("Lê Văn Mẫu", "001095000902"), ("Ngô Văn Mẫu", "001095000903"))
]
EVERYBODY_EVERYWHERE = list(itertools.product(range(len(PEOPLE)), range(len(PREMISES))))
kinds = st.sampled_from(["entry", "night_check"])
sightings = st.lists(
    st.tuples(st.integers(0, len(PEOPLE) - 1), st.integers(0, len(PREMISES) - 1), st.integers(0, 40), kinds), max_size=6
)


def see(town: Town, who: int, where: int, hours: int, kind: str) -> str:
    """Record a sighting by the premises' own kiosk; returns its id."""
    town.now = EVENING + timedelta(hours=hours)
    presence = make_presence(PEOPLE[who], premises_id=PREMISES[where], kind=kind, seen_at=rfc3339(town.now))
    source = Source(
        kiosk_id=f"kiosk-of-{PREMISES[where]}", epoch=f"epoch-of-{PREMISES[where]}", sequence=next(town.sequence), signed=secrets.token_bytes(32)
    )  # fmt: skip
    town.record(town.say(presence, source=source))
    return presence.declaration_id


def live(town: Town, seen) -> dict[tuple[int, int], set[str]]:
    """Let everybody be seen everywhere once and as drawn, and the sweep go over it; returns ids by person and premises."""
    found: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for who, where in EVERYBODY_EVERYWHERE:
        found[who, where].add(see(town, who, where, 1, "entry"))
    for who, where, hours, kind in sorted(seen, key=lambda each: each[2]):
        found[who, where].add(see(town, who, where, hours, kind))
    for hours in (30, 60, 90):
        sweep(town.registry, rules=load_rule_book(), now=EVENING + timedelta(hours=hours), random_bytes=secrets.token_bytes)
    return found


def told_of(town: Town, presence_ids: set[str]) -> set[object]:
    """Return everything any row says in connection with these sightings: rows that hold one of their ids, and rows those lead to."""
    rows = [tuple(_leaves(row)) for table in tables.metadata.sorted_tables for row in town.rows(table)]
    pseudonyms = {bytes(row.pseudonym_index) for row in town.rows(tables.presences) if row.presence_id in presence_ids}
    known: set[object] = {*presence_ids, *pseudonyms, *(each.hex() for each in pseudonyms)}
    about = [row for row in rows if known & set(row)]
    ids = {row[1] for row in about if isinstance(row[1], str)} | known
    return set().union(*(set(row) for row in rows if ids & set(row)))


def _leaves(values):
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _leaves(value)
        elif isinstance(value, dict):
            yield from _leaves(value.values())
        elif isinstance(value, (str, bytes)):
            yield value


def joins(town: Town, found) -> list[tuple[int, set[object]]]:
    """Return what joins a person's sightings at two premises and joins nobody else's."""
    told = {key: told_of(town, ids) for key, ids in found.items()}
    shared = {who: told[who, 0] & told[who, 1] for who in range(len(PEOPLE))}
    others = {who: set().union(*(told[each] for each in told if each[0] != who)) for who in shared}
    joined = {who: {each for each in said - others[who] if not _is_ours(each)} for who, said in shared.items()}
    return [(who, each) for who, each in joined.items() if each]


def _is_ours(said: object) -> bool:
    """Tell a word of the program, as a rule's or a state's: where only one person was seen at night, only their cases say so."""
    return isinstance(said, str) and re.fullmatch(r"[a-z_:.-]+", said) is not None


@pytest.fixture
def new_town(tmp_path):
    made = []

    def make() -> Town:
        number = len(made)
        town = make_town(lay_sqlite(tmp_path / f"registry-{number}.db"), tmp_path / f"vault-{number}")
        made.append(town)
        return town

    yield make
    for town in made:
        town.registry.close()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(seen=[(0, 0, 20, "night_check"), (0, 1, 20, "night_check")])
@given(seen=sightings)
def test_nothing_in_the_database_joins_a_persons_sightings_at_two_premises(new_town, seen):
    town = new_town()
    found = live(town, seen)
    assert joins(town, found) == []
    assert len(town.rows(tables.notices)) >= len(EVERYBODY_EVERYWHERE)


def test_a_pseudonym_that_were_the_same_everywhere_would_be_found_out(new_town, monkeypatch):
    keyed = Vault.pseudonym
    monkeypatch.setattr(Vault, "pseudonym", lambda self, _premises, identity: keyed(self, "everywhere", identity))
    town = new_town()
    assert {who for who, _ in joins(town, live(town, []))} == set(range(len(PEOPLE)))


def test_who_asks_the_register_about_a_person_hears_of_no_sighting(new_town):
    """Ask by the person's id, with all an officer may ever see, at every instant: neither a sighting's id nor its time comes back."""
    town = new_town()
    ids = set().union(*live(town, [(0, 1, 20, "night_check")]).values())
    with town.registry.writing() as connection:
        people = list(connection.scalars(select(tables.persons.c.person_id)))
        times = {rfc3339(each) for each in connection.scalars(select(tables.presences.c.seen_at))}
        look = Look(account_id="a-1", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code="demo-01")
        means = Means(vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes)
        told = [look_back(connection, each, at=EVENING, look=look, means=means) for each in people[:20]]
        assert connection.scalar(select(func.count()).select_from(tables.presences)) == len(ids)
    said = repr(told)
    assert len(told) > 1
    assert all(each.then or each.differences for each in told)
    assert not [each for each in ids | times if each in said]


def test_no_table_of_what_was_seen_has_a_column_for_a_person():
    """A presence row holds a pseudonym and nothing else to know anybody by; so do notices and cases, which are about a premises each."""
    assert "person_id" not in tables.presences.c
    for table in (tables.notices, tables.cases):
        assert {"who", "premises_id"} <= set(table.c.keys())
        assert "person_id" not in table.c
