"""A call for a person and a resident's word about a guest, from the kiosk to people and back, over a real broker and registry."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest
from authority import Authority
from factories import EVENING
from gateway_thread import GatewayThread, eventually
from kiosk_page_parts import OutboxInMemory, make_profile
from line_parts import kiosk_of

from edge_agent.agent import KioskAgent
from edge_agent.kiosk.effects import CallPerson, EndCall
from edge_agent.kiosk.events import CallEnded, CodeGiven, PersonCalled, PurposeChosen, Started, WentBack
from edge_agent.kiosk.path_states import PathShown
from edge_agent.kiosk.showing import shown
from gateway.kiosk_answers import KioskAnswering
from gateway.path_questions import PathQuestions
from luutru.system import random_bytes, system_clock
from registry.kiosk_calls import acknowledge_call, answers_by_kiosk, calls_of, hear_calls, waiting_calls
from registry.numbering import Means
from registry.paths import Beginning, begin_path
from residence.clock import uuid7
from residence.errors import Conflict, LuutruError, Refused
from residence.paths.steps import Situation
from residence.wire.kiosk_answers import KioskAnswers, sign_answers, verify_answers
from residence.wire.state import KioskState
from residence.wire.topics import paper_topic

CALL, OTHER = "018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    office = Authority(folder)
    office.ring = office.keyring
    yield office
    office.close()


def said(kiosk, call="", *, online=True, session=1):
    return KioskState(kiosk_id=kiosk.kiosk_id, session=session, online=online, at="2026-07-10T07:00:00Z", call=call)


def hear(office, *states):
    with office.registry.writing() as connection:
        return hear_calls(connection, states, now=office.clock.now())


def acknowledge(office, call=CALL, commune="demo-01"):
    with office.registry.writing() as connection:
        acknowledge_call(connection, call, commune_code=commune, by="acc-1", now=office.clock.now())


def listed(office, commune="demo-01"):
    with office.registry.reading() as connection:
        return [(each.call_id, each.waits) for each in calls_of(connection, commune, since=EVENING.replace(year=2020))]


def test_a_call_is_heard_seen_by_an_operator_and_the_kiosk_is_told_both(office, broker, tmp_path, request):
    outbox, _, _, asked, uplink = kiosk_of(office, broker, tmp_path / "kiosk")
    agent = KioskAgent(
        profile=make_profile(),
        clock=system_clock(),
        random_bytes=random_bytes,
        outbox=OutboxInMemory(),
        asked=asked,
        connection=lambda: uplink.health().state.value,
    )
    request.addfinalizer(agent.stop)
    request.addfinalizer(uplink.stop)
    agent.start()
    uplink.start()
    standing = lambda: agent.view().state.calling.standing  # noqa: E731
    call_id = agent.fresh_id()
    agent.act(PersonCalled(fresh_id=call_id)).result(10)
    eventually(lambda: uplink.health().state.value == "up" and not asked.has_news())
    assert standing() == "calling"  # no gateway has heard it, and the screen does not say so
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    request.addfinalizer(gateway.stop)
    eventually(lambda: standing() == "heard")
    acknowledge(office, call_id)
    eventually(lambda: standing() == "acknowledged")
    assert asked.open_call() == ""
    agent.act(CallEnded()).result(10)
    uplink.stop()
    outbox.close()


def test_a_new_number_is_a_new_call_and_a_kiosk_that_asks_no_more_closes_it(office):
    kiosk, other = office.kiosk(0), office.kiosk(1)
    assert hear(office, said(kiosk, CALL), said(other)) == 1
    assert hear(office, said(kiosk, CALL)) == 0
    assert listed(office) == [(CALL, True)]
    hear(office, said(kiosk, OTHER))
    assert listed(office) == [(OTHER, True), (CALL, False)]
    hear(office, said(kiosk, online=False))  # the last word of a kiosk that died: whoever called may still stand there
    assert listed(office)[0] == (OTHER, True)
    hear(office, said(kiosk))
    assert listed(office) == [(CALL, False), (OTHER, False)] or listed(office) == [(OTHER, False), (CALL, False)]
    assert hear(office, said(kiosk, "not a number")) == 0


def test_one_operator_acknowledges_and_only_in_their_own_commune(office):
    hear(office, said(office.kiosk(), CALL))
    with pytest.raises(Refused, match="call_unknown"):
        acknowledge(office, commune="elsewhere")
    acknowledge(office)
    with pytest.raises(Conflict, match="call_acknowledged"):
        acknowledge(office)
    with office.registry.reading() as connection:
        assert waiting_calls(connection, "demo-01", since=EVENING.replace(year=2020)) == 0
        told = answers_by_kiosk(connection, since=EVENING.replace(year=2020))
    assert told == {office.kiosk().kiosk_id: {CALL: "acknowledged"}}


class Sent:
    """A transport that keeps what is published."""

    def __init__(self):
        self.papers = []

    def publish(self, topic, payload, *, retain=False):
        assert retain
        self.papers.append((topic, payload))
        return True

    def flush(self):
        pass


def test_a_paper_is_sent_when_it_says_something_else_and_to_its_kiosk_alone(office):
    answering = KioskAnswering(office.registry, office.intake.trust, signer=office.fleet.receipt_key)
    sent, now = Sent(), office.clock.now()
    assert answering.send(sent, now) == 0
    hear(office, said(office.kiosk(), CALL))
    assert [answering.send(sent, now), answering.send(sent, now)] == [1, 0]
    acknowledge(office)
    assert answering.send(sent, now) == 1
    kiosk = office.kiosk()
    assert {topic for topic, _ in sent.papers} == {paper_topic(kiosk.premises_id, kiosk.kiosk_id, "answers")}
    read = [verify_answers(payload, keyring=office.keyring, kiosk_id=kiosk.kiosk_id).calls for _, payload in sent.papers]
    assert read == [{CALL: "heard"}, {CALL: "acknowledged"}]


@pytest.mark.parametrize("what", ["another kiosk's", "another key's", "bent", "too long", "no paper"])
def test_a_kiosk_believes_the_authority_about_itself_and_nobody_else(office, broker, tmp_path, what):
    outbox, _, _, asked, _ = kiosk_of(office, broker, tmp_path / "kiosk")
    kiosk_id = office.kiosk().kiosk_id
    answers = KioskAnswers(
        kiosk_id="another" if what == "another kiosk's" else kiosk_id, at="2026-07-10T07:00:00Z", calls={CALL: "heard"}
    )
    signer = office.kiosk().signer if what == "another key's" else office.fleet.receipt_key
    data = sign_answers(answers, signer)
    data = {"bent": data[:-1] + bytes([data[-1] ^ 1]), "too long": data + bytes(20_000), "no paper": b"\xff"}.get(what, data)
    with pytest.raises(LuutruError):
        asked.take(data)
    assert asked.call_answer(CALL) is None
    outbox.close()


def test_an_older_paper_that_comes_late_takes_nothing_back_and_a_call_ends_by_itself(office, broker, tmp_path):
    outbox, _, _, asked, _ = kiosk_of(office, broker, tmp_path / "kiosk")
    kiosk_id = office.kiosk().kiosk_id
    for minute, answer in ((5, "acknowledged"), (4, "heard")):
        paper = KioskAnswers(kiosk_id=kiosk_id, at=f"2026-07-10T07:0{minute}:00Z", calls={CALL: answer}, hosts={OTHER: "refused"})
        asked.take(sign_answers(paper, office.fleet.receipt_key))
    assert (asked.call_answer(CALL), asked.host_answer(OTHER)) == ("acknowledged", "refused")
    asked.ask(CallPerson(call_id=OTHER))
    assert (asked.has_news(), asked.tell(), asked.has_news()) == (True, (OTHER, ""), False)
    asked.ask(EndCall())
    assert (asked.has_news(), asked.tell()) == (True, ("", ""))
    outbox.close()


def begun(office):
    """Begin a path as an office would; returns its slip's code."""
    means = Means(vault=office.registry.vault, now=office.clock.now(), random_bytes=random_bytes)
    said = Beginning(situation=Situation.NO_HOME, way="office", commune_code="demo-01", called="Cô Bình Thử", words="no roof")
    with office.registry.writing() as connection:
        return begin_path(connection, said, means=means).code


def test_somebody_with_a_slip_at_a_kiosk_sees_how_far_their_path_is_and_nothing_of_it_stays(office, broker, tmp_path, request):
    code = begun(office)
    outbox, _, _, asked, uplink = kiosk_of(office, broker, tmp_path / "kiosk")
    agent = KioskAgent(
        profile=make_profile(), clock=system_clock(), random_bytes=random_bytes, outbox=OutboxInMemory(), asked=asked,
        connection=lambda: uplink.health().state.value,
    )  # fmt: skip
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    for each in (gateway, uplink, agent):
        request.addfinalizer(each.stop)
    agent.start()
    act = lambda event: agent.act(event).result(10)  # noqa: E731
    for event in (Started(), PurposeChosen(purpose="change"), PurposeChosen(purpose="path")):
        act(event)
    act(CodeGiven(text=code, fresh_id=agent.fresh_id()))
    page = lambda: shown(agent.view(), profile=make_profile(), now=office.clock.now())["screen"]  # noqa: E731
    assert "không có mạng" in page()["said"]  # without a line it says so
    uplink.start()
    eventually(lambda: isinstance(agent.view().state.screen, PathShown))
    assert page()["code"] == code
    assert page()["lines"][0] == "Chúng tôi đã nhận."
    assert re.search(r"\d\d/\d\d/\d{4}", page()["lines"][2])  # by when
    eventually(lambda: asked.open_question() == "" and not asked.has_news())
    act(WentBack())
    assert code not in repr(agent.view().state)
    assert (vars(asked)["_question"].code, vars(asked)["_told"]) == ("", ("", ""))
    uplink.stop()
    outbox.close()


def test_every_question_of_a_kiosk_is_answered_not_only_its_first(office):
    code, kiosk, now = begun(office), office.kiosk(), office.clock.now()
    answering = KioskAnswering(office.registry, office.intake.trust, signer=office.fleet.receipt_key)
    sent, asked = Sent(), [str(uuid7(now, random_bytes(10))) for _ in range(5)]
    for number, text in zip(asked, ("K7QM-2XW9-4TRN", code, code, "K7QM-2XW9-4TRN", code), strict=True):
        answering.questions.hear(msgspec.structs.replace(said(kiosk), path=f"{number} {text}"))
        assert [answering.send(sent, now), answering.send(sent, now)] == [1, 0]
        told = verify_answers(sent.papers[-1][1], keyring=office.keyring, kiosk_id=kiosk.kiosk_id).paths
        assert told[number].state == ("begun" if text == code else "unknown")
    assert list(told) == asked[-3:]


def test_a_kiosk_may_not_try_codes_one_after_the_other(office):
    code, kiosk, now = begun(office), office.kiosk(), office.clock.now()
    questions = PathQuestions(office.registry)

    def asks(text, at=now):
        number = str(uuid7(now, random_bytes(10)))
        questions.hear(msgspec.structs.replace(said(kiosk), path=f"{number} {text}"))
        return questions.answers(at)[kiosk.kiosk_id][number]

    assert [asks(text).state for text in (code, code.lower(), "K7QM-2XW9-4TRN", "' OR 1=1", "")] == [
        "begun",
        "begun",
        *["unknown"] * 3,
    ]
    assert [asks("K7QM-2XW9-4TRN").state for _ in range(6)] == ["unknown"] * 5 + ["later"]
    assert asks(code).state == "later"
    assert asks(code, at=now + timedelta(minutes=10)).state == "begun"
    questions.hear(msgspec.structs.replace(said(kiosk, online=False), path=f"{OTHER} {code}"))  # a will asks nothing
    questions.hear(msgspec.structs.replace(said(kiosk), path="not-a-number " + code))
    assert OTHER not in questions.answers(now)[kiosk.kiosk_id]
