"""From sealed rows to pairs that people decide: on SQLite and PostgreSQL, through the same registry everything else uses."""

from __future__ import annotations

import secrets
from datetime import timedelta

import msgspec
import pytest
from factories import make_person
from recording_town import Town
from sqlalchemy import select, update
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.accounts import KnownAccount, add_account
from registry.duplicates.deciding import Decision, decide, undo
from registry.duplicates.proposals import listed, pair_id_of, propose
from registry.duplicates.reading import candidate_pages
from registry.duplicates.searching import Limits, Report, search_registry
from registry.duplicates.settings import load_model
from registry.persons import Stamp, identifier_row, person_row
from registry.retention import erase_person
from registry.seed import DEMO_COMMUNE
from residence.errors import Conflict, Refused
from residence.people.person import Person
from residence.stays.known import KnownNumber, numbers_of

OFFICER = Decision(account_id="officer-1", reason="both cards seen")
NAME = "Trần Thị Hoà An"


def add(town: Town, person_id: str, person: Person, *, before: str | None = None, phone: str | None = None) -> str:
    """Write a person as a register's import does: sealed, with numbers, no statement."""
    vault, stamp = town.registry.vault, Stamp("demo-01", town.now, None)
    numbers = [*numbers_of(person), *([KnownNumber(kind="personal", value=before, status="replaced")] if before else [])]
    with town.registry.writing() as connection:
        key, row = vault.new_key(person_id, "person", commune_code="demo-01", now=town.now)
        connection.execute(tables.subject_keys.insert(), row)
        sealed = person_row(person, person_id, key=key, stamp=stamp, vault=vault)
        connection.execute(tables.persons.insert(), sealed | {"contact_sealed": vault.seal(key, _cell(person_id), phone)})
        for number in numbers:
            row = identifier_row(number, person_id, key=key, identifier_id=secrets.token_hex(8), stamp=stamp, vault=vault)
            connection.execute(tables.identifiers.insert(), row)
    return person_id


def _cell(person_id):
    from registry.vault import Cell

    return Cell("persons", "contact", person_id)


def twice(town: Town) -> str:
    """Let one person stand twice; returns the pair's id."""
    first = make_person(full_name=NAME, old_number="023456789")
    second = msgspec.structs.replace(first, full_name="TRAN THI HOA AN", personal_number=None, document=None)
    return pair_id_of(add(town, "a-first", first, phone="0912 345 678"), add(town, "b-second", second))


def search(town: Town) -> Report:
    return search_registry(town.registry, load_model(), now=town.now, limits=Limits(memory_mib=512, threads=1))


def waiting(town: Town) -> list[str]:
    with town.registry.reading() as connection:
        return [each.pair_id for each in listed(connection)]


def settle(town: Town, act, pair_id: str, **how):
    noise = {"random_bytes": secrets.token_bytes} if act is decide else {}
    with town.registry.writing() as connection:
        return act(connection, pair_id, decision=how.pop("decision", OFFICER), now=town.now, **how, **noise)


def people(town: Town) -> dict[str, str | None]:
    with town.registry.reading() as connection:
        query = select(tables.persons.c.person_id, tables.persons.c.merged_into)
        return {row[0]: row[1] for row in connection.execute(query) if row[0] in {"a-first", "b-second", "c-third"}}


def holders(town: Town) -> list[str]:
    return sorted(each.person_id for each in town.rows(tables.identifiers) if each.person_id in {"a-first", "b-second"})


def test_who_stands_twice_is_proposed_once_with_reasons_and_without_a_name(town):
    pair_id = twice(town)
    assert search(town).proposed.new == 1
    town.now += timedelta(days=1)
    again = search(town).proposed
    assert (again.new, again.again, again.withdrawn) == (0, 1, 0)
    with town.registry.reading() as connection:
        (pair,) = listed(connection, commune_code="demo-01")
        assert listed(connection, commune_code="elsewhere") == []
    assert (pair.pair_id, pair.one_id, pair.other_id, pair.state) == (pair_id, "a-first", "b-second", "proposed")
    assert {each.code for each in pair.said} >= {"duplicates.name.equal", "duplicates.birth.equal", "duplicates.old.equal"}
    row = repr(town.rows(tables.duplicate_pairs)).lower()
    assert not any(word in row for word in ("hoà", "hoa an", "tran", "1990", "023456789"))


def test_a_merge_needs_a_person_and_can_be_undone_exactly(town):
    pair_id, before = twice(town), None
    search(town)
    before = holders(town)
    assert people(town) == {"a-first": None, "b-second": None}
    done = settle(town, decide, pair_id, same=True)
    assert (done.state, done.decided_by, done.reason) == ("same", "officer-1", "both cards seen")
    assert people(town) == {"a-first": None, "b-second": "a-first"}
    assert set(holders(town)) == {"a-first"}
    town.now += timedelta(days=1)
    assert search(town).pairs == 0  # the one that points is nobody of its own
    assert settle(town, undo, pair_id, decision=Decision(account_id="officer-2", reason="twins")).state == "proposed"
    assert people(town) == {"a-first": None, "b-second": None}
    assert holders(town) == before
    assert waiting(town) == [pair_id]


def test_numbers_of_somebody_merged_are_compared_for_who_stands(town):
    pair_id = twice(town)
    search(town)
    settle(town, decide, pair_id, same=True)
    (first,) = [each for page in candidate_pages(town.registry, page=7) for each in page if each.person_id == "a-first"]
    assert first.old == "023456789"
    assert first.personal == make_person().personal_number
    assert first.phone == "0912 345 678"


def test_two_persons_stay_two_whatever_a_later_search_says(town):
    pair_id = twice(town)
    search(town)
    settle(town, decide, pair_id, same=False)
    town.now += timedelta(days=1)
    report = search(town)
    assert (report.pairs, report.proposed.decided, report.proposed.new) == (1, 1, 0)
    assert waiting(town) == []
    assert people(town)["b-second"] is None


def test_a_pair_that_is_no_longer_found_is_withdrawn_and_comes_back_when_it_is(town):
    twice(town)
    search(town)
    town.now += timedelta(days=1)
    assert propose(town.registry, (), model="other", now=town.now).withdrawn == 1
    assert waiting(town) == []
    town.now += timedelta(days=1)
    assert search(town).proposed.again == 1
    assert len(waiting(town)) == 1


def test_what_was_decided_or_changed_meanwhile_is_a_conflict_and_changes_nothing(town):
    pair_id = twice(town)
    search(town)
    for act in (lambda: settle(town, decide, pair_id, same=True, decision=Decision(account_id="o", reason=" ")),):
        with pytest.raises(Refused, match=r"duplicates\.reason"):
            act()
    with pytest.raises(Refused, match=r"duplicates\.unknown"):
        settle(town, decide, "no-such-pair", same=True)
    with pytest.raises(Conflict, match=r"duplicates\.not_decided"):
        settle(town, undo, pair_id)
    with town.registry.writing() as connection:
        connection.execute(update(tables.persons).where(tables.persons.c.person_id == "b-second").values(merged_into="c-third"))
    with pytest.raises(Conflict, match=r"duplicates\.changed_meanwhile"):
        settle(town, decide, pair_id, same=True)
    with town.registry.writing() as connection:
        connection.execute(update(tables.persons).where(tables.persons.c.person_id == "b-second").values(merged_into=None))
    settle(town, decide, pair_id, same=True)
    with pytest.raises(Conflict, match=r"duplicates\.decided"):
        settle(town, decide, pair_id, same=False)


def test_an_undo_waits_until_what_came_after_it_is_undone(town):
    pair_id = twice(town)
    add(town, "c-third", make_person(full_name=NAME, personal_number=None, document=None, old_number="023456789"))
    search(town)
    assert len(waiting(town)) == 3
    settle(town, decide, pair_id_of("b-second", "c-third"), same=True)
    settle(town, decide, pair_id, same=True)
    assert people(town) == {"a-first": None, "b-second": "a-first", "c-third": "a-first"}
    with pytest.raises(Conflict, match=r"duplicates\.changed_meanwhile"):
        settle(town, undo, pair_id_of("b-second", "c-third"))
    settle(town, undo, pair_id)
    assert people(town) == {"a-first": None, "b-second": None, "c-third": "b-second"}
    settle(town, undo, pair_id_of("b-second", "c-third"))
    assert set(people(town).values()) == {None}


def test_who_is_erased_is_in_no_pair_and_in_no_search(town):
    twice(town)
    search(town)
    with town.registry.writing() as connection:
        erase_person(connection, "b-second", vault=town.registry.vault, now=town.now)
    assert town.rows(tables.duplicate_pairs) == []
    assert "b-second" not in {each.person_id for page in candidate_pages(town.registry) for each in page}
    assert search(town).pairs == 0


def test_a_replaced_number_is_compared_as_a_number_of_before(town):
    add(town, "a-first", make_person(full_name=NAME))
    renewed = make_person(full_name=NAME, personal_number="079190654321", document=None)
    add(town, "b-second", renewed, before=make_person().personal_number)
    search(town)
    with town.registry.reading() as connection:
        (pair,) = listed(connection)
    assert "duplicates.personal.reissued" in {each.code for each in pair.said}


def run(url: str, keys, *words: str) -> tuple[int, dict]:
    result = CliRunner().invoke(app, ["duplicates", *words, "--registry", url, "--vault", str(keys), "--json"])
    return result.exit_code, msgspec.json.decode(result.stdout)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_command_searches_lists_decides_and_takes_back(town, url, tmp_path):
    pair_id, keys = twice(town), tmp_path / "vault"
    status, found = run(url, keys, "--memory", "512")
    assert (status, found["ok"], found["counts"]["new"], found["counts"]["pairs"]) == (0, True, 1, 1)
    assert found["counts"]["persons"] == sum(map(len, candidate_pages(town.registry)))
    assert found["left_out"] == {}
    status, shown = run(url, keys, "list")
    assert (status, [each["pair_id"] for each in shown["pairs"]]) == (0, [pair_id])
    assert all(each["message"]["vi"] and each["message"]["en"] for each in shown["pairs"][0]["said"])
    why = ("--by", "officer-1", "--reason", "twins")
    assert run(url, keys, "decide", pair_id, "different", *why)[1]["pairs"][0]["state"] == "different"
    assert run(url, keys, "decide", pair_id, "different", *why) == (1, _refusal(["duplicates.decided"]))
    assert run(url, keys, "undo", pair_id, *why)[1]["pairs"][0]["state"] == "proposed"
    words = CliRunner().invoke(app, ["duplicates", "list", "--registry", url, "--vault", str(keys)])
    assert "The names are equal, accents aside." in words.stdout


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_command_asks_in_an_officers_name_and_merges_nobody(town, url, tmp_path):
    pair_id, keys = twice(town), tmp_path / "vault"
    search(town)
    accounts = {"officer-1": "officer", "operator-1": "operator", "gone": "officer", "elsewhere": "officer"}
    with town.registry.writing() as connection:
        for name, role in accounts.items():
            commune = "demo-09" if name == "elsewhere" else DEMO_COMMUNE
            gone_at = town.now if name == "gone" else None
            made = {"sign_in_name": name, "role": role, "areas": (), "created_at": town.now, "disabled_at": gone_at}
            add_account(connection, KnownAccount(account_id=f"acc-{name}", commune_code=commune, **made))
    for by in ("nobody", "operator-1", "gone", "elsewhere"):
        words = ("decide", pair_id, "same", "--by", by, "--reason", "both cards seen")
        assert run(url, keys, *words) == (1, _refusal(["duplicates.no_officer"]))
    words = ("decide", pair_id, "same", "--by", "officer-1", "--reason", "both cards seen")
    status, answer = run(url, keys, *words)
    (wish,) = town.rows(tables.proposals)
    assert (status, answer["waits_for_second_officer"]) == (0, f"/police/second-eyes/{wish.proposal_id}")
    assert (wish.kind, wish.subject, wish.asked_by, wish.outcome) == ("merge", pair_id, "acc-officer-1", None)
    assert run(url, keys, *words) == (1, _refusal(["eyes.waiting"]))
    assert set(people(town).values()) == {None}  # nobody was merged


class _refusal(dict):  # noqa: N801 - reads as a value
    """An answer that names these problems, whatever else it says."""

    def __init__(self, problems):
        super().__init__(ok=False, problems=problems)

    def __eq__(self, other):
        return {**self} == {key: other[key] for key in ("ok", "problems")}

    __hash__ = None


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_registry_with_nobody_in_it_is_searched_in_vain(url, tmp_path):
    status, answer = run(url, tmp_path / "vault", "--memory", "256")
    assert (status, answer["counts"]["pairs"], answer["counts"]["persons"]) == (0, 0, 0)
