"""Taking over a register: dry run, rows set aside and fed again, the same file twice, people known before, numbers of two people."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from importing_parts import HEAD, NOW, Desk, line, write_csv
from sqlalchemy import select
from typer.testing import CliRunner

from luutru.commands.registry import app
from luutru.commands.registry_city import City, fill_registry
from registry import tables
from registry.checking import check_registry
from registry.database import connect
from registry.households import add_person
from registry.importing.journal import Who as Clerk
from registry.importing.journal import begin, claim
from registry.importing.mapping import Mapping, columns_of
from registry.importing.reading import open_file
from registry.importing.rejecting import write_rejected
from registry.importing.running import Task, run_import
from registry.key_provider import FileKeyProvider
from registry.synthetic.city import city
from registry.synthetic.files import frames_of, write_city
from registry.vault import Vault
from residence.errors import Conflict, catalogue
from residence.people.person import PartialDate, Person

KINDS = ("premises", "households", "residents", "old-numbers")
GONE = "Đặng Thị Kim Bí Mật"


@pytest.fixture
def desk(url: str, tmp_path: Path) -> Iterator[Desk]:
    vault = Vault(FileKeyProvider(tmp_path / "vault", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    registry = connect(url, vault=vault)
    yield Desk(registry=registry, folder=tmp_path)
    registry.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a small city."""
    folder = tmp_path_factory.mktemp("town")
    write_city(city(300, np.random.default_rng(4)), folder, form="parquet")
    return folder


def take_town(desk: Desk, town: Path) -> dict[str, object]:
    return {kind: desk.take(open_file(town / f"{kind}.parquet", Mapping()), kind)[0] for kind in KINDS}


def test_a_whole_city_comes_in_and_what_is_sealed_is_what_was_written(desk: Desk, town: Path) -> None:
    reports = take_town(desk, town)
    records = pl.read_parquet(town / "residents.parquet").unique("person_ref")
    counts = desk.counts()
    assert counts["persons"] + reports["residents"].counts.get("known_persons", 0) == records.height
    assert counts["residences"] == pl.read_parquet(town / "residents.parquet").height
    assert counts["households"] == pl.read_parquet(town / "households.parquet").height
    assert check_registry(desk.registry).problems == ()
    written = {(row["full_name"], row["sex"], row["phone"], row["residence_text"]) for row in records.iter_rows(named=True)}
    opened = {(row["full_name"], row["sex"], row["contact"], row["residence_text"]) for row in desk.opened()}
    assert opened <= written
    assert len(opened) > 290


def test_households_get_the_head_who_is_registered_as_head(desk: Desk, town: Path) -> None:
    take_town(desk, town)
    homes, relations = tables.residences.c, tables.relations.c
    named = select(relations.subject_id, relations.person_id).where(relations.kind == "head")
    with desk.registry.reading() as connection:
        heads = {tuple(row) for row in connection.execute(named)}
        said = {
            tuple(row) for row in connection.execute(select(homes.household_id, homes.person_id).where(homes.relation == "head"))
        }
        waiting = connection.scalars(select(relations.kind).where(relations.person_id.is_(None))).all()
    assert said <= heads
    assert len(said) > 60
    assert waiting == []


def test_a_dry_run_says_the_same_and_leaves_nothing(desk: Desk) -> None:
    desk.with_a_house()
    before = desk.counts()
    rows = [HEAD, line(), line(person_ref="HK-2", birth="30/02/1995")]
    tried = desk.tried(desk.file("residents.csv", rows), "residents")
    assert desk.counts() == before
    report, _ = desk.take(desk.file("residents.csv", rows), "residents")
    assert (tried.counts, tried.rejected) == (report.counts, report.rejected)
    assert desk.counts()["persons"] == before["persons"] + 1


def test_the_same_file_again_does_nothing(desk: Desk, town: Path) -> None:
    first = take_town(desk, town)
    before = desk.counts()
    again = take_town(desk, town)
    assert desk.counts() == before
    assert [each.counts for each in again.values()] == [each.counts for each in first.values()]
    assert all(each.batches_before for each in again.values())


BAD = {
    "birth": ("30/02/1995", "import.date"),
    "sex": ("?", "import.word_unknown"),
    "personal_number": ("7.9E+10", "personal-number.malformed"),
    "old_number": ("1234567", "import.old_number"),
    "full_name": ("Tráº§n VÄƒn An", "import.text_garbled"),
    "commune_code": ("", "import.value_missing"),
    "premises_ref": ("hsh-none", "import.premises_unknown"),
    "valid_from": ("", "import.value_missing"),
    "residence_kind": ("Ở đợ", "import.word_unknown"),
}


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_rows_set_aside_are_corrected_in_their_file_and_fed_again(desk: Desk, form: str) -> None:
    desk.with_a_house()
    good = {field: line(person_ref=f"HK-{field}", personal_number="", old_number="")[HEAD.index(field)] for field in BAD}
    numbers = {"personal_number": "001095000117", "old_number": "012345678"}
    rows = [
        line(person_ref=f"HK-{field}", **({"personal_number": "", "old_number": ""} | {field: value}))
        for field, (value, _) in BAD.items()
    ]
    rows.append(line(person_ref="HK-good", personal_number="", old_number="", full_name="Lê Văn Tốt"))
    file = desk.file("residents.csv", [HEAD, *rows])
    report, rejected = desk.take(file, "residents")
    assert (report.counts["persons"], report.rejected_rows) == (1, len(BAD))
    assert {(each.field, each.code) for each in rejected} == {(field, code) for field, (_, code) in BAD.items()}

    path = desk.folder / f"residents.rejected.{form}"
    by_batch = {0: rejected}
    write_rejected(path, file, by_batch, headings=columns_of(Mapping(), "residents", file.headings), size=desk.batch_rows)
    again = open_file(path, Mapping())
    assert again.headings == HEAD
    read = {"csv": lambda p: pl.read_csv(p, infer_schema=False), "xlsx": pl.read_excel, "parquet": pl.read_parquet}[form](path)
    for place, (field, (value, code)) in enumerate(BAD.items()):
        row = read.row(place, named=True)
        assert (row["luutru_code"], row["luutru_field"], row["luutru_vi"]) == (code, field, catalogue()[code]["vi"])
        assert (row[field] or "") == value
    corrected = read.with_columns(
        pl.when(pl.col("luutru_field") == field).then(pl.lit((good | numbers)[field])).otherwise(pl.col(field)).alias(field)
        for field in BAD
    )
    corrected.write_csv(desk.folder / "corrected.csv")
    report, rejected = desk.take(open_file(desk.folder / "corrected.csv", Mapping()), "residents")
    assert rejected == []
    assert desk.counts()["residences"] == len(BAD) + 1


def test_the_whole_corrected_file_again_adds_only_what_was_set_aside(desk: Desk) -> None:
    desk.with_a_house().residents(line(), line(person_ref="HK-2", birth="?", personal_number="", old_number=""))
    report, rejected = desk.residents(line(), line(person_ref="HK-2", birth="1990", personal_number="", old_number=""))
    assert (report.counts["unchanged"], report.counts["persons"], rejected) == (1, 1, [])


def test_a_row_that_says_something_else_than_before_overwrites_nothing(desk: Desk) -> None:
    desk.with_a_house().residents(line())
    _, rejected = desk.residents(line(full_name="Trần Văn Ân"))
    assert [each.code for each in rejected] == ["import.row_changed"]
    assert [each["full_name"] for each in desk.opened()] == ["Trần Văn An"]


def test_one_reference_in_two_rows_is_one_person_with_two_homes(desk: Desk) -> None:
    report, _ = desk.with_a_house().residents(line(), line(residence_kind="Tạm trú", valid_from="01/02/2024"))
    assert (report.counts["persons"], report.counts["residences"]) == (1, 2)


def test_a_number_with_its_zeros_put_back_is_believed_only_with_birth_and_sex(desk: Desk) -> None:
    report, rejected = desk.with_a_house().residents(
        line(personal_number="1095000117"),
        line(person_ref="HK-2", full_name="Lê Thị Hòa", personal_number="1095000118", sex="Nữ", old_number=""),
        line(person_ref="HK-3", full_name="Lê Văn Ba", personal_number="1095000119", sex="", birth="", old_number=""),
    )
    assert report.warnings["import.zeros_restored"] == 1
    assert [(each.row, each.code) for each in rejected] == [(2, "import.zeros_lost"), (3, "import.zeros_lost")]


def stand_before(desk: Desk, name: str, birth: str | None = "1995-02-01") -> str:
    """Somebody the registry knew before, with the number of the file's first row."""
    who = Person(
        full_name=name,
        birth=PartialDate(value=birth, precision="day") if birth else None,
        sex="male",
        personal_number="001095000117",
    )
    with desk.registry.writing() as connection:
        return add_person(
            connection, who, commune_code="demo-01", vault=desk.registry.vault, now=NOW, random_bytes=secrets.token_bytes
        )


@pytest.mark.parametrize(("name", "birth"), [("Trần Văn An", "1995-02-01"), ("TRAN VAN AN", "1995-02-01"), ("Trần Văn An", None)])
def test_who_was_known_by_number_and_name_is_not_made_again(desk: Desk, name: str, birth: str | None) -> None:
    person_id = stand_before(desk.with_a_house(), name, birth)
    report, _ = desk.residents(line())
    counts = desk.counts()
    assert (counts["persons"], counts["findings"], report.counts["known_persons"]) == (1, 0, 1)
    with desk.registry.reading() as connection:
        assert connection.scalar(select(tables.residences.c.person_id)) == person_id
        kinds = connection.scalars(select(tables.identifiers.c.kind).where(tables.identifiers.c.person_id == person_id))
        assert sorted(kinds) == ["old", "personal"]


@pytest.mark.parametrize(
    ("name", "birth"), [("Lê Thị Hòa", "1995-02-01"), ("Trần Văn An", "1960-05-05"), ("An Văn Trần", "1995-02-01")]
)
def test_the_same_number_of_another_person_is_a_finding_about_both_and_nobody_is_refused(
    desk: Desk, name: str, birth: str
) -> None:
    stand_before(desk.with_a_house(), name, birth)
    _, rejected = desk.residents(line())
    assert rejected == []
    assert desk.counts()["persons"] == 2
    assert desk.findings() == [("person.number_of_two_persons", 2)]


def test_two_rows_of_one_file_that_share_numbers_are_judged_like_anybody(desk: Desk) -> None:
    desk.with_a_house().residents(
        line(),
        line(person_ref="HK-2", full_name="TRAN VAN AN"),
        line(person_ref="HK-3", full_name="Lê Thị Hòa", old_number="", birth="", sex=""),
        line(person_ref="HK-4", full_name="Trần Văn An", personal_number=""),
    )
    assert desk.counts()["persons"] == 3
    assert desk.findings() == [("import.number_of_another", 2), ("person.number_of_two_persons", 2)]


def test_an_old_number_is_linked_to_the_one_holder_of_the_personal_number(desk: Desk) -> None:
    desk.with_a_house().residents(
        line(old_number=""),
        line(person_ref="HK-2", full_name="Lê Thị Hòa", personal_number="001195000118", old_number="", sex="Nữ"),
        line(person_ref="HK-3", full_name="Lý Văn Hai", personal_number="001195000118", old_number="", sex="Nữ"),
        line(person_ref="HK-4", full_name="Hồ Văn Tư", personal_number="", old_number="023456789"),
    )
    head = ["personal_number", "old_number"]
    links = [["1095000117", "23456789"], ["001195000118", "034567890"], ["079095123456", "034567890"], ["001095000117", "12"]]
    report, rejected = desk.take(desk.file("old-numbers.csv", [head, *links]), "old-numbers")
    assert (report.counts["numbers"], report.counts["findings"]) == (1, 1)
    assert [(each.row, each.code) for each in rejected] == [
        (2, "import.person_ambiguous"), (3, "import.person_unknown"), (4, "import.old_number"),
    ]  # fmt: skip
    report, _ = desk.take(desk.file("again.csv", [head, links[0]]), "old-numbers")
    assert report.counts["unchanged"] == 1


def test_who_imported_what_and_when_is_kept_and_nothing_of_what_a_bad_row_said(desk: Desk, tmp_path: Path) -> None:
    desk.with_a_house().residents(
        line(full_name=GONE, birth="99/99/1999", personal_number="001095777333"), line(person_ref="HK-2")
    )
    with desk.registry.reading() as connection:
        row = connection.execute(select(tables.imports).where(tables.imports.c.kind == "residents")).one()
        journal = connection.execute(select(tables.import_batches.c.rejected)).all()
        rows = connection.execute(select(tables.imported_rows)).all()
    assert (row.imported_by, row.file_name, row.started_at, row.finished_at) == ("clerk", "residents.csv", NOW, NOW)
    assert row.file_digest == open_file(tmp_path / "residents.csv", Mapping()).digest
    said = repr((row, journal, rows))
    assert "import.date" in said
    assert not any(each in said for each in (GONE, "Mật", "001095777333", "HK-1", "HK-2"))


def test_of_two_that_import_the_same_batch_the_second_is_told(desk: Desk) -> None:
    rows = desk.file("residents.csv", [HEAD, line()])
    with desk.registry.writing() as connection:
        journal = begin(connection, rows, kind="residents", mapping=Mapping(), who=Clerk(name="clerk", now=NOW, batch_rows=5))
        claim(connection, journal, 0, now=NOW)
    with pytest.raises(Conflict, match=r"import\.running"), desk.registry.writing() as connection:
        claim(connection, journal, 0, now=NOW)


def test_a_break_between_batches_goes_on_where_it_stopped(desk: Desk, town: Path) -> None:
    for kind in KINDS[:2]:
        desk.take(open_file(town / f"{kind}.parquet", Mapping()), kind)
    rows = open_file(town / "residents.parquet", Mapping())
    task = Task(rows=rows, kind="residents", mapping=Mapping(), who=Clerk(name="clerk", now=NOW, batch_rows=40))
    with pytest.raises(KeyboardInterrupt):
        run_import(task, desk.means(), transaction=desk.registry.writing, progress=_stop_after(80))
    broken = desk.counts()["residences"]
    assert 80 <= broken < 250
    report, _, _ = run_import(task, desk.means(), transaction=desk.registry.writing)
    assert report.batches_before == 2
    assert desk.counts()["residences"] == rows.rows


def _stop_after(rows: int) -> Callable[[str, int, int], None]:
    def progress(_what: str, done: int, _of: int) -> None:
        if done >= rows:
            raise KeyboardInterrupt

    return progress


def test_a_city_is_seeded_by_the_same_way_and_its_truth_names_the_persons(desk: Desk, tmp_path: Path) -> None:
    invented = City(persons=200, seed=9)
    counts = fill_registry(desk.registry, invented, tmp_path / "truth.parquet", lambda _what, _done, _all: None)
    truth = pl.read_parquet(tmp_path / "truth.parquet")
    assert counts["persons"] == desk.counts()["persons"]
    with desk.registry.reading() as connection:
        assert set(truth["person_id"]) == set(connection.scalars(select(tables.persons.c.person_id)))
    assert truth.group_by("person_id").agg(pl.col("person_ref").n_unique())["person_ref"].max() == 1
    fill_registry(desk.registry, invented, None, lambda _what, _done, _all: None)
    assert desk.counts()["persons"] == counts["persons"]
    part = next(iter(invented.parts()))
    assert truth.drop("person_id").equals(frames_of(part)["truth"])


def run(folder: Path, *words: str) -> tuple[int, dict]:
    where = ["--registry", f"sqlite:///{folder}/registry.db", "--vault", str(folder / "vault")]
    result = CliRunner().invoke(app, [*words, *where, "--json"])
    assert not isinstance(result.exception, LookupError | TypeError), result.exception
    return result.exit_code, msgspec.json.decode(result.stdout)


def test_the_command_takes_files_in_the_order_they_need_and_says_what_came_of_it(tmp_path: Path) -> None:
    write_city(city(60, np.random.default_rng(4)), tmp_path / "town", form="csv")
    files = [str(tmp_path / "town" / f"{kind}.csv") for kind in reversed(KINDS)]
    run(tmp_path, "create")
    status, tried = run(tmp_path, "import", *files, "--dry-run")
    assert (status, tried["ok"], tried["dry_run"], tried["rejected"]) == (0, True, True, [])
    status, answer = run(tmp_path, "import", *files, "--by", "Phòng hộ tịch")
    assert (status, answer["counts"], answer["ok"]) == (0, tried["counts"], True)
    assert [each["kind"] for each in answer["imports"]] == list(KINDS)
    assert answer["counts"]["persons"] >= 60
    assert answer["seconds"] > 0


def test_the_command_writes_rows_set_aside_beside_the_file(tmp_path: Path) -> None:
    run(tmp_path, "create")
    file = write_csv(tmp_path / "residents.csv", [HEAD, line(premises_ref="", birth="?"), line(person_ref="2", premises_ref="")])
    status, answer = run(tmp_path, "import", str(file))
    assert (status, answer["ok"], answer["rejected"]) == (1, False, [str(tmp_path / "residents.rejected.csv")])
    assert answer["imports"][0]["rejected"] == {"import.date": 1}
    aside = tmp_path / "residents.rejected.csv"
    assert "luutru_vi" in aside.read_text("utf-8-sig")
    assert aside.stat().st_mode & 0o077 == 0
    before = aside.read_bytes()
    status, answer = run(tmp_path, "import", str(aside))  # fed again without a correction
    assert (status, answer["rejected"]) == (1, [str(tmp_path / "residents.rejected.rejected.csv")])
    assert aside.read_bytes() == before


def test_the_command_says_in_words_what_was_set_aside_why_and_where_it_is(tmp_path: Path) -> None:
    run(tmp_path, "create")
    file = write_csv(tmp_path / "residents.csv", [HEAD, line(premises_ref="", birth="?"), line(person_ref="2", premises_ref="")])
    where = ["--registry", f"sqlite:///{tmp_path}/registry.db", "--vault", str(tmp_path / "vault")]
    said = CliRunner().invoke(app, ["import", str(file), "--dry-run", *where]).stdout
    assert "residents.csv: 1 rows set aside\n" in said
    assert f"1 x import.date: {catalogue()['import.date']['en']}\n" in said
    assert f"Correct and import again: {tmp_path / 'residents.rejected.csv'}\n" in said
    assert said.endswith("Tried only; nothing of it was kept.\n")


@pytest.mark.parametrize(("name", "code"), [("people.csv", "import.kind"), ("residents.doc", "import.file_kind")])
def test_a_file_nobody_can_place_is_an_answer_with_a_code(name: str, code: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("a,b\n", "utf-8")
    run(tmp_path, "create")
    status, answer = run(tmp_path, "import", str(tmp_path / name))
    assert (status, answer["problems"]) == (1, [code])
