"""No answer holds a personal field without a look at that person, for a purpose that releases it, on the record in that very request.

Every address is taken from the routing table, so a new one is in it by itself: pages, API, exports and errors; every role, inside and outside its
area, and nobody signed in. What is planted is searched in bodies, headers and in everything that is logged.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import make_declaration, make_id, make_person
from fastapi.routing import APIRoute
from server_eyes import claim
from server_parts import ACCOUNTS, csrf_of
from sqlalchemy import func, select
from structlog.testing import capture_logs

from registry import tables
from registry.accounts import KnownAccount, add_account
from residence.access.purposes import Field, Purpose, released_fields
from residence.people.partial_dates import PartialDate
from residence.people.person import Document, DocumentKind
from server.settings import Allowance


def planted(place: int):
    """Return somebody whose every value is found again, and the texts of each field."""
    word = ("Quạnh", "Huầy", "Ngoạch")[place]
    number, old, passport = f"00119500077{place}", f"01234567{place}", f"K7X9Q2M{place}"
    person = make_person(
        full_name=f"Đoàn Thị {word}", birth=PartialDate(value=f"1995-03-2{place}", precision="day"), sex="female", nationality="VNM",
        personal_number=number, old_number=old, document=Document(kind=DocumentKind.PASSPORT, number=passport), residence_text=f"Số 7 Ngõ {word}",
    )  # fmt: skip
    texts = {
        Field.FULL_NAME: (word,),
        Field.BIRTH_DATE: (f"1995-03-2{place}", f"2{place}/03/1995"),
        Field.PERSONAL_NUMBER: (number,),
        Field.PERSONAL_NUMBER_MASKED: (f"•{number[-3:]}",),
        Field.OLD_NUMBER: (old,),
        Field.DOCUMENT: (passport, f"•{passport[-3:]}"),
        Field.RESIDENCE_TEXT: (f"Ngõ {word}",),
    }
    return person, texts


def read_and_said(routes, prefix=""):
    """Yield (method, address) of every route."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from read_and_said(included.routes, prefix + route.include_context.prefix)
        elif isinstance(route, APIRoute):
            yield from ((method, prefix + route.path) for method in sorted(route.methods - {"HEAD"}))


# sign-in name by role, or none -> account
ASKING = {role: f"acc-{role}" for role in ACCOUNTS} | {f"xa-{role}": f"far-{role}" for role in ("officer", "clerk")} | {"": ""}
EVERY = ("GET", "POST", "PUT", "PATCH", "DELETE")
ENOUGH = Allowance(times=10**6, per=timedelta(hours=1), together=10**6)


def signed_in(world, name):
    """Return a client of this account, or of nobody."""
    if not name.startswith("xa-"):
        return world.client(name or None)
    ACCOUNTS[name] = (name, ())
    try:
        return world.client(name)
    finally:
        del ACCOUNTS[name]


@pytest.fixture
def world(make_world):
    kinds = ("sign_in", "receipt", "api", "person", "kiosk", "token")
    return make_world(**{f"{each}_allowance": ENOUGH for each in kinds})


@pytest.fixture
def town(world):
    """A guest at the hotel, one in another commune, and somebody seen whose case an officer holds."""
    guest, elsewhere, seen = (planted(place)[0] for place in range(3))
    said = make_declaration(premises_id="htl-sao-mai", unit="201", person=guest)
    assert world.record(said).receipt.state == "accepted"
    far = make_declaration(declaration_id=make_id(world.clock.now()), premises_id="htl-xa", unit="1", person=elsewhere)
    assert world.record(far).receipt.state == "accepted"
    case_id = world.open_case(person=seen)
    with world.registry.writing() as connection:
        for role in ("officer", "clerk"):
            areas = ("htl-xa",) if role == "clerk" else ()
            account = KnownAccount(account_id=f"far-{role}", commune_code="demo-02", sign_in_name=f"xa-{role}", role=role, areas=areas, created_at=world.clock.now())  # fmt: skip
            add_account(connection, account)
    claim(world.client("officer"), case_id)
    return world


def ids(world) -> dict[str, list[str]]:
    """Return what addresses are filled with: something of here, something of elsewhere where there is."""
    with world.registry.reading() as connection:
        of = {name: list(connection.scalars(select(column))) for name, column in {
            "case_id": tables.cases.c.case_id, "declaration_id": tables.receipts.c.declaration_id, "stay_id": tables.stays.c.stay_id,
            "person_id": tables.persons.c.person_id, "code": tables.receipts.c.code,
        }.items()}  # fmt: skip
    return of | {"premises_id": ["htl-sao-mai", "htl-xa"], "queue": ["all"], "language": ["en"], "home": ["0"]}


def addresses(world, *, whole: bool, methods: tuple[str, ...]):
    """Yield (method, path); ``whole``: with every id there is in turn, else with one."""
    known = ids(world)
    for method, address in sorted(set(read_and_said(world.app.routes))):
        if "sign-out" in address or address.startswith(("/log/", "/static")) or method not in methods:
            continue
        names = re.findall(r"\{(\w+)", address)
        values = known.get(names[0], ["x"]) if names else [""]
        for value in values if whole and method == "GET" else values[:1]:
            yield method, re.sub(r"\{\w+(:path)?\}", value, address)
            if whole and method == "GET" and not names and address.startswith("/desk"):
                yield method, f"{address}?premises=htl-sao-mai"


def found_in(text: str) -> set[tuple[int, Field]]:
    return {
        (place, field) for place in range(3) for field, texts in planted(place)[1].items() if any(each in text for each in texts)
    }


class Looks:
    """What was put on the record since one last asked: who was looked at, and which fields were released."""

    def __init__(self, world) -> None:
        self.world, self.known = world, set()
        self.since()

    def since(self) -> dict[str, set[Field]]:
        with self.world.registry.reading() as connection:
            if connection.scalar(select(func.count()).select_from(tables.access_records)) == len(self.known):
                return {}
            rows = [row for row in connection.execute(select(tables.access_records)) if row.access_id not in self.known]
        self.known |= {row.access_id for row in rows}
        released: dict[str, set[Field]] = {}
        for row in rows:
            fields = {Field(each) for each in row.fields}
            assert fields <= released_fields(row.role, Purpose(row.purpose)), (row.role, row.purpose, fields)
            released.setdefault(row.account_id, set()).update(fields)
        return released


def test_no_answer_holds_a_field_that_no_look_of_this_request_released(town):
    world, told, leaks = town, {}, []
    looks = Looks(world)
    with capture_logs() as logged:
        for name, account_id in ASKING.items():
            client = signed_in(world, name)
            token = csrf_of(client)
            whole = name.endswith(("officer", "clerk"))  # the others have no area with people in it
            paths = addresses(world, whole=whole, methods=EVERY if name in {"officer", "clerk"} else EVERY[:1])
            for method, path in sorted(paths, key=lambda each: each[0] != "GET"):  # what changes something comes last
                form = {} if method == "GET" else {"data": {"csrf": token, "reason": "x"}}
                answer = client.request(method, path, follow_redirects=False, **form)
                found = found_in(answer.text + str(answer.headers))
                released = looks.since().get(account_id, set())
                told[name, method, path] = found
                leaks += [(name, method, path, where) for where in found if where[1] not in released]
    assert not [line for line in logged if found_in(str(line))]
    assert leaks == []
    assert len(told) > 1000
    # what would be found: the clerk's guest, the officer's case, masked numbers of the officer's own area; and nobody's of another area
    seen = {(name, place) for (name, _, _), found in told.items() for place, _ in found}
    assert {("clerk", 0), ("officer", 2), ("xa-clerk", 1)} <= seen
    assert not seen & {
        ("clerk", 1),
        ("clerk", 2),
        ("officer", 1),
        ("xa-officer", 0),
        ("xa-officer", 2),
        ("xa-clerk", 0),
        ("xa-clerk", 2),
    }
    assert not [name for name, _ in seen if name.endswith(("operator", "inspector")) or not name]
