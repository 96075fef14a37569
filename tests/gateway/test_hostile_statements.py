"""A genuine kiosk that says nonsense, and whoever writes without any key: the batch around it is recorded, on both engines alike."""

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DataError

import gateway.intake
from gateway.port import Delivery
from registry.quarantine import count_letters, list_letters
from residence.wire import cbor, signing

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


def frame(office, *, key_id=b"no-such-key", kind=signing.ENVELOPE_TYPE, topic=None):
    """An envelope that anybody can write: nothing in it is signed by anyone."""
    protected = cbor.encode({1: signing.EDDSA, 4: key_id, 16: kind})
    signed = b"\xd2\x84" + b"".join((cbor.encode(protected), b"\xa0", cbor.encode(b"header"), cbor.encode(bytes(64))))
    return Delivery(topic=topic or office.kiosk().topics.declarations, payload=cbor.encode([signed, bytes(40)]))


FROM_NOBODY = {
    "a key id with NUL": ({"key_id": b"kiosk\x00"}, "key.unknown"),
    "a type with NUL": ({"kind": "envelope\x00"}, "sign1.wrong_type"),
    "a topic with NUL": ({"topic": "luutru/1/00/a\x00/b/d"}, "topic.malformed"),
    "a topic of control characters": ({"topic": "luutru/1/00/\x1b[2J/b/d"}, "topic.malformed"),
    "a key id as long as it may be": ({"key_id": b"k" * 200}, "key.unknown"),
}


@pytest.mark.parametrize(("parts", "code"), FROM_NOBODY.values(), ids=FROM_NOBODY.keys())
def test_what_nobody_signed_never_stops_the_line_whatever_text_it_claims(office, parts, code):
    kiosk = office.kiosk()
    outcome = office.intake.take([office.deliver(kiosk), frame(office, **parts), office.deliver(kiosk)])
    assert outcome.counts == {"accepted": 2, f"set aside {code}": 1}
    with office.registry.reading() as connection:
        (letter,) = list_letters(connection)
    assert letter.code == code
    assert f"{letter.detail}{letter.topic}".isprintable()


def test_a_flood_of_noise_costs_no_more_statements_than_a_little_of_it(office):
    asked = []
    event.listen(office.registry.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    def statements_of(amount, first):
        asked.clear()
        office.intake.take([frame(office, key_id=b"%d" % (first + each)) for each in range(amount)])
        return len(asked)

    a_little = statements_of(3, 0)
    assert statements_of(200, 1000) <= a_little + 3  # counting what is beyond the day's samples
    assert statements_of(200, 2000) <= a_little + 3
    with office.registry.reading() as connection:
        assert count_letters(connection) == {"key.unknown": 403}


def test_what_even_the_quarantine_cannot_take_is_counted_and_holds_up_nobody(office, monkeypatch):
    keep = gateway.intake.set_aside

    def failing(connection, letters, **others):
        if any(each.detail == "bad" for each in letters):
            raise DataError("INSERT", None, ValueError())
        return keep(connection, letters, **others)

    monkeypatch.setattr(gateway.intake, "set_aside", failing)
    kiosk = office.kiosk()
    noise = [frame(office, key_id=each) for each in (b"one", b"bad", b"two")]
    outcome = office.intake.take([office.deliver(kiosk), *noise])
    assert outcome.counts == {"accepted": 1, "set aside key.unknown": 2, "not kept": 1}
    assert office.count("quarantine") == 2
