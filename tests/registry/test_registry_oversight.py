"""Kiosks, notices and cases as rows, on both engines."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from factories import EVENING, make_person
from recording_town import Town

from registry import cases, kiosks, notices, presences
from registry.cases import CaseStep
from registry.kiosks import Enrolment
from residence.access.purposes import Purpose
from residence.cases.closing import ClosingCode
from residence.cases.notices import NoticeKind
from residence.cases.transitions import CaseAction, CaseStatus
from residence.cases.undeclared import Undeclared
from residence.clock import rfc3339
from residence.errors import Conflict, Refused
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.state import KioskState

KEY = KeyEntry(key_id="k-1", use="kiosk-sign", owner="kiosk-lobby-1", public_key=bytes(32), valid_from=rfc3339(EVENING))


def enrol(town: Town) -> None:
    enrolment = Enrolment(kiosk_id="kiosk-lobby-1", premises_id="blk-hoa-binh", commune_code="demo-01", profile="lobby")
    with town.registry.writing() as connection:
        kiosks.enrol_kiosk(connection, enrolment, keys=[KEY], now=EVENING)


def test_the_keys_of_a_retired_kiosk_are_revoked_and_still_known(town: Town) -> None:
    enrol(town)
    with town.registry.writing() as connection:
        assert Keyring(kiosks.keyring_entries(connection)).find("k-1", "kiosk-sign", at=EVENING).owner == "kiosk-lobby-1"
        kiosks.retire_kiosk(connection, "kiosk-lobby-1", now=EVENING)
        assert [entry.revoked_at for entry in kiosks.keyring_entries(connection)] == [rfc3339(EVENING)]


def test_a_late_death_of_an_old_connection_is_not_believed(town: Town) -> None:
    enrol(town)
    at = rfc3339(EVENING)
    alive = KioskState(kiosk_id="kiosk-lobby-1", session=2, online=True, at=at, outbox_depth=3, readers={"camera": "ok"})
    with town.registry.writing() as connection:
        assert kiosks.keep_state(connection, alive, now=EVENING)
        assert not kiosks.keep_state(
            connection, KioskState(kiosk_id="kiosk-lobby-1", session=1, online=False, at=at), now=EVENING
        )
        assert kiosks.keep_state(connection, KioskState(kiosk_id="kiosk-lobby-1", session=2, online=False, at=at), now=EVENING)
        assert not kiosks.keep_state(connection, KioskState(kiosk_id="nobody", session=2, online=True, at=at), now=EVENING)
        listed = kiosks.kiosks_of(connection, "demo-01")[0]
    assert (listed.online, listed.outbox_depth, listed.readers) == (False, 3, {"camera": "ok"})


CARD_READ_ONLY = [
    KioskState(kiosk_id="kiosk-lobby-1", session=1, online=True, at="x", counting=each) for each in ("start-1", "start-2")
]


def test_a_kiosk_that_counts_the_same_number_again_is_believed_to_live_and_its_former_death_is_not(town: Town) -> None:
    """A memory card that is read-only keeps no number: each start counts from the same one, and says that it counts for itself."""
    enrol(town)
    first, second = CARD_READ_ONLY
    durable = msgspec.structs.replace(first, session=7, counting="epoch")
    unsaid = msgspec.structs.replace(first, session=7, counting="")  # a version that does not say it
    steps = [
        (unsaid, True),
        (msgspec.structs.replace(unsaid, counting="epoch", online=False), True),
        (durable, False),
        (first, True),
        (msgspec.structs.replace(durable, online=False), False),
        (msgspec.structs.replace(first, online=False), True),
        (first, False),
        (second, True),
        (msgspec.structs.replace(first, online=False), False),
        (msgspec.structs.replace(durable, session=8), True),
        (durable, False),
        (unsaid, True),
    ]
    with town.registry.writing() as connection:
        for number, (state, believed) in enumerate(steps):
            assert kiosks.keep_state(connection, state, now=EVENING) is believed, number
        assert kiosks.kiosks_of(connection, "demo-01")[0].online


def undeclared(**changes: object) -> Undeclared:
    found = {
        "who": "ab" * 16,
        "premises_id": "blk-hoa-binh",
        "unit": "1203",
        "step": "case",
        "rule": "night_check",
        "first_seen": EVENING,
        "last_seen": EVENING,
        "due": EVENING,
        "rule_set": "stay-2026-07-01",
        "article": "Article",
        "presence_ids": ("p-1",),
        "explanations_tried": ("stay_here",),
    }
    return Undeclared(**{**found, **changes})


def claim(*, by: str) -> CaseStep:
    return CaseStep(action=CaseAction.CLAIM, by=by, purpose=Purpose.UNDECLARED_CASE)


def test_new_sightings_join_the_open_case_and_every_step_is_kept(town: Town) -> None:
    with town.registry.writing() as connection:
        first = cases.open_case(connection, undeclared(), commune_code="demo-01", now=EVENING, random_bytes=secrets.token_bytes)
        same = cases.open_case(
            connection, undeclared(presence_ids=("p-2",)), commune_code="demo-01", now=EVENING, random_bytes=secrets.token_bytes
        )
        assert first == same
        take = partial(cases.act, connection, first, now=EVENING + timedelta(minutes=1), random_bytes=secrets.token_bytes)
        with pytest.raises(Refused, match=r"purpose_missing"):
            take(CaseStep(action=CaseAction.CLAIM, by="officer-1"))
        assert take(claim(by="officer-1")) is CaseStatus.CLAIMED
        close = CaseStep(action=CaseAction.CLOSE_EXPLAINED, by="officer-1", code=ClosingCode.OTHER_EXPLANATION)
        with pytest.raises(Refused, match=r"code_missing"):
            take(msgspec.structs.replace(close, code=None))
        with pytest.raises(Refused, match=r"code_not_allowed"):
            take(msgspec.structs.replace(close, code=ClosingCode.PROCEDURE))
        with pytest.raises(Refused, match=r"reason_missing"):
            take(close)
        take(msgspec.structs.replace(close, reason="a visit by day"), now=EVENING + timedelta(minutes=2))
        row = cases.case(connection, first)
        assert row is not None
        assert (row.presence_ids, row.state, row.closing_code) == (["p-1", "p-2"], "closed-explained", "other-explanation")
        assert [each.action for each in cases.events_of(connection, first)] == ["opened", "claim", "close-explained"]
        later = cases.open_case(connection, undeclared(), commune_code="demo-01", now=EVENING, random_bytes=secrets.token_bytes)
    assert later != first


def test_two_officers_cannot_claim_one_case(town: Town) -> None:
    with town.registry.writing() as connection:
        case_id = cases.open_case(connection, undeclared(), commune_code="demo-01", now=EVENING, random_bytes=secrets.token_bytes)
        take = partial(cases.act, connection, case_id, now=EVENING, random_bytes=secrets.token_bytes)
        take(claim(by="officer-1"))
        with pytest.raises((Refused, Conflict)):
            take(claim(by="officer-2"))


def test_time_spent_waiting_for_an_answer_is_not_the_communes_and_a_reopened_case_begins_anew(town: Town) -> None:
    minute = timedelta(minutes=1)
    steps = [
        (0, CaseAction.CLAIM, None, EVENING),
        (10, CaseAction.ASK, None, EVENING),
        (100, CaseAction.ANSWER_RECEIVED, None, EVENING + 90 * minute),
        (110, CaseAction.CLOSE_ACTION, ClosingCode.ADVISED, EVENING + 90 * minute),
        (120, CaseAction.REOPEN, None, EVENING + 120 * minute),
    ]
    with town.registry.writing() as connection:
        own_id = cases.open_case(connection, undeclared(), commune_code="demo-01", now=EVENING, random_bytes=secrets.token_bytes)
        for minutes, action, code, counted_from in steps:
            step = CaseStep(action=action, by="officer-1", purpose=Purpose.UNDECLARED_CASE, code=code, reason="again")
            cases.act(connection, own_id, step, now=EVENING + minutes * minute, random_bytes=secrets.token_bytes)
            row = cases.case(connection, own_id)
            assert row is not None
            assert row.counted_from == counted_from
            assert (row.asked_at is not None) is (action is CaseAction.ASK)
    assert (row.state, row.closing_code, row.claimed_by) == ("open", None, None)


def test_a_notice_is_sent_once(town: Town) -> None:
    notice = notices.Notice(
        kind=NoticeKind.PLEASE_DECLARE,
        about="p-1",
        who="ab",
        premises_id="blk-hoa-binh",
        commune_code="demo-01",
        addressee="host",
    )
    with town.registry.writing() as connection:
        sent = notices.send_notice(connection, notice, now=EVENING, random_bytes=secrets.token_bytes)
        assert sent is not None
        assert notices.send_notice(connection, notice, now=EVENING, random_bytes=secrets.token_bytes) is None
        notices.answer_notice(connection, "demo-01", sent, answer="declared", now=EVENING + timedelta(hours=1))
        assert [each.answered_at for each in notices.sent_notices(connection, ["blk-hoa-binh"])] == [EVENING + timedelta(hours=1)]


def test_sightings_name_nobody(town: Town) -> None:
    town.see()
    with town.registry.writing() as connection:
        found = presences.sightings(connection, ["blk-hoa-binh"], since=EVENING - timedelta(days=1))
        assert [(each.premises_id, each.kind, len(each.who)) for each in found] == [("blk-hoa-binh", "entry", 32)]
        assert presences.premises_with_presences(connection, commune_code="demo-01") == ["blk-hoa-binh"]


def test_all_sightings_are_returned_however_many_pages_they_fill(town: Town) -> None:
    seen = {
        town.see(make_person(personal_number=f"0010950001{number}", document=None)).declaration_id for number in range(10, 17)
    }
    with town.registry.reading() as connection:
        for page in (1, 3, 7, 100):
            found = presences.sightings(connection, ["blk-hoa-binh"], since=EVENING - timedelta(days=1), page=page)
            assert {each.presence_id for each in found} == seen
            assert len(found) == len(seen)
