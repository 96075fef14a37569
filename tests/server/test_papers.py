"""Receipts as PDF for a statement, a stay, a person and a day: signed in a code, and in years the same as they were then."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import pytest
import zxingcpp
from factories import EVENING, make_declaration, make_id
from server_own import bind_resident
from server_parts import World, csrf_of
from sqlalchemy import select
from typer.testing import CliRunner

from luutru.commands.server import app
from luutru.paper_keys import make_paper_key, newest_paper_key, read_paper_key
from registry import tables
from registry.retention import erase_person
from registry.stays import stays_at
from residence.errors import LuutruError, sentence
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.receipts import parse_receipt_text, verify_receipt
from server import paper_fonts
from server.paper import Paper

LIST = (
    "Họ tên,Phái,Phòng,Ngày đến,Ngày đi,Lý do\n"
    "Lê Thị Thử,Nữ,202,10/07/2026 13:05,12/07/2026,1\n"
    "Đỗ Văn Thử,Nam,,10/07/2026,11/07/2026,1\n"
    "Lê Thị Thử,Nữ,202,10/07/2026 13:05,12/07/2026,1\n"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A hotel with one guest who moved to another room, and a list of which one line was declared."""
    made = World(tmp_path_factory.mktemp("papers"))
    bind_resident(made)
    (stay,) = stays(made)
    made.clock.pass_time(minutes=5)
    about = stay.declaration_ids[0]
    made.record(make_declaration(declaration_id=make_id(), kind="correction", about=about, premises_id="htl-sao-mai", unit="202"))
    clerk = made.clerk = made.client("clerk")
    fields = {"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai"}
    path = clerk.post("/desk/import", data=fields, files={"file": ("khach.csv", LIST.encode())}).url.path
    clerk.post(f"{path}/step", data={"csrf": csrf_of(clerk), "phase": "declare"})
    made.declare_guest(declaration_id=make_id(), planned_departure="2026-07-01T12:00:00+07:00")
    yield made
    made.close()


def stays(world):
    with world.registry.reading() as connection:
        return stays_at(connection, "htl-sao-mai")


def first_stay(world):
    return next(each for each in stays(world) if len(each.declaration_ids) > 1)


def looks(world, person_id) -> int:
    columns = tables.access_records.c
    with world.registry.reading() as connection:
        return len(connection.execute(select(columns.access_id).where(columns.person_id == person_id)).all())


def text_of(pdf: bytes, tmp_path) -> str:
    """Return what another program reads in a PDF."""
    (tmp_path / "paper.pdf").write_bytes(pdf)
    read = subprocess.run(["pdftotext", "-layout", str(tmp_path / "paper.pdf"), "-"], capture_output=True, text=True, check=True)
    return " ".join(read.stdout.split())


def written(pdf: bytes) -> bytes:
    """Return a file as it was written, without the signature that was added after it."""
    end = pdf.index(b"%%EOF") + len(b"%%EOF")
    assert b"/ByteRange" in pdf[end:]
    return pdf[:end]


def signature_of(pdf: bytes, tmp_path) -> str:
    """Return what poppler, with NSS, says of the signature of a file."""
    (tmp_path / "signed.pdf").write_bytes(pdf)
    checked = subprocess.run(["pdfsig", "-nocert", str(tmp_path / "signed.pdf")], capture_output=True, text=True, check=False)
    return " ".join(checked.stdout.split())


def codes_of(pdf: bytes, tmp_path) -> list[str]:
    """Return the codes another program sees on the pages, printed at 150 dots to the inch."""
    (tmp_path / "paper.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "150", "-gray", "-png", str(tmp_path / "paper.pdf"), str(tmp_path / "page")], check=True)
    pages = [cv2.imread(str(page), cv2.IMREAD_GRAYSCALE) for page in sorted(tmp_path.glob("page*.png"))]
    return [code.text for page in pages for code in zxingcpp.read_barcodes(page)]


def keyring(world):
    key = KeyEntry(
        key_id=world.signer.key_id, use="receipt", owner="authority", public_key=world.signer.public_key, valid_from="2026-01-01T00:00:00Z"
    )  # fmt: skip
    return Keyring([key])


def test_a_stays_receipts_say_what_was_declared_each_time_and_their_codes_hold(world, tmp_path):
    stay = first_stay(world)
    before = looks(world, stay.person_id)
    answer = world.clerk.get(f"/desk/stays/{stay.stay_id}/receipts")
    assert answer.headers["content-type"] == "application/pdf"
    said = text_of(answer.content, tmp_path)
    for words in (
        "Arrival: Accepted by the registry",
        "Correction: Accepted by the registry",
        "Trần Văn An",
        "Khách sạn Sao Mai",
    ):
        assert words in said
    assert said.index("apartment 201") < said.index("apartment 202")
    receipts = [verify_receipt(parse_receipt_text(code), keyring=keyring(world)) for code in codes_of(answer.content, tmp_path)]
    assert [each.declaration_id for each in receipts] == list(stay.declaration_ids)
    assert all(each.code in said for each in receipts)
    assert looks(world, stay.person_id) == before + 1


def test_a_statements_receipt_is_the_same_file_in_three_years_whatever_was_said_since(world):
    stay = first_stay(world)
    address = f"/desk/receipts/{stay.declaration_ids[0]}/pdf"
    then = world.clerk.get(address)
    world.clock.pass_time(days=3 * 365)
    again = world.client("clerk").get(address)
    world.clock.pass_time(days=-3 * 365)
    assert then.status_code == 200
    assert written(again.content) == written(then.content)
    assert "An" not in then.headers["content-disposition"]


def test_the_file_itself_is_signed_and_another_program_sees_every_change(world, tmp_path):
    paths = (
        f"/desk/receipts/{first_stay(world).declaration_ids[0]}/pdf",
        f"/desk/stays/{first_stay(world).stay_id}/receipts",
        "/desk/statements/pdf?premises=htl-sao-mai&day=2026-07-10",
    )
    files = [world.clerk.get(path).content for path in paths] + [world.client("resident").get("/me/receipts").content]
    for file in files:
        said = signature_of(file, tmp_path)
        for words in (
            "Signer Certificate Common Name: Luutru thử",
            "ETSI.CAdES.detached",
            "Signature is Valid.",
            "Total document signed",
        ):
            assert words in said, said
    place = files[0].index(b"/CreationDate") + 18
    altered = files[0][:place] + bytes([files[0][place] ^ 1]) + files[0][place + 1 :]
    assert "Signature is Valid." not in signature_of(altered, tmp_path)
    assert "Total document signed" not in signature_of(files[0] + b"\n% more", tmp_path)


def test_a_certificate_that_is_over_keeps_nobody_from_a_receipt(world):
    address = f"/desk/receipts/{first_stay(world).declaration_ids[0]}/pdf"
    world.clock.pass_time(days=5 * 365 + 2)
    clerk = world.client("clerk")
    over = clerk.get(address)
    checked = clerk.post("/desk/check", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai"}).text
    world.clock.pass_time(days=-5 * 365 - 2)
    assert (over.status_code, b"/ByteRange" in over.content) == (200, False)
    assert "PDFs go out unsigned" in checked  # and the house is told


def test_a_file_of_another_key_signs_nothing(tmp_path):
    first, second = (tmp_path / f"server-paper-{number}.pem" for number in (1, 2))
    for path in (first, second):
        make_paper_key(path, name="Thử", now=EVENING)
    assert newest_paper_key(tmp_path).certificate == read_paper_key(second).certificate
    key, _ = first.read_text().split("-----BEGIN CERTIFICATE", 1)
    _, certificate = second.read_text().split("-----BEGIN CERTIFICATE", 1)
    for content in (key, key + "-----BEGIN CERTIFICATE" + certificate, "", "-----BEGIN"):
        first.write_text(content)
        with pytest.raises(LuutruError) as refused:
            read_paper_key(first)
        assert refused.value.code == "key.paper_malformed"
    with pytest.raises(LuutruError):
        make_paper_key(second, name="Thử", now=EVENING)  # never replaced


def test_the_command_makes_the_first_key_and_the_next_beside_it(tmp_path):
    made = [
        json.loads(CliRunner().invoke(app, ["paper-key", "--name", "Thử", "--keys", str(tmp_path), "--json"]).stdout)
        for _ in range(2)
    ]
    assert [each["ok"] for each in made] == [True, True]
    assert newest_paper_key(tmp_path).certificate == read_paper_key(Path(made[1]["file"])).certificate
    refused = CliRunner().invoke(app, ["paper-key", "--name", "  ", "--keys", str(tmp_path)])
    assert (refused.exit_code, "1 to 64 characters" in refused.stderr) == (1, True)


def test_a_day_lists_accepted_refused_and_passed_over_with_reasons_and_shows_itself_as_it_was(world, tmp_path):
    page = world.clerk.get("/desk/statements?premises=htl-sao-mai").text
    for words in (
        "Accepted by the registry (3)",
        "Refused (1)",
        "Not declared from the list",
        "Line 3: Refused",
        "Line 4: Passed over",
        "Lê Thị Thử",
    ):
        assert words in page
    assert sentence("declaration.departure_before_arrival").en in page
    said = text_of(world.clerk.get("/desk/statements/pdf?premises=htl-sao-mai&day=2026-07-10").content, tmp_path)
    for words in ("4 = 3 Accepted by the registry + 1 Refused", "List khach.csv", "Line 4: Passed over", "Trần Văn An"):
        assert words in said
    early = "/desk/statements?premises=htl-sao-mai&day=2026-07-10&until=2026-07-10T07:01:00Z"
    assert "Accepted by the registry (1)" in world.clerk.get(early).text
    assert "Nothing was stated" in world.clerk.get("/desk/statements?premises=htl-sao-mai&day=2026-07-09").text
    for wrong in ("day=tomorrow", "until=now"):
        assert world.clerk.get(f"/desk/statements?premises=htl-sao-mai&{wrong}").status_code == 404


def test_papers_are_for_the_house_and_for_the_person_alone(world, tmp_path):
    stay = first_stay(world)
    own = world.client("resident")
    assert "Trần Văn An" in text_of(own.get("/me/receipts").content, tmp_path)
    desk = (
        f"/desk/stays/{stay.stay_id}/receipts",
        f"/desk/receipts/{stay.declaration_ids[0]}/pdf",
        "/desk/statements",
        "/desk/statements/pdf",
    )
    for role in ("officer", "operator", "resident"):
        client = world.client(role)
        assert {client.get(address).status_code for address in desk} == {403}
    assert world.clerk.get("/me/receipts").status_code == 403


def test_whose_key_is_gone_is_named_no_more_and_the_receipt_stands(world, tmp_path):
    stay = next(each for each in stays(world) if len(each.declaration_ids) == 1)
    with world.registry.writing() as connection:
        erase_person(connection, stay.person_id, vault=world.vault, now=world.clock.now())
    answer = world.clerk.get(f"/desk/receipts/{stay.declaration_ids[0]}/pdf")
    said = text_of(answer.content, tmp_path)
    assert ("Name erased" in said, "Lê Thị" in said) == (True, False)
    assert len(codes_of(answer.content, tmp_path)) == 1


def test_a_long_list_runs_over_pages_and_letters_of_any_guest_are_there(tmp_path):

    paper = Paper(title="Thử", language="vi", made_at=EVENING)
    for number in range(120):
        paper.text(f"{number} Nguyễn Thị Thử Ữ Ẵ ỹ Đặng Ệ")
    paper.heading("Cuối")
    said = text_of(paper.content(), tmp_path)
    assert said.count("Nguyễn Thị Thử Ữ Ẵ ỹ Đặng Ệ") == 120


def test_a_machine_without_a_font_is_told_its_package(monkeypatch):
    assert paper_fonts.missing() == ()
    monkeypatch.setattr(paper_fonts, "EASTERN", paper_fonts.EASTERN | {"B": Path("/nowhere")})
    assert paper_fonts.missing() == ("fonts-noto-cjk",)
    monkeypatch.setattr(paper_fonts, "PLACES", dict.fromkeys(paper_fonts.PLACES, ()))
    assert paper_fonts.missing() == paper_fonts.PACKAGES
