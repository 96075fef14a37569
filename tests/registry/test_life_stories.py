"""Nobody is left behind: two hundred invented life stories lived day by day through the real registry, by offices that are prompt, slow or shut.

What must hold on every day, for everybody: the slip tells something true; no clock passes unnoticed; nobody stands where nothing can be done; nobody becomes a
case or a notice, for they lack papers and nothing else; a helper is nobody's person. In the end every path has ended in a state that says what comes next.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from factories import EVENING, make_declaration, make_person
from life_stories import Story, tell
from recording_town import Town, make_presence, make_town
from sqlalchemy import func, select

from gateway.reminders import remind
from gateway.sweep import sweep
from registry import tables
from registry.numbering import Means, Officer, join_number, take_back
from registry.numbering import Means as NumberMeans
from registry.path_handovers import Agreed, hand_over, handovers_of, sheet_for
from registry.path_handovers import take_back as take_consent_back
from registry.paths import REST_AFTER, Beginning, Taken, begin_path, note_late, path_by_code, path_of, step_path
from registry.release import Look
from residence.access.purposes import Field, Purpose
from residence.clock import rfc3339
from residence.paths.following import progress, told
from residence.paths.steps import ENDS, MAY_RESUME, NEXT, OF_THE_PERSON, STATES
from residence.paths.words import SPOKEN
from residence.stays.rules import load_rule_book

COMMUNE, BLOCK = "demo-01", "blk-hoa-binh"
DAYS = 150
PROMPT, SLOW, SHUT = "prompt", "slow", "shut"


class Ward:
    """The offices and people of one commune, and the day it is."""

    def __init__(self, town: Town, stories: list[Story], seed: int) -> None:
        self.town, self.draw, self.stories = town, random.Random(seed), stories
        self.day, self.paths = 0, dict[int, str]()
        self.office = {story.number: (PROMPT, SLOW, SHUT)[story.number % 3] for story in stories}
        self.waiting_since: dict[int, int] = {}  # since when somebody was asked, has ended, or their office has it
        self.joined: Counter[int] = Counter()
        self.late: dict[str, set] = defaultdict(set)
        self.unnoticed: list[str] = []
        self.speechless: list[str] = []

    @property
    def now(self):
        return EVENING + timedelta(days=self.day)

    def means(self) -> Means:
        return Means(vault=self.town.registry.vault, now=self.now, random_bytes=secrets.token_bytes)

    def declare(self) -> None:
        """Let those who stay somewhere be declared at a kiosk, without any paper."""
        self.said = {}
        statements = []
        for story in (each for each in self.stories if each.declared):
            person = make_person(full_name=story.name, personal_number=None, document=None, birth=None)
            message = make_declaration(
                person=person,
                arrival=rfc3339(EVENING - timedelta(hours=2)),
                planned_departure=rfc3339(EVENING + timedelta(days=28)),
            )
            self.said[story.number] = message.declaration_id
            statements.append(self.town.say(message))
        self.receipts = self.town.record(*statements)

    def see_at_night(self) -> None:
        people = [
            make_person(full_name=each.name, personal_number=None, document=None, birth=None)
            for each in self.stories
            if each.seen_at_night
        ]
        self.town.now = self.now + timedelta(hours=9)
        seen = rfc3339(self.town.now)
        self.town.record(*(self.town.say(make_presence(each, kind="night_check", unit="1204", seen_at=seen)) for each in people))

    def live_a_day(self) -> None:
        with self.town.registry.writing() as connection:
            rows = {row.path_id: row for row in connection.execute(select(tables.paths))}
            for story in self.stories:
                if story.begins_on == self.day:
                    self.begin(connection, story)
                elif story.number in self.paths:
                    self.live(connection, story, rows[self.paths[story.number]])

    def begin(self, connection, story: Story) -> None:
        said = Beginning(
            situation=story.situation, way=story.way, commune_code=COMMUNE, declaration_id=self.said.get(story.number),
            called="" if story.declared else story.name, helper_kind=story.helper, helper=story.helper_name,
        )  # fmt: skip
        self.paths[story.number] = begin_path(connection, said, means=self.means()).path_id

    def live(self, connection, story: Story, row) -> None:
        if row.state in ENDS:
            self.after_the_end(connection, story, row)
        elif story.changes_mind_on == self.day - story.begins_on:
            self.step(connection, story, "withdraw", by=None)
        elif row.state == "asked" and story.comes_after is not None and self.waited(story) >= story.comes_after:
            self.step(connection, story, "came", by=None)
        elif self.is_open(story):
            self.work(connection, story, row)

    def after_the_end(self, connection, story: Story, row) -> None:
        back = story.returns_after is not None and self.waited(story) >= story.returns_after
        if row.state in MAY_RESUME and back and self.day < DAYS - 100:
            self.step(connection, story, "resume", by=None)
        comes = story.number_comes_on is not None and self.day - story.begins_on >= story.number_comes_on
        if row.person_id and comes and not self.joined[story.number]:
            self.join(connection, story, row)

    def join(self, connection, story: Story, row) -> None:
        means = NumberMeans(vault=self.town.registry.vault, now=self.now, random_bytes=secrets.token_bytes)
        officer, right = Officer(account_id="officer", reason="notice shown"), f"0013260{story.number:05d}"
        if story.mistyped_first:
            wrong = join_number(
                connection, row.person_id, f"0013269{story.number:05d}", on=self.now.date(), officer=officer, means=means
            )
            take_back(connection, wrong.event_id, officer=officer, means=means)
        assert join_number(connection, row.person_id, right, on=self.now.date(), officer=officer, means=means).event_id
        self.joined[story.number] += 1

    def is_open(self, story: Story) -> bool:
        kind = self.office[story.number]
        return kind == PROMPT or (kind == SLOW and self.day % 7 == 3) or (kind == SHUT and not 10 <= self.day < 60)

    def work(self, connection, story: Story, row) -> None:
        """Do what an officer could know to do, one step a day."""
        if row.state == "begun":
            self.step(connection, story, "take")
        elif row.in_database is None:
            self.step(connection, story, "looked", in_database=story.in_database)
        elif row.state == "asked":
            if self.now >= row.changed_at + REST_AFTER:
                self.step(connection, story, "rest")
        elif row.state == "elsewhere":
            if self.waited(story) >= 5:
                self.step(connection, story, "answered")
        else:
            self.go_on(connection, story, row)

    def go_on(self, connection, story: Story, row) -> None:
        given = handovers_of(connection, row.path_id)
        if row.state == "working" and not self.was_asked(connection, row):
            self.step(connection, story, "ask")
        elif story.has_papers_after_all:
            self.step(connection, story, "find_papers")
        elif story.office_wanted and not given:
            self.hand_over(connection, story, row)
        elif given and story.takes_consent_back and given[0].withdrawn_at is None:
            take_consent_back(connection, given[0], by=None, means=self.means())
        elif story.is_refused and not self.was_refused(connection, row):
            self.step(connection, story, "refuse", reason="another commune is competent", legal_basis="Art. 19")
        else:
            self.step(connection, story, "register")

    def hand_over(self, connection, story: Story, row) -> None:
        look = Look(account_id="officer", role="officer", purpose=Purpose.HAND_OVER, commune_code=COMMUNE, about=row.path_id)
        heard_in = self.draw.choice(SPOKEN)
        shown = sheet_for(connection, row, (Field.FULL_NAME,), language=heard_in, look=look, means=self.means())
        assert story.name in shown
        agreed = Agreed(office=story.office_wanted, fields=(Field.FULL_NAME,), shown=shown, heard_in=heard_in)
        hand_over(connection, row, agreed, look=look, means=self.means())
        self.waiting_since[story.number] = self.day

    def step(self, connection, story: Story, name: str, *, by: str | None = "officer", **said) -> None:
        step_path(connection, self.paths[story.number], Taken(step=name, by=by, **said), means=self.means())
        self.waiting_since[story.number] = self.day

    def waited(self, story: Story) -> int:
        return self.day - self.waiting_since.get(story.number, self.day)

    def was_asked(self, connection, row) -> bool:
        return self.has_step(connection, row, "came")

    def was_refused(self, connection, row) -> bool:
        return self.has_step(connection, row, "refuse")

    def has_step(self, connection, row, name) -> bool:
        steps = tables.path_steps.c
        return (
            connection.scalar(select(steps.step_id).where(steps.path_id == row.path_id, steps.step == name).limit(1)) is not None
        )

    def look_round(self) -> None:
        """Let the hour's work run, and see what everybody's slip says."""
        if self.day % 50 == 0:
            remind(self.town.registry, rules=load_rule_book(), now=self.now, random_bytes=secrets.token_bytes)
        with self.town.registry.writing() as connection:  # what the reminding does every hour
            note_late(connection, COMMUNE, means=self.means())
        with self.town.registry.reading() as connection:
            late = connection.execute(
                select(tables.path_steps.c.path_id, tables.path_steps.c.due).where(tables.path_steps.c.step == "late")
            ).all()
            rows = connection.execute(select(tables.paths)).all()
        noted = set(map(tuple, late))
        for row in rows:
            found = progress(row.state, changed_at=row.changed_at, before=row.due, now=self.now)
            if row.state not in ENDS and (self.now >= row.due) != (found.late and (row.path_id, row.due) in noted):
                self.unnoticed.append(row.path_id)
            if found.state not in STATES or not all(told(found, "vi")):
                self.speechless.append(row.path_id)


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    from laid_tables import lay_sqlite

    folder = tmp_path_factory.mktemp("stories")
    town = make_town(lay_sqlite(folder / "registry.db"), folder / "vault")
    lived = Ward(town, tell(seed=19), seed=19)
    lived.declare()
    for day in range(DAYS):
        lived.day = day
        lived.live_a_day()
        if day in {0, 2}:
            lived.see_at_night()
        if day in {0, 1, 2, 3, 5}:
            sweep(town.registry, rules=load_rule_book(), now=lived.now + timedelta(hours=10), random_bytes=secrets.token_bytes)
        lived.look_round()
    yield lived
    town.registry.close()


def test_the_stories_are_of_every_kind_and_clocks_were_missed_so_that_there_was_something_to_notice(ward):
    ends = Counter(row.state for row in ward.town.rows(tables.paths))
    assert sum(ends.values()) == len(ward.stories) == 200
    assert set(ends) == ENDS
    assert sum(row.step == "late" for row in ward.town.rows(tables.path_steps)) > 20
    assert sum(ward.joined.values()) > 20
    assert len(ward.town.rows(tables.path_handovers)) > 40


def test_every_path_ends_in_a_stated_end_and_none_stood_still_where_nothing_could_be_done(ward):
    assert [row.path_id for row in ward.town.rows(tables.paths) if row.state not in ENDS] == []
    assert ward.speechless == []
    for state, following in NEXT.items():
        if state not in ENDS:
            assert set(following) & OF_THE_PERSON, state
            assert set(following) - OF_THE_PERSON - {"late"}, state
    assert all(NEXT[state] for state in MAY_RESUME)


def test_no_clock_was_missed_unnoticed(ward):
    assert ward.unnoticed == []


def test_nobody_became_a_case_or_a_notice_or_an_error_for_lack_of_papers(ward):
    assert ward.town.rows(tables.cases) == []
    assert [row.kind for row in ward.town.rows(tables.notices) if row.kind != "thirty-days"] == []
    assert ward.town.rows(tables.presences) == []
    assert {each.receipt.state for each in ward.receipts} == {"accepted"}
    severe = [row.code for row in ward.town.rows(tables.findings) if row.severity == "error"]
    assert severe == []


def test_everybody_can_follow_with_the_code_they_were_given(ward):
    with ward.town.registry.reading() as connection:
        for story in ward.stories:
            row = path_of(connection, ward.paths[story.number])
            assert path_by_code(connection, row.code).path_id == row.path_id


def test_a_helper_is_nobodys_person_and_no_number_was_made_up(ward):
    declared = [each for each in ward.stories if each.declared]
    with ward.town.registry.reading() as connection:
        stated = tables.persons.c.declaration_id.is_not(None)
        assert connection.scalar(select(func.count()).select_from(tables.persons).where(stated)) == len(declared)
        words = {ward.town.registry.vault.token_index(COMMUNE, each) for each in ("giup", "tay")}
        assert (
            connection.scalar(
                select(func.count()).select_from(tables.name_tokens).where(tables.name_tokens.c.token_index.in_(words))
            )
            == 0
        )
        events = connection.execute(
            select(tables.identifier_events.c.event, func.count()).group_by(tables.identifier_events.c.event)
        ).all()
    mistyped = sum(each.mistyped_first for each in ward.stories if ward.joined[each.number])
    assert dict(map(tuple, events)) == {"joined": sum(ward.joined.values()) + mistyped, "taken_back": mistyped}
    assert mistyped


def test_what_was_handed_over_was_agreed_to_is_in_the_access_log_and_gone_where_it_was_taken_back(ward):
    given = {row.handover_id: row for row in ward.town.rows(tables.path_handovers)}
    told_of = {row.about for row in ward.town.rows(tables.access_records) if row.way == "told"}
    assert told_of == set(given)
    assert {row.withdrawn_at is None for row in given.values()} == {True, False}
    assert all((row.sheet_sealed is None) == (row.withdrawn_at is not None) for row in given.values())
