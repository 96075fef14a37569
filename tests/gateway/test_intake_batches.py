"""Batches into a real registry: bad ones never stop the rest, and every answer is given twice the same."""

import msgspec
import pytest
from sqlalchemy import event, text, update

import registry.recording_batch
from gateway.dead_letters import LetterRetry
from gateway.intake import RegistryUnavailable
from gateway.port import Delivery
from luutru.system import random_bytes
from registry import letter_changes, tables
from registry.letter_changes import Chosen
from registry.quarantine import count_letters, list_letters
from residence.wire.envelope import EnvelopeOpener


def _bent(delivery):
    return Delivery(topic=delivery.topic, payload=delivery.payload[:-1] + bytes([delivery.payload[-1] ^ 1]))


def _letters(office, **states):
    with office.registry.reading() as connection:
        return list_letters(connection, **states)


def test_a_batch_is_recorded_and_every_statement_answered(office):
    kiosk = office.kiosk()
    outcome = office.intake.take([office.deliver(kiosk), office.deliver(kiosk, office.presence(kiosk))])
    receipts = office.receipts(outcome)
    assert [receipt.state for receipt in receipts] == ["accepted", "accepted"]
    assert [receipt.sequence for receipt in receipts] == [1, 2]
    assert office.count("declarations") == 1
    assert office.count("presences") == 1
    assert {topic.kiosk for topic, _ in outcome.receipts} == {"kiosk-000"}


def test_bad_ones_are_set_aside_one_by_one_and_never_stop_the_rest(office):
    kiosk, other = office.kiosk(), office.kiosk(1)
    good = [office.deliver(kiosk), office.deliver(other)]
    bad = [
        Delivery(topic=good[0].topic, payload=good[0].payload[:40]),
        Delivery(topic="luutru/1/zz/nowhere", payload=b"noise"),
        Delivery(topic=other.topics.declarations, payload=good[0].payload),
        _bent(office.deliver(kiosk)),
    ]
    outcome = office.intake.take([bad[0], good[0], bad[1], bad[2], good[1], bad[3]])
    assert outcome.counts["accepted"] == 2
    assert sum(count for name, count in outcome.counts.items() if name.startswith("set aside")) == 4
    assert {letter.code for letter in _letters(office)} == {
        "envelope.malformed",
        "topic.malformed",
        "intake.kiosk_mismatch",
        "envelope.sealed",
    }
    # Only the bent one has a genuine header: refused, and said so.
    assert sorted(receipt.state for receipt in office.receipts(outcome)) == ["accepted", "accepted", "refused"]


def test_a_replay_is_answered_with_the_same_bytes_whatever_the_answer_was(office):
    kiosk = office.kiosk()
    foreign = msgspec.structs.replace(kiosk.recipient, key_id="nobody")
    accepted = office.deliver(kiosk)
    kiosk.recipient, ours = foreign, kiosk.recipient
    refused = office.deliver(kiosk)
    kiosk.recipient = ours
    received = office.deliver(kiosk, schema="stay-declaration/9")
    batch = [accepted, refused, received]
    first = office.intake.take(batch)
    office.clock.pass_time(minutes=5)
    again = office.make_intake().take(batch)  # another process, later
    assert sorted(receipt.state for receipt in office.receipts(first)) == ["accepted", "received", "refused"]
    assert sorted(data for _, data in first.receipts) == sorted(data for _, data in again.receipts)
    assert again.counts["replayed"] == 1
    assert office.count("declarations") == 1
    assert sorted(letter.seen_count for letter in _letters(office)) == [2, 2]


def test_the_same_declaration_twice_in_one_batch_is_one_row_and_one_answer(office):
    delivery = office.deliver(office.kiosk())
    outcome = office.intake.take([delivery, delivery])
    assert len({data for _, data in outcome.receipts}) == 1
    assert office.count("declarations") == 1


def test_a_reused_id_with_another_body_leaves_the_original_standing(office):
    kiosk = office.kiosk()
    original = office.declaration(kiosk)
    first = office.intake.take([office.deliver(kiosk, original)])
    forged = msgspec.structs.replace(original, unit="0102")
    second = office.intake.take([office.deliver(kiosk, forged)])
    assert [receipt.state for receipt in office.receipts(first)] == ["accepted"]
    assert [receipt.state for receipt in office.receipts(second)] == ["refused"]
    assert office.count("declarations") == 1
    assert len(_letters(office)) == 1


def test_a_gap_in_the_sequence_is_noted_and_nothing_is_refused(office):
    kiosk = office.kiosk()
    first, lost, third = (office.deliver(kiosk) for _ in range(3))
    assert office.intake.take([first, third]).counts == {"accepted": 2, "gap": 1}
    assert office.intake.take([lost]).counts == {"accepted": 1}


def test_a_statement_our_code_fails_on_is_kept_answered_and_tried_again_on_demand(office, monkeypatch):
    kiosk = office.kiosk()
    poison = office.declaration(kiosk)
    check = registry.recording_batch.check_declaration

    def failing(declaration, **others):
        if declaration.declaration_id == poison.declaration_id:
            raise ZeroDivisionError(declaration.person.full_name)
        return check(declaration, **others)

    monkeypatch.setattr(registry.recording_batch, "check_declaration", failing)
    batch = [office.deliver(kiosk), office.deliver(kiosk, poison), office.deliver(kiosk)]
    outcome = office.intake.take(batch)
    assert [receipt.state for receipt in office.receipts(outcome)] == ["accepted", "received", "accepted"]
    assert outcome.counts["dead letter"] == 1
    (letter,) = _letters(office)
    assert letter.declaration_id == poison.declaration_id
    assert office.intake.take(batch).receipts == outcome.receipts

    retry = LetterRetry(office.intake)
    assert retry.run(office.clock.now()).receipts == []  # nobody asked yet
    with office.registry.writing() as connection:
        assert letter_changes.retry(connection, Chosen(), now=office.clock.now(), random_bytes=random_bytes) == 1
    assert retry.run(office.clock.now()).counts == {"put back": 1}  # still failing: it is not lost
    monkeypatch.undo()
    with office.registry.writing() as connection:
        letter_changes.retry(connection, Chosen(ids=(letter.quarantine_id,)), now=office.clock.now(), random_bytes=random_bytes)
    settled = retry.run(office.clock.now())
    assert [receipt.state for receipt in office.receipts(settled)] == ["accepted"]
    assert _letters(office) == []
    assert office.count("declarations") == 3


def test_a_letter_waits_for_the_key_that_opens_it(office):
    kiosk = office.kiosk()
    blind = office.make_intake(opener=EnvelopeOpener([]))
    outcome = blind.take([office.deliver(kiosk)])
    assert [receipt.state for receipt in office.receipts(outcome)] == ["received"]
    with office.registry.writing() as connection:
        assert letter_changes.retry(connection, Chosen(), now=office.clock.now(), random_bytes=random_bytes) == 1
    assert LetterRetry(office.intake).run(office.clock.now()).counts == {"settled": 1}
    assert office.count("declarations") == 1


def test_letters_are_tried_again_in_one_transaction_and_what_does_not_open_keeps_no_other(office):
    kiosk = office.kiosk()
    blind = office.make_intake(opener=EnvelopeOpener([]))
    blind.take([office.deliver(kiosk) for _ in range(6)])
    damaged, keyless, *_ = (each.quarantine_id for each in _letters(office))
    columns, keys = tables.quarantine.c, tables.subject_keys.c
    with office.registry.writing() as connection:
        letter_changes.retry(connection, Chosen(), now=office.clock.now(), random_bytes=random_bytes)
        connection.execute(update(tables.quarantine).where(columns.quarantine_id == damaged).values(payload_sealed=bytes(60)))
        connection.execute(update(tables.subject_keys).where(keys.subject_id == keyless).values(kek_id="demo-01:1999"))
    asked = []
    event.listen(office.registry.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert LetterRetry(office.intake).run(office.clock.now()).counts == {"settled": 4, "put back": 2}
    assert sum(each.startswith("UPDATE quarantine") for each in asked) == 2  # what is settled; what is put back
    assert {each.quarantine_id for each in _letters(office, states=("new",))} == {damaged, keyless}


def test_noise_from_nobody_is_counted_but_cannot_fill_the_disk(office):
    topic = office.kiosk().topics.declarations
    for start in range(0, 250, 50):
        office.intake.take([Delivery(topic=topic, payload=b"noise %d" % number) for number in range(start, start + 50)])
    with office.registry.reading() as connection:
        assert count_letters(connection) == {"envelope.malformed": 250}
    assert office.count("quarantine") <= 102


def test_a_registry_without_tables_is_unavailable_and_nothing_is_lost(office):
    deliveries = [office.deliver(office.kiosk())]
    with office.registry.writing() as connection:
        connection.execute(text("ALTER TABLE receipts RENAME TO away"))
    if office.registry.engine.dialect.name == "sqlite":
        with pytest.raises(RegistryUnavailable):
            office.intake.take(deliveries)
    with office.registry.writing() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO receipts"))
    assert office.intake.take(deliveries).counts["accepted"] == 1
