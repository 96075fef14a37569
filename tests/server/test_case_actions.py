"""What an officer does with a claimed case: asks the host and hears the reply, reminds, accepts an explanation, refers to an office, declares for somebody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from server_parts import csrf_of, fields_of
from server_police import add_officer, file_cases, officer_named
from sqlalchemy import select

from registry import tables
from residence.cases.closing import CLOSING
from residence.cases.offices import read_offices
from residence.cases.questions import ACCEPTED
from residence.cases.transitions import CaseStatus
from residence.errors import Malformed


@pytest.fixture
def officer(world):
    return world.client("officer")


def do(client, case_id, action, **more):
    return client.post(f"/police/cases/{case_id}/{action}", data={"csrf": csrf_of(client)} | more)


def step(client, case_id, action, **more):
    return client.post(f"/police/cases/{case_id}", data={"csrf": csrf_of(client), "action": action} | more)


def claimed(world, officer, *, at_hotel=False):
    """Open a case and claim it; the hotel's clerk is the one who can be asked at a desk."""
    case_id = file_cases(world, 3, premises=True)[2] if at_hotel else world.open_case()
    step(officer, case_id, "claim", purpose="undeclared-case")
    return case_id


def row_of(world, case_id):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.cases).where(tables.cases.c.case_id == case_id)).one()


def reply(clerk, said, notice_id):
    form = {"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "notice_id": notice_id, "reply": said}
    return clerk.post("/desk/questions", data=form)


def asked_notice(world):
    with world.registry.reading() as connection:
        columns = tables.notices.c
        return connection.execute(select(tables.notices).where(columns.kind == "officer-asks")).one()


def test_a_question_waits_at_the_desk_and_the_reply_gives_the_case_back_with_what_it_speaks_for(world, officer):
    case_id = claimed(world, officer, at_hotel=True)
    assert "Asked, waiting for an answer" in do(officer, case_id, "ask").text
    clerk = world.client("clerk")
    assert "Questions of the police: 1" in clerk.get("/desk").text
    page = clerk.get("/desk/questions").text
    assert "who somebody seen here" in page
    assert "201" in page
    assert reply(clerk, "", asked_notice(world).notice_id).status_code == 403
    assert "No question waits" in reply(clerk, "visitor", asked_notice(world).notice_id).text
    assert reply(clerk, "left", asked_notice(world).notice_id).status_code == 403  # answered once
    page = officer.get(f"/police/cases/{case_id}").text
    assert "the host says: a visitor (le-tan)" in page
    assert '<option value="visitor" selected>' in page
    assert row_of(world, case_id).state == "claimed"
    closed = do(officer, case_id, "accept", explanation="visitor").text
    assert "Close: an innocent explanation holds – A visitor who did not stay the night" in closed
    assert "a visitor who does not stay the night" in closed.split("What happened")[1]


def test_a_reply_comes_through_the_messages_link_without_an_account(world, officer):
    case_id = claimed(world, officer)
    do(officer, case_id, "ask")
    with world.registry.reading() as connection:
        columns = tables.messages.c
        message_id = connection.scalar(select(columns.message_id).where(columns.about == asked_notice(world).notice_id))
    visitor = world.client()
    link = f"/n/{message_id}/{world.vault.link_proof(message_id)}"
    assert "I know nobody like that" in visitor.get(link).text
    assert visitor.post(f"{link}/visitor", data={"csrf": csrf_of(visitor)}).status_code == 403  # that answers another notice
    told = visitor.post(f"{link}/reply", data={"csrf": csrf_of(visitor), "reply": "nobody_known"})
    assert told.status_code == 200
    assert row_of(world, case_id).state == "claimed"
    assert visitor.post(f"{link}/reply", data={"csrf": csrf_of(visitor), "reply": "left"}).status_code == 409
    assert "knows nobody like that" in officer.get(f"/police/cases/{case_id}").text


def test_a_question_and_a_reminder_go_out_once_a_day_and_say_what_the_law_asks(world, officer):
    case_id = claimed(world, officer)
    assert "Please declare, sent once more" in do(officer, case_id, "remind").text
    again = do(officer, case_id, "remind")
    assert (again.status_code, "sent today" in again.text) == (403, True)
    world.clock.pass_time(days=1, hours=1)
    officer = world.client("officer")
    assert do(officer, case_id, "remind").status_code == 200
    with world.registry.reading() as connection:
        columns = tables.messages.c
        sent = connection.execute(select(columns.recipient).where(columns.kind == "notice")).scalars().all()
    assert sorted(sent) == ["premises"] * 3 + ["seen"] * 3  # the notice before the case, and twice the officer's


def test_a_reminder_is_met_by_declaring_through_its_link(world, officer):
    case_id = claimed(world, officer)
    do(officer, case_id, "remind")
    with world.registry.reading() as connection:
        notices, messages = tables.notices.c, tables.messages.c
        notice_id = connection.scalar(select(notices.notice_id).where(notices.kind == "please-declare-again"))
        message_id = connection.scalar(
            select(messages.message_id).where(messages.about == notice_id, messages.recipient == "premises")
        )
    page = world.client().get(f"/n/{message_id}/{world.vault.link_proof(message_id)}").text
    assert "The police remind you" in page
    assert 'value="2026-07-10T14:00"' in page  # when somebody was first seen


def test_a_case_is_referred_to_an_office_of_the_list_with_a_reason(world, officer):
    case_id = claimed(world, officer)
    assert do(officer, case_id, "refer", office="no-such", reason="x").status_code == 403
    assert do(officer, case_id, "refer", office="social-help").status_code == 403  # without a word why
    page = do(officer, case_id, "refer", office="social-help", reason="asked for help").text
    assert "Referred to another office: Social help, children, victims: asked for help" in page
    assert row_of(world, case_id).closing_code == "referred"


def test_no_step_of_the_old_form_asks_without_a_question_or_refers_to_nobody(world, officer):
    case_id = claimed(world, officer)
    assert step(officer, case_id, "ask").status_code == 403
    assert step(officer, case_id, "close-action:referred", reason="x").status_code == 403
    assert do(officer, case_id, "no-such-action").status_code == 403
    assert do(officer, case_id, "accept", explanation="curiosity").status_code == 403
    assert row_of(world, case_id).state == "claimed"


def test_only_the_claimant_acts(world, officer):
    case_id = claimed(world, officer)
    other = officer_named(world, add_officer(world, "acc-second", "thu-hai"))
    for action in ("ask", "remind", "accept", "refer"):
        assert do(other, case_id, action, explanation="visitor", office="other", reason="x").status_code == 403, action
    assert "Ask, explain, refer" not in other.get(f"/police/cases/{case_id}").text


def test_every_explanation_closes_as_explained_and_most_are_nobodys_fault():
    assert {CLOSING[code].status for code in ACCEPTED.values()} == {CaseStatus.CLOSED_EXPLAINED}
    assert all(CLOSING[code].no_fault for code in ACCEPTED.values())


@pytest.mark.parametrize("text", ["", "x = 1", "[[office]]\nname = 'A'", "[[office]]\nname='a'\ntitle={vi='a',en='a'}\n" * 2])
def test_a_file_of_offices_that_cannot_be_used_is_refused(text):
    with pytest.raises(Malformed):
        read_offices(text.encode())


def test_an_answer_that_was_expected_and_did_not_come_makes_the_case_urgent(world, officer):
    case_id = claimed(world, officer)
    do(officer, case_id, "ask")
    world.clock.instant += timedelta(days=3)
    assert "The answer was due on" in world.client("officer").get(f"/police/cases/{case_id}").text


def test_an_officer_declares_for_somebody_they_met_at_the_cases_premises_alone_and_the_case_is_closed(world, officer):
    case_id = claimed(world, officer)
    before = looks(world)
    page = officer.get(f"/police/cases/{case_id}/declare").text
    assert looks(world) == before + 1
    assert 'value="Phạm Thị Thử Nghiệm"' in page
    assert "001195000222" not in page  # the purpose releases last digits only
    form = fields_of(page) | {
        "csrf": csrf_of(officer), "premises_id": "htl-sao-mai", "full_name": "Phạm Thị Thử Nghiệm", "birth": "01/02/1995", "sex": "female",
        "nationality": "VNM", "unit": "1204", "arrival": "2026-07-10T14:00", "planned_departure": "2026-07-12T12:00", "reason": "visit",
        "document_kind": "none", "attested": "yes",
    }  # fmt: skip
    warned = officer.post(f"/police/cases/{case_id}/declare", data=form)
    assert "Declared without papers" in warned.text
    form |= {"seen_warnings": fields_of(warned.text)["seen_warnings"]}
    answers = [officer.post(f"/police/cases/{case_id}/declare", data=form) for _ in range(2)]
    assert ["Accepted by the registry" in each.text for each in answers] == [True, True]
    with world.registry.reading() as connection:
        (said,) = connection.execute(select(tables.declarations)).all()
        grounds = connection.execute(select(tables.case_grounds)).all()
    assert (said.declarant_role, said.premises_id, said.evidence_level) == ("officer", "blk-hoa-binh", 6)
    assert [(each.kind, each.value) for each in grounds] == [("declaration", said.declaration_id)]
    assert row_of(world, case_id).state == "closed-declared"
    assert do(officer, case_id, "declare", declaration_id="another").status_code == 403  # closed


def test_nobody_declares_for_somebody_without_the_claim(world, officer):
    case_id = world.open_case()
    assert officer.get(f"/police/cases/{case_id}/declare").status_code == 403
    assert do(officer, case_id, "declare").status_code == 403
    assert do(world.client("clerk"), case_id, "declare").status_code == 403


def looks(world):
    with world.registry.reading() as connection:
        return len(connection.execute(select(tables.access_records)).all())
