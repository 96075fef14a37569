"""The key of the indexes of numbers and names is renewed while declarations keep coming: everybody is found at every moment, nobody is made twice."""

from __future__ import annotations

import json
import multiprocessing
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from factories import make_declaration, make_person
from recording_town import Town
from rotation_parts import declarations_keep_coming, keys_of, until_settled
from sqlalchemy import insert
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import blind_indexes, tables
from registry.backups import back_up, restore
from registry.database import connect
from registry.index_keys import KEPT, ROTATED
from registry.index_rotation import IndexRotated, rotate_index
from registry.key_rotation import rotate_root
from registry.order_matching import hold_orders
from registry.persons import search_by_name, search_by_number
from registry.vault import Vault
from residence.errors import Refused

AT_ONCE = timedelta(0)
NUMBER, WORD = make_person().personal_number, make_person().full_name


def step(town: Town, keys, **changes: object) -> IndexRotated:
    return until_settled(lambda: rotate_index(town.registry, keys, **({"now": datetime.now(UTC), "settled": AT_ONCE} | changes)))


def found(town: Town) -> tuple[list[str], list[str]]:
    with town.registry.reading() as connection:
        vault = town.registry.vault
        by_name = search_by_name(connection, WORD, commune_code="demo-01", vault=vault)
        return search_by_number(connection, "personal", NUMBER, vault=vault), by_name


def forms(town: Town) -> dict[str, set[bytes]]:
    """Every index there is, by table."""
    columns = {"identifiers": "value_index", "name_tokens": "token_index"}
    return {
        name: {bytes(getattr(row, column)) for row in town.rows(tables.metadata.tables[name])} for name, column in columns.items()
    }


def test_everybody_is_found_at_every_step_while_declarations_keep_coming(town: Town, tmp_path: Path) -> None:
    town.declare()
    keys, before, held = keys_of(tmp_path), forms(town), found(town)
    assert len(held[0]) == 1
    assert held[0][0] in held[1]
    steps = []
    with declarations_keep_coming(town, tmp_path) as kept:
        for name in ("announced", "in_force", "over"):
            # A second: whoever began by the step before has ended; a gateway's batch takes a tenth of one.
            steps.append(step(town, keys, settled=timedelta(seconds=1)) if name != "announced" else step(town, keys))
            assert found(town)[0] == held[0]
            rotate_root(keys)  # a root goes meanwhile, too
    assert [each.step for each in steps] == ["announced", "in_force", "over"]
    assert steps[-1].renewed > 100
    assert found(town)[0] == held[0]
    assert set(found(town)[1]) >= set(held[1])
    after = forms(town)
    assert not any(before[name] & after[name] for name in before)
    assert set(kept) <= {row.declaration_id for row in town.rows(tables.receipts) if row.state == "accepted"}
    numbers = {(row.person_id, row.value_index, row.kind) for row in town.rows(tables.identifiers)}
    assert len(numbers) == len(town.rows(tables.identifiers))  # nobody has a number twice
    assert len({row.person_id for row in town.rows(tables.identifiers) if row.value_index == index_of(town)}) == 1


def index_of(town: Town) -> bytes:
    return bytes(town.registry.vault.number_index("personal", NUMBER))


def test_the_former_key_is_gone_from_the_folder_and_the_codes_it_also_made_stay(town: Town, tmp_path: Path) -> None:
    keys, vault = keys_of(tmp_path), town.registry.vault
    former = keys.index_key("number")
    kept = {purpose: keys.index_key(purpose) for purpose in KEPT}
    codes = (vault.deletion_code("p"), vault.link_proof("m"), vault.pseudonym("h", "x"))
    for _ in range(2):  # a second time as well: then the first key's remains are not what goes
        for _ in range(3):
            step(town, keys)
    rotate_root(keys)
    again = keys_of(tmp_path)
    assert {purpose: again.index_key(purpose) for purpose in KEPT} == kept
    assert codes == (vault.deletion_code("p"), vault.link_proof("m"), vault.pseudonym("h", "x"))
    assert [path.name for path in (tmp_path / "vault").glob("index-*.wrapped")] == ["index-3.wrapped"]
    content = again.opened(tmp_path / "vault" / "index.wrapped", "index.wrapped")
    assert not {"number", "name", "contact"} & json.loads(content).keys()
    assert former not in content
    assert again.index_key("number") != former
    assert found(town)[0] == []  # nobody declared; and nobody else is found either
    source = Path(blind_indexes.__file__).read_text("utf-8")
    purposes = set(re.findall(r'self\._(?:index_key|make_index|index)\("([\w-]+)"', source))
    assert purposes == KEPT | ROTATED


def kill_after(url: str, vault: Path, pages: int) -> None:
    """Write so many pages and be gone in the middle of the next."""
    import os
    import signal

    from registry import index_rotation

    keys, left = keys_of(vault.parent), [pages]
    registry = connect(url, vault=Vault(keys, random_bytes=secrets.token_bytes))
    index_rotation.PAGE = 20  # type: ignore[misc]

    def go_on() -> bool:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    rotate_index(registry, keys, now=datetime.now(UTC), settled=AT_ONCE, go_on=go_on)


def test_a_killed_rotation_goes_on_where_it_was(town: Town, tmp_path: Path) -> None:
    town.declare()
    keys, held, before = keys_of(tmp_path), found(town), forms(town)
    step(town, keys), step(town, keys)
    url = town.registry.engine.url.render_as_string(hide_password=False)
    for pages in (3, 4):
        killed = multiprocessing.get_context("spawn").Process(target=kill_after, args=(url, tmp_path / "vault", pages))
        killed.start()
        killed.join(60)
        assert killed.exitcode == -9
        assert found(town)[0] == held[0]
        assert keys.indexes.state().reached is not None
    done = step(town, keys)
    assert done.step == "over"
    rows = len(town.rows(tables.name_tokens)) + len(town.rows(tables.identifiers))
    assert 0 < done.renewed < rows  # not from the beginning again
    assert found(town) == held
    assert not any(before[name] & forms(town)[name] for name in before)


def test_a_backup_of_before_comes_back_findable_without_the_former_key(town: Town, tmp_path: Path) -> None:
    town.declare()
    keys, vault = keys_of(tmp_path), town.registry.vault
    held = found(town)
    back_up(str(town.registry.engine.url.render_as_string(hide_password=False)), tmp_path / "backup", vault=vault, now=town.now)
    for _ in range(3):
        step(town, keys)
    if town.registry.engine.dialect.name == "sqlite":
        place = f"sqlite:///{tmp_path}/back.db"
        restore(tmp_path / "backup", place, vault=vault)
        back = Town(connect(place, vault=vault))
        assert found(back) == held
        back.registry.close()


def test_an_order_meets_whom_it_names_whatever_key_their_number_is_found_by(town: Town, tmp_path: Path) -> None:
    keys, vault = keys_of(tmp_path), town.registry.vault
    nobody = "001095999999"

    def order(order_id: str, number: str) -> dict[str, object]:
        row = {each.name: "x" for each in tables.orders.columns}
        at = {"in_force_at": town.now, "held_until": town.now, "expires_at": datetime.now(UTC) + timedelta(days=9)}
        index = bytes(vault.number_index("personal", number))
        given = {
            "commune_code": "demo-01",
            "order_id": order_id,
            "receivers": [],
            "number_index": index,
            "held_against": 0,
            "matched": 0,
        }
        return row | at | given

    with town.registry.writing() as connection:
        connection.execute(insert(tables.orders), [order("o-1", NUMBER), order("o-2", nobody), order("o-3", "001095888888")])
    step(town, keys), step(town, keys)
    town.declare()  # under the new key
    town.record(
        town.say(make_declaration(person=make_person(personal_number=nobody, full_name="Người Chưa Quen", document=None)))
    )
    later = town.now + timedelta(minutes=5)
    assert hold_orders(town.registry, now=later, random_bytes=secrets.token_bytes) == 2
    with pytest.raises(
        Refused, match="index_needed"
    ):  # nobody has the third one's number, so there is nothing to find it by anew
        rotate_index(town.registry, keys, now=datetime.now(UTC) + timedelta(hours=1))
    with town.registry.writing() as connection:
        connection.execute(tables.orders.delete().where(tables.orders.c.order_id == "o-3"))
    assert step(town, keys).step == "over"
    town.now += timedelta(minutes=10)
    town.declare(unit="102")
    assert hold_orders(town.registry, now=town.now + timedelta(minutes=5), random_bytes=secrets.token_bytes) == 1


def test_the_command_says_each_step_and_when_to_come_again(town: Town, tmp_path: Path) -> None:
    where = [
        "--registry",
        town.registry.engine.url.render_as_string(hide_password=False),
        "--vault",
        str(tmp_path / "vault"),
        "--json",
    ]
    told = json.loads(CliRunner().invoke(app, ["keys", "rotate-index", *where]).stdout)
    assert (told["step"], told["key"]) == ("announced", 2)
    told = json.loads(CliRunner().invoke(app, ["keys", "rotate-index", *where]).stdout)
    assert told["problems"] == ["vault.not_settled"]
    assert json.loads(CliRunner().invoke(app, ["keys", "list", *where]).stdout)["index_keys"] == [1, 2]
