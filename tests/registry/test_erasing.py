"""Somebody who was erased stays erased: whatever dies in between, and whatever backup is brought back; and the registry says why."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from factories import make_declaration
from recording_town import SIGNER, Town
from sqlalchemy import select
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.backups import back_up, restore
from registry.checking import check_registry
from registry.database import connect
from registry.erasing import Erasure, came_back, certificate_by_code, code_of, erase_again, erase_for_good
from registry.key_provider import FileKeyProvider
from registry.key_rotation import destroy_period, rotate_period
from registry.persons import matching_persons, search_by_name, search_by_number
from registry.vault import Vault
from residence.clock import rfc3339
from residence.errors import Refused, Untrusted
from residence.wire.deletions import digest_of, verify_deletion
from residence.wire.keyring import KeyEntry, Keyring

GIVEN = Erasure(by="operator-1", reason="asked for and granted", legal_basis="Law 91/2025")


def erase(town: Town, person_id: str):
    return erase_for_good(town.registry, person_id, GIVEN, signer=SIGNER, now=datetime.now(UTC), random_bytes=secrets.token_bytes)


def again(registry):
    return erase_again(registry, now=datetime.now(UTC), random_bytes=secrets.token_bytes)


def declared(town: Town) -> str:
    town.declare()
    town.see(make_declaration().person, premises_id="htl-sao-mai")
    return next(row.person_id for row in town.rows(tables.persons) if row.declaration_id)


def found(registry, person_id: str) -> list[str]:
    with registry.reading() as connection:
        return [
            *search_by_name(connection, "an tran", commune_code="demo-01", vault=registry.vault),
            *search_by_number(connection, "personal", "001095000117", vault=registry.vault),
            *(each.known.person_id for each in matching_persons(connection, [person_id], vault=registry.vault)),
        ]


def address_of(registry) -> str:
    return registry.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def place(town: Town, empty_url: Callable[[str], str]) -> str:
    return empty_url("sqlite") if town.registry.engine.dialect.name == "sqlite" else empty_url("postgresql")


def test_the_certificate_is_signed_names_nobody_and_stands_in_the_log(town: Town) -> None:
    person_id = declared(town)
    told = code_of(town.registry.vault, person_id)
    done = erase(town, person_id)
    ring = Keyring(
        [KeyEntry(key_id=SIGNER.key_id, use="receipt", owner="authority", public_key=SIGNER.public_key, valid_from=rfc3339(datetime(2026, 1, 1, tzinfo=UTC)))]
    )  # fmt: skip
    said = verify_deletion(done.certificate, keyring=ring)
    assert (said.reason, said.period_keys, done.code) == ("asked for and granted", ("demo-01:2026",), told)
    assert not any(each in str(said) for each in ("Trần", "001095000117", person_id))
    with town.registry.reading() as connection:
        row = certificate_by_code(connection, told)
    record = next(each for each in town.rows(tables.access_records) if each.access_id == row.access_id)
    assert (record.purpose, record.about, record.person_id) == ("erase-person", digest_of(done.certificate), person_id)
    assert any(each.look_id == record.look_id for each in town.rows(tables.looks))
    assert found(town.registry, person_id) == []
    assert town.rows(tables.presences) == []
    with pytest.raises(Refused, match=r"erase\.done"):
        erase(town, person_id)


def test_a_backup_does_not_bring_an_erased_person_back_and_the_restored_registry_says_why(
    town: Town, place: str, tmp_path: Path
) -> None:
    person_id = declared(town)
    back_up(address_of(town.registry), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    done = erase(town, person_id)
    told = CliRunner().invoke(
        app, ["restore", str(tmp_path / "backup"), "--registry", place, "--vault", str(tmp_path / "vault"), "--json"]
    )
    answer = json.loads(told.stdout)
    assert (answer["ok"], [each["person_id"] for each in answer["erased_again"]]) == (True, [person_id])
    assert (answer["erased_again"][0]["certificate_id"], answer["erased_again"][0]["reason"]) == (
        done.certificate_id,
        GIVEN.reason,
    )
    brought = connect(place, vault=town.registry.vault)
    assert found(brought, person_id) == []
    with brought.reading() as connection:
        row = certificate_by_code(connection, done.code)
        stays = connection.scalars(select(tables.stays.c.person_id)).all()
        presences = connection.execute(select(tables.presences)).all()
    assert (row.certificate, row.again_at is not None) == (done.certificate, True)
    assert (stays, presences) == ([person_id], [])
    assert came_back(brought) == []
    assert again(brought) == []
    brought.close()


def test_a_database_brought_back_by_other_means_opens_no_erased_person_either(town: Town, place: str, tmp_path: Path) -> None:
    """Somebody copies files or uses the engine's own tools: the key service says no, and the check says why."""
    person_id = declared(town)
    back_up(address_of(town.registry), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    restore(tmp_path / "backup", place, vault=town.registry.vault)
    erase(town, person_id)
    brought = connect(place, vault=town.registry.vault)
    with brought.reading() as connection:
        row = connection.execute(select(tables.subject_keys).where(tables.subject_keys.c.subject_id == person_id)).one()
        assert matching_persons(connection, [person_id], vault=brought.vault) == []
        assert brought.vault.load_keys(connection, [person_id]) == {}
    with pytest.raises(Untrusted, match=r"vault\.erased"):
        brought.vault.unwrap(person_id, row.kek_id, row.wrapped_key)
    assert check_registry(brought).problems == (f"erase.came_back person {person_id}",)
    assert [each.subject_id for each in again(brought)] == [person_id]
    assert check_registry(brought).problems == ()
    brought.close()


def test_once_the_period_key_is_destroyed_no_backup_of_before_comes_back_at_all(town: Town, place: str, tmp_path: Path) -> None:
    """Even a thief with the backup, today's keys and no scruples: an older key directory is all that could help, and its root is gone."""
    person_id, now = declared(town), datetime.now(UTC)
    back_up(address_of(town.registry), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    held = next(row for row in town.rows(tables.subject_keys) if row.subject_id == person_id)
    erase(town, person_id)
    keys = FileKeyProvider(tmp_path / "vault", random_bytes=secrets.token_bytes)
    former = rotate_period(town.registry, keys, "demo-01", now=now).former
    destroy_period(town.registry, keys, former, now=now + timedelta(hours=1), why="the backups are 35 days old")
    assert check_registry(town.registry).ok
    with pytest.raises(Refused, match=r"backup\.keys_missing.*demo-01:2026"):
        restore(tmp_path / "backup", place, vault=town.registry.vault)
    shutil.copytree(tmp_path / "vault", tmp_path / "thief")
    (tmp_path / "thief" / "shredded.jsonl").unlink()
    thief = Vault(FileKeyProvider(tmp_path / "thief", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    with pytest.raises(Untrusted, match="key_retired"):
        thief.unwrap(person_id, held.kek_id, held.wrapped_key)
    assert keys.notes.retired()["demo-01:2026"].why == "the backups are 35 days old"


def test_broken_off_between_key_service_and_commit_it_is_finished_with_the_same_certificate(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    person_id = declared(town)
    note = Vault.note_erased

    def note_and_die(self: Vault, given: object) -> None:
        note(self, given)
        raise ZeroDivisionError

    with monkeypatch.context() as dying:
        dying.setattr(Vault, "note_erased", note_and_die)
        with pytest.raises(ZeroDivisionError):
            erase(town, person_id)
    with town.registry.reading() as connection:  # nobody opens them, though the rows still stand
        assert matching_persons(connection, [person_id], vault=town.registry.vault) == []
    begun = town.registry.vault.erased_subjects()[person_id].certificate
    done = erase(town, person_id)
    assert (done.certificate, done.again) == (begun, True)
    assert town.rows(tables.presences) == []
    assert check_registry(town.registry).ok


def test_what_an_erasure_is_not_done_without(town: Town) -> None:
    person_id = declared(town)
    for reason in ("", "  ", "x" * 501, "a\0b"):
        with pytest.raises(Refused, match=r"erase\.reason"):
            erase_for_good(
                town.registry,
                person_id,
                Erasure(by="o", reason=reason),
                signer=SIGNER,
                now=town.now,
                random_bytes=secrets.token_bytes,
            )
    with pytest.raises(Refused, match="person_unknown"):
        erase(town, "nobody")
    assert town.registry.vault.erased_subjects() == {}
