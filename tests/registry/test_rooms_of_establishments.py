"""Rooms of one building under different establishments: each stay is told of by its own, and a room of none is never passed over."""

from __future__ import annotations

import pytest
from factories import EVENING, make_person
from server_parts import World
from sqlalchemy import select, update

from luutru.system import random_bytes
from registry import tables
from registry.authority_houses import telling_of
from registry.authority_links import Binding, bind
from registry.desk_lists import Place
from residence.errors import Refused

HOTEL = "htl-sao-mai"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


def bound(world, facility, *units):
    binding = Binding(premises_id=HOTEL, authority="kbtt", facility=facility, units=units)
    with world.registry.writing() as connection:
        return bind(connection, binding, now=EVENING, random_bytes=random_bytes)


def records(world):
    """Return room -> the establishment its stay is told of by, and the record's state."""
    with world.registry.reading() as connection:
        stays, told = tables.stays.c, tables.authority_records.c
        query = select(stays.unit, told.facility, told.state, told.code).join(
            tables.authority_records, told.stay_id == stays.stay_id
        )
        return {row.unit: (row.facility, row.state, row.code) for row in connection.execute(query)}


def untold(world):
    with world.registry.reading() as connection:
        return telling_of(connection, Place("demo-01", HOTEL)).untold


def test_each_room_is_told_of_by_its_own_establishment_and_a_room_of_none_is_counted(world):
    world.declare_guest(unit="201")
    other = make_person(full_name="Lê Thị Thử", personal_number="001195000333", sex="female", document=None)
    second = world.declare_guest(unit="202", person=other)
    assert bound(world, "tang-hai", "201") == 1
    assert records(world) == {"201": ("tang-hai", "due", None)}
    assert untold(world) == 1
    with pytest.raises(Refused, match="room_bound"):
        bound(world, "khac", "201")
    assert bound(world, "con-lai") == 1
    assert records(world)["202"] == ("con-lai", "due", None)
    assert untold(world) == 0

    def move(unit):
        world.clock.pass_time(minutes=1)
        world.declare_guest(kind="correction", about=second.declaration_id, unit=unit, person=other)

    with world.registry.writing() as connection:  # the other guest leaves the room to them
        connection.execute(update(tables.stays).where(tables.stays.c.unit == "201").values(unit="203"))
    move("201")
    assert records(world)["201"] == ("tang-hai", "due", None)  # nothing was told yet: it moves with the guest
    with world.registry.writing() as connection:
        mine = tables.authority_records.c.facility == "tang-hai"
        connection.execute(update(tables.authority_records).where(mine).values(state="accepted", told={"start": "x"}))
    move("202")
    assert records(world)["202"] == ("tang-hai", "refused", "authority.other_establishment")
