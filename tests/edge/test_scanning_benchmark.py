"""The measuring set and the benchmark on it: the same numbers give the same picture, every reader is counted by the same rule."""

from __future__ import annotations

import io
import json
import types

import cv2
import numpy as np
import pytest
import segno
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from edge_agent.scanning.cascade import decode
from edge_agent.scanning.diagnosis import Reason
from luutru.benchmarks import scanner, scanner_clips, scanner_readers, scanner_stills, scanner_table
from luutru.benchmarks.card_set import CATEGORIES, make_clip, make_still
from luutru.benchmarks.scanner_clips import IN_A_ROW, SLOW, measure_clips
from luutru.benchmarks.scanner_photos import Truth, is_right, truth_of
from luutru.benchmarks.scanner_readers import NAMES, Reader, Timed, make_reader, timed
from luutru.benchmarks.scanner_sheet import COLUMNS, MOST, caption_of, draw_missed, head_of
from luutru.benchmarks.scanner_stills import Missed, StillPlan, measure_stills
from luutru.benchmarks.scanner_table import print_tables
from luutru.benchmarks.scanner_tally import Tally
from luutru.commands.bench import app

INSTALLED = [name for name in NAMES if name != "tapirscan"]
TWO = {name: CATEGORIES[name] for name in ("clean", "none")}


@pytest.fixture
def two_categories(monkeypatch):
    """Leave the easiest frames and those without a code: what is measured, not how well, is at stake."""
    for module in (scanner, scanner_stills, scanner_table):
        monkeypatch.setattr(module, "CATEGORIES", TWO)


def bench(*arguments):
    return CliRunner().invoke(app, ["scanner", *map(str, arguments)])


def always_returning(name, *found):
    return Reader(
        name=name,
        read=lambda _: list(found),
        read_photo=lambda _: list(found),
        follow=lambda: lambda _grey, _at_ns: list(found),
    )


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_frame_depends_on_its_numbers_only(category):
    still, again = (make_still(1, category, level=1, number=2) for _ in range(2))

    assert np.array_equal(still.grey, again.grey)
    assert still.grey.shape == (480, 640)
    assert bool(still.payload) == (category != "none")


def test_the_easiest_frames_are_read_and_frames_without_a_code_are_not():
    clean = make_still(1, "clean", level=0, number=0)

    assert [code.text for code in decode(clean.grey)] == [clean.payload]
    assert decode(make_still(1, "none", level=0, number=0).grey) == []


def test_a_frame_knows_where_its_code_stands():
    clean = make_still(1, "clean", level=0, number=0)

    assert np.abs(np.array(decode(clean.grey)[0].corners) - clean.corners).max() < 5


def test_clips_begin_unreadable_and_repeat_exactly():
    first, again = ((payload, next(frames)) for payload, frames in (make_clip(1, 0), make_clip(1, 0)))

    assert first[0] == again[0]
    assert np.array_equal(first[1], again[1])
    assert decode(first[1]) == []


@pytest.mark.parametrize("name", INSTALLED)
def test_every_reader_reads_an_easy_frame_and_nothing_from_a_blank_one(name):
    clean = make_still(1, "clean", level=0, number=0)
    reader = make_reader(name)

    assert timed(reader.read, clean.grey).found == [clean.payload.encode()]
    assert reader.read_photo(clean.grey) == reader.follow()(clean.grey, 0) == [clean.payload.encode()]
    assert reader.read(np.full((480, 640), 99, np.uint8)) == []


def test_each_reader_is_alone_with_a_batch_of_frames(monkeypatch, two_categories):
    monkeypatch.setattr(scanner_stills, "BATCH", 3)
    called = []

    def noting(name):
        return Reader(name=name, read=lambda _: called.append(name) or [], read_photo=None, follow=None)

    measure_stills([noting("a"), noting("b")], StillPlan(seed=1, per_level=2, levels=(0,)), step=lambda: called.append("step"))

    warm_up = ["a", "a", "b", "b"]
    assert called == [*warm_up, *"aaabbb", *["step"] * 3, *"ab", "step"]


def test_tapirscan_is_measured_when_it_can_be_imported_and_else_not_installed(monkeypatch):
    def scan(_grey):
        barcodes = [types.SimpleNamespace(text="một", payload_bytes=None), types.SimpleNamespace(text="?", payload_bytes=b"\xff")]
        return types.SimpleNamespace(barcodes=barcodes)

    class Scanner:
        def __init__(self, mode, *, formats, parallel):
            assert (mode, formats, parallel) == ("low", "QRCode", False)
            self.scan = scan

    monkeypatch.setitem(scanner_readers.importlib.sys.modules, "tapirscan", types.SimpleNamespace(Scanner=Scanner))
    assert make_reader("tapirscan").read(np.zeros((9, 9), np.uint8)) == ["một".encode(), b"\xff"]

    monkeypatch.setitem(scanner_readers.importlib.sys.modules, "tapirscan", None)
    assert make_reader("tapirscan") is None


def test_a_wrong_text_counts_beside_a_right_one_and_anything_counts_where_nothing_is(two_categories, monkeypatch):
    frames = {"clean": "card", "none": ""}
    monkeypatch.setattr(
        scanner_stills,
        "make_still",
        lambda _seed, category, level, **_: scanner_stills.Still(
            category=category, level=level, payload=frames[category], grey=np.zeros((720, 9), np.uint8), corners=np.zeros((4, 2))
        ),
    )
    steps = []
    tallies, missed = measure_stills(
        [always_returning("both", b"card", b"cart"), always_returning("nothing")],
        StillPlan(seed=1, per_level=1, levels=(0, 1), codefree=5),
        step=lambda: steps.append(1),
    )

    both, nothing = tallies["both"], tallies["nothing"]
    assert (both.share(), both.wrong, both.codefree, both.codefree_read) == (1.0, 2 + 5 * 2, 5, 5)
    assert (nothing.share("clean"), nothing.wrong, nothing.codefree_read) == (0.0, 0, 0)
    assert len(steps) == 2 + 5
    assert missed == []


def test_extra_frames_without_a_code_are_further_frames_and_do_not_count_in_the_times():
    frames = StillPlan(seed=1, per_level=1, levels=(0, 2), codefree=5).frames
    tally = Tally()
    tally.note("none", Timed([], 4.0, 4.0), right=[], codefree=True)
    tally.note("none", Timed([], 400.0, 400.0), right=[], codefree=True, timing=False)

    assert len(frames) == len(set(frames)) == 2 * len(CATEGORIES) + 3
    assert [frame for frame in frames if not frame[3]] == [("none", 0, 1, False), ("none", 2, 1, False), ("none", 0, 2, False)]
    assert (tally.codefree, tally.mean_ms(), tally.share()) == (2, 4.0, None)


def test_a_clip_goes_on_after_a_wrong_text_and_ends_with_the_right_one(monkeypatch):
    monkeypatch.setattr(scanner_clips, "make_clip", lambda _seed, number: (f"card {number}", iter([np.zeros((9, 9))] * 60)))

    def follow():
        seen = []

        def read(_grey, at_ns):
            seen.append(at_ns)
            return [b"cart"] if len(seen) == 1 else [b"card 0"]

        return read

    tallies = measure_clips(
        [Reader(name="ours", read=None, read_photo=None, follow=follow), always_returning("cart", b"cart")],
        seed=1,
        clips=2,
        step=lambda: None,
    )

    assert [(name, len(tally.times)) for name, tally in tallies.items()] == [
        ("ours", 2),
        ("cart", 2),
        (SLOW, 2),
        (IN_A_ROW, 2),
    ]
    ours = tallies["ours"]
    assert (ours.within(1.0), ours.within(2.0, severity=0), ours.within(2.0, severity=1)) == (1, 1, 0)
    assert ours.wrong > 1
    assert (tallies["cart"].within(2.0), tallies["cart"].wrong) == (0, 2 * 60)


@pytest.mark.parametrize(
    ("found", "truth", "right"),
    [
        (b"card", Truth(file="a", text="card", payload=b""), True),
        (b"card\r\nline\n", Truth(file="a", text="card\nline", payload=b""), True),
        ("ひ".encode("shift_jis"), Truth(file="a", text="ひ", payload=b""), True),
        (b"\xff\x00", Truth(file="a", text="", payload=b"\xff\x00"), True),
        (b"", Truth(file="a", text="", payload=b"\xff\x00"), False),
        (b"cart", Truth(file="a", text="card", payload=b""), False),
    ],
)
def test_a_photo_is_right_by_its_bytes_or_by_its_text_in_a_usual_charset(found, truth, right):
    assert is_right(found, truth) == right


@pytest.fixture
def photos(tmp_path):
    """Two folders of drawn codes; one of the photos says something else than its table."""
    for folder, rows in {
        "one": [("a.png", r"xylo\nphone\\", ""), ("b.png", "secret", "")],
        "two": [("c.png", "", "ff00")],
    }.items():
        (tmp_path / folder).mkdir()
        table = "file\ttext\tbytes_hex\n" + "".join("\t".join(row) + "\n" for row in rows)
        (tmp_path / folder / "truth.tsv").write_text(table, encoding="utf-8")
    for name, payload in {"one/a.png": "xylo\nphone\\", "one/b.png": "other", "two/c.png": b"\xff\x00"}.items():
        segno.make(payload, micro=False).save(tmp_path / name, scale=6)
    return tmp_path


def test_photos_are_scored_by_folder_and_their_texts_are_never_told(photos):
    assert [truth.text for _, truth in truth_of(photos)] == ["xylo\nphone\\", "secret", ""]

    table = bench("--stills", 0, "--clips", 0, "--readers", "zxing", "--photos", photos)
    report = json.loads(bench("--stills", 0, "--clips", 0, "--readers", "zxing", "--photos", photos, "--json").stdout)

    assert table.exit_code == 0
    assert {"one (2)", "two (1)", "all (3)", "zxing"} <= {
        cell.strip() for line in table.stdout.splitlines() for cell in line.replace("┃", "│").split("│")
    }
    for told in (table.output, json.dumps(report)):
        assert "secret" not in told
        assert "phone" not in told
    assert (report["figures"]["photos_read_one"], report["baselines"]["zxing_photos_read_two"]) == (0.5, 1.0)
    assert (report["settings"]["photos"], report["figures"]["stills_read"], report["figures"]["clips_read_1s"]) == (3, None, None)


def test_the_benchmark_gives_the_keys_others_read(two_categories):
    answer = bench("--quick", "--json", "--clips", 0)
    report = json.loads(answer.stdout)
    figures = report["figures"]

    assert answer.exit_code == 0
    assert set(report) == {"name", "figures", "baselines", "ratios", "machine", "settings"}
    assert (figures["stills_read"], figures["read_clean"], figures["wrong_texts"], figures["codefree_read"]) == (1.0, 1.0, 0, 0)
    assert figures["clips_read_1s"] is figures["clips_read_2s"] is None
    assert figures["median_ms_720p"] > 0
    assert report["ratios"]["mean_time_to_pyzbar"] > 0
    assert report["baselines"].keys() >= {"pyzbar_stills_read", "pyzbar_wrong_texts", "pyzbar_median_ms_720p", "pyzbar_mean_ms"}
    settings = report["settings"]
    assert (settings["seed"], settings["stills"], settings["codefree"], settings["clips"]) == (scanner.SEED, 3, 3, 0)
    assert (settings["readers"], settings["levels"], settings["quick"]) == (["ours", "pyzbar"], [0, 2, 4], True)


def test_the_tables_name_every_reader_and_what_is_not_installed(two_categories, monkeypatch):
    monkeypatch.setitem(scanner_readers.importlib.sys.modules, "tapirscan", None)
    plan = scanner.Plan(stills_per_level=1, levels=(0,), clips=0)
    out = io.StringIO()
    print_tables(scanner.measure(plan), Console(file=out, width=200))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.getvalue().splitlines() if line.startswith("│")]

    assert [row[0] for row in rows if row[0] in NAMES] == list(NAMES)
    assert next(row for row in rows if row[0] == "tapirscan")[1] == "not installed"
    assert [row[0] for row in rows if len(row) == len(NAMES)][:2] == ["clean", "none"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "scan.empty_folder"),
        (b"file\ttext\tbytes_hex\n", "scan.empty_folder"),
        (b"file\ttext\tbytes_hex\na.png\t\tzz\n", "scan.damaged_file"),
        (b"file\ttext\tbytes_hex\na.png\t\xff\t\n", "scan.damaged_file"),
        (b"file\ttext\tbytes_hex\na.png\tcard\t\n", "scan.file_missing"),
    ],
)
def test_a_folder_of_photos_that_cannot_be_scored_is_wrong_use(tmp_path, table, said):
    if table is not None:
        (tmp_path / "truth.tsv").write_bytes(table)
    answer = bench("--photos", tmp_path)

    assert answer.exit_code == 2
    assert said in answer.output


@pytest.mark.parametrize(
    "arguments", [("--readers", "zebra"), ("--photos", "nowhere"), ("--stills", "-1"), ("--zebra",)], ids=lambda each: each[0]
)
def test_wrong_use_is_refused_before_anything_is_measured(arguments):
    assert bench(*arguments).exit_code == 2


def test_the_sheet_shows_what_is_missed_with_its_category_level_and_reason(tmp_path, monkeypatch):
    for module in (scanner, scanner_stills):
        monkeypatch.setattr(module, "CATEGORIES", {"damage": CATEGORIES["damage"]})
    missed = scanner.measure(scanner.Plan(seed=1, readers=(), stills_per_level=1, levels=(4,), clips=0, keep_missed=True)).missed

    assert [(each.category, each.level, each.number) for each in missed] == [("damage", 4, 0)]
    assert missed[0].reason.code.startswith("scan.")
    assert bench("--seed", 1, "--readers", "", "--stills", 0, "--clips", 0, "--sheet", tmp_path / "no" / "x.png").exit_code == 1
    draw_missed(missed, seed=1).save(tmp_path / "missed.png")
    drawn = cv2.imread(str(tmp_path / "missed.png"))
    assert drawn.std() > 10


def test_a_long_sheet_ends_and_says_how_many_there_were():
    one = Missed(
        category="glare", level=3, number=7, picture=np.zeros((20, 30), np.uint8), reason=Reason(code="scan.glare", figure="4%")
    )
    sheet = draw_missed([one] * (MOST + 1), seed=5)

    assert caption_of(one) == ("glare 3.7", "glare 4%")
    assert head_of([one] * (MOST + 1), seed=5) == ("seed 5: 401 frames not read, the first 400 shown", "glare 401")
    assert isinstance(sheet, Image.Image)
    assert sheet.height < 300 * (MOST // COLUMNS + 1)
