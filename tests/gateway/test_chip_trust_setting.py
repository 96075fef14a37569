"""Whom a running process trusts about chips: a signed bundle or a folder, taken when it changes, and never an older one."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from chip_parts import pki

from luutru.chip_trust import LOOK_EVERY, ChipTrust
from residence.wire.keyring import KeyEntry, Keyring
from residence.wire.signing import SigningKey
from residence.wire.trust_bundle import TrustBundle, sign_bundle

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
SIGNER = SigningKey("keyring-1", bytes(range(32)))
RING = Keyring(
    [
        KeyEntry(
            key_id="keyring-1", use="keyring", owner="authority", public_key=SIGNER.public_key, valid_from="2026-01-01T00:00:00Z"
        )
    ],
    1,
)


@pytest.fixture(scope="module")
def country():
    return pki.Country()


def write(path, country, version, *, signer=SIGNER, moved=0):
    bundle = TrustBundle(
        version=version, issued=NOW, expires=NOW + timedelta(days=30), certificates=(country.authority.der,), lists=()
    )
    path.write_bytes(sign_bundle(bundle, signer))
    os.utime(path, ns=(moved, moved))


def test_a_newer_bundle_is_taken_while_running_and_an_older_or_forged_one_is_not(tmp_path, country):
    path = tmp_path / "trust.bundle"
    trust = ChipTrust(path, keyring=lambda: RING)
    assert trust.current(NOW).is_empty  # there is none yet: level 3, and no failure
    write(path, country, 7)
    assert trust.current(NOW).is_empty  # looked a moment ago
    seen = [NOW + count * LOOK_EVERY for count in range(1, 6)]
    assert (trust.current(seen[0]).version, len(trust.current(seen[0]).anchors)) == (7, 1)
    write(path, country, 6, moved=1)
    assert trust.current(seen[1]).version == 7
    write(path, country, 9, signer=SigningKey("keyring-1", bytes(32)), moved=2)
    assert trust.current(seen[2]).version == 7
    path.unlink()
    assert trust.current(seen[3]).version == 7
    write(path, country, 8, moved=3)
    assert trust.current(seen[4]).version == 8


def test_a_bundle_waits_for_the_keys_that_vouch_for_it(tmp_path, country):
    write(tmp_path / "trust.bundle", country, 7)
    rings = [None, RING]
    trust = ChipTrust(tmp_path / "trust.bundle", keyring=lambda: rings.pop(0))
    assert trust.current(NOW).is_empty
    assert trust.current(NOW + LOOK_EVERY).version == 7


def test_a_folder_counts_for_what_is_in_it_and_no_setting_for_nobody(tmp_path, country):
    trust = ChipTrust(tmp_path, keyring=lambda: None)
    assert trust.current(NOW).is_empty
    (tmp_path / "csca.cer").write_bytes(country.authority.der)
    assert len(trust.current(NOW + LOOK_EVERY).anchors) == 1
    assert ChipTrust(None, keyring=lambda: None).current(NOW).is_empty
