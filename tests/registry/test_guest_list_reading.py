"""A house's list is read tolerantly and counted twice: the ministry's files, any encoding, merged headings, cells as spreadsheets leave them."""

from __future__ import annotations

import csv
import io
import subprocess
import zipfile
from datetime import date, datetime

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.authorities.portal_files import write_xlsx, write_xml
from gateway.authorities.portal_rows import COLUMNS
from registry.importing import tcvn
from registry.importing.counting import check_count
from registry.importing.guests import read_guests
from registry.importing.headings import find_headings, fingerprint, is_example, suggest
from registry.importing.lists import form_of, read_list, samples
from registry.importing.mapping import KindMapping, Mapping, load_mapping
from residence.errors import LuutruError, Malformed

TEXT = "Họ và tên;Ngày sinh;Phái;Số giấy tờ;Phòng;Ngày đến;Ngày đi;Lý do\nNguyễn Thị Thử;01/02/1995;Nữ;001195000117;201;10/07/2026;11/07/2026;Du lịch\n"


def sheet(cells, *, merged=(), name="Khách", first="") -> bytes:
    """Write a sheet from (row, column) -> value; dates become date cells."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as book:
        if first:
            book.add_worksheet(first)
        page = book.add_worksheet(name)
        for span in merged:
            page.merge_range(*span)
        for (row, column), value in cells.items():
            page.write(row, column, value)
    return out.getvalue()


def guests_of(data: bytes, **said):
    """Read a file as the desk does, by what its headings suggest."""
    read = read_list(data, Mapping(**said))
    check_count(data, read)
    headings = find_headings(read.lines)
    assert headings is not None
    mapping = Mapping(**said, guests=KindMapping(columns=suggest(headings.names)))
    return read_guests(read.lines[headings.last + 1 :], headings.names, mapping)


def one(data: bytes, **said):
    (guest,) = guests_of(data, **said)
    return guest


FORM = {
    "full_name": "Nguyễn Thị Thử", "birth": "1995-02-01", "sex": "female", "personal_number": "001195000117", "document_kind": "", "unit": "201",
    "arrival": "2026-07-10T14:00", "planned_departure": "2026-07-11T12:00", "reason": "tourism",
}  # fmt: skip
ENCODINGS = {
    "UTF-8": ("utf-8", None),
    "UTF-8 with its mark": ("utf-8-sig", None),
    "UTF-16 with its mark": ("utf-16", None),
    "TCVN": (tcvn.NAME, tcvn.NAME),
    "windows-1258": ("windows-1258", "windows-1258"),
}


@pytest.mark.parametrize(("encoding", "named"), ENCODINGS.values(), ids=ENCODINGS.keys())
def test_the_same_list_is_the_same_guest_in_every_encoding(encoding, named):
    tcvn.install()
    text = TEXT
    if encoding == "windows-1258":  # which writes a tone as a sign of its own
        text = (
            TEXT.replace("ọ", "o\u0323")
            .replace("ễ", "ê\u0303")
            .replace("ị", "i\u0323")
            .replace("ử", "ư\u0309")
            .replace("ò", "o\u0300")
        )
        text = (
            text.replace("ế", "ê\u0301")
            .replace("ố", "ô\u0301")
            .replace("ấ", "â\u0301")
            .replace("ờ", "ơ\u0300")
            .replace("ữ", "ư\u0303")
        )
        text = text.replace("ý", "y\u0301")
    guest = one(text.encode(encoding), encoding=named)
    assert guest.form == FORM
    assert guest.reasons == ()


def test_an_encoding_nobody_named_is_asked_for_with_how_the_text_would_read():
    tcvn.install()
    data = TEXT.encode(tcvn.NAME)
    with pytest.raises(Malformed) as refused:
        read_list(data, Mapping())
    assert refused.value.code == "guest-import.encoding"
    assert samples(data)[tcvn.NAME].startswith("Họ và tên;Ngày sinh")


def test_the_table_of_tcvn_is_the_systems_own():
    for byte in range(128, 256):
        theirs = subprocess.run(
            ["iconv", "-f", "TCVN5712-1", "-t", "UTF-8"], input=bytes([byte]) + b"x", capture_output=True, check=True
        )
        assert (bytes([byte]) + b"x").decode(tcvn.NAME) == theirs.stdout.decode()
        if byte == 0xAF:  # every byte is a process of its own; the rest is looked at together
            break
    middle = bytes(byte for byte in range(0xB5, 0x100))
    theirs = subprocess.run(["iconv", "-f", "TCVN5712-1", "-t", "UTF-8"], input=middle, capture_output=True, check=True)
    assert middle.decode(tcvn.NAME) == theirs.stdout.decode()
    assert middle.decode(tcvn.NAME).encode(tcvn.NAME) == middle


MINISTRY = {
    "STT": "1", "HỌ TÊN*": "Trần Văn Thử", "NGÀY SINH*": "01/02/1995", "GIỚI TÍNH*": "M - Nam", "QUỐC TỊCH*": "VNM - Viet Nam",
    "LOẠI GIẤY TỜ*": "1 - Thẻ CCCD", "SỐ GIẤY TỜ*": "001095000117", "TỈNH/TP": "Hà Nội", "PHƯỜNG/XÃ/ĐẶC KHU": "Láng", "ĐỊA CHỈ CHI TIẾT": "Số 5 Ngõ 10",
    "NGÀY ĐẾN*": "10/07/2026", "NGÀY ĐI DỰ KIẾN*": "12/07/2026", "SỐ PHÒNG/KHOA": "201", "LÝ DO CƯ TRÚ*": "20 - Mục đích khác", "NHẬP LÝ DO": "dự lễ",
}  # fmt: skip


def test_the_ministrys_sheet_is_read_column_by_column_and_its_example_is_no_guest(tmp_path):
    path = tmp_path / "tblt_vn_import.xlsx"
    write_xlsx(path, [tuple(MINISTRY.get(column, "") for column in COLUMNS)])
    read = read_list(path.read_bytes(), Mapping())
    check_count(path.read_bytes(), read)
    headings = find_headings(read.lines)
    assert headings.names == list(COLUMNS)
    below = read.lines[headings.last + 1 :]
    assert [(line.number, is_example(line)) for line in below] == [(4, True), (5, False)]
    (guest,) = read_guests(below[1:], headings.names, Mapping(guests=KindMapping(columns=suggest(headings.names))))
    assert guest.form == {
        "full_name": "Trần Văn Thử", "birth": "1995-02-01", "sex": "male", "nationality": "VNM", "document_kind": "cccd-2021",
        "personal_number": "001095000117", "residence_text": "Số 5 Ngõ 10, Láng, Hà Nội", "unit": "201", "arrival": "2026-07-10T14:00",
        "planned_departure": "2026-07-12T12:00", "reason": "other", "reason_text": "dự lễ",
    }  # fmt: skip


def test_the_ministrys_xml_of_foreigners_is_read_element_by_element(tmp_path):
    path = tmp_path / "khach.xml"
    elements = {
        "so_thu_tu": "1", "ho_ten": "KIM TEST", "ngay_sinh": "05/06/1988", "ngay_sinh_dung_den": "D", "gioi_tinh": "F", "ma_quoc_tich": "KOR",
        "so_ho_chieu": "M1234567", "so_phong": "202", "ngay_den": "10/07/2026", "ngay_di_du_kien": "12/07/2026", "thoi_han_tam_tru": "01/08/2026",
    }  # fmt: skip
    write_xml(path, [tuple(elements.items()), tuple((elements | {"ngay_tra_phong": "11/07/2026"}).items())])
    stays, left = guests_of(path.read_bytes())
    assert stays.form == {
        "full_name": "KIM TEST", "birth": "1988-06-05", "sex": "female", "nationality": "KOR", "document_kind": "passport", "document_number": "M1234567",
        "unit": "202", "arrival": "2026-07-10T14:00", "planned_departure": "2026-07-12T12:00", "permitted_stay_until": "2026-08-01", "reason": "",
    }  # fmt: skip
    assert [each.code for each in left.reasons] == ["guest-import.has_left"]


def test_merged_headings_name_a_column_by_its_group_and_its_own():
    cells = {
        (0, 0): "DANH SÁCH KHÁCH",
        (4, 0): "CMND",
        (4, 1): "Hộ chiếu",
        (5, 2): "Lee Test",
        (5, 1): "K0001",
        (5, 3): date(2026, 7, 10),
    }
    merged = [(3, 0, 3, 1, "Giấy tờ"), (3, 2, 4, 2, "Họ tên"), (3, 3, 4, 3, "Ngày đến"), (3, 4, 4, 4, "Quốc tịch")]
    data = sheet(cells | {(5, 4): "KOR"}, merged=merged)
    read = read_list(data, Mapping())
    headings = find_headings(read.lines)
    assert headings.names == ["Giấy tờ / CMND", "Giấy tờ / Hộ chiếu", "Họ tên", "Ngày đến", "Quốc tịch"]
    guest = one(data)
    assert guest.number == 6
    assert (guest.form["document_kind"], guest.form["document_number"]) == ("passport", "K0001")


CELLS = {
    "a date cell": ({"arrival": date(2026, 7, 10)}, {"arrival": "2026-07-10T14:00"}, []),
    "a date and time cell": ({"arrival": datetime(2026, 7, 10, 21, 5)}, {"arrival": "2026-07-10T21:05"}, []),  # noqa: DTZ001 - as a sheet has it
    "a day number": ({"arrival": 46213}, {"arrival": "2026-07-10T14:00"}, []),
    "a day number with its hour": ({"arrival": 46213.5}, {"arrival": "2026-07-10T12:00"}, []),
    "an hour as people write it": ({"arrival": "9h30 10/7/2026"}, {"arrival": "2026-07-10T09:30"}, []),
    "an hour that is none": ({"arrival": "10/07/2026 25:10"}, {}, ["import.date"]),
    "a day that is none": ({"birth": "31/02/1995"}, {}, ["import.date"]),
    "a year alone": ({"birth": 1995}, {"birth": "1995"}, []),
    "a number that lost its zeros": ({"number": 1095000117}, {"personal_number": "001095000117"}, ["import.zeros_restored"]),
    "lost zeros that nothing agrees with": (
        {"number": 1095000117, "sex": "nữ"}, {}, ["import.zeros_lost", "import.zeros_restored"],
    ),
    "digits that are gone": ({"number": "7.9E+10"}, {}, ["import.identity_number"]),
    "a passport of digits": (
        {"number": "12345678", "kind": "Hộ chiếu", "country": "Hoa Kỳ"}, {}, ["import.word_unknown"],
    ),
    "a passport of digits and a code": (
        {"number": "12345678", "kind": "4 - Hộ chiếu", "country": "USA - United States"}, {"document_number": "12345678", "nationality": "USA"}, [],
    ),
    "a passport of nobody knows where": ({"number": "B123", "kind": "hộ chiếu"}, {"document_number": "B123"}, ["import.value_missing"]),
    "an old identity card": ({"number": "12345678", "kind": "CMND"}, {"document_number": "012345678"}, []),
    "code and label that disagree": ({"reason": "1 - Công tác"}, {}, ["import.word_unknown"]),
    "a reason by its code": ({"reason": 18}, {"reason": "medical"}, []),
    "a name in a wrong encoding": ({"name": "Tráº§n VÄƒn"}, {}, ["import.text_garbled"]),
    "no name": ({"name": ""}, {}, ["import.value_missing"]),
}  # fmt: skip


def test_cells_are_read_as_spreadsheets_leave_them():
    names = {
        "name": "Họ tên",
        "birth": "Ngày sinh",
        "sex": "Giới tính",
        "number": "Số giấy tờ",
        "kind": "Loại giấy tờ",
        "country": "Quốc tịch",
    }
    names |= {"arrival": "Ngày đến", "reason": "Lý do"}
    plain = {"name": "Trần Văn Thử", "birth": "1/2/1995", "sex": "nam", "arrival": "10/07/2026"}
    cells = {(2, column): name for column, name in enumerate(names.values(), 1)}
    for row, (changes, _, _) in enumerate(CELLS.values(), 3):
        cells |= {(row, column): (plain | changes).get(name, "") for column, name in enumerate(names, 1)}
    found = guests_of(
        sheet({at: value for at, value in cells.items() if value != ""}, first="Trang 1", name="DS_KHACH_VIET_NAM_LUU_TRU")
    )
    assert [guest.number for guest in found] == list(range(4, 4 + len(CELLS)))  # as the sheet shows them
    for (case, (_, form, codes)), guest in zip(CELLS.items(), found, strict=True):
        assert sorted({each.code for each in guest.reasons}) == sorted(codes), case
        assert form.items() <= guest.form.items(), case


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@settings(max_examples=40)
@given(st.lists(st.lists(words, min_size=2, max_size=4), max_size=6))
def test_a_text_has_as_many_lines_as_can_be_counted_another_way(rows):
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["Họ tên", "Ngày đến"], *rows])
    data = out.getvalue().encode("utf-8-sig")
    read = read_list(data, Mapping())
    check_count(data, read)
    assert len(read.lines) == 1 + sum(any(cell.strip() for cell in row) for row in rows)


@settings(max_examples=40)
@given(
    st.binary(max_size=200)
    | st.binary(max_size=100).map(lambda tail: b"PK\x03\x04" + tail)
    | st.binary(max_size=80).map(lambda tail: b"<a>" + tail)
)
def test_any_bytes_are_a_list_or_one_of_our_errors(data):
    try:
        read = read_list(data, Mapping())
        check_count(data, read)
    except LuutruError as error:
        told = error.code
    else:
        told = f"guest-import.{read.form}"
        assert form_of(data) == read.form
    assert told.startswith("guest-import.")


def test_a_quotation_mark_that_is_never_closed_is_not_read_as_fewer_guests():
    data = b'name,arrival\nAn "Ti,10/07/2026\nBinh,10/07/2026\n'
    with pytest.raises(Malformed) as refused:
        check_count(data, read_list(data, Mapping()))
    assert refused.value.code == "guest-import.counts_differ"


def test_a_packed_file_that_grows_beyond_measure_is_refused_whatever_it_says_of_its_size(monkeypatch):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\x00" * 300_000)
    lying = bytearray(out.getvalue())
    at = lying.rindex(b"PK\x01\x02")
    lying[at + 24 : at + 28] = (10).to_bytes(4, "little")  # the size it claims
    monkeypatch.setattr("registry.importing.lists.LARGEST_UNPACKED", 100_000)
    with pytest.raises(LuutruError) as refused:
        read_list(bytes(lying), Mapping())
    assert refused.value.code == "guest-import.unpacks_too_large"


def test_a_document_type_in_an_xml_is_refused():
    with pytest.raises(Malformed) as refused:
        read_list(b'<!DOCTYPE a [<!ENTITY b "c">]><a><g><ho_ten>&b;</ho_ten></g></a>', Mapping())
    assert refused.value.code == "guest-import.unreadable"


def test_the_same_headings_are_recognised_in_any_order_and_with_our_columns_beside():
    assert fingerprint(["Họ tên", "Ngày đến"]) == fingerprint(["NGÀY ĐẾN *", "họ  tên", "luutru_state"])
    assert fingerprint(["Họ tên"]) != fingerprint(["Ngày đến"])


def test_a_mapping_file_may_say_what_holds_for_the_whole_list(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(
        '[guests.columns]\nfull_name = "Tên"\n[guests.defaults]\nreason = "tourism"\narrival_time = "15:00"\n', "utf-8"
    )
    assert load_mapping(path).guests.defaults["arrival_time"] == "15:00"
    path.write_text('[guests.defaults]\narrival_time = "25:00"\n', "utf-8")
    with pytest.raises(Malformed) as refused:
        load_mapping(path)
    assert refused.value.pointer == "/guests/defaults/arrival_time"
