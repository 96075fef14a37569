"""Steps people and nights take in the registry, asked of a town like the questions in ``hot_queries.py``; nothing here writes SQL.

Example: ``STEPS["a step with a case"](town, scene)``
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, update

from registry import (
    cases,
    door_cards,
    door_events,
    door_passes,
    kiosk_calls,
    kiosk_certificates,
    kiosk_claims,
    kiosk_counts,
    kiosk_lost_numbers,
    kiosk_mutes,
    kiosks,
    lapses,
    nightly,
    notices,
    numbering,
    promised_places,
    tables,
    temporary_residence,
)
from registry.cases import CaseStep
from registry.cleaning.listing import decisions_of
from registry.duplicates import proposals
from registry.duplicates.deciding import Decision, decide, undo
from registry.scoreboard.counting import count, without
from registry.seed import DEMO_COMMUNE
from residence.access.purposes import Purpose
from residence.cases.closing import ClosingCode
from residence.cases.lapses import LapseChoices
from residence.cases.notices import NoticeKind
from residence.cases.transitions import CaseAction
from residence.clock import rfc3339, uuid7_text
from residence.errors import Refused
from residence.stays.rules import load_rule_book
from residence.stays.temporary import Asked
from residence.wire.certificates import make_request
from residence.wire.claims import ClaimAsk
from residence.wire.door_events import DoorEvent, DoorEventBatch
from residence.wire.state import KioskState

if TYPE_CHECKING:
    from hot_queries import Scene
    from recording_town import Town

BLOCK = "blk-hoa-binh"
EPOCH = "0197f000-0000-7000-8000-000000000001"  # the town's kiosk's
COMMUNES = [f"c-{number:03d}" for number in range(40)]  # of the invented rows


def _writing(step: Callable[[Connection, Town, Scene], object]) -> Callable[[Town, Scene], object]:
    def taken(town: Town, scene: Scene) -> object:
        with town.registry.writing() as connection:
            return step(connection, town, scene)

    return taken


def _find_lapses(town: Town, _scene: Scene) -> object:
    now = town.now + timedelta(days=33)  # whoever stays since then is beyond the longest stay
    means: dict[str, Any] = {"now": now, "choices": LapseChoices(), "random_bytes": secrets.token_bytes}
    return lapses.find_lapses(town.registry, rules=load_rule_book(), **means)


def _claim(connection: Connection, town: Town, _scene: Scene) -> None:
    for _ in range(2):
        nightly.claim(connection, "cleaning", day="2026-07-10", now=town.now)
    nightly.settle(connection, "cleaning", day="2026-07-10", state="done", now=town.now)
    nightly.latest_done(connection, "cleaning")


def _step(connection: Connection, town: Town, _scene: Scene) -> None:
    standing = next((each.case_id for code in COMMUNES for each in cases.cases_of(connection, code)), "")
    claim = CaseStep(action=CaseAction.CLAIM, by="a-1", purpose=Purpose.UNDECLARED_CASE)
    close = CaseStep(action=CaseAction.CLOSE_EXPLAINED, by="a-1", code=ClosingCode.NO_DUTY, reason="x")
    with suppress(Refused):  # a small town has no case
        for each in (claim, close):
            cases.act(connection, standing, each, now=town.now, random_bytes=secrets.token_bytes)


def _say_visitor(connection: Connection, town: Town, _scene: Scene) -> None:
    notice = notices.Notice(
        kind=NoticeKind.PLEASE_DECLARE, about="seen-9", who="00ff", premises_id=BLOCK, commune_code=DEMO_COMMUNE, addressee="host"
    )
    for _ in range(2):
        notices.say_visitor(connection, notice, by="a-1", now=town.now, random_bytes=secrets.token_bytes)


def _change_number(connection: Connection, town: Town, scene: Scene) -> None:
    means = numbering.Means(vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes)
    officer = numbering.Officer(account_id="a-1", reason="x")
    held = next(each for each in numbering.numbers_held(connection, scene.person_id) if each.kind == "personal")
    done = numbering.replace_number(
        connection, held.identifier_id, "001095000778", on=town.now.date(), officer=officer, means=means
    )
    numbering.take_back(connection, done.event_id or "", officer=officer, means=means)


def _live_for_a_time(connection: Connection, town: Town, scene: Scene) -> None:
    today = town.now.date()
    teller = temporary_residence.Teller(told_by="landlord", account_id="a-1")
    means = temporary_residence.Means(rules=load_rule_book(), now=town.now, random_bytes=secrets.token_bytes)
    asked = Asked(premises_id=BLOCK, commune_code=DEMO_COMMUNE, first=today, last=today + timedelta(days=200))
    done = temporary_residence.register(connection, scene.person_id, asked, unit=None, teller=teller, means=means)
    gone = temporary_residence.move_out(connection, done.residence_id or "", today, teller=teller, means=means)
    temporary_residence.take_back(connection, gone.event_id or "", teller=teller, means=means)


def _open_doors(connection: Connection, town: Town, _scene: Scene) -> None:
    now = town.now
    door_passes.settle_passes(connection, "htl-sao-mai", vault=town.registry.vault, now=now, random_bytes=secrets.token_bytes)
    door_cards.settle_cards(connection, "htl-sao-mai", now=now)
    door_passes.entries_of(connection, "htl-sao-mai", doors=1)
    door_cards.card_entries(connection, "htl-sao-mai", doors=1)
    for number in (1, 2):
        event = DoorEvent(number, "b0070000-0000-4000-8000-000000000001", number, rfc3339(now), "synced", "lobby", "granted")
        batch = DoorEventBatch(kiosk_id="kiosk-lobby-1", epoch="e", oldest_held=1, events=(event,))
        door_events.record_events(connection, batch, commune_code=DEMO_COMMUNE, now=now)


def _call(connection: Connection, town: Town, _scene: Scene) -> None:
    state = KioskState(kiosk_id="kiosk-lobby-1", session=1, online=True, at=rfc3339(town.now), call="c" * 36)
    kiosk_calls.hear_calls(connection, [state], now=town.now)
    kiosk_calls.calls_of(connection, DEMO_COMMUNE, since=town.now - timedelta(days=7))
    kiosk_calls.waiting_calls(connection, DEMO_COMMUNE, since=town.now - timedelta(days=7))
    kiosk_calls.answers_by_kiosk(connection, since=town.now - timedelta(hours=6))


def _mute(connection: Connection, town: Town, _scene: Scene) -> None:
    kiosk = kiosks.Enrolment(kiosk_id="kiosk-muted", premises_id="blk-hoa-binh", commune_code=DEMO_COMMUNE, profile="lobby")
    kiosks.enrol_kiosk(connection, kiosk, keys=(), now=town.now)
    new = kiosk_mutes.NewMute(
        commune_code=DEMO_COMMUNE, kind="site", subject="blk-hoa-binh", hours="4", reason="power works", by="a"
    )
    mute_id = uuid7_text(town.now, secrets.token_bytes(10))
    kiosk_mutes.mute(connection, new, mute_id=mute_id, now=town.now)
    kiosk_mutes.mutes_of(connection, DEMO_COMMUNE, since=town.now)
    kiosk_mutes.unmute(connection, mute_id, commune_code=DEMO_COMMUNE, by="a", now=town.now)


def _count(connection: Connection, town: Town, _scene: Scene) -> None:
    columns = tables.kiosk_counts.c
    counted = kiosk_counts.Counted(DEMO_COMMUNE, "kiosk-lobby-1", EPOCH)
    kiosk_counts.look_through(connection, counted, now=town.now)
    gap = {"missing": [[1, 1, rfc3339(town.now)]], "missing_since": town.now}  # one that has come since
    connection.execute(
        update(tables.kiosk_counts).where(columns.kiosk_id == counted.kiosk_id, columns.epoch == EPOCH).values(**gap)
    )
    lost = kiosk_lost_numbers.NewClosing(
        commune_code=DEMO_COMMUNE, kiosk_id=counted.kiosk_id, epoch=EPOCH, first=1, last=1, reason="its card died", by="a"
    )
    kiosk_lost_numbers.call_lost(connection, lost, closing_id=uuid7_text(town.now, secrets.token_bytes(10)), now=town.now)
    kiosk_counts.look_through(connection, counted, now=town.now)
    kiosk_counts.withheld_of(connection, DEMO_COMMUNE, before=town.now)


def _claims(connection: Connection, town: Town, _scene: Scene) -> None:
    kiosk_claims.claims_of(connection, DEMO_COMMUNE, since=town.now - timedelta(days=30))
    kiosk_certificates.waiting(connection)
    kiosk_certificates.newest(connection, "kiosk-lobby-1")
    kiosk_certificates.serials_in_force(connection, "kiosk-lobby-1", now=town.now)
    new = kiosk_claims.NewClaim(
        kiosk_id="kiosk-new", premises_id="blk-hoa-binh", commune_code=DEMO_COMMUNE, profile="lobby", machine="1234", replaces=None, made_by="a"
    )  # fmt: skip
    kiosk_claims.make_claim(connection, new, claim_id="0123456789", now=town.now, lifetime=timedelta(days=1))
    request = make_request(ec.generate_private_key(ec.SECP256R1()), name="x")
    asked = ClaimAsk(claim_id="0123456789", machine="1234", request=request, signing_key=bytes(32))
    kiosk_claims.approve(connection, kiosk_claims.ask(connection, asked, now=town.now), by="a", now=town.now)
    request_id = kiosk_certificates.request_id_of(request, "kiosk-new")
    waits = kiosk_certificates.Waiting(commune_code=DEMO_COMMUNE, request_id=request_id, kiosk_id="kiosk-new", request=request)
    made = kiosk_certificates.Issued(
        kiosk_id="kiosk-new", certificate="c", authority="a", serial="1", issued_at=town.now, ends_at=town.now
    )
    assert kiosk_certificates.keep_certificate(connection, waits, made)
    kiosk_certificates.renew(connection, request, kiosk_id="kiosk-new", now=town.now)
    kiosk_certificates.wiped_at(connection, DEMO_COMMUNE)
    kiosk_certificates.keep_wiped(connection, "kiosk-new", b"w", commune_code=DEMO_COMMUNE, now=town.now)


def _score(connection: Connection, town: Town, _scene: Scene) -> None:
    count(connection, today=town.now.date())
    without(connection, "clean", commune_code=DEMO_COMMUNE, today=town.now.date())
    decisions_of(connection, DEMO_COMMUNE)


def _decide_pair(connection: Connection, town: Town, _scene: Scene) -> None:
    waiting = next((each for code in COMMUNES for each in proposals.listed(connection, commune_code=code)), None)
    if waiting is not None:  # a small town has none
        twins = Decision(account_id="a-1", reason="twins")
        decide(connection, waiting.pair_id, same=False, decision=twins, now=town.now, random_bytes=secrets.token_bytes)
        undo(connection, waiting.pair_id, decision=twins, now=town.now)


def _promise(connection: Connection, town: Town, _scene: Scene) -> None:
    promised_places.open_log(connection, log_id="1a2b3c4d", origin="example.org/statements", size=0, now=town.now)
    promised_places.promise_places(connection, [("one", "accepted")], now=town.now, random_bytes=secrets.token_bytes)
    promised_places.blocks_from(connection, "1a2b3c4d", 0, 256)
    promised_places.note_published(connection, 1)
    promised_places.close_log(connection)
    promised_places.log_row(connection)


STEPS: dict[str, Callable[[Town, Scene], object]] = {
    "the search for lapses": _find_lapses,
    "the claim of a night's work": _writing(_claim),
    "a step with a case": _writing(_step),
    "a host's word on a visitor": _writing(_say_visitor),
    "a number is changed": _writing(_change_number),
    "a temporary residence": _writing(_live_for_a_time),
    "passes, cards and events of doors": _writing(_open_doors),
    "calls for a person": _writing(_call),
    "a machine becomes a kiosk and ends": _writing(_claims),
    "alarms are muted": _writing(_mute),
    "a kiosk's count is looked through": _writing(_count),
    "the scoreboard is counted": _writing(_score),
    "a pair is decided": _writing(_decide_pair),
    "places are promised and published": _writing(_promise),
}
