"""Two records that may be of one person, for pages: recorded as guests are, proposed as the search proposes."""

from __future__ import annotations

from factories import make_person
from sqlalchemy import select

from registry import tables
from registry.duplicates.pairing import Pair, Said
from registry.duplicates.proposals import pair_id_of, propose

SAID = (
    Said(code="duplicates.name.near", bits=9.5),
    Said(code="duplicates.birth.equal", bits=8.1),
    Said(code="duplicates.personal.different", bits=-6.0),
)
NAMES = ("Đặng Thị Hoà", "Đặng Thị Hòe")


def propose_pair(world, *, others_commune: bool = False) -> str:
    """Let somebody stand in the register twice; returns the pair's id."""
    known = _people(world)
    for name, number, unit in zip(NAMES, ("001195000771", "001195000772"), ("201", "202"), strict=True):
        person = make_person(full_name=name, personal_number=number, sex="female", document=None)
        world.declare_guest(unit=unit, person=person)
    one, other = sorted(_people(world) - known)
    if others_commune:
        return _propose(world, one, other, commune="demo-02")
    return _propose(world, one, other)


def _propose(world, one: str, other: str, *, commune: str | None = None) -> str:
    propose(world.registry, [Pair(one=one, other=other, bits=11.6, said=SAID)], model="invented", now=world.clock.now())
    if commune is not None:
        with world.registry.writing() as connection:
            connection.execute(tables.duplicate_pairs.update().values(commune_code=commune, other_commune=commune))
    return pair_id_of(one, other)


def _people(world) -> set[str]:
    with world.registry.reading() as connection:
        return set(connection.scalars(select(tables.persons.c.person_id)))
