"""The ministry's catalogues: told in their own numbers, kept through an outage, and what in them is strange is said and stops nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import make_person
from kbtt_parts import told_to_kbtt

from registry.authority_catalogues import all_kept
from residence.people.person import Document, DocumentKind
from residence.stays.declaration import Reason
from residence.stays.ministry_lists import LIST_NAMES, differences, their_code

OTHER_GUEST = make_person(
    full_name="Lê Thị C", personal_number="001195000334", sex="female", document=Document(kind=DocumentKind.CARD_2021)
)


@pytest.fixture
def told(small_office, tmp_path):
    with told_to_kbtt(small_office, tmp_path) as made:
        yield made


# list, number of the document, what the authority's list holds, its number for it
FOUND = {
    "as documented": ("reasons", 1, {"1": "Du lịch"}, "1"),
    "under another number": ("reasons", 18, {"18": "Lao động", "21": "CHỮA  BỆNH"}, "21"),
    "in other words": ("documents", 2, {"2": "Giấy cũ"}, "2"),
    "its number is another's now": ("reasons", 1, {"1": "Công tác"}, None),
    "gone": ("reasons", 9, {"1": "Du lịch"}, None),
    "an empty list": ("documents", 1, {}, None),
}


@pytest.mark.parametrize(("name", "ours", "content", "code"), FOUND.values(), ids=FOUND)
def test_a_word_of_ours_is_found_in_their_list_by_its_words_then_by_its_number(name, ours, content, code):
    assert their_code(name, ours, content) == code


def test_reasons_and_documents_are_told_in_the_catalogues_own_numbers_and_what_is_gone_goes_another_way(told):
    told.kbtt.behaviour.catalogue_version = 3  # medical is 21 now, marriage is gone, and two entries are new
    told.say(reason=Reason.MEDICAL)
    told.tell()
    (held,) = told.kbtt.ledger.held
    assert (held.content["lyDoCuTru"], held.content["loaiGiayTo"], told.states()) == (21, 1, ["accepted"])
    with told.office.registry.reading() as connection:
        strange = {
            each.name: [(d.kind, d.code) for d in differences(each.name, each.content)] for each in all_kept(connection, "kbtt")
        }
    assert strange["reasons"] == [("moved", "21"), ("unknown", "22"), ("missing", "9")]
    assert strange["documents"] == [("reworded", "2"), ("unknown", "10")]
    told.say(person=OTHER_GUEST, reason=Reason.MARRIAGE)
    told.tell()
    assert sorted(zip(told.states(), told.codes(), strict=True), key=str) == [
        ("accepted", None),
        ("other-channel", "authority.reason_unknown"),
    ]


def test_catalogues_outlive_their_outage_and_are_not_asked_for_at_every_guest(told):
    told.say(reason=Reason.MEDICAL)
    told.tell()
    told.connector.refresh()
    with told.office.registry.reading() as connection:
        assert [each.name for each in all_kept(connection, "kbtt")] == sorted(LIST_NAMES)
    told.kbtt.behaviour.catalogues_away = True
    told.pass_time(hours=25)
    times = {
        "arrival": told.office.clock.now().isoformat(),
        "planned_departure": (told.office.clock.now() + timedelta(days=1)).isoformat(),
    }
    told.say(person=OTHER_GUEST, reason=Reason.MEDICAL, **times)
    told.tell()
    assert [each.content["lyDoCuTru"] for each in told.kbtt.ledger.held] == [18, 18]
    assert told.kbtt.requests["GET /cms-backend/public/sandbox/ly-do"] == 2
    told.connector.refresh()  # once a minute at most
    assert told.kbtt.requests["GET /cms-backend/public/sandbox/ly-do"] == 2


def test_without_any_catalogue_the_numbers_of_the_document_stand(told):
    told.kbtt.behaviour.catalogues_away = True
    told.say(reason=Reason.MEDICAL)
    told.tell()
    assert [each.content["lyDoCuTru"] for each in told.kbtt.ledger.held] == [18]
