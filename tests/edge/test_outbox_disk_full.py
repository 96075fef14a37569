"""A full disk: refuse loudly, lose nothing, recover by itself."""

import itertools

import pytest
from factories import EVENING, make_declaration
from kiosk_parts import KEYS, answer, make_outbox
from small_disks import small_disk_in

from residence.errors import Refused, Untrusted, problem
from residence.wire.envelope import read_header
from residence.wire.keyring import Keyring
from residence.wire.updates import sign_update


@pytest.fixture
def small_disk(tmp_path):
    with small_disk_in(tmp_path) as disk:
        yield disk


def fill(outbox):
    """Keep until refused; return what was promised."""
    kept = []
    with pytest.raises(Refused, match=r"outbox.disk_full"):
        kept.extend(outbox.keep(make_declaration()).declaration_id for _ in itertools.count())
    return kept


def promised(outbox):
    return [row.declaration_id for row in outbox.unsettled(10_000)]


def test_the_refusal_has_a_sentence_for_the_person():
    assert "an toàn" in problem("outbox.disk_full").message.vi


def test_at_its_size_limit_the_outbox_refuses_and_keeps_every_promise(tmp_path):
    outbox = make_outbox(tmp_path / "kiosk.db", max_bytes=512 * 1024)
    kept = fill(outbox)
    assert len(kept) > 50
    assert outbox.full
    assert promised(outbox) == kept
    with pytest.raises(Refused, match=r"outbox.disk_full"):
        outbox.keep(make_declaration())
    outbox.close()


def test_receipts_make_room_again_at_the_size_limit(tmp_path):
    outbox = make_outbox(tmp_path / "kiosk.db", max_bytes=512 * 1024)
    kept = fill(outbox)
    for row in outbox.unsettled(len(kept)):
        outbox.settle(answer(row.envelope))
    assert outbox.depth() == 0
    assert not outbox.full
    outbox.keep(make_declaration())
    assert read_header(outbox.unsettled(1)[0].envelope).sequence == len(kept) + 1
    outbox.close()


def test_on_a_really_full_disk_nothing_promised_is_lost_and_receipts_still_settle(small_disk):
    outbox = make_outbox(small_disk / "kiosk.db")
    (small_disk / "somebody-elses-file").write_bytes(bytes(400 * 1024))
    kept = fill(outbox)
    assert kept
    assert promised(outbox) == kept
    for row in outbox.unsettled(len(kept)):
        outbox.settle(answer(row.envelope))
    assert outbox.depth() == 0
    (small_disk / "somebody-elses-file").unlink()
    outbox.rest()
    outbox.keep(make_declaration())
    outbox.close()


def test_on_a_really_full_disk_new_receipt_keys_are_learnt_and_what_they_sign_settles(small_disk):
    before = Keyring([each for each in KEYS.keyring.entries if each.use != "receipt"], 1)
    outbox = make_outbox(small_disk / "kiosk.db", provisioned=before)
    kept = fill(outbox)
    small_disk.use_up()
    envelopes = [row.envelope for row in outbox.unsettled(len(kept))]
    with pytest.raises(Untrusted, match=r"key.unknown"):
        outbox.settle(answer(envelopes[0]))
    outbox.anchor.accept(sign_update(Keyring(KEYS.keyring.entries, 2), KEYS.updates), at=EVENING)
    for each in envelopes:
        outbox.settle(answer(each))
    assert outbox.depth() == 0
    outbox.close()
    assert make_outbox(small_disk / "kiosk.db", provisioned=before).anchor.keyring.serial == 2


def test_a_ring_for_which_there_is_no_room_at_all_holds_until_it_can_be_kept(small_disk):
    before = Keyring(KEYS.keyring.entries, 1)
    update = sign_update(Keyring(KEYS.keyring.entries, 2), KEYS.updates)
    outbox = make_outbox(small_disk / "kiosk.db", provisioned=before)
    fill(outbox)
    outbox._store.release_ballast()
    small_disk.use_up()
    with pytest.raises(Refused, match=r"outbox.disk_full"):
        outbox.anchor.accept(update, at=EVENING)
    assert outbox.anchor.keyring.serial == 2
    small_disk.make_room()
    assert outbox.anchor.accept(update, at=EVENING).serial == 2
    outbox.close()
    assert make_outbox(small_disk / "kiosk.db", provisioned=before).anchor.keyring.serial == 2


def test_a_kiosk_restarted_on_a_full_disk_opens_and_still_holds_its_promises(small_disk):
    outbox = make_outbox(small_disk / "kiosk.db")
    kept = fill(outbox)
    outbox.close()
    small_disk.use_up()
    again = make_outbox(small_disk / "kiosk.db")
    assert promised(again) == kept
    with pytest.raises(Refused, match=r"outbox.disk_full"):
        again.keep(make_declaration())
    again.settle(answer(again.unsettled(1)[0].envelope))
    assert promised(again) == kept[1:]
    again.close()
