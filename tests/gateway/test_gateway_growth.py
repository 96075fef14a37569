"""How the gateway grows: the picture shows what was measured, what bends first is arithmetic, and one run gives both."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from luutru.benchmarks.gateway_growth import Point, bends_of
from luutru.benchmarks.growth_plot import draw
from luutru.commands.bench import app


def point(axis, value, *, rate=6_000, p99=8.0, rss=150.0):
    return Point(axis=axis, value=value, per_second_per_core=rate, per_second=5_000, p99_ms=p99, unanswered=0, rss_mib=rss)


@pytest.mark.parametrize(
    ("least", "most", "first"),
    [
        (point("persons", 10), point("persons", 1_000, rate=2_000), "per_second_per_core_by_persons"),
        (point("persons", 10), point("persons", 1_000, p99=80.0), "p99_ms_by_persons"),
        (point("kiosks", 10), point("kiosks", 1_000, rss=450.0), "rss_mib_by_kiosks"),
    ],
)
def test_what_bends_first_is_what_got_worst_by_growing(least, most, first):
    bends = bends_of([most, least])
    assert max(bends, key=bends.get) == first
    assert bends[first] > 1
    assert sorted(bends.values())[:-1] == [1, 1]


def test_a_batch_is_our_choice_and_bends_nothing():
    assert bends_of([point("batch", 1, rate=500), point("batch", 500)]) == {}


def test_the_picture_is_well_formed_and_writes_every_value_out():
    points = [point("persons", 10_000), point("persons", 10_000_000, rate=4_321, p99=12.5), point("batch", 2_000, rss=210.0)]
    picture = ET.fromstring(draw(points))  # noqa: S314 - our own
    written = {each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert written >= {"10,000", "10,000,000", "4,321", "12.5", "2,000", "210"}
    described = picture.find("{http://www.w3.org/2000/svg}desc").text
    assert "10,000,000 persons: 4,321 per second, p99 12.5 ms" in described


def test_higher_in_the_picture_is_more_and_zero_is_at_the_bottom():
    panel = draw([point("persons", 1, p99=5.0), point("persons", 2, p99=10.0)])
    lines = re.findall(r'points="([^"]*)"', panel)
    (_, low), (_, high) = (map(float, each.split(",")) for each in lines[1].split())  # first column, second row
    bottom = float(re.findall(r"V([0-9.]+)H", panel)[1])
    assert (bottom - high) == pytest.approx(2 * (bottom - low), abs=0.2)


def test_numbers_that_are_none_are_wrong_use():
    assert CliRunner().invoke(app, ["gateway-growth", "--persons", "10,many"]).exit_code == 2
    assert CliRunner().invoke(app, ["gateway-growth", "--batches", "0"]).exit_code == 2


def test_one_run_gives_the_points_and_the_picture(tmp_path):
    arguments = ["gateway-growth", "--quick", "--persons", "100", "--batches", "500", "--kiosks", "8", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--plot", str(tmp_path / "growth.svg")])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    points = report["figures"]["points"]
    assert [(each["axis"], each["value"]) for each in points] == [("persons", 100), ("batch", 500), ("kiosks", 8)]
    assert all(each["per_second_per_core"] > 0 and each["p99_ms"] > 0 and each["rss_mib"] > 0 for each in points)
    assert all(each["unanswered"] == 0 for each in points)
    assert report["settings"]["quick"] is True
    assert "100 persons" in (tmp_path / "growth.svg").read_text("utf-8")
