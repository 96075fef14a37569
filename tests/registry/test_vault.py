"""The vault: what is sealed opens only where it was put, only with its key, and never after it was erased."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from factories import EVENING, make_declaration, make_person
from hypothesis import given
from hypothesis import strategies as st
from recording_town import Town, make_presence

from registry import tables
from registry.checking import check_registry
from registry.key_notes import Shredded
from registry.key_provider import FileKeyProvider
from registry.key_rotation import destroy_period
from registry.notices import Notice, send_notice
from registry.persons import search_by_name, search_by_number
from registry.presences import pseudonym_of
from registry.release import Look, release_persons
from registry.retention import erase_person
from registry.vault import Cell, Vault
from residence.access.purposes import Purpose
from residence.cases.notices import NoticeKind
from residence.errors import Refused, Untrusted

CELL = Cell("persons", "full_name", "person-1")


class DrawnProvider:
    """Keys in memory, for properties that run hundreds of times."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}

    def period_key(self, kek_id: str, *, create: bool = False) -> bytes:
        return self.keys.setdefault(kek_id, secrets.token_bytes(32))

    def generation(self, period: str) -> str:
        return period

    def turn(self) -> tuple[int, int]:
        return (0, 0)

    def shredded(self) -> dict[str, Shredded]:
        return {}

    def shred(self, given: Shredded) -> None:
        raise AssertionError("nobody is erased here")

    def period_keys(self) -> list[str]:
        return sorted(self.keys)

    def index_keys(self, purpose: str) -> tuple[bytes, ...]:
        return (purpose.encode().ljust(32),)


def make_vault() -> Vault:
    return Vault(DrawnProvider(), random_bytes=secrets.token_bytes)


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_again_and_never_shows(value: bytes) -> None:
    vault = make_vault()
    key, _ = vault.new_key("person-1", "person", commune_code="demo-01", now=EVENING)
    sealed = vault.seal(key, CELL, value)
    assert sealed is not None
    assert vault.open(key, CELL, sealed) == value
    assert len(value) < 4 or value not in sealed


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_does_not_open(place: int, bit: int) -> None:
    vault = make_vault()
    key, _ = vault.new_key("person-1", "person", commune_code="demo-01", now=EVENING)
    sealed = bytearray(vault.seal(key, CELL, "Trần Văn An") or b"")
    sealed[1 + place % (len(sealed) - 1)] ^= 1 << bit
    with pytest.raises(Untrusted) as refusal:
        vault.open(key, CELL, bytes(sealed))
    assert refusal.value.code == "vault.damaged"


@pytest.mark.parametrize("other", [CELL._replace(table="stays"), CELL._replace(column="sex"), CELL._replace(row_id="person-2")])
def test_a_value_moved_to_another_cell_does_not_open(other: Cell) -> None:
    vault = make_vault()
    key, _ = vault.new_key("person-1", "person", commune_code="demo-01", now=EVENING)
    sealed = vault.seal(key, CELL, "Trần Văn An")
    with pytest.raises(Untrusted):
        vault.open(key, other, sealed or b"")


def test_a_wrapped_key_given_to_another_person_does_not_open() -> None:
    vault = make_vault()
    _, row = vault.new_key("person-1", "person", commune_code="demo-01", now=EVENING)
    with pytest.raises(Untrusted):
        vault.unwrap("person-2", row["kek_id"], row["wrapped_key"])


def test_indexes_differ_by_kind_and_words_by_commune() -> None:
    vault = make_vault()
    assert vault.number_index("personal", "001") != vault.number_index("old", "001")
    assert vault.token_index("demo-01", "an") != vault.token_index("demo-02", "an")
    assert len(vault.number_index("personal", "001")) == 16


def test_keys_on_disk_are_for_their_owner_only_and_survive_a_restart(tmp_path: Path) -> None:
    first = FileKeyProvider(tmp_path / "keys", random_bytes=secrets.token_bytes)
    period = first.period_key("demo-01:2026", create=True)
    again = FileKeyProvider(tmp_path / "keys", random_bytes=secrets.token_bytes)
    assert again.period_key("demo-01:2026") == period
    assert again.index_key("number") == first.index_key("number")
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "keys").rglob("*")} == {0}
    assert all(period not in path.read_bytes() for path in (tmp_path / "keys").rglob("*") if path.is_file())


def test_a_directory_with_another_root_opens_nothing(tmp_path: Path) -> None:
    FileKeyProvider(tmp_path / "keys", random_bytes=secrets.token_bytes).period_key("a:1", create=True)
    (tmp_path / "keys" / "root.key").write_bytes(secrets.token_bytes(32))
    with pytest.raises(Untrusted) as refusal:
        FileKeyProvider(tmp_path / "keys", random_bytes=secrets.token_bytes).period_key("a:1")
    assert refusal.value.code == "vault.wrong_root"


def _look(**changes: object) -> Look:
    about = {
        "account_id": "clerk-1",
        "role": "clerk",
        "purpose": Purpose.DECLARE_GUEST,
        "commune_code": "demo-01",
        "about": "htl-sao-mai",
    }
    return Look(**{**about, **changes})


def _release(town: Town, person_id: str, look: Look) -> dict[str, str]:
    with town.registry.writing() as connection:
        released = release_persons(
            connection, [person_id], look=look, vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes
        )
    return {field.value: value for field, value in released[person_id].fields.items()}


def _declared_person(town: Town) -> str:
    town.declare()
    return next(row.person_id for row in town.rows(tables.persons) if row.declaration_id)


def test_a_purpose_releases_its_fields_and_writes_the_record(town: Town) -> None:
    person_id = _declared_person(town)
    fields = _release(town, person_id, _look())
    assert fields["full-name"] == "Trần Văn An"
    assert fields["personal-number-masked"] == "•••••••••117"
    assert "personal-number" not in fields
    record = town.rows(tables.access_records)[0]
    assert (record.person_id, record.account_id, record.purpose, record.about) == (
        person_id,
        "clerk-1",
        "declare-guest",
        "htl-sao-mai",
    )
    assert set(fields) <= set(record.fields)


def test_a_list_purpose_releases_no_name_and_leaves_no_record(town: Town) -> None:
    person_id = _declared_person(town)
    assert _release(town, person_id, _look(role="officer", purpose=Purpose.UNDECLARED_LIST)) == {}
    assert town.rows(tables.access_records) == []


def test_a_purpose_of_another_role_is_refused_and_nothing_is_read(town: Town) -> None:
    person_id = _declared_person(town)
    with pytest.raises(Refused) as refusal:
        _release(town, person_id, _look(role="operator"))
    assert refusal.value.code == "access.purpose_not_for_role"


def _look_and_fail(town: Town, person_id: str) -> None:
    with town.registry.writing() as connection:
        release_persons(
            connection, [person_id], look=_look(), vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes
        )
        raise ZeroDivisionError


def test_a_look_that_fails_leaves_no_record(town: Town) -> None:
    person_id = _declared_person(town)
    with pytest.raises(ZeroDivisionError):
        _look_and_fail(town, person_id)
    assert town.rows(tables.access_records) == []


def test_names_are_found_by_words_inside_a_commune_and_numbers_everywhere(town: Town) -> None:
    person_id = _declared_person(town)
    vault = town.registry.vault
    with town.registry.reading() as connection:
        assert search_by_name(connection, "an tran", commune_code="demo-01", vault=vault) == [person_id]
        assert search_by_name(connection, "an tran", commune_code="demo-02", vault=vault) == []
        assert search_by_name(connection, "", commune_code="demo-01", vault=vault) == []
        assert search_by_number(connection, "personal", "001095000117", vault=vault) == [person_id]


def test_an_erased_person_can_be_neither_read_nor_found_and_the_stay_remains(town: Town) -> None:
    person_id = _declared_person(town)
    person = make_person()
    town.record(town.say(make_presence(person, premises_id="htl-sao-mai")))
    vault = town.registry.vault
    with town.registry.writing() as connection:
        erase_person(connection, person_id, vault=vault, now=town.now)
    assert _release(town, person_id, _look()) == {}
    with town.registry.reading() as connection:
        assert search_by_name(connection, "an tran", commune_code="demo-01", vault=vault) == []
        assert search_by_number(connection, "personal", "001095000117", vault=vault) == []
    assert town.rows(tables.presences) == []
    assert [row.person_id for row in town.rows(tables.stays)] == [person_id]
    report = check_registry(town.registry)
    assert (report.ok, report.erased) == (True, 2)
    assert town.record(town.say(make_declaration()))[0].receipt.state == "accepted"


def test_an_erased_persons_notices_name_nobody_any_more(town: Town) -> None:
    person_id = _declared_person(town)
    vault = town.registry.vault
    who = pseudonym_of(make_person(), "htl-sao-mai", vault).hex()
    notice = Notice(
        kind=NoticeKind.PLEASE_DECLARE,
        about="p-1",
        who=who,
        premises_id="htl-sao-mai",
        commune_code="demo-01",
        addressee="facility",
    )
    others = msgspec.structs.replace(notice, about="p-2", who="00" * 16)
    with town.registry.writing() as connection:
        for each in (notice, others):
            send_notice(connection, each, now=town.now, random_bytes=secrets.token_bytes)
    with town.registry.writing() as connection:
        erase_person(connection, person_id, vault=vault, now=town.now)
    names = {row.about: (row.who, row.notice_id) for row in town.rows(tables.notices)}
    assert names["p-1"][0] == names["p-1"][1] != who
    assert names["p-2"][0] == "00" * 16


def test_erasing_nobody_is_refused(town: Town) -> None:
    with pytest.raises(Refused), town.registry.writing() as connection:
        erase_person(connection, "nobody", vault=town.registry.vault, now=town.now)


def test_a_past_year_leaves_the_living_readable_and_the_erased_gone_from_backups(town: Town, tmp_path: Path) -> None:
    person_id = _declared_person(town)
    backup = {row.subject_id: row for row in town.rows(tables.subject_keys)}
    vault, next_year = town.registry.vault, datetime(2027, 3, 1, tzinfo=UTC)
    with town.registry.writing() as connection:
        erase_person(connection, person_id, vault=vault, now=next_year)
    keys = FileKeyProvider(tmp_path / "vault", random_bytes=secrets.token_bytes)
    assert destroy_period(town.registry, keys, "demo-01:2026", now=next_year, why="the year is over") == len(backup) - 1
    assert check_registry(town.registry).ok
    with pytest.raises(Untrusted) as refusal:
        vault.unwrap(person_id, backup[person_id].kek_id, backup[person_id].wrapped_key)
    assert refusal.value.code == "vault.key_retired"
