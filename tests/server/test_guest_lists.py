"""A clerk declares from a list: checked first, declared by the form's own path, every line accounted for, and lines to correct given back."""

from __future__ import annotations

import csv
import io
import json

import pytest
from factories import EVENING
from server_parts import csrf_of
from sqlalchemy import func, select
from typer.testing import CliRunner

from luutru.commands.desk import app as desk_app
from luutru.keys import make_key
from luutru.system import random_bytes
from registry import tables
from registry.deletions import carry_out
from registry.guest_lists import load_list
from registry.importing import tcvn
from registry.retention_policy import read_policy
from registry.stays import stays_at

HEADINGS = "Họ và tên,Ngày sinh,Phái,CCCD,Phòng,Ngày đến,Ngày đi,Lý do"
GOOD = "Trần Văn Thử,1/2/1995,Nam,1095000117,201,10/07/2026,11/07/2026,Du lịch"
OTHER = "Lê Thị Thử,8/3/1995,Nữ,001195000447,202,10/07/2026 13:05,12/07/2026,Công tác"
NO_DAY = "Phạm Văn Thử,31/02/1990,Nam,,201,10/07/2026,11/07/2026,Du lịch"
NO_ROOM = "Đỗ Văn Thử,1990,Nam,,,10/07/2026,11/07/2026,Du lịch"


def listed(*lines, headings=HEADINGS) -> bytes:
    return "\n".join([headings, *lines, ""]).encode()


@pytest.fixture
def clerk(world):
    return world.client("clerk")


def give(client, data, *, name="khach.csv", **fields):
    said = {"csrf": csrf_of(client), "premises_id": "htl-sao-mai"} | fields
    return client.post("/desk/import", data=said, files={"file": (name, data)})


def at(page) -> str:
    assert page.status_code == 200, page.text
    return page.url.path


def post(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client)} | fields)


def declare(client, data, **fields):
    """Give a list and declare it; returns its page and its address."""
    path = at(give(client, data, **fields))
    return post(client, f"{path}/step", phase="declare"), path


def rows_of(client, path, *, everything=True) -> list[dict[str, str]]:
    answer = client.get(f"{path}/file" + ("?rows=all" if everything else ""))
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def stays(world):
    with world.registry.reading() as connection:
        return stays_at(connection, "htl-sao-mai")


def count(world, table) -> int:
    with world.registry.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def nothing_stands_open(world) -> None:
    """Look for a guest's name in every table of lists."""
    with world.registry.reading() as connection:
        for table in (tables.guest_lists, tables.guest_list_pieces, tables.guest_list_batches, tables.list_mappings):
            values = [value for row in connection.execute(select(table)) for value in row]
            assert values
            assert "Thử" not in repr([value for value in values if not isinstance(value, bytes)])
            assert not any("Thử".encode() in value for value in values if isinstance(value, bytes))


def test_a_list_is_checked_and_nobody_is_declared_before_the_clerk_says_so(world, clerk):
    page = give(clerk, listed(GOOD, OTHER, NO_DAY, NO_ROOM, OTHER))
    assert "Can be declared: 2" in page.text
    assert "5 = 2 + 2 + 1" in page.text
    assert (count(world, tables.declarations), count(world, tables.receipts), count(world, tables.persons)) == (0, 0, 0)
    told = [(each["luutru_state"], each["luutru_receipt"]) for each in rows_of(clerk, at(page))]
    assert told == [("can-be-declared", ""), ("can-be-declared", ""), ("refused", ""), ("refused", ""), ("ignored", "")]

    page = post(clerk, f"{at(page)}/step", phase="declare")
    assert "Declared: 2" in page.text
    nothing_stands_open(world)
    assert "5 = 2 + 2 + 1" in page.text
    assert {(each.unit, each.reason) for each in stays(world)} == {("201", "tourism"), ("202", "business")}
    with world.registry.reading() as connection:
        kept = connection.execute(select(tables.declarations)).all()
    assert {(each.origin, each.declarant_account, each.evidence_level, each.state) for each in kept} == {
        ("import", "acc-clerk", 0, "accepted")
    }


def test_every_line_says_what_became_of_it_and_the_corrected_file_declares_the_rest_and_nobody_twice(world, clerk):
    _, path = declare(clerk, listed(GOOD, NO_DAY, GOOD))
    accepted, refused, repeated = rows_of(clerk, path)
    assert accepted["luutru_state"] == "accepted"
    assert refused["luutru_code"].split("\n")[0] == "import.date"
    assert refused["luutru_field"].split("\n")[0] == "Ngày sinh"
    assert (repeated["luutru_state"], repeated["luutru_receipt"]) == ("ignored", accepted["luutru_receipt"])
    (to_correct,) = rows_of(clerk, path, everything=False)
    assert to_correct["luutru_row"] == "3"

    whole = clerk.get(f"{path}/file?rows=all").content.replace(b"31/02/1990", b"28/02/1990")
    page, again = declare(clerk, whole)
    assert "Declared: 1" in page.text
    assert [each["luutru_state"] for each in rows_of(clerk, again)] == ["ignored", "accepted", "ignored"]
    assert len(stays(world)) == 2


@pytest.mark.parametrize("number", ["0010950001x7", "C01X00T47", "012345678"])
def test_a_number_of_no_document_is_asked_about_and_not_dropped(world, clerk, number):
    page, path = declare(clerk, listed(GOOD.replace("1095000117", number)))
    assert "Nobody was declared" in page.text
    (refused,) = rows_of(clerk, path)
    assert refused["luutru_code"].split("\n")[0] == "server.form_document_kind"
    assert stays(world) == []


def test_nobody_declared_is_never_a_success(world, clerk):
    for data, said in (
        (b"", "No file was given"),
        (listed(), "There is no line of a guest"),
        (b"\xff\xfea\x00", "line of column names"),
    ):
        page = give(clerk, data)
        assert (page.status_code, said in page.text) == (422, True)
    page, _ = declare(clerk, listed(NO_DAY))
    assert "Nobody of this list can be declared" in give(clerk, listed(NO_DAY)).text
    assert "Nobody was declared" in page.text
    assert stays(world) == []


def test_what_the_columns_mean_is_asked_once_and_remembered_for_the_house(world, clerk):
    odd = listed("201|Trần Văn Thử|KS|10/07/2026|11/07/2026", headings="Ph.|Tên gọi của khách|Vì sao|Tối|Sáng")
    page = give(clerk, odd)
    assert "Say which column holds what" in page.text
    columns = {"column:unit": "Ph.", "column:full_name": "Tên gọi của khách", "column:reason": "Vì sao", "column:arrival": "Tối"}
    assert post(clerk, f"{at(page)}/mapping", **{"column:unit": "Ph."}).status_code == 422
    page = post(clerk, f"{at(page)}/mapping", **columns, **{"column:planned_departure": "Sáng"}, arrival_time="20:30")
    assert "Words we do not know" in page.text
    assert 'name="word:reason:KS"' in page.text
    page = post(
        clerk,
        f"{at(page)}/mapping",
        **columns,
        **{"column:planned_departure": "Sáng", "word:reason:KS": "conference"},
        arrival_time="20:30",
    )
    assert "Can be declared: 1" in page.text

    page = give(clerk, odd.replace(b"201|", b"202|").replace("Trần".encode(), "Lê".encode()))
    assert "Can be declared: 1" in page.text
    post(clerk, f"{at(page)}/step", phase="declare")
    (stay,) = stays(world)
    assert (stay.unit, stay.reason, stay.start_at.hour) == ("202", "conference", 13)


def test_an_encoding_is_chosen_by_how_it_reads_and_remembered(world, clerk):
    tcvn.install()
    text = "Họ tên,Ngày đến,Ngày đi,Phòng,Lý do\nĐỗ Thử,10/07/2026,11/07/2026,201,18\n"
    page = give(clerk, text.encode("tcvn3"))
    assert (page.status_code, 'value="tcvn3"' in page.text, "Họ tên,Ngày đến" in page.text) == (422, True, True)
    page, _ = declare(clerk, text.encode("tcvn3"), encoding="tcvn3")
    assert "Declared: 1" in page.text
    assert "Can be declared: 1" in give(clerk, text.replace("201", "202").encode("tcvn3")).text


def test_a_list_broken_off_goes_on_where_it_was(world, clerk, monkeypatch):
    monkeypatch.setattr("registry.guest_lists.PIECE", 2)
    monkeypatch.setattr("server.desk.list_giving.PIECE", 2)
    names = ("Một", "Hai", "Ba", "Bốn", "Năm")
    path = at(give(clerk, listed(*(GOOD.replace("Thử,", f"{each},").replace("1095000117", "") for each in names))))
    assert post(clerk, f"{path}/step", phase="declare").status_code == 409  # one piece of three is checked
    for _ in range(2):
        post(clerk, f"{path}/step", phase="check")
    answer = clerk.post(f"{path}/step", data={"csrf": csrf_of(clerk), "phase": "declare"}, headers={"accept": "application/json"})
    assert (answer.json()["done"], answer.json()["of"]) == (False, 5)
    assert len(stays(world)) == 2
    assert "Being declared" in clerk.get(path).text
    assert post(clerk, f"{path}/mapping", **{"column:full_name": "Phòng", "column:arrival": "Ngày đến"}).status_code == 403
    for _ in range(3):
        post(clerk, f"{path}/step", phase="declare")
    assert len(stays(world)) == 5


def test_a_file_is_taken_from_a_clerk_of_the_house_alone(world, clerk):
    path = at(give(clerk, listed(GOOD)))
    assert give(clerk, listed(GOOD), premises_id="htl-xa").status_code == 403
    assert clerk.get("/desk/import/00000000-0000-7000-8000-000000000000").status_code == 403
    officer = world.client("officer")
    for address in (path, f"{path}/file", "/desk/import"):
        assert officer.get(address).status_code == 403
    nobody = world.client()
    answer = nobody.post("/desk/import", data={"csrf": csrf_of(nobody)}, files={"file": ("a.csv", b"a" * 100)})
    assert answer.status_code in {401, 403}
    assert clerk.post("/desk/import", data={"csrf": "0" * 64}, files={"file": ("a.csv", b"a")}).status_code == 403
    assert clerk.post("/desk/house", data={"csrf": csrf_of(clerk)}, files={"file": ("a.csv", b"a")}).status_code == 403
    assert give(clerk, b"a" * (world.settings.largest_upload + 1)).status_code == 413


def test_the_lines_go_after_two_days_and_what_became_of_them_stays(world, clerk):
    _, path = declare(clerk, listed(GOOD, NO_DAY))
    world.clock.pass_time(days=3)
    carry_out(world.registry, read_policy(), clock=world.clock, by="test")
    assert count(world, tables.guest_list_pieces) == 0
    page = world.client("clerk").get(path)
    assert "2 = 1 + 1 + 0" in page.text
    assert "Phạm Văn Thử" not in page.text
    with world.registry.reading() as connection:
        given = load_list(connection, path.rpartition("/")[2])
        assert world.vault.load_keys(connection, [given.list_id]) == {}


def test_the_command_goes_the_same_way(world, tmp_path):
    keys = tmp_path / "server"
    make_key(keys / "server-receipt.key", key_id="s-1", use="receipt", owner="authority", now=EVENING, random_bytes=random_bytes)
    file = tmp_path / "khach.csv"
    file.write_bytes(listed(GOOD, NO_DAY))
    options = ["import", str(file), "--account", "le-tan", "--json", "--registry", str(world.registry.engine.url)]
    options += ["--vault", str(tmp_path / "keys"), "--keys", str(keys)]
    checked = CliRunner().invoke(desk_app, [*options, "--dry-run"])
    told = json.loads(checked.stdout)
    assert (told["counts"], told["rows"], told["dry_run"]) == (
        {"accepted": 1, "conflicting": 0, "refused": 1, "ignored": 0},
        2,
        True,
    )
    assert (checked.exit_code, stays(world)) == (1, [])

    refused = CliRunner().invoke(desk_app, [*options, "--result", str(file / "below")])  # no folder can be there
    assert (refused.exit_code, refused.stderr.partition(":")[0], stays(world)) == (1, "guest-import.result_unwritten", [])
    declared = json.loads(CliRunner().invoke(desk_app, options).stdout)
    assert declared["counts"] == told["counts"]
    assert len(stays(world)) == 1
    rejected = tmp_path / "khach.rejected.csv"
    assert (declared["rejected"], rejected.stat().st_mode & 0o777) == (str(rejected), 0o600)
    elsewhere = tmp_path / "to" / "correct"
    again = json.loads(CliRunner().invoke(desk_app, [*options, "--result", str(elsewhere)]).stdout)
    assert (again["rejected"], len(stays(world))) == (str(elsewhere / "khach.rejected.csv"), 1)
