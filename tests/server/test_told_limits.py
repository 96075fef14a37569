"""Limits are told, not discovered; and an error at a coded field names the words that may stand there."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from factories import EVENING, make_declaration, make_id

import server.api
from registry.importing import lists, reading
from residence.people.person import Document, DocumentKind
from residence.places.premises import Premises, PremisesKind
from residence.stays.check import check_declaration
from residence.stays.rules import load_rule_book
from server import webhooks
from server.api import code_lists, stated_limits
from server.api.examples import PMS_EVENT
from server.hints import LISTED, PLACES, allowed_at, hint_at
from server.settings import Allowance, ServerSettings

LIMITS = "/api/v1/limits"
NAMED_LIKE_A_LIMIT = re.compile(r"_?([A-Z]+_)*(MOST|LARGEST|LONGEST|SHORTEST|FURTHEST|LIMIT|MAX)(_[A-Z]+)*")
NOT_TOLD = {
    "server.api.paging.LONGEST_CURSOR": "cursors are written by us",
    "server.api.usage.LARGEST": "numbers of another contract, not of ours",
}
OF_PAGES = {"sign_in_allowance", "person_allowance", "kiosk_allowance"}  # no program meets them


def told(world):
    answer = world.client().get(LIMITS)
    assert answer.status_code == 200
    return answer.json()


def limits_made_in(module):
    """Return the limits a module decides by: what it assigns at its top under a name like a limit's."""
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    assigned = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    targets = [target for node in assigned for target in (node.targets if isinstance(node, ast.Assign) else [node.target])]
    names = {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return {f"{module.__name__}.{name}" for name in names if NAMED_LIKE_A_LIMIT.fullmatch(name)}


def test_every_limit_of_the_api_and_of_lists_is_told(world):
    limits = told(world)
    modules = [importlib.import_module(f"server.api.{each.name}") for each in pkgutil.iter_modules(server.api.__path__)]
    made = {each for module in (*modules, lists, reading, webhooks) for each in limits_made_in(module)}
    tree = ast.parse(Path(str(stated_limits.__file__)).read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    used = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    assert made - used == NOT_TOLD.keys()
    assert {"registry.importing.lists.MOST_LINES", "server.api.batches.MOST", "server.api.pms_events.MOST_VISITS"} <= made
    assert (limits["import_lines"], limits["import_bytes"]) == (50_000, 16 * 1024 * 1024)
    allowances = {name for name, kind in ServerSettings.__annotations__.items() if kind == Allowance.__name__} - OF_PAGES
    assert allowances == {"api_allowance", "token_allowance", "receipt_allowance"}
    assert {limits["requests"], limits["token_requests"], limits["receipt_look_ups"]} == {
        getattr(ServerSettings(), each).times for each in allowances
    }


def place(said):
    return Premises(premises_id=said.premises_id, kind=PremisesKind.OTHER, commune_code="demo-01", name="")


@pytest.mark.parametrize("pointer", stated_limits.TEXT)
def test_a_text_of_the_told_length_fits_and_one_letter_more_does_not(pointer):
    *way, leaf = pointer.split("/")[1:]

    def problems(letters):
        said = make_declaration()
        if leaf == "number":
            said = msgspec.structs.replace(
                said,
                person=msgspec.structs.replace(said.person, document=Document(kind=DocumentKind.OTHER, number="A" * letters)),
            )
        else:
            inner = said if not way else getattr(said, way[0])
            changed = msgspec.structs.replace(inner, **{leaf: "a" * letters})
            said = msgspec.structs.replace(said, **{way[0]: changed}) if way else changed
        found = check_declaration(said, premises=place(said), rules=load_rule_book(), now=EVENING).problems
        return [each.code for each in found if each.pointer == pointer and each.severity == "error"]

    longest = stated_limits.TEXT[pointer]
    assert problems(longest) == []
    assert problems(longest + 1)


def test_the_words_of_hints_are_those_of_the_lists():
    for name, words in LISTED.items():
        assert {each.code for each in code_lists.lists()[name].entries} == {str(each) for each in words}
    for address in PLACES.values():
        assert address == "/api/v1/premises" or address.rpartition("/")[2] in code_lists.lists()


DECLARED = {
    "a reason": ({"reason": "holiday"}, "/reason", "tourism", "code-lists/reason"),
    "a document": ({"person.document": {"kind": "id"}}, "/person/document/kind", "passport", "code-lists/document-kind"),
    "a sex": ({"person.sex": "x"}, "/person/sex", "female", "code-lists/sex"),
    "a kind": ({"kind": "stay"}, "/kind", "extension", "code-lists/declaration-kind"),
    "a role": ({"declarant": {"role": "clerk"}}, "/declarant/role", "facility", ""),
    "a precision": ({"person.birth": {"value": "1995", "precision": "decade"}}, "/person/birth/precision", "year", ""),
    "a nationality": ({"person.nationality": "VIETNAM"}, "/person/nationality", "", "code-lists/country"),
    "a room": ({"unit": " "}, "/unit", "", "/api/v1/premises"),
    "a missing field": ({"arrival": None}, "/arrival", "arrival", ""),
}


def stated(changes):
    said = msgspec.to_builtins(make_declaration(premises_id="htl-sao-mai", unit="201"))
    for path, value in changes.items():
        inner = said
        *way, leaf = path.split(".")
        for each in way:
            inner = inner[each]
        if value is None:
            del inner[leaf]
        else:
            inner[leaf] = value
    return said


@pytest.mark.parametrize("case", DECLARED)
def test_an_unknown_word_is_answered_with_the_words_or_the_address_of_their_list(world, case):
    changes, pointer, word, address = DECLARED[case]
    client, headers = world.client(), world.bearer("clerk") | {"idempotency-key": f"hints of {case}".replace(" ", "-")}
    alone = client.post("/api/v1/declarations", json=stated(changes), headers=headers)
    item = client.post("/api/v1/batches", json={"declarations": [stated(changes)]}, headers=headers).json()["items"][0]
    assert alone.status_code == 422
    found = [alone.json(), *alone.json()["problems"]]
    hints = [each["hint"] for each in found if each["pointer"] == pointer]
    assert hints, found
    for hint in (*hints, item["hint"]):
        for language in ("vi", "en"):
            assert word in hint[language]
            assert address in hint[language]
    assert item["pointer"] == pointer


def test_words_of_other_bodies_are_named_too(world):
    client, headers = world.client(), world.bearer("clerk")
    event = client.post("/api/v1/pms-events", json=PMS_EVENT | {"type": "guest.in"}, headers=headers).json()
    assert (event["pointer"], "stay.guest.checked_in" in event["hint"]["en"]) == ("/type", True)
    change = client.post("/api/v1/stays/x/changes", json={"change": "vanish"}, headers=headers).json()
    assert (change["pointer"], change["hint"]["en"]) == ("/change", "One of: extend, move, withdraw, undo.")


@pytest.mark.parametrize(
    ("minutes", "leaving", "codes"), [(0, "14:00", []), (60, "14:59", ["declaration.stay_too_short"]), (60, "15:00", [])]
)
def test_how_short_a_stay_may_be_is_chosen(minutes, leaving, codes):
    rules = msgspec.structs.replace(load_rule_book(), shortest_stay=timedelta(minutes=minutes))
    for kind in ("arrival", "extension", "correction", "departure"):
        said = make_declaration(
            kind=kind, about=None if kind == "arrival" else make_id(), planned_departure=f"2026-07-10T{leaving}:00+07:00"
        )
        found = check_declaration(said, premises=place(said), rules=rules, now=EVENING + timedelta(hours=2)).problems
        told = [each.code for each in found if each.pointer == "/planned_departure"]
        assert told == ([] if kind == "departure" else codes)  # who has left may have left at once


def test_no_hint_stands_where_no_word_may():
    assert hint_at(stated_limits.Limits, "/nowhere/at/all") is None
    assert allowed_at(stated_limits.Limits, "/page") == ()
