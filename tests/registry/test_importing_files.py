"""Files of a register, read tolerantly: encodings, separators, cells as spreadsheets leave them, words and dates as clerks write them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from importing_parts import HEAD, line, write_csv
from xlsxwriter import Workbook

from registry.importing.checking import read_resident
from registry.importing.cleaning import clean
from registry.importing.fields import FIELDS, KINDS, Kind
from registry.importing.mapping import Mapping, columns_of, load_mapping, our_words
from registry.importing.reading import Frame, open_file
from residence.errors import LuutruError, Malformed, Refused
from residence.people.person import DocumentKind
from residence.places.premises import PremisesKind


def cleaned(field: str, *cells: str | None, kind: Kind = "residents", mapping: Mapping | None = None) -> list[str | None]:
    """Read cells of one column."""
    frame = pl.DataFrame({field: pl.Series(cells, dtype=pl.String), "other": ["x"] * len(cells)})
    (batch,) = Frame(frame, name="cells", digest=b"").batches(100)
    return (
        clean(batch, mapping or Mapping(), kind, {field: field, "phone": "other"} if field != "phone" else {field: field})
        .frame[field]
        .to_list()
    )


def rows_of(path: Path, mapping: Mapping | None = None) -> pl.DataFrame:
    return pl.concat([each.frame for each in open_file(path, mapping or Mapping()).batches(2)])


CELLS = [
    ("personal_number", "001095000117", "001095000117"),
    ("personal_number", "'001095000117", "001095000117"),
    ("personal_number", "001 095 000 117", "001095000117"),
    ("personal_number", "79095123456", "079095123456"),
    ("personal_number", "1095000117.0", "001095000117"),
    ("personal_number", "7.9E+10", None),
    ("personal_number", "123", None),
    ("old_number", "12345678", "012345678"),
    ("old_number", "012345678", "012345678"),
    ("old_number", "1234567", None),
    ("identity_number", "79095123456", "079095123456"),
    ("identity_number", "012345678", "012345678"),
    ("identity_number", "B1234567", "B1234567"),
    ("identity_number", "7.9E+10", None),
    ("birth", "01/02/1995", "1995-02-01"),
    ("birth", "1/2/1995", "1995-02-01"),
    ("birth", "01-02-1995", "1995-02-01"),
    ("birth", "1995-02-01 00:00:00", "1995-02-01"),
    ("birth", "1995", "1995"),
    ("birth", "02/1995", "1995-02"),
    ("birth", "00/00/1950", "1950"),
    ("birth", "00/05/1950", "1950-05"),
    ("birth", "30/02/1995", None),
    ("birth", "05/13/1995", None),
    ("birth", "1/2/95", None),
    ("birth", "34731", None),
    ("birth", "0995", None),
    ("birth", "01/01/0995", None),
    ("valid_from", "15/1/2020", "2020-01-15"),
    ("valid_from", "2020", None),
    ("sex", "NỮ", "female"),
    ("sex", "Nu", "female"),
    ("sex", "nam", "male"),
    ("sex", "?", None),
    ("relation", "Chủ  hộ", "head"),
    ("relation", "vợ", "spouse"),
    ("residence_kind", "Tạm trú", "temporary"),
    ("document_kind", "CCCD", "cccd-2021"),
    ("document_kind", "Hộ chiếu", "passport"),
    ("nationality", "Việt Nam", "VNM"),
    ("nationality", "kor", "KOR"),
    ("phone", "0912 345 678", "0912345678"),
    ("phone", "+84 912.345.678", "0912345678"),
    ("phone", "912345678", "0912345678"),
    ("phone", "gọi con gái", "gọi con gái"),
    ("full_name", "  Trần\u200b Văn   An ", "Trần Văn An"),
    ("full_name", "Nguyê\u0303n An", "Nguyễn An"),
    ("full_name", "không có", None),
    ("full_name", "x" * 600, None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "cell", "value"), CELLS, ids=[f"{field}-{cell[:20]}" for field, cell, _ in CELLS])
def test_a_cell_is_read_for_certain_or_not_at_all(field: str, cell: str, value: str | None) -> None:
    assert cleaned(field, cell) == [value]


def test_what_cannot_be_read_is_a_fault_of_its_row_and_zeros_put_back_are_marked() -> None:
    frame = pl.DataFrame({"birth": ["30/02/1995", "-", "1995"], "personal_number": ["79095123456", None, "079095123456"]})
    (batch,) = Frame(frame, name="cells", digest=b"").batches(10)
    found = clean(batch, Mapping(), "residents", {"birth": "birth", "personal_number": "personal_number"})
    assert [each for each in found.faults if each.code != "import.value_missing"] == [(0, "birth", "import.date")]
    assert found.restored == {(0, "personal_number")}
    assert found.blank == {1}
    assert not any(each.place == 1 for each in found.faults)


def test_spreadsheet_day_numbers_are_dates_only_where_the_mapping_says_so() -> None:
    assert cleaned("valid_from", "43845", "x", mapping=Mapping(dates=["serial"])) == ["2020-01-15", None]


def test_american_dates_are_read_when_the_mapping_says_so() -> None:
    assert cleaned("birth", "02/13/1995", "13/02/1995", mapping=Mapping(dates=["mm/dd/yyyy"])) == ["1995-02-13", None]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=20))
def test_no_cell_ever_breaks_the_reading(cells: list[str]) -> None:
    frame = pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name in FIELDS["residents"]})
    (batch,) = Frame(frame, name="cells", digest=b"").batches(100)
    found = clean(batch, Mapping(), "residents", {name: name for name in FIELDS["residents"]})
    for place, row in enumerate(found.frame.iter_rows(named=True)):
        read_resident(row, restored=frozenset(field for at, field in found.restored if at == place), today=dt.date(2026, 7, 10))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.dates(min_value=dt.date(1901, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d"]),
)
def test_every_date_written_in_a_usual_form_is_that_date(days: list[dt.date], form: str) -> None:
    written = [each.strftime(form) for each in days]
    assert cleaned("birth", *written) == cleaned("valid_from", *written) == [each.isoformat() for each in days]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("utf-16-be", "utf-16-be"), ("cp1258", "windows-1258")],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_in_any_stated_encoding_and_separator_reads_the_same(
    encoding: str, said: str | None, separator: str, tmp_path: Path
) -> None:
    import unicodedata

    rows = [HEAD, line(), line(person_ref="HK-2", full_name="Lê Thị Hòa")]
    if encoding == "cp1258":  # letters there carry their tones as marks of their own
        rows = [[_windows(cell) for cell in row] for row in rows]
    path = write_csv(tmp_path / "residents.csv", rows, encoding=encoding, separator=separator)
    mapping = Mapping(encoding=said)
    names = [unicodedata.normalize("NFC", each) for each in rows_of(path, mapping)["full_name"]]
    assert names == ["Trần Văn An", "Lê Thị Hòa"]


def _windows(text: str) -> str:
    import unicodedata

    made = ""
    for letter in unicodedata.normalize("NFC", text):
        try:
            letter.encode("cp1258")
            made += letter
        except UnicodeEncodeError:
            base, *tones = unicodedata.normalize("NFD", letter)
            tone = [each for each in tones if each in "\u0300\u0301\u0303\u0309\u0323"]
            made += unicodedata.normalize("NFC", base + "".join(each for each in tones if each not in tone)) + "".join(tone)
    return made


def test_an_encoding_nobody_named_is_refused_and_never_guessed(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "residents.csv", [HEAD, [_windows(each) for each in line()]], encoding="cp1258")
    with pytest.raises(Malformed, match=r"import\.encoding"):
        rows_of(path)


def test_a_line_with_too_few_or_too_many_cells_is_one_bad_row(tmp_path: Path) -> None:
    rows = [HEAD, line(), line()[:-3], [*line(), "more"], line(full_name='Lê "Tư" An\nHai dòng')]
    batches = list(open_file(write_csv(tmp_path / "residents.csv", rows), Mapping()).batches(10))
    assert [each.ragged for each in batches] == [{1, 2}]
    assert batches[0].frame.height == 4
    assert batches[0].frame["full_name"][3] == 'Lê "Tư" An\nHai dòng'


def test_batches_that_are_in_are_passed_over(tmp_path: Path) -> None:
    rows = open_file(write_csv(tmp_path / "r.csv", [HEAD, *(line(person_ref=str(each)) for each in range(25))]), Mapping())
    (only,) = rows.batches(10, lambda number: number == 1)
    assert (only.first_row, only.frame["person_ref"].to_list()) == (11, [str(each) for each in range(10, 20)])


def test_cells_of_a_sheet_are_what_they_show(tmp_path: Path) -> None:
    book = Workbook(str(tmp_path / "residents.xlsx"))
    sheet, day = book.add_worksheet("Sổ"), book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_row(0, 0, ["full_name", "birth", "personal_number", "valid_from"])
    sheet.write_row(1, 0, ["Trần Văn An", None, 1095000117])
    sheet.write_datetime(1, 1, dt.date(1995, 2, 1), day)
    sheet.write_row(2, 0, ["Lê Thị Hòa", "05/08/1990", "001190000118", "15/01/2020"])
    book.close()
    mapping = Mapping(sheet="Sổ", commune_code="demo-01")
    rows = open_file(tmp_path / "residents.xlsx", mapping)
    (batch,) = rows.batches(10)
    found = clean(batch, mapping, "residents", columns_of(mapping, "residents", rows.headings))
    assert found.faults == []
    assert found.frame["birth"].to_list() == ["1995-02-01", "1990-08-05"]
    assert found.frame["personal_number"].to_list() == ["001095000117", "001190000118"]
    assert found.restored == {(0, "personal_number")}


def test_columns_of_other_types_in_parquet_are_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"personal_number": [1095000117], "birth": [dt.date(1995, 2, 1)], "full_name": ["An"]})
    frame.write_parquet(tmp_path / "residents.parquet")
    assert rows_of(tmp_path / "residents.parquet").row(0) == ("1095000117", "1995-02-01", "An")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("residents.pdf", b"%PDF", "import.file_kind"),
        ("none.csv", None, "import.file_missing"),
        ("residents.xlsx", b"not a sheet", "import.file_unreadable"),
        ("residents.parquet", b"PAR1 not really", "import.file_unreadable"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_reason(name: str, content: bytes | None, code: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LuutruError) as refused:
        open_file(tmp_path / name, Mapping())
    assert refused.value.code == code
    assert isinstance(refused.value, Malformed | Refused)


MAPPING = """
source = "so-ho-khau"
dates = ["dd.mm.yyyy"]
[residents.columns]
full_name = "Họ và tên"
identity_number = "Số ĐDCN/CMND"
commune_code = "Mã xã"
[residents.words.sex]
female = ["2"]
"""


def test_a_mapping_names_columns_dates_and_words(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MAPPING, "utf-8")
    mapping = load_mapping(tmp_path / "m.toml")
    headings = ["HỌ VÀ TÊN", "Số ĐDCN/CMND", "sex", "Mã xã", "birth", "Ghi chú"]
    columns = columns_of(mapping, "residents", headings)
    assert columns == {
        "full_name": "HỌ VÀ TÊN", "identity_number": "Số ĐDCN/CMND", "sex": "sex", "commune_code": "Mã xã", "birth": "birth",
    }  # fmt: skip
    assert cleaned("sex", "2", "nữ", mapping=mapping) == ["female", "female"]
    assert cleaned("birth", "05.08.1990", "05/08/1990", mapping=mapping) == ["1990-08-05", None]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[residents.columns]\nname_of_dog = 'Tên chó'", "/residents/name_of_dog"),
        ("[residents.words.sex]\nhorse = ['ngựa']", "/residents/words/sex"),
        ("dates = ['dd/mm/yy']", "/dates"),
        ("colour = 'red'", ""),
        ("= broken", ""),
    ],
)
def test_a_mapping_with_a_mistake_is_refused_with_its_place(text: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(text, "utf-8")
    with pytest.raises(Malformed, match=r"import\.mapping") as refused:
        load_mapping(tmp_path / "m.toml")
    assert refused.value.pointer == place


@pytest.mark.parametrize(
    ("columns", "headings"),
    [({"full_name": "Họ tên"}, ["full_name", "commune_code"]), ({}, ["commune_code"]), ({}, ["full_name"])],
)
def test_a_column_that_must_be_there_or_is_named_is_missed_before_the_first_row(
    columns: dict[str, str], headings: list[str], tmp_path: Path
) -> None:
    lines = [f"{ours} = '{theirs}'" for ours, theirs in columns.items()]
    (tmp_path / "m.toml").write_text("\n".join(("[residents.columns]", *lines)), "utf-8")
    with pytest.raises(Malformed, match=r"import\.column_missing"):
        columns_of(load_mapping(tmp_path / "m.toml"), "residents", headings)


def test_our_words_are_those_of_the_product() -> None:
    assert set(our_words("kind")) == set(PremisesKind)
    assert set(our_words("document_kind")) == set(DocumentKind)
    words = {name for kind in KINDS for name, field in FIELDS[kind].items() if field.form == "word"}
    assert all(our_words(name) for name in words)
