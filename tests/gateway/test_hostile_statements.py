"""A genuine kiosk that says nonsense: refused on both engines alike, and the batch around it is recorded."""

import pytest

DECLARATIONS = {
    "a unit longer than its column": {"unit": "x" * 4000},
    "an id that is none": {"about": "x" * 3000},
    "a time beyond our age": {"arrival": "9999-12-31T23:00:00+07:00"},
    "no time": {"arrival": "now"},
}
PRESENCES = {
    "a unit longer than its column": ({"unit": "u" * 3000}, "text.too_long"),
    "a time beyond our age": ({"seen_at": "9999-12-31T23:59:59+00:00"}, "time.malformed"),
    "no time": ({"seen_at": "x"}, "time.malformed"),
}


def take_between_good_ones(office, message):
    kiosk = office.kiosk()
    outcome = office.intake.take([office.deliver(kiosk), office.deliver(kiosk, message), office.deliver(kiosk)])
    before, receipt, after = office.receipts(outcome)
    assert (before.state, after.state) == ("accepted", "accepted")
    return receipt


@pytest.mark.parametrize("changes", DECLARATIONS.values(), ids=DECLARATIONS.keys())
def test_a_declaration_that_fits_no_column_is_refused_and_not_merely_received(office, changes):
    assert take_between_good_ones(office, office.declaration(office.kiosk(), **changes)).state == "refused"
    assert office.count("quarantine") == 0


@pytest.mark.parametrize(("changes", "code"), PRESENCES.values(), ids=PRESENCES.keys())
def test_a_presence_that_says_nonsense_is_refused_with_its_reason(office, changes, code):
    receipt = take_between_good_ones(office, office.presence(office.kiosk(), **changes))
    assert (receipt.state, [each.code for each in receipt.findings]) == ("refused", [code])
    assert office.count("presences") == office.count("quarantine") == 0
