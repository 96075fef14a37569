"""Who may sign what, and when."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.clock import rfc3339
from residence.errors import Malformed, Untrusted
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring, load_keyring
from residence.wire.signing import SigningKey
from residence.wire.updates import accept_update, ring_for_kiosks, sign_update

NOON = datetime(2026, 7, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(key_id="k", **changes):
    base = KeyEntry(key_id=key_id, use="kiosk-sign", owner="kiosk-1", public_key=bytes(32), valid_from="2026-01-01T00:00:00Z")
    return msgspec.structs.replace(base, **changes)


REFUSALS = {
    "a key nobody knows": ([], {}, "key.unknown"),
    "a key for another use": ([entry(use="receipt")], {}, "key.wrong_use"),
    "a key of another kiosk": ([entry(owner="kiosk-2")], {"owner": "kiosk-1"}, "key.wrong_owner"),
    "a key before its time": ([entry(valid_from=rfc3339(NOON + HOUR))], {}, "key.not_yet_valid"),
    "a key at the instant it ends": ([entry(valid_to=rfc3339(NOON))], {}, "key.expired"),
    "a key revoked this instant": ([entry(revoked_at=rfc3339(NOON))], {}, "key.revoked"),
    "a key both revoked and expired": ([entry(valid_to=rfc3339(NOON), revoked_at=rfc3339(NOON))], {}, "key.revoked"),
}


@pytest.mark.parametrize(("entries", "ask", "code"), REFUSALS.values(), ids=REFUSALS)
def test_is_refused_with_its_reason(entries, ask, code):
    with pytest.raises(Untrusted) as caught:
        Keyring(entries).find("k", "kiosk-sign", at=NOON, **ask)
    assert caught.value.code == code


def test_a_key_is_good_from_its_first_instant_until_revoked_later():
    ring = Keyring([entry(valid_from=rfc3339(NOON), valid_to=rfc3339(NOON + HOUR), revoked_at=rfc3339(NOON + HOUR))])
    assert ring.find("k", "kiosk-sign", owner="kiosk-1", at=NOON).key_id == "k"


def test_during_an_overlap_both_keys_verify_and_the_younger_is_current():
    ring = Keyring([entry("new", valid_from=rfc3339(NOON - HOUR)), entry("old", valid_to=rfc3339(NOON + HOUR))])
    assert ring.find("old", "kiosk-sign", at=NOON)
    assert ring.current("kiosk-sign", at=NOON).key_id == "new"
    assert ring.current("kiosk-sign", at=NOON - 2 * HOUR).key_id == "old"


def test_there_is_no_current_key_when_none_is_in_force():
    with pytest.raises(Untrusted, match=r"key.none_current"):
        Keyring([entry(valid_to=rfc3339(NOON))]).current("kiosk-sign", at=NOON)


def test_a_revoked_key_proves_nothing_about_older_records():
    ring = Keyring([entry(revoked_at=rfc3339(NOON + HOUR))])
    assert ring.find("k", "kiosk-sign", at=NOON)
    with pytest.raises(Untrusted, match=r"key.revoked"):
        ring.find_for_record("k", "kiosk-sign", signed_at=NOON)


def test_two_keys_of_one_name_are_refused():
    with pytest.raises(Malformed, match=r"key.duplicate"):
        Keyring([entry(), entry()])


def test_a_key_of_the_wrong_length_is_refused():
    with pytest.raises(Malformed, match=r"key.malformed"):
        Keyring([entry(public_key=bytes(31))])


@given(st.binary(max_size=60))
def test_noise_is_no_keyring(noise):
    with pytest.raises(Malformed):
        load_keyring(noise)


def test_a_keyring_survives_its_file():
    ring = Keyring([entry(), entry("b", valid_to="2027-01-01T00:00:00Z")], serial=7)
    again = load_keyring(dump_keyring(ring))
    assert (again.entries, again.serial) == (ring.entries, 7)


class TestUpdates:
    updater = SigningKey("u", bytes(32))
    thief = SigningKey("u", bytes([1]) * 32)

    def ring(self, serial=1, **changes):
        return Keyring(
            [entry("u", use="keyring", owner="authority", public_key=self.updater.public_key, **changes), entry()], serial
        )

    def test_a_newer_ring_signed_by_the_keyring_key_is_taken(self):
        new = Keyring([entry("next")], serial=2)
        assert accept_update(sign_update(new, self.updater), keyring=self.ring(), at=NOON).entries == new.entries

    @pytest.mark.parametrize("serial", [0, 1])
    def test_an_older_ring_is_not(self, serial):
        with pytest.raises(Untrusted, match=r"keyring.stale"):
            accept_update(sign_update(self.ring(serial), self.updater), keyring=self.ring(), at=NOON)

    def test_a_thief_under_the_same_name_is_refused(self):
        with pytest.raises(Untrusted, match=r"signature.bad"):
            accept_update(sign_update(self.ring(2), self.thief), keyring=self.ring(), at=NOON)

    def test_a_revoked_keyring_key_changes_nothing(self):
        with pytest.raises(Untrusted, match=r"key.revoked"):
            accept_update(sign_update(self.ring(2), self.updater), keyring=self.ring(revoked_at=rfc3339(NOON)), at=NOON)


class TestRingForKiosks:
    ours = entry("a", owner="authority", use="seal")

    def test_it_holds_the_authoritys_keys_whatever_became_of_them_and_no_kiosks(self):
        ring = ring_for_kiosks([entry("b"), msgspec.structs.replace(self.ours, revoked_at=rfc3339(NOON)), entry("c")])
        assert [each.key_id for each in ring.entries] == ["a"]

    @given(st.permutations(range(3)))
    def test_its_serial_counts_what_happened_whatever_the_order(self, order):
        later = entry("z", owner="authority", use="receipt", valid_to=rfc3339(NOON), revoked_at=rfc3339(NOON))
        keys = [self.ours, later, entry("b", revoked_at=rfc3339(NOON))]
        ring = ring_for_kiosks([keys[index] for index in order])
        assert ring.serial == 4
        assert dump_keyring(ring) == dump_keyring(ring_for_kiosks(keys))

    def test_every_change_makes_it_rise(self):
        history = [[], [self.ours]]
        for change in ({"valid_to": rfc3339(NOON)}, {"revoked_at": rfc3339(NOON)}):
            history.append([msgspec.structs.replace(history[-1][0], **change)])
        history.append([*history[-1], entry("b", owner="authority", use="receipt")])
        assert [ring_for_kiosks(each).serial for each in history] == [0, 1, 2, 3, 4]
