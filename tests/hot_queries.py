"""What the product asks the registry all day, by the functions that ask it, and the statements they really send.

- ``ASKED`` names each question in words and asks it of a town; nothing here writes SQL.
- ``Captured`` listens to the engine, so a changed query is looked at as it is now, not as it was when a test was written.

Example: ``with listening(registry.engine) as heard: ASKED["a person's stays"](town, scene)``
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from factories import StandingClock, make_declaration, make_person
from hot_oversight import OVERSIGHT
from hot_steps import BLOCK, STEPS
from recording_town import Town, make_presence
from sqlalchemy import Connection, Engine, event, select

from gateway.reminders import remind
from gateway.sweep import sweep
from registry import (
    access_records,
    alarm_channels,
    api_batches,
    api_clients,
    case_queue,
    cases,
    contact_points,
    correcting,
    desk_lists,
    disclosures,
    disputing,
    households,
    interests,
    lapses,
    letter_lists,
    lodgers,
    message_links,
    messages,
    notices,
    numbering,
    own_words,
    path_handovers,
    paths,
    permanent_residence,
    persons,
    premises,
    presences,
    receipts,
    related,
    relations,
    retention,
    rights_requests,
    saved_filters,
    seen_addresses,
    stay_disputes,
    stay_events,
    stays,
    tables,
    webhook_deliveries,
    webhooks,
)
from registry.accounts import hash_of
from registry.cleaning import listing
from registry.deletions import carry_out
from registry.duplicates import proposals
from registry.gateway_reports import latest_reports
from registry.kiosk_signs import quiet_kiosks, signs_of
from registry.kiosks import kiosks_of
from registry.looking_back import Means, look_back
from registry.outage_windows import outages_of
from registry.quarantine import letters_to_retry, list_letters
from registry.release import Look, release_persons
from registry.retention_policy import read_policy
from registry.scoreboard.counting import kept_days
from registry.seed import DEMO_COMMUNE
from registry.sessions import session_of
from registry.undated import date_by
from residence.access.purposes import Field, Purpose
from residence.errors import Refused, Untrusted
from residence.paths.steps import Situation
from residence.stays.rules import load_rule_book
from residence.wire.times import Times

HOTEL = "htl-sao-mai"
CONFIRMED = Times(boot_id="boot", monotonic_ns=0, wall="2026-07-10T07:00:00Z", time_state="synced")


@dataclass(frozen=True, kw_only=True)
class Said:
    """One statement as it went to the driver."""

    sql: str
    parameters: Any


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Somebody who stays in the town, to ask about."""

    person_id: str
    stay_id: str
    number: str
    code: str
    declaration_id: str


def set_scene(town: Town) -> Scene:
    """Let one person be declared and another be seen."""
    said = make_declaration()
    receipt = town.record(town.say(said))[0].receipt
    town.see(make_person())
    stay = next(each for each in town.rows(tables.stays) if said.declaration_id in each.declaration_ids)
    return Scene(
        person_id=stay.person_id,
        stay_id=stay.stay_id,
        number=said.person.personal_number or "",
        code=receipt.code,
        declaration_id=said.declaration_id,
    )


@contextmanager
def listening(engine: Engine) -> Iterator[list[Said]]:
    """Collect what goes to the driver; of the same question asked again, the first time."""
    heard: dict[str, Said] = {}

    def hear(_connection: Connection, _cursor: object, sql: str, parameters: Any, _context: object, many: bool) -> None:
        heard.setdefault(sql, Said(sql=sql, parameters=parameters[0] if many else parameters))

    event.listen(engine, "before_cursor_execute", hear)
    answer: list[Said] = []
    try:
        yield answer
    finally:
        event.remove(engine, "before_cursor_execute", hear)
        answer += [
            each
            for each in heard.values()
            if each.sql.split(None, 1)[0].upper() in {"SELECT", "UPDATE", "DELETE", "INSERT", "WITH"}
        ]


Ask = Callable[[Town, Scene], object]


def _reading(ask: Callable[[Connection, Town, Scene], object]) -> Ask:
    def asked(town: Town, scene: Scene) -> object:
        with town.registry.writing() as connection:
            return ask(connection, town, scene)

    return asked


def _record(town: Town, scene: Scene) -> object:
    again = make_declaration(person=make_person(personal_number=scene.number))
    correction = make_declaration(person=again.person, kind="correction", about=scene.declaration_id)
    statements = [
        town.say(each) for each in (again, correction, make_declaration(), make_presence(), make_presence(again.person))
    ]
    return town.record(*statements, *statements)


def _release(connection: Connection, town: Town, scene: Scene) -> object:
    look = Look(account_id="a-1", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code=DEMO_COMMUNE, about="case-1")
    return release_persons(
        connection, [scene.person_id], look=look, vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes
    )


def _look_back(connection: Connection, town: Town, scene: Scene) -> object:
    look = Look(account_id="a-1", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code=DEMO_COMMUNE, about="case-1")
    means = Means(vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes)
    return look_back(connection, scene.person_id, at=town.now, look=look, means=means)


def _erase(connection: Connection, town: Town, scene: Scene) -> None:
    retention.erase_person(connection, scene.person_id, vault=town.registry.vault, now=town.now)


def _sweep(town: Town, _scene: Scene) -> object:
    now = town.now + timedelta(days=2)
    return sweep(town.registry, rules=load_rule_book(), now=now, random_bytes=secrets.token_bytes)


def _delete_nightly(town: Town, _scene: Scene) -> object:
    return carry_out(
        town.registry, read_policy(), clock=StandingClock(town.now + timedelta(days=30)), by="test", night="2026-08-09"
    )


def _paths(connection: Connection, town: Town, scene: Scene) -> object:
    means = paths.Means(vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes)
    said = paths.Beginning(
        situation=Situation.NO_PAPERS, way="desk", commune_code=DEMO_COMMUNE, declaration_id=scene.declaration_id
    )
    begun = paths.begin_path(connection, said, means=means)
    paths.step_path(connection, begun.path_id, paths.Taken(step="take", by="a-1"), means=means)
    row = paths.path_by_code(connection, begun.code)
    assert row is not None
    look = Look(account_id="a-1", role="officer", purpose=Purpose.HAND_OVER, commune_code=DEMO_COMMUNE, about=begun.path_id)
    sheet = path_handovers.sheet_for(connection, row, (Field.FULL_NAME,), language="vi", look=look, means=means)
    agreed = path_handovers.Agreed(office="justice", fields=(Field.FULL_NAME,), shown=sheet, heard_in="vi")
    path_handovers.hand_over(connection, row, agreed, look=look, means=means)
    (given,) = path_handovers.handovers_of(connection, begun.path_id)
    path_handovers.sheet_of(connection, given, row, look=look, means=means)
    path_handovers.take_back(connection, given, by=None, means=means)
    path_handovers.note_told(connection, given, means=means)
    path_handovers.look_at_words(connection, row, look=look, means=means)
    paths.note_late(connection, DEMO_COMMUNE, means=means)
    return (
        paths.open_paths(connection, DEMO_COMMUNE),
        paths.count_late(connection, DEMO_COMMUNE, now=town.now),
        paths.steps_of(connection, begun.path_id),
        path_handovers.handed_to(connection, DEMO_COMMUNE, "justice"),
    )


def _remind(town: Town, _scene: Scene) -> object:
    return remind(town.registry, rules=load_rule_book(), now=town.now, random_bytes=secrets.token_bytes)


def _tell_programs(connection: Connection, town: Town, _scene: Scene) -> None:
    webhook_deliveries.any_told(connection)
    told = webhook_deliveries.told_hooks(connection, after=webhooks.BEFORE_ALL, limit=20)
    webhooks.reached(connection, [each.hook_id for each in told] or ["hook"])
    webhook_deliveries.due_deliveries(connection, now=town.now)
    stay_events.events_by_id(connection, ["declaration"])
    webhook_deliveries.deliveries_of(connection, "hook", before="0")
    with suppress(Untrusted):  # invented bytes do not open
        owner = webhooks.HookOwner(account_id="accoun-0000003", client_id=None)
        webhooks.hooks_of(connection, owner, vault=town.registry.vault)


def _send_messages(connection: Connection, town: Town, scene: Scene) -> None:
    vault, now = town.registry.vault, town.now
    for channel_ids in messages.due_by_channel(connection, now=now, limit=3).values():
        messages.message(connection, channel_ids[0])
    alarm_channels.channels_of(connection, HOTEL)
    alarm_channels.channel_of(connection, "alarm_-0000001")
    for message_id in messages.due_ids(connection, now=now, limit=3):
        messages.take(connection, message_id, now=now)
        messages.settle(connection, message_id, messages.Outcome(state="no_address"), now=now)
    messages.wake(connection, BLOCK, now=now)
    contact_points.address_for(connection, "person", scene.person_id, vault=vault)
    with suppress(Untrusted):  # invented bytes do not open
        contact_points.address_for(connection, "contact", "contac-0000001", vault=vault)
    messages.notice_of(connection, DEMO_COMMUNE, "notice-0000001")
    presence_id = connection.scalar(
        select(tables.presences.c.presence_id).limit(1).where(tables.presences.c.premises_id == BLOCK)
    )
    seen_addresses.address_of_seen(connection, presence_id or "", vault=vault)
    with suppress(Refused):
        message_links.follow(connection, "messag-0000001", "0", vault=vault, now=now)


_place = desk_lists.Place(DEMO_COMMUNE, HOTEL)
_a_case = SimpleNamespace(
    commune_code=DEMO_COMMUNE,
    case_id="case_i-0000019",
    premises_id=BLOCK,
    who="who-0000019",
    unit="1203",
    opened_at=datetime(2026, 7, 10, tzinfo=UTC),
)


def _events(connection: Connection, town: Town) -> object:
    after = (town.now - timedelta(days=1), "x")
    return stay_events.events_after(connection, [HOTEL], after=after, before=town.now, limit=50)


def _own_words(connection: Connection, _town: Town, scene: Any) -> None:
    found = stays.stays_of_person(connection, scene.person_id)
    own_words.words_of(connection, found)
    own_words.lock_of(connection, scene.person_id)
    stay_disputes.standing_faults(connection, [each.stay_id for each in found])


ASKED: dict[str, Ask] = {
    "record a batch": _record,
    "a receipt by its code": _reading(lambda c, _t, s: receipts.receipt_by_code(c, s.code)),
    "a person by number": _reading(lambda c, t, s: persons.search_by_number(c, "personal", s.number, vault=t.registry.vault)),
    "persons by name": _reading(
        lambda c, t, _s: persons.search_by_name(c, "Trần An", commune_code=DEMO_COMMUNE, vault=t.registry.vault)
    ),
    "persons by name at a place": _reading(
        lambda c, t, _s: persons.search_by_name(c, "Trần An", commune_code=DEMO_COMMUNE, vault=t.registry.vault, at=BLOCK)
    ),
    "a person's fields for a purpose": _reading(_release),
    "what the register said of a person": _reading(_look_back),
    "a person's fields under dispute": _reading(lambda c, _t, s: disputing.disputed_fields(c, [s.person_id])),
    "who answers for a place": _reading(lambda c, _t, _s: relations.relations_of(c, [BLOCK])),
    "what waits to be cleaned in a commune": _reading(
        lambda c, t, _s: (
            listing.waiting_by_rule(c, DEMO_COMMUNE, now=t.now),
            listing.items_of(c, commune_code=DEMO_COMMUNE, rule="number_shared"),
        )
    ),
    "a commune's scoreboard": _reading(lambda c, _t, _s: kept_days(c, since="2026-07-01", commune_code=DEMO_COMMUNE)),
    "a person's stays": _reading(lambda c, _t, s: stays.stays_of_person(c, s.person_id)),
    "a stay and its history": _reading(lambda c, _t, s: (stays.stay(c, s.stay_id), stays.history(c, s.stay_id))),
    "stays at a premises": _reading(lambda c, _t, _s: stays.stays_at(c, HOTEL)),
    "current stays": _reading(lambda c, t, _s: stays.current_stays(c, [HOTEL], now=t.now)),
    "a front desk's stays": _reading(lambda c, t, _s: desk_lists.list_stays(c, _place, since=t.now - timedelta(days=1))),
    "a front desk's unsettled": _reading(lambda c, t, _s: desk_lists.list_unsettled(c, _place, since=t.now - timedelta(days=1))),
    "stays counted in a commune": _reading(lambda c, t, _s: desk_lists.count_stays(c, DEMO_COMMUNE, now=t.now)),
    "who is registered at a premises": _reading(lambda c, _t, _s: households.residences_at(c, [BLOCK])),
    "a person's residences and household": _reading(
        lambda c, _t, s: (households.known_residences(c, [s.person_id]), households.household_members(c, [s.person_id]))
    ),
    "a commune's premises": _reading(lambda c, t, _s: premises.premises_of(c, DEMO_COMMUNE, vault=t.registry.vault)),
    "tonight's undeclared of a commune": _reading(
        lambda c, t, _s: presences.sightings(
            c, presences.premises_with_presences(c, commune_code=DEMO_COMMUNE), since=t.now - presences.KEPT_FOR
        )
    ),
    "notices that wait": _reading(lambda c, _t, _s: notices.waiting_notices(c, [BLOCK, HOTEL])),
    "the queue of cases": _reading(lambda c, _t, _s: cases.cases_of(c, DEMO_COMMUNE)),
    "the work queue, the closed ones, and filters saved": _reading(
        lambda c, t, _s: (
            case_queue.worked_on(c, DEMO_COMMUNE),
            case_queue.closed_lately(c, DEMO_COMMUNE, now=t.now),
            case_queue.count_closed(c, DEMO_COMMUNE, now=t.now),
            saved_filters.filters_of(c, "accoun-0000003"),
        )
    ),
    "what stands around a case": _reading(
        lambda c, t, _s: (
            related.related_cases(c, _a_case),
            related.told_about(c, _a_case),
            related.declared_in_room(c, _a_case, now=t.now),
        )
    ),
    "what bars an officer from a case": _reading(
        lambda c, _t, s: (
            interests.interests_known(c, s.person_id, "2026-07-10"),
            interests.interests_of(c, "accoun-0000003", on=date(2026, 7, 10)),
        )
    ),
    "a case and its events": _reading(lambda c, _t, _s: (cases.case(c, "case_i-0000019"), cases.events_of(c, "case_i-0000019"))),
    "looks at a person": _reading(
        lambda c, t, s: disclosures.disclosures_of(
            c, s.person_id, span=disclosures.Span(limit=10), now=t.now, vault=t.registry.vault
        )
    ),
    "looks by an account": _reading(lambda c, _t, _s: access_records.looks_by(c, "accoun-0000003")),
    "dead letters of a commune": _reading(
        lambda c, _t, _s: (
            letter_lists.letters_of(c, DEMO_COMMUNE),
            letter_lists.counts_of(c, DEMO_COMMUNE),
            letter_lists.letter_of(c, DEMO_COMMUNE, "quaran-0000001"),
            letter_lists.events_of_letter(c, "quaran-0000001"),
        )
    ),
    "dead letters of all": _reading(lambda c, t, _s: (list_letters(c), letters_to_retry(c, vault=t.registry.vault))),
    "pairs to decide": _reading(lambda c, _t, _s: proposals.listed(c, commune_code=DEMO_COMMUNE)),
    "a program by its token": _reading(lambda c, t, _s: api_clients.program_of(c, "token", now=t.now)),
    "a batch of a program": _reading(lambda c, _t, _s: api_batches.batch_of(c, "batch", sent_by="program")),
    "programs to be told, and what is due for them": _reading(_tell_programs),
    "what happened at a house": _reading(lambda c, t, _s: _events(c, t)),
    "a page of a house's stays": _reading(
        lambda c, t, _s: desk_lists.standing_stays(c, desk_lists.Place(DEMO_COMMUNE, HOTEL), after=(t.now, "x"), limit=50)
    ),
    "a session": _reading(lambda c, t, _s: (hash_of("x"), session_of(c, "token", now=t.now, idle=timedelta(hours=1)))),
    "kiosks and outages of a place": _reading(
        lambda c, t, _s: (kiosks_of(c, DEMO_COMMUNE), outages_of(c, [BLOCK], since=t.now - timedelta(days=14)))
    ),
    "kiosks quieter than ever, and what they say of themselves": _reading(
        lambda c, t, _s: (signs_of(c, DEMO_COMMUNE), quiet_kiosks(c, DEMO_COMMUNE, now=t.now))
    ),
    "declarations to be dated again": _reading(lambda c, _t, _s: date_by(c, {("kiosk-lobby-1", "boot"): CONFIRMED})),
    "gateways' reports": _reading(lambda c, t, _s: latest_reports(c, since=t.now - timedelta(hours=1))),
    "reminders": _remind,
    "messages that are due, and where they go": _reading(_send_messages),
    "the sweep": _sweep,
    "a commune's lapses": _reading(lambda c, _t, _s: lapses.standing_lapses(c, DEMO_COMMUNE)),
    "a house's lodgers": _reading(
        lambda c, t, _s: lodgers.lodgers_at(c, _place, today=t.now.date(), rules=load_rule_book().temporary_for(t.now.date()))
    ),
    "a place's corrections": _reading(lambda c, _t, _s: correcting.corrections_of(c, BLOCK)),
    "a person's corrections": _reading(lambda c, _t, s: correcting.corrections_of(c, s.person_id)),
    "a person's homes": _reading(lambda c, _t, s: permanent_residence.homes_of(c, s.person_id)),
    "a person's numbers": _reading(lambda c, _t, s: numbering.numbers_held(c, s.person_id)),
    "disputes that wait": _reading(
        lambda c, _t, s: (disputing.waiting_disputes(c, DEMO_COMMUNE), disputing.disputes_of(c, s.person_id))
    ),
    "stays that are said to be wrong, and whose word they rest on": _reading(_own_words),
    "rights that are asked for": _reading(
        lambda c, _t, s: (rights_requests.waiting_requests(c, DEMO_COMMUNE), rights_requests.requests_of(c, s.person_id))
    ),
    "guided paths": _reading(_paths),
    **STEPS,
    **OVERSIGHT,
    "erase a person": _reading(_erase),
    "the nightly deletions": _delete_nightly,  # last: of a table it has emptied every plan is a scan of nothing
}
