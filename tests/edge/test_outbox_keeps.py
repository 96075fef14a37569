"""What the outbox promises, and the one way a promise ends."""

import threading

import msgspec
import pytest
from factories import EVENING, StandingClock, make_declaration, make_id
from kiosk_parts import KEYS, answer, make_outbox, open_body, open_row
from traces import traces

from luutru.throwaway import throwaway_keys
from residence.credentials.evidence import Evidence
from residence.errors import Malformed, Untrusted
from residence.wire.envelope import SALT_BYTES, read_header
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.messages import Presence, encode_message
from residence.wire.receipts import receipt_code
from residence.wire.signing import SigningKey
from residence.wire.stay_codes import code_of
from residence.wire.updates import sign_update


@pytest.fixture
def outbox(tmp_path):
    made = make_outbox(tmp_path / "kiosk.db")
    yield made
    made.close()


def test_a_kept_declaration_is_there_sealed_and_opens_for_the_authority(outbox):
    declaration = make_declaration()
    kept = outbox.keep(declaration)
    assert kept.declaration_id == declaration.declaration_id
    assert kept.code == receipt_code(declaration.declaration_id)
    assert outbox.settlement(declaration.declaration_id).state == "kept"
    assert open_row(outbox.row(declaration.declaration_id).envelope) == encode_message(declaration)


def test_the_code_of_ones_own_is_known_to_the_slip_and_to_the_authority_and_lies_on_no_disk(tmp_path, outbox):
    kept = outbox.keep(declaration := make_declaration())
    body = open_body(outbox.row(kept.declaration_id).envelope)
    assert code_of(body[:SALT_BYTES]) == kept.own_code
    assert outbox.keep(declaration).own_code == ""  # told once; a slip is printed again from the screen, not from the disk
    assert (
        traces(
            b"".join(path.read_bytes() for path in tmp_path.glob("kiosk.db*")), [kept.own_code, kept.own_code.replace("-", "")]
        )
        == set()
    )


def test_a_presence_is_kept_the_same_way(outbox):
    declaration = make_declaration()
    presence = Presence(
        declaration_id=make_id(),
        seen_at=declaration.declared_at,
        kind="entry",
        premises_id="blk-hoa-binh",
        person=declaration.person,
        evidence=Evidence(level=1, source="card-qr"),
    )
    outbox.keep(presence)
    assert outbox.unsettled(1)[0].schema == "presence/1"


def test_the_files_are_for_the_kiosk_alone(tmp_path, outbox):
    outbox.keep(make_declaration())
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("kiosk.db*") if path.suffix != ".ballast"} == {0}


def test_an_id_in_another_spelling_is_not_sealed(outbox):
    with pytest.raises(Malformed, match=r"header.malformed"):
        outbox.keep(make_declaration(declaration_id=make_id().upper()))
    assert outbox.depth() == 0
    outbox.keep(make_declaration())
    assert outbox.unsettled(1)[0].sequence == 1


def test_keeping_twice_gives_the_first_answer_and_one_row(outbox):
    declaration = make_declaration()
    first = outbox.keep(declaration)
    assert outbox.keep(declaration) == msgspec.structs.replace(first, own_code="")
    assert outbox.depth() == 1
    outbox.settle(answer(outbox.unsettled(1)[0].envelope))
    assert outbox.keep(declaration).code == receipt_code(declaration.declaration_id)
    assert outbox.depth() == 0


def test_sequence_numbers_have_no_gaps_and_survive_a_restart(tmp_path):
    for _ in range(3):
        outbox = make_outbox(tmp_path / "kiosk.db")
        for _ in range(3):
            outbox.keep(make_declaration())
        outbox.close()
    outbox = make_outbox(tmp_path / "kiosk.db")
    headers = [read_header(row.envelope) for row in outbox.unsettled(100)]
    assert [header.sequence for header in headers] == list(range(1, 10))
    assert {header.epoch for header in headers} == {outbox.epoch}
    outbox.close()


def test_a_settled_number_is_never_used_again(outbox):
    outbox.keep(make_declaration())
    outbox.settle(answer(outbox.unsettled(1)[0].envelope))
    outbox.keep(make_declaration())
    assert outbox.unsettled(1)[0].sequence == 2


def test_a_new_database_is_a_new_epoch(tmp_path):
    epochs = set()
    for name in ("a.db", "b.db"):
        outbox = make_outbox(tmp_path / name)
        epochs.add(outbox.epoch)
        outbox.close()
    assert len(epochs) == 2


def test_the_brokers_word_settles_nothing(outbox):
    kept = outbox.keep(make_declaration())
    outbox.mark_sent(kept.declaration_id)
    assert outbox.settlement(kept.declaration_id).state == "sent"
    assert outbox.depth() == 1


@pytest.mark.parametrize("state", ["received", "accepted", "refused", "conflicting"])
def test_a_signed_receipt_lets_the_row_go(outbox, state):
    kept = outbox.keep(make_declaration())
    outbox.settle(answer(outbox.unsettled(1)[0].envelope, state=state))
    assert outbox.depth() == 0
    assert outbox.settlement(kept.declaration_id).state == state
    assert outbox.settlement(kept.declaration_id).receipt.declaration_id == kept.declaration_id


def test_a_later_receipt_replaces_received_and_a_late_received_does_not_come_back(outbox):
    kept = outbox.keep(make_declaration())
    envelope = outbox.unsettled(1)[0].envelope
    for state, shown in (("received", "received"), ("accepted", "accepted"), ("received", "accepted"), ("refused", "refused")):
        outbox.settle(answer(envelope, state=state))
        assert outbox.settlement(kept.declaration_id).state == shown


STRANGER = throwaway_keys("a stranger's words")
FORGERIES = {
    "signed by a stranger": ({"signer": STRANGER.receipt}, "signature.bad"),
    "signed by a kiosk": ({"signer": KEYS.kiosk}, "key.wrong_use"),
    "signed by an unknown key": ({"signer": SigningKey("new", bytes(32))}, "key.unknown"),
    "about other content": ({"body_digest": "00" * 32}, "receipt.other_content"),
}


@pytest.mark.parametrize(("changes", "code"), FORGERIES.values(), ids=FORGERIES)
def test_a_receipt_that_does_not_hold_lets_nothing_go(outbox, changes, code):
    kept = outbox.keep(make_declaration())
    with pytest.raises(Untrusted) as caught:
        outbox.settle(answer(outbox.unsettled(1)[0].envelope, **changes))
    assert caught.value.code == code
    assert outbox.depth() == 1
    assert outbox.settlement(kept.declaration_id).state == "kept"


def test_a_receipt_for_nobody_is_harmless(outbox, tmp_path):
    other = make_outbox(tmp_path / "other.db")
    other.keep(make_declaration())
    outbox.settle(answer(other.unsettled(1)[0].envelope))
    assert outbox.depth() == 0
    other.close()


def test_listeners_hear_of_each_change_once(outbox):
    heard = []
    outbox.listen(heard.append)
    kept = outbox.keep(make_declaration())
    outbox.mark_sent(kept.declaration_id)
    outbox.mark_sent(kept.declaration_id)
    receipt = answer(outbox.unsettled(1)[0].envelope)
    outbox.settle(receipt)
    outbox.settle(receipt)
    assert heard == [kept.declaration_id] * 3


def test_several_threads_keep_at_once_without_loss(outbox):
    declarations = [make_declaration() for _ in range(40)]
    threads = [
        threading.Thread(target=lambda part=part: [outbox.keep(each) for each in part])
        for part in (declarations[::2], declarations[1::2])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read_header(row.envelope).sequence for row in outbox.unsettled(100)) == list(range(1, 41))


def test_the_stolen_files_hold_no_name_and_no_number(tmp_path):
    outbox = make_outbox(tmp_path / "kiosk.db")
    for _ in range(60):
        outbox.keep(make_declaration(unit="A-1203-Hòa"))  # long enough not to be met by chance in random bytes
    for row in outbox.unsettled(20):
        outbox.settle(answer(row.envelope))
    dump = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    outbox.close()
    dump += b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert len(dump) > 100_000
    person = make_declaration().person
    planted = (person.full_name, "Trần", "001095000117", "1995-02-01", "19950201", "Láng Hạ", "A-1203-Hòa", "Đống Đa")
    assert traces(dump, planted) == set()


class TestClock:
    def test_a_kiosk_that_wakes_in_1970_still_takes_declarations_and_says_so(self, tmp_path):
        clock = StandingClock(EVENING.replace(year=1970))
        outbox = make_outbox(tmp_path / "kiosk.db", clock=clock, clock_synced=lambda: False)
        outbox.keep(make_declaration())
        assert read_header(outbox.unsettled(1)[0].envelope).times.time_state == "unset"
        assert outbox.time_state() == "unset"
        outbox.close()

    def test_time_before_the_newest_confirmed_one_is_not_believed(self, tmp_path):
        clock = StandingClock()
        outbox = make_outbox(tmp_path / "kiosk.db", clock=clock)
        outbox.keep(make_declaration())
        outbox.settle(answer(outbox.unsettled(1)[0].envelope))
        assert outbox.time_state() == "synced"
        clock.instant = EVENING.replace(month=3)
        assert outbox.time_state() == "unset"
        outbox.close()


class TestKeyring:
    def signed(self, serial=2):
        return sign_update(Keyring(KEYS.keyring.entries[:2], serial), KEYS.updates)

    def test_a_signed_update_is_kept_over_a_restart(self, tmp_path):
        outbox = make_outbox(tmp_path / "kiosk.db")
        outbox.anchor.accept(self.signed(), at=EVENING)
        outbox.close()
        again = make_outbox(tmp_path / "kiosk.db")
        assert again.anchor.keyring.serial == 2
        again.close()

    def test_a_ring_planted_in_the_database_counts_for_nothing(self, tmp_path):
        outbox = make_outbox(tmp_path / "kiosk.db")
        planted = sign_update(Keyring(STRANGER.keyring.entries, 9), STRANGER.updates)
        with outbox._store.transaction() as cursor:
            cursor.execute("INSERT INTO keyring_updates VALUES(9, ?, ?)", (planted, "2026-07-10T07:00:00Z"))
        outbox.close()
        again = make_outbox(tmp_path / "kiosk.db")
        assert again.anchor.keyring.serial == 1
        again.close()

    def test_an_unsigned_update_changes_nothing(self, outbox):
        with pytest.raises(Untrusted):
            outbox.anchor.accept(sign_update(Keyring((), 9), STRANGER.updates), at=EVENING)
        assert outbox.anchor.keyring.serial == 1

    def test_the_same_update_comes_with_every_connection_and_is_taken_once(self, tmp_path):
        outbox = make_outbox(tmp_path / "kiosk.db")
        whole, older = (sign_update(Keyring(KEYS.keyring.entries, serial), KEYS.updates) for serial in (2, 1))
        outbox.anchor.accept(whole, at=EVENING)
        taken = outbox.anchor.keyring
        assert outbox.anchor.accept(whole, at=EVENING) is taken
        outbox.close()
        again = make_outbox(tmp_path / "kiosk.db")
        assert again.anchor.accept(whole, at=EVENING).serial == 2
        with pytest.raises(Untrusted, match=r"keyring.stale"):
            again.anchor.accept(older, at=EVENING)
        again.close()

    def test_a_receipt_under_a_key_not_heard_of_settles_nothing_until_the_ring_with_it_came(self, outbox):
        outbox.keep(make_declaration())
        row = outbox.unsettled(1)[0]
        newer = SigningKey("receipt-2", bytes(range(32)))
        receipt = answer(row.envelope, signer=newer)
        with pytest.raises(Untrusted, match=r"key.unknown"):
            outbox.settle(receipt)
        assert outbox.depth() == 1
        added = KeyEntry(
            key_id="receipt-2", use="receipt", owner="authority", public_key=newer.public_key, valid_from="2026-01-01T00:00:00Z"
        )
        outbox.anchor.accept(sign_update(Keyring([*KEYS.keyring.entries, added], 2), KEYS.updates), at=EVENING)
        outbox.settle(receipt)
        assert outbox.depth() == 0
