"""A lack of papers is never by itself a reason: whatever somebody cannot show, they are declared, found again, and nothing that escalates reads their path."""

from __future__ import annotations

import secrets
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from factories import EVENING, make_declaration, make_person
from hypothesis import given, settings
from hypothesis import strategies as st
from laid_tables import lay_sqlite
from recording_town import Town, make_presence, make_town

from gateway.sweep import sweep
from registry import tables
from residence.clock import rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import PartialDate
from residence.stays.check import check_declaration
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
STATED = Evidence(level=EvidenceLevel.STATED, source="typed")
WORDS = ("An", "Bình", "Cúc", "Dần", "Giang", "Hậu", "Khế", "Lụa", "Mận", "Quýt", "Sen", "Xoan")
_number = count(1)

# what somebody cannot say or show
lacking = st.sets(st.sampled_from(("number", "document", "birth", "day", "month", "sex", "home")))


def someone(name: str, number: str, lacks: set[str]):
    birth = PartialDate(value="1995-02-01", precision="day")
    if "month" in lacks:
        birth = PartialDate(value="1995", precision="year")
    elif "day" in lacks:
        birth = PartialDate(value="1995-02", precision="month")
    return make_person(
        full_name=name,
        document=None,
        personal_number=None if "number" in lacks else number,
        birth=None if "birth" in lacks else birth,
        sex=None if "sex" in lacks else "male",
        residence_text=None if "home" in lacks else "Số 5 Ngõ 10",
    )


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lacking")
    made = make_town(lay_sqlite(folder / "registry.db"), folder / "vault")
    yield made
    made.registry.close()


@settings(max_examples=40, deadline=None)
@given(declared=lacking, seen=lacking, kind=st.sampled_from(("entry", "night_check", "desk")), hours=st.integers(1, 60))
def test_who_declared_without_papers_and_is_met_without_papers_is_known_to_stay(town: Town, declared, seen, kind, hours):
    number = next(_number)
    name = (
        f"Trần {WORDS[number % len(WORDS)]} {WORDS[number // len(WORDS) % len(WORDS)]} {WORDS[-1 - number // 144 % len(WORDS)]}"
    )
    own = f"0010950{number:05d}"
    if "birth" in declared:
        declared = declared | {"number"}  # whoever has a number has a paper with the day they were born
    town.now = EVENING
    said = make_declaration(
        person=someone(name, own, declared), evidence=STATED, planned_departure=rfc3339(EVENING + timedelta(days=9))
    )
    problems = check_declaration(said, premises=None, rules=RULES, now=EVENING).problems
    assert [each.code for each in problems if each.severity == "error"] == []
    recorded = town.record(town.say(said))[0].receipt
    assert recorded.state == "accepted"
    town.now = EVENING + timedelta(hours=hours)
    met = make_presence(someone(name, own, seen), kind=kind, seen_at=rfc3339(town.now), evidence=STATED)
    town.record(town.say(met))
    sweep(town.registry, rules=RULES, now=town.now + timedelta(days=2), random_bytes=secrets.token_bytes)
    sweep(town.registry, rules=RULES, now=town.now + timedelta(days=4), random_bytes=secrets.token_bytes)
    assert town.rows(tables.notices) == []
    assert town.rows(tables.cases) == []
    assert [row.code for row in town.rows(tables.findings) if row.severity == "error"] == []


def test_another_name_or_another_number_still_explains_nothing(town: Town):
    """The benefit goes to whoever lacks papers, not to whoever is somebody else."""
    town.now = EVENING
    town.record(town.say(make_declaration(person=someone("Lê Thật Rồi", "001095900001", {"birth"}), evidence=STATED)))
    for name, number, lacks in (("Lê Thật Khác", "001095900001", {"birth", "number"}), ("Lê Thật Rồi", "001095900019", set())):
        met = make_presence(someone(name, number, lacks), kind="night_check", seen_at=rfc3339(EVENING + timedelta(hours=9)))
        town.record(town.say(met))
    assert len(town.rows(tables.presences)) == 2


def test_nothing_that_finds_or_escalates_reads_a_path():
    root = Path(tables.__file__).parent.parent
    reading = {
        str(each.relative_to(root))
        for folder in ("registry", "gateway", "residence")
        for each in (root / folder).rglob("*.py")
        if any(word in each.read_text("utf-8") for word in ("tables.paths", "registry.paths", "path_steps", "residence.paths"))
    }
    ours = {"registry/paths.py", "registry/path_handovers.py", "registry/tables_paths.py", "registry/tables.py"}
    kept = {
        "registry/retention.py",
        "registry/deletions.py",
        "registry/merging.py",
        "registry/sealed_columns.py",
        "registry/migrations/versions/0001_lay_the_tables.py",
    }
    noting = {"gateway/reminders.py"}  # writes down what is late, and nothing else
    answering = {"gateway/path_questions.py", "residence/wire/kiosk_answers.py"}  # tell who holds the slip how far their path is
    assert {each for each in reading if not each.startswith("residence/paths/")} <= ours | kept | noting | answering
