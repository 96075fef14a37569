"""Figures for everybody: a month that is over, counted from what really happened, small counts left out, given to anybody and to any cache."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from types import SimpleNamespace

import jsonschema
import pytest
from server_eyes import claim
from server_parts import csrf_of
from server_police import add_officer, file_cases

from luutru.system import random_bytes
from registry import tables
from registry.public_figures import down, month_before, publish_month
from registry.second_views import draw_second_views
from residence.cases.public_figures import Counts, published
from residence.clock import VIETNAM


@pytest.fixture
def told(world):
    """A month in which one officer closed eight cases, six of them as visitors; it is over, and was published."""
    officer = world.client("officer")
    for number, case_id in enumerate(file_cases(world, 8)):
        claim(officer, case_id)
        step = "close-explained:visitor" if number < 6 else "close-action:advised"
        assert officer.post(f"/police/cases/{case_id}", data={"csrf": csrf_of(officer), "action": step}).status_code == 200
    world.clock.pass_time(days=31)
    assert publish_month(world.registry, now=world.clock.now(), least=5) == 2  # two communes have premises
    return world


def test_anybody_reads_a_month_that_is_over_as_page_as_json_that_fits_its_schema_and_as_csv(told):
    anybody = told.client()
    answer = anybody.get("/transparency/figures.json?commune=demo-01")
    (month,) = answer.json()
    jsonschema.validate(answer.json(), anybody.get("/transparency/schema.json").json())
    assert month["month"] == "2026-07"
    assert month["closed"]["counts"]["visitor"] is None  # six, and two were advised: together too few to hide the two
    assert (month["closed"]["total"], month["closed"]["counts"]["advised"]) == (None, None)
    assert (month["looks"]["total"], month["looks"]["counts"]["undeclared-case"]) == (8, 8)
    assert month["uptime_percent"] == 100.0
    assert answer.headers["cache-control"] == "public, max-age=3600"
    again = anybody.get("/transparency/figures.json?commune=demo-01", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    table = list(csv.DictReader(io.StringIO(anybody.get("/transparency/figures.csv?commune=demo-01").text)))
    said = {(line["figure"], line["of"]): line["value"] for line in table}
    assert said["looks", "undeclared-case"] == "8"
    assert said["closed", "advised"] == ""
    page = anybody.get("/transparency")
    assert page.headers["cache-control"] == "no-store"
    assert "how far two views agree" in page.text
    assert "demo-02" in page.text
    texts = [anybody.get(f"/transparency{each}").text for each in ("", "/figures.json", "/figures.csv")]
    assert not [text for text in texts if any(each in text for each in ("cong-an", "acc-", "blk-hoa-binh", "Phạm"))]
    assert anybody.get("/transparency?commune=nowhere").status_code == 200
    assert anybody.get("/transparency/figures.json?commune=nowhere").json() == []
    with told.registry.writing() as connection:  # what happens to it later changes nothing
        connection.execute(tables.cases.update().values(closing_code="visitor"))
    told.clock.pass_time(days=1)
    assert publish_month(told.registry, now=told.clock.now(), least=5) == 0
    assert anybody.get("/transparency/figures.json?commune=demo-01").content == answer.content


def test_second_views_are_published_with_kappa_and_by_code():
    pairs = (
        [("visitor", "visitor")] * 20
        + [("declared", "declared")] * 20
        + [("visitor", "declared")] * 6
        + [("procedure", "procedure")]
    )
    counts = Counts(looks={}, closed={}, hours={"stay": [1.0, 2.0, 9.0, 30.0, 60.0]}, pairs=pairs, uptime=0.9876543)
    month = published(counts, month="2026-07", commune_code="demo-01", least=5)
    by_code = month.agreement_by_code
    assert {code: each.pairs for code, each in by_code.items() if each.pairs != 0} == {
        "declared": None,  # the next in the table's order, so that the one of "procedure" cannot be worked out
        "visitor": 26,
        "procedure": None,
    }
    assert (month.agreement.pairs, month.agreement.raw.value) == (47, 0.872)
    assert month.agreement.kappa.least < month.agreement.kappa.value < month.agreement.kappa.most
    assert (by_code["declared"].raw, by_code["visitor"].raw.value) == (None, 0.769)
    assert month.corrections["stay"].median_hours == 9
    assert month.uptime_percent == 98.77


def test_a_real_second_view_is_in_the_month_it_was_given(world):
    """Ten cases, each drawn and judged by a colleague through the same functions the pages use."""
    add_officer(world, "acc-hai", "hai")
    officer = world.client("officer")
    for case_id in file_cases(world, 10):
        claim(officer, case_id)
        officer.post(f"/police/cases/{case_id}", data={"csrf": csrf_of(officer), "action": "close-explained:visitor"})
    world.clock.pass_time(minutes=5)
    assert draw_second_views(world.registry, now=world.clock.now(), percent=100, random_bytes=random_bytes) == 10
    with world.registry.writing() as connection:
        connection.execute(tables.second_views.update().values(said="visitor", said_at=world.clock.now()))
    world.clock.pass_time(days=31)
    publish_month(world.registry, now=world.clock.now(), least=5)
    (month,) = world.client().get("/transparency/figures.json?commune=demo-01").json()
    assert (month["agreement"]["pairs"], month["agreement"]["raw"]["value"], month["agreement"]["kappa"]) == (10, 1.0, None)


def test_windows_that_overlap_count_once_and_a_month_ends_at_midnight_in_vietnam(world):
    since, until = month_before(world.clock.now())
    assert (since.astimezone(VIETNAM).day, until - since) == (1, timedelta(days=30))
    window = lambda first, last: SimpleNamespace(began_at=since + timedelta(hours=first), ended_at=since + timedelta(hours=last))  # noqa: E731
    windows = [window(-5, 1), window(10, 20), window(12, 15), window(18, 22), window(719, 800)]
    assert down(windows, since, until) == timedelta(hours=1 + 12 + 1)
