"""The portal's import files: byte for byte the documented columns, every cell a text, read back, noted, and counted back."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import fastexcel
import msgspec
import pytest
from kbtt_parts import FOREIGNER, told_to_kbtt

from gateway.authorities.exporting import Order, export
from gateway.authorities.portal_files import SHEET, verify_xlsx, verify_xml, write_xlsx, write_xml
from gateway.authorities.portal_rows import COLUMNS, ELEMENTS, read_labels
from luutru.system import random_bytes
from registry.authority_lists import Count, answer, count_back
from residence.errors import LuutruError
from residence.people.person import Document, DocumentKind, PartialDate

# of the documented headers A to S, joined by line feeds: a change of one byte is a change of the template
HEADERS_SHA256 = hashlib.sha256(
    "STT\nHỌ TÊN*\nNGÀY SINH*\nGIỚI TÍNH*\nQUỐC TỊCH*\nLOẠI GIẤY TỜ*\nTÊN GIẤY TỜ\nSỐ GIẤY TỜ*\nSĐT\nNƠI CƯ TRÚ HIỆN NAY\nTỈNH/TP\n"
    "PHƯỜNG/XÃ/ĐẶC KHU\nĐỊA CHỈ CHI TIẾT\nNGÀY ĐẾN*\nNGÀY ĐI DỰ KIẾN*\nSỐ PHÒNG/KHOA\nLÝ DO CƯ TRÚ*\nNHẬP LÝ DO\nGHI CHÚ".encode()
).hexdigest()
LATE = {"arrival": "2026-07-08T20:00:00+07:00"}


@pytest.fixture
def told(small_office, tmp_path):
    with told_to_kbtt(small_office, tmp_path) as made:
        yield made


def write(told, folder):
    order = Order(authority="kbtt", facility="hoa-binh", folder=folder, labels=read_labels())
    return export(told.office.registry, order, now=told.office.clock.now(), random_bytes=random_bytes)


def rows_of(path):
    """What an independent reader finds, row by row as in the sheet."""
    sheet = fastexcel.read_excel(path).load_sheet(SHEET, header_row=None, dtypes="string")
    return [[value or "" for value in row] for row in zip(*sheet.to_arrow().to_pydict().values(), strict=True)]


def test_a_late_arrival_goes_into_the_file_and_is_confirmed_by_the_count(told, tmp_path):
    late = told.say(**LATE, unit="0105")
    told.tell()
    done = write(told, tmp_path / "files")
    (file,) = done.files
    assert (done.guests, done.days, done.left_out) == (1, {"2026-07-08": 1}, {})
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    *_, headers, example, guest = rows_of(file)
    assert hashlib.sha256("\n".join(headers).encode()).hexdigest() == HEADERS_SHA256
    assert example[0] == "[EXAMPLE]"
    assert dict(zip(COLUMNS, guest, strict=True)) | {"GHI CHÚ": ""} == {
        **dict.fromkeys(COLUMNS, ""),
        "STT": "1", "HỌ TÊN*": late.person.full_name, "NGÀY SINH*": "01/02/1995", "GIỚI TÍNH*": "M - Nam", "QUỐC TỊCH*": "VNM - Viet Nam",
        "LOẠI GIẤY TỜ*": "1 - Thẻ CCCD", "SỐ GIẤY TỜ*": "001095000001", "NGÀY ĐẾN*": "08/07/2026", "NGÀY ĐI DỰ KIẾN*": "12/07/2026",
        "SỐ PHÒNG/KHOA": "0105", "LÝ DO CƯ TRÚ*": "4 - Thăm viếng",
    }  # fmt: skip
    assert (told.states(), told.codes()) == (["exported"], ["authority.in_the_file"])
    now = told.office.clock.now()
    with told.office.registry.writing() as connection:
        count = Count(authority="kbtt", facility="hoa-binh", day="2026-07-08", theirs=0)  # "success", and nothing there
        assert not count_back(connection, count, now=now, random_bytes=random_bytes).ok
        count = msgspec.structs.replace(count, theirs=1)
        assert count_back(connection, count, now=now, random_bytes=random_bytes).confirmed == 1
    assert told.states() == ["confirmed"]


def test_every_cell_is_a_text_and_data_begin_in_row_five(told, tmp_path):
    told.say(**LATE)
    told.tell()
    (file,) = write(told, tmp_path).files
    with zipfile.ZipFile(file) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    cells = [each for each in ET.fromstring(sheet).iter() if each.tag.endswith("}c") and len(each)]  # noqa: S314 - our own file
    assert {each.get("t") for each in cells} == {"s"}
    assert {each.get("r") for each in cells} >= {"A3", "S3", "A4", "B5", "H5"}


def test_who_is_missing_in_the_portal_is_exported_again(told, tmp_path):
    told.say(**LATE)
    told.tell()
    write(told, tmp_path)
    with told.office.registry.writing() as connection:
        answer(connection, told.rows()[0].record_id, is_there=False, now=told.office.clock.now())
    told.tell()
    assert told.states() == ["other-channel"]
    assert write(told, tmp_path).guests == 1


def test_a_foreigner_goes_into_the_xml_with_its_elements_in_order(told, tmp_path):
    told.say(**LATE, person=FOREIGNER, permitted_stay_until="2026-08-01")
    told.tell()
    (file,) = write(told, tmp_path).files
    (guest,) = ET.parse(file).getroot()  # noqa: S314 - our own file
    assert guest.tag == "THONG_TIN_KHACH"
    assert [each.tag for each in guest] == [name for name in ELEMENTS if name != "ngay_tra_phong"]
    assert {each.tag: each.text for each in guest} | {"so_phong": "0101"} == {
        "so_thu_tu": "1", "ho_ten": "ANNA SAMPLE", "ngay_sinh": "06/05/1990", "ngay_sinh_dung_den": "D", "gioi_tinh": "F", "ma_quoc_tich": "DEU",
        "so_ho_chieu": "C01X00T47", "so_phong": "0101", "ngay_den": "08/07/2026", "ngay_di_du_kien": "12/07/2026", "thoi_han_tam_tru": "01/08/2026",
    }  # fmt: skip


def test_who_cannot_be_written_truthfully_is_left_out_and_named_and_nobody_at_all_is_an_error(told, tmp_path):
    told.say(person=msgspec.structs.replace(told.office.person(), birth=PartialDate(value="1950", precision="year")))
    told.tell()
    with pytest.raises(LuutruError) as refused:
        write(told, tmp_path)
    assert refused.value.code == "authority.nothing_to_export"
    other = Document(kind=DocumentKind.OTHER, number="HN-1")
    told.say(person=msgspec.structs.replace(told.office.person(), document=other, personal_number=None))
    told.tell()
    done = write(told, tmp_path)
    assert (done.guests, list(done.left_out.values())) == (1, [("authority.birth_inexact",)])
    assert sorted(told.states()) == ["exported", "other-channel"]


def test_a_file_that_reads_back_otherwise_is_not_used(tmp_path):
    rows = [tuple("x" for _ in COLUMNS)]
    write_xlsx(tmp_path / "a.xlsx", rows)
    assert verify_xlsx(tmp_path / "a.xlsx", rows) == 1
    guests = [(("so_thu_tu", "1"), ("ho_ten", "A"))]
    write_xml(tmp_path / "a.xml", guests)
    assert verify_xml(tmp_path / "a.xml", guests) == 1
    for check, path, other in ((verify_xlsx, "a.xlsx", [tuple("y" for _ in COLUMNS)]), (verify_xml, "a.xml", [])):
        with pytest.raises(LuutruError) as differs:
            check(tmp_path / path, other)
        assert differs.value.code == "authority.file_differs"
    for write_file in (write_xlsx, write_xml):
        with pytest.raises(LuutruError):
            write_file(tmp_path / "empty", [])
