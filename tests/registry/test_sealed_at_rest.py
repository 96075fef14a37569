"""Nothing of a person can be read from the database's files, its log or a dump; what is meant to be readable can."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import make_declaration, make_person
from recording_town import Town, make_presence, make_town
from sqlalchemy import delete, text

from luutru.benchmarks.postgres import PostgresServer, running_postgres
from registry import tables
from registry.database import upgrade
from registry.seed import demo_residents
from residence.people.person import Document, DocumentKind, PartialDate
from residence.stays.declaration import Declarant

PLANTED = {
    "full name": "Ksor H'Mlăk Thử Nghiệm",
    "personal number": "066199123457",
    "old number": "987123654",
    "passport": "ZX9081726",
    "birth date": "1999-08-17",
    "residence": "Buôn Giấu Kín, Xã Không Ai Thấy",
    "declarant": "Chủ Nhà Cẩn Thận",
    "note": "ghi chú không ai được đọc",
}
CONTROL = "LUUTRU-CONTROL-7788"  # a unit is no secret: it must be found, or the search proves nothing


def _say_everything(town: Town) -> None:
    person = make_person(
        full_name=PLANTED["full name"],
        personal_number=PLANTED["personal number"],
        old_number=PLANTED["old number"],
        birth=PartialDate(value=PLANTED["birth date"], precision="day"),
        sex="female",
        residence_text=PLANTED["residence"],
        document=Document(kind=DocumentKind.PASSPORT, number=PLANTED["passport"]),
    )
    declarant = Declarant(role="household", name=PLANTED["declarant"])
    arrival = make_declaration(person=person, declarant=declarant, note=PLANTED["note"], premises_id="hsh-hoa-sen", unit=CONTROL)
    recorded = town.record(town.say(arrival))
    assert recorded[0].receipt.state == "accepted", recorded[0].receipt.findings
    town.record(town.say(make_declaration(person=person, premises_id="nowhere", unit=CONTROL)))
    town.record(town.say(make_presence(person, premises_id="htl-sao-mai")))
    reused = make_declaration(person=person, declaration_id=arrival.declaration_id, note=PLANTED["note"] + "!")
    town.record(town.say(reused))


def _needles() -> dict[str, list[bytes]]:
    residents = demo_residents()
    planted = PLANTED | {
        "a resident's name": residents[7].person.full_name,
        "a resident's number": residents[7].person.personal_number or "",
        "a household's address": "Số 3 Ngõ Hoa Sen",
    }
    return {what: [value.encode(), value.encode("utf-16-le"), value.encode().hex().encode()] for what, value in planted.items()}


def _found(haystacks: list[bytes]) -> set[str]:
    return {what for what, forms in _needles().items() for form in forms for hay in haystacks if form in hay}


def test_sqlite_files_log_and_dump_say_nothing_of_a_person(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    upgrade(url)
    town = make_town(url, tmp_path / "vault")
    _say_everything(town)
    files = [path.read_bytes() for path in tmp_path.glob("registry.db*")]
    assert len(files) > 1, "the write-ahead log was not among the files"
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        dump = "\n".join(connection.iterdump()).encode()
    connection.close()
    assert CONTROL.encode() in b"".join(files)
    assert CONTROL.encode() in dump
    assert _found([*files, dump]) == set()
    town.registry.close()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server with one database and nobody else's: all its files are searched."""
    with running_postgres() as server:
        yield server


def test_postgresql_files_log_and_dump_say_nothing_of_a_person(own_postgres: PostgresServer, tmp_path: Path) -> None:
    url = own_postgres.new_database()
    upgrade(url)
    town = make_town(url, tmp_path / "vault")
    _say_everything(town)
    own_postgres.checkpoint(url)
    dump = own_postgres.dump(url).encode()
    files = [path.read_bytes() for path in own_postgres.files()]
    assert CONTROL.encode() in dump
    assert any(CONTROL.encode() in content for content in files)
    assert _found([*files, dump]) == set()
    town.registry.close()


def test_the_search_would_find_a_name_that_is_not_sealed(town: Town, tmp_path: Path) -> None:
    with town.registry.writing() as connection:
        connection.execute(text("CREATE TABLE careless (name TEXT)"))
        connection.execute(text("INSERT INTO careless VALUES (:name)"), {"name": PLANTED["full name"]})
    with town.registry.reading() as connection:
        rows = connection.execute(text("SELECT name FROM careless")).all()
    assert _found([str(rows[0][0]).encode()]) == {"full name"}


@pytest.mark.parametrize("what", ["key", "vault"])
def test_neither_half_alone_opens_anything(town: Town, tmp_path: Path, what: str) -> None:
    other = make_other_vault(tmp_path) if what == "vault" else None
    from registry.households import residences_at
    from registry.persons import matching_persons
    from residence.errors import Untrusted

    with town.registry.writing() as connection:
        ids = [each.person_id for each in residences_at(connection, ["hsh-hoa-sen"])]
        if other is not None:
            with pytest.raises(Untrusted) as refusal:
                other.load_keys(connection, ids)
            assert refusal.value.code == "vault.key_retired"
        else:
            assert len(matching_persons(connection, ids, vault=town.registry.vault)) == len(set(ids))
            connection.execute(delete(tables.subject_keys))
            assert matching_persons(connection, ids, vault=town.registry.vault) == []


def make_other_vault(tmp_path: Path):
    import secrets

    from registry.key_provider import FileKeyProvider
    from registry.vault import Vault

    return Vault(FileKeyProvider(tmp_path / "other", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
