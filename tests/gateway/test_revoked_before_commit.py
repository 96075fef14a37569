"""A key revoked between reading and recording: the batch that comes after the revocation records nothing of it, on both engines."""

import threading

from gateway.dead_letters import LetterRetry
from luutru.system import random_bytes
from registry import letter_changes
from registry.key_changes import retire
from registry.kiosks import revoked_keys
from registry.letter_changes import Chosen
from residence.wire.envelope import EnvelopeOpener


def revoke(office, kiosk):
    with office.registry.writing() as connection:
        assert retire(connection, kiosk.kiosk_id, now=office.clock.now())


def revoke_behind_its_back(office, kiosk):
    """Revoke while the gateway's snapshot of the keys is still fresh, so that it reads the kiosk's messages all the same."""
    office.intake.trust.current(office.clock.now())
    revoke(office, kiosk)


def test_what_was_read_before_a_revocation_is_not_recorded_after_it_and_the_others_are(office):
    stolen, honest = office.kiosk(0), office.kiosk(1)
    batch = [office.deliver(each) for each in (stolen, honest, stolen, honest)]
    revoke_behind_its_back(office, stolen)
    outcome = office.intake.take(batch)
    assert office.count("declarations") == 2
    assert outcome.counts["set aside key.revoked"] == 2
    assert {topic.kiosk for topic, _ in outcome.receipts} == {honest.kiosk_id}  # a thief is not answered


def test_a_batch_of_nothing_but_revoked_ones_is_set_aside_whole(office):
    stolen = office.kiosk(0)
    batch = [office.deliver(stolen) for _ in range(3)]
    revoke_behind_its_back(office, stolen)
    outcome = office.intake.take(batch)
    assert (office.count("declarations"), outcome.receipts) == (0, [])


def test_a_dead_letter_of_a_key_revoked_meanwhile_is_put_back(office):
    stolen = office.kiosk(0)
    office.make_intake(opener=EnvelopeOpener([])).take([office.deliver(stolen)])  # kept: nobody there can open it
    with office.registry.writing() as connection:
        assert letter_changes.retry(connection, Chosen(), now=office.clock.now(), random_bytes=random_bytes) == 1
    revoke_behind_its_back(office, stolen)
    outcome = LetterRetry(office.intake).run(office.clock.now())
    assert (outcome.counts, outcome.receipts) == ({"put back": 1}, [])
    assert office.count("declarations") == 0


def test_a_revocation_waits_for_the_batch_that_looked_before_it(office):
    """So no batch that still believed the key is committed after the revocation was."""
    stolen = office.kiosk(0)
    revoked = threading.Event()
    thread = threading.Thread(target=lambda: (revoke(office, stolen), revoked.set()))
    with office.registry.writing() as connection:
        assert revoked_keys(connection) == set()
        thread.start()
        assert not revoked.wait(0.3)
    assert revoked.wait(20)
    thread.join()
    with office.registry.writing() as connection:
        assert revoked_keys(connection) == {stolen.signer.key_id}
