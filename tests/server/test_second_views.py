"""Closed cases seen again: drawn at night into the log, judged blind by somebody free to, a third for a difference, an inspector for what two saw."""

from __future__ import annotations

import pytest
from log_parts import LogOf
from server_eyes import claim
from server_parts import csrf_of
from server_police import add_officer, file_cases, officer_named
from sqlalchemy import delete, select, update

from luutru.system import random_bytes
from registry import tables
from registry.checking_looks import looks_problems
from registry.second_view_answers import pairs_of, views_between
from registry.second_views import draw_second_views, draws_of, holds
from residence.transparency.looks import read_entry
from residence.transparency.tiles import Tiles

SECRET_WORDS = "Chủ nhà nói là khách ghé chơi"


@pytest.fixture
def log(world, tmp_path):
    return LogOf(world.registry, tmp_path)


def post(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client)} | fields)


def views(world):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.second_views).order_by(tables.second_views.c.view_id)).all()


def close_some(world, count=1, code="visitor"):
    officer = world.client("officer")
    for case_id in file_cases(world, count):
        claim(officer, case_id)
        assert post(officer, f"/police/cases/{case_id}", action=f"close-explained:{code}", reason=SECRET_WORDS).status_code == 200


def draw(world, percent=100):
    world.clock.pass_time(minutes=10)  # nobody's session is over yet
    return draw_second_views(world.registry, now=world.clock.now(), percent=percent, random_bytes=random_bytes)


def colleagues(world, *names):
    for name in names:
        add_officer(world, f"acc-{name}", name)
    return [officer_named(world, name) for name in names]


def test_a_closed_case_is_seen_again_blind_by_another_and_a_third_settles_a_difference(world, log):
    colleagues(world, "hai", "ba")
    close_some(world)
    assert draw(world) == 1
    assert draw(world) == 0  # once
    (drawn,) = views(world)
    asked = drawn.reviewer_id.removeprefix("acc-")
    assert asked in {"hai", "ba"}
    second, page = officer_named(world, asked), f"/police/second-views/{drawn.view_id}"
    assert second.get(page).status_code == 403  # not before the draw stands in the log
    log.publish()
    shown = second.get(page).text
    assert "It cannot be told from this" in shown
    told = shown.split("<main")[1].split("<form")[0]
    assert not [each for each in ("A visitor who did not stay", SECRET_WORDS, "cong-an", "Closed: explained") if each in told]
    assert second.get(f"/police/cases/{drawn.case_id}").status_code == 403  # its own page would tell
    (beside,) = file_cases(world, 1)
    assert "A visitor who did not stay" not in second.get(f"/police/cases/{beside}").text  # so would one beside it
    assert "A visitor who did not stay" in world.client("officer").get(f"/police/cases/{beside}").text
    other = "ba" if asked == "hai" else "hai"
    assert [officer_named(world, each).get(page).status_code for each in (other, "cong-an")] == [403, 403]
    assert post(second, page, said="guilty", reason="x").status_code == 422
    assert post(second, page, said="declared", reason=" ").status_code == 422
    assert post(second, page, said="declared", reason="Có khai báo hôm sau").status_code == 200
    assert post(second, page, said="visitor", reason="x").status_code == 403  # once
    assert second.get(f"/police/cases/{drawn.case_id}").status_code == 200
    draw(world)
    assert views(world)[0].third_id == f"acc-{other}"
    third = officer_named(world, other)
    assert "Có khai báo hôm sau" not in third.get(page).text
    assert post(third, page, said="visitor", reason="Ghé chơi, hai chủ hộ nói").status_code == 200
    assert "Nothing was seen otherwise by two." in world.client("inspector").get("/inspect/second-views").text


def test_what_two_see_otherwise_an_inspector_looks_into_once_and_nobody_of_the_three(world, log):
    names = ("hai", "ba")
    colleagues(world, *names)
    close_some(world)
    draw(world)
    log.publish()
    for place in ("reviewer_id", "third_id"):
        (view,) = views(world)
        client = officer_named(world, getattr(view, place).removeprefix("acc-"))
        assert post(client, f"/police/second-views/{view.view_id}", said="cannot-tell", reason="Không đủ").status_code == 200
        draw(world)
    inspector = world.client("inspector")
    page = inspector.get("/inspect/second-views").text
    assert page.count("It cannot be told from this") == 2
    assert "Drawn again from its seed" in page
    assert ">not the same<" not in page
    path = f"/inspect/second-views/{view.view_id}"
    with world.registry.writing() as connection:
        person = {"person_id": "0198c0de-0000-7000-8000-000000000001"}
        both = tables.accounts.c.account_id.in_(["acc-inspector", "acc-officer"])
        connection.execute(update(tables.accounts).where(both).values(**person))
    assert post(inspector, path, reason="x").status_code == 403  # the closer, under another account
    with world.registry.writing() as connection:
        connection.execute(update(tables.accounts).values(person_id=None))
    assert post(officer_named(world, "cong-an"), path, reason="x").status_code == 403
    assert post(inspector, path, reason=" ").status_code == 422
    assert post(inspector, path, reason="Đã nghe giải trình").status_code == 200
    assert post(inspector, path, reason="again").status_code == 422
    with world.registry.reading() as connection:
        found = views_between(connection, "demo-01", view.closed_at, world.clock.now())
    assert pairs_of(found) == [("visitor", "cannot-tell")]


def test_nobody_sees_again_what_they_had_to_do_with_or_what_concerns_them(world):
    """One worked on the case before, one is the closer's second account, one declared an interest: nobody is left, and it waits."""
    vua, *_ = colleagues(world, "vua-lam", "hai-ten", "quyen-loi")
    (case_id,) = file_cases(world, 1)
    claim(vua, case_id)
    post(vua, f"/police/cases/{case_id}", action="release", reason="x")
    officer = world.client("officer")
    claim(officer, case_id)
    post(officer, f"/police/cases/{case_id}", action="close-explained:visitor")
    with world.registry.writing() as connection:
        person = "0198c0de-0000-7000-8000-000000000001"
        same = tables.accounts.c.account_id.in_(["acc-officer", "acc-hai-ten"])
        connection.execute(update(tables.accounts).where(same).values(person_id=person))
        interest = {"commune_code": "demo-01", "interest_id": "i", "account_id": "acc-quyen-loi", "kind": "relative", "premises_id": "blk-hoa-binh", "declared_by": "x", "declared_at": world.clock.now()}  # fmt: skip
        connection.execute(tables.officer_interests.insert(), [interest])
    assert draw(world) == 1
    assert [each.reviewer_id for each in views(world)] == [None]
    add_officer(world, "acc-moi", "moi")
    assert draw(world) == 0
    assert [each.reviewer_id for each in views(world)] == ["acc-moi"]


def test_a_draw_stands_in_the_log_and_what_is_changed_of_it_is_found(world, log):
    colleagues(world, "hai")
    close_some(world, 3)
    draw(world, percent=34)
    log.publish()
    entries = [read_entry(each) for each in log.entries()]
    assert [each.kind for each in entries].count("draw") == 1
    assert [each.number for each in entries] == list(range(1, len(entries) + 1))
    tiles = Tiles(len(entries), log.files.fetch)

    def problems():
        with world.registry.reading() as connection:
            return [each.code for each in looks_problems(connection, tiles, since=None)]

    assert problems() == []
    with world.registry.writing() as connection:
        (row,) = draws_of(connection, "demo-01")
        assert holds(connection, row)
        said = tables.log_statements.c.said
        text = connection.scalar(select(said))
        drawn = next(line for line in text.splitlines() if line.startswith("drawn "))
        connection.execute(update(tables.log_statements).values(said=text.replace(f"{drawn}\n", "")))
        assert not holds(connection, row)
    assert problems() == ["log.look_changed"]
    with world.registry.writing() as connection:
        connection.execute(delete(tables.log_statements))
    assert problems() == ["log.look_changed"]


def test_what_closed_by_itself_or_was_opened_again_is_not_drawn(world):
    close_some(world)
    officer = world.client("officer")
    with world.registry.reading() as connection:
        case_id = connection.scalar(select(tables.cases.c.case_id))
    assert post(officer, f"/police/cases/{case_id}", action="reopen", reason="x").status_code == 200
    assert draw(world) == 0
