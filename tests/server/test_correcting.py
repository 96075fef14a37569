"""Correcting at the desk: the form shows what the clerk's purpose releases, and keeps the rest as declared."""

from __future__ import annotations

import html
import re

import pytest
from server_parts import fields_of
from sqlalchemy import select

from registry import tables
from registry.declarations import matching_declarations, open_declaration
from registry.stays import stays_at

GUEST = {
    "full_name": "Jeanne Inventée",
    "birth": "1/2/1995",
    "sex": "female",
    "nationality": "FRA",
    "document_kind": "passport",
    "document_number": "C1234567",
    "unit": "201",
    "arrival": "2026-07-10T14:00",
    "planned_departure": "2026-07-12T12:00",
    "reason": "other",
}
WITHHELD = {
    "residence_text": "Số 77 Ngõ Không Ai Biết",
    "note": "đến cùng em gái",
    "reason_text": "chuyện gia đình",
    "permitted_stay_until": "20/07/2026",
}
WHICH_FIELD = {"birth": "birth-date", "document_kind": "document"} | {
    name: name.replace("_", "-") for name in ("full_name", "sex", "nationality", "personal_number", "residence_text")
}


def filled_in(page):
    """Return the fields of the form that carry a value, by name: inputs, chosen options and checked boxes."""
    form = page[page.rindex("<form") :]
    found = dict(re.findall(r'<input(?![^>]*type="(?:radio|checkbox)")[^>]*?name="([^"]+)"[^>]*?value="([^"]+)"', form))
    found |= dict(re.findall(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]+)" checked', form))
    for name, options in re.findall(r'<select[^>]*?name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        found |= dict.fromkeys([name], "".join(re.findall(r'<option value="([^"]+)"[^>]* selected', options)))
    return found


def correction_of(world):
    with world.registry.reading() as connection:
        rows = matching_declarations(connection, tables.declarations.c.kind == "correction")
        keys = world.vault.load_keys(connection, [each.subject_id for each in rows])
        (said,) = [open_declaration(each, keys=keys, vault=world.vault).declaration for each in rows]
    return said


@pytest.fixture
def clerk(world):
    clerk = world.client("clerk")
    form = fields_of(clerk.get("/desk/declare").text) | GUEST | WITHHELD
    page = clerk.post("/desk/declare", data=form)
    if page.status_code == 422:
        page = clerk.post("/desk/declare", data=form | {"seen_warnings": fields_of(page.text)["seen_warnings"]})
    assert page.url.path.startswith("/desk/receipts/"), page.text
    return clerk


def only_stay(world):
    with world.registry.reading() as connection:
        (stay,) = stays_at(connection, "htl-sao-mai")
    return stay


def test_the_correction_form_shows_nothing_that_the_access_record_does_not_name(world, clerk):
    page = clerk.get(f"/desk/stays/{only_stay(world).stay_id}/correct").text
    with world.registry.reading() as connection:
        (looked,) = connection.execute(select(tables.access_records.c.fields).order_by(tables.access_records.c.at)).scalars()
    shown = filled_in(page)
    assert {"full_name", "birth", "sex", "nationality", "document_kind", "unit", "arrival", "reason"} <= set(shown)
    assert {WHICH_FIELD[name] for name in shown if name in WHICH_FIELD} <= set(looked)
    stay_and_form = {"unit", "arrival", "planned_departure", "reason", "csrf", "declaration_id", "premises_id"}
    assert set(shown) - set(WHICH_FIELD) == stay_and_form
    assert not [text for text in (*WITHHELD.values(), "C1234567") if text in html.unescape(page)]


def test_what_the_correction_form_does_not_show_is_kept_when_left_empty(world, clerk):
    stay = only_stay(world)
    page = clerk.get(f"/desk/stays/{stay.stay_id}/correct").text
    form = {name: html.unescape(value) for name, value in filled_in(page).items()} | {"unit": "202"}
    answer = clerk.post(f"/desk/stays/{stay.stay_id}/correct", data=form)
    if answer.status_code == 422:
        again = form | {"seen_warnings": fields_of(answer.text)["seen_warnings"]}
        answer = clerk.post(f"/desk/stays/{stay.stay_id}/correct", data=again)
    assert "Accepted by the registry" in answer.text, answer.text
    said = correction_of(world)
    assert (said.unit, said.person.sex) == ("202", "female")
    assert (said.person.residence_text, said.note, said.reason_text) == tuple(list(WITHHELD.values())[:3])
    assert (said.permitted_stay_until, said.person.document.number) == ("2026-07-20", "C1234567")


def test_the_words_for_another_reason_go_with_it_and_a_typed_address_replaces_the_one_kept(world, clerk):
    stay = only_stay(world)
    shown = {
        name: html.unescape(value) for name, value in filled_in(clerk.get(f"/desk/stays/{stay.stay_id}/correct").text).items()
    }
    form = shown | {"reason": "tourism", "residence_text": "Số 1 Phố Mới"}
    answer = clerk.post(f"/desk/stays/{stay.stay_id}/correct", data=form)
    if answer.status_code == 422:
        again = form | {"seen_warnings": fields_of(answer.text)["seen_warnings"]}
        clerk.post(f"/desk/stays/{stay.stay_id}/correct", data=again)
    said = correction_of(world)
    assert (said.reason, said.reason_text, said.person.residence_text) == ("tourism", None, "Số 1 Phố Mới")
