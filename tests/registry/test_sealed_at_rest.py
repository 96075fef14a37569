"""Nothing of a person can be read from the database's files, its log or a dump; what is meant to be readable can."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sqlite3
import unicodedata
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from factories import make_declaration, make_person
from key_parts import soft_token
from recording_town import Town, make_presence, make_town
from sqlalchemy import delete, text

from luutru.benchmarks.postgres import PostgresServer, running_postgres
from registry import tables
from registry.backups import back_up
from registry.database import upgrade
from registry.index_rotation import rotate_index
from registry.key_provider import FileKeyProvider
from registry.key_rotation import rotate_root
from registry.seed import demo_residents
from residence.errors import Refused
from residence.people.letters import plain_key
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


def _needles(*, everything: bool) -> dict[str, list[bytes]]:
    residents = demo_residents()
    planted = PLANTED | {
        "a resident's name": residents[7].person.full_name,
        "a resident's number": residents[7].person.personal_number or "",
        "a household's address": "Số 3 Ngõ Hoa Sen",
    }
    forms = _forms if everything else _plain_forms
    return {what: list(forms(value)) for what, value in planted.items()}


def _plain_forms(value: str) -> Iterator[bytes]:
    """The ways a database writes a text by itself."""
    yield from (value.encode(), value.encode("utf-16-le"), value.encode().hex().encode())


def _forms(value: str) -> Iterator[bytes]:
    """Every way a text is usually written: letters with and without their marks, encodings, escapes, and digests nobody needs a key for."""
    spellings = {value, unicodedata.normalize("NFD", value), value.lower(), value.upper(), plain_key(value)}
    for written in spellings:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
            yield written.encode(encoding)
        raw = written.encode()
        yield from (
            raw.hex().encode(),
            raw.hex().upper().encode(),
            raw[::-1],
            quote(written).encode(),
            json.dumps(written)[1:-1].encode(),
        )
        for shift in range(3):  # base64 of a longer text that holds it, wherever in a group of three it begins
            whole = base64.b64encode(b"\0" * shift + raw)
            yield whole[(0, 2, 3)[shift] : len(whole) - 4]
        for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512):
            yield digest(raw).digest()[:16]
            yield digest(raw).hexdigest()[:32].encode()


def _unpacked(content: bytes) -> list[bytes]:
    """Return a file and whatever in it was compressed, as pg_dump does it piece by piece."""
    found, at = [content], content.find(b"\x78")
    while at >= 0:
        stream = zlib.decompressobj()
        try:
            piece = stream.decompress(content[at:])
        except zlib.error:
            piece = b""
        if len(piece) > 16:
            found.append(piece)
        at = content.find(b"\x78", at + 1)
    return found


def _found(haystacks: list[bytes], *, everything: bool = False) -> set[str]:
    needles = _needles(everything=everything)
    return {what for what, forms in needles.items() for form in forms for hay in haystacks if form in hay}


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


def test_dump_backup_and_vault_folder_without_the_key_service_yield_no_name_or_number(town: Town, tmp_path: Path) -> None:
    """Everything somebody could carry away, but the token that keeps the root: searched in all encodings, then tried with our own code."""
    _say_everything(town)
    url = town.registry.engine.url.render_as_string(hide_password=False)
    with soft_token(tmp_path / "hsm", tmp_path) as token:
        keys = FileKeyProvider(tmp_path / "vault", random_bytes=secrets.token_bytes)
        rotate_root(keys, to=msgspec.structs.replace(token, label="at-rest"))
        for _ in range(3):  # the key numbers are found by is a new one, too
            done = rotate_index(town.registry, keys, now=datetime.now(UTC), settled=timedelta(0))
        assert done.step == "over"
        back_up(url, tmp_path / "backup", vault=town.registry.vault, now=town.now)
    carried = [path for folder in ("backup", "vault") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    pieces = [piece for path in carried for piece in _unpacked(path.read_bytes())]
    assert any(CONTROL.encode() in piece for piece in pieces), "the search did not look into the copy"
    assert _found(pieces, everything=True) == set()
    with pytest.raises(Refused, match="keeper_away"):  # the token is gone
        FileKeyProvider(tmp_path / "vault", random_bytes=secrets.token_bytes)


def test_the_search_finds_each_way_of_writing_a_name() -> None:
    name = PLANTED["full name"]
    hidden = [name.encode("utf-16-be"), json.dumps({"n": name}).encode(), base64.b64encode(b"ab" + name.encode() + b"c"),
        zlib.compress(b"x" * 40 + name.encode()), hashlib.sha256(name.encode()).digest(), plain_key(name).encode()]  # fmt: skip
    for each in hidden:
        assert _found(_unpacked(each), everything=True) == {"full name"}, each


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
