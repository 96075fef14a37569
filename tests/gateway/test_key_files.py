"""Private key files: readable by their owner, for one use, never replaced."""

import factories
import pytest

from luutru.keys import make_key, public_entry, read_sealing_key, read_signing_key
from luutru.system import random_bytes
from residence.errors import Conflict, Malformed, Refused


def _make(path, use="receipt"):
    return make_key(path, key_id="k-1", use=use, owner="authority", now=factories.EVENING, random_bytes=random_bytes)


def test_a_made_key_signs_with_the_public_half_it_returned(tmp_path):
    entry = _make(tmp_path / "receipt.key")
    signer = read_signing_key(tmp_path / "receipt.key", use="receipt")
    assert signer.public_key == entry.public_key
    assert signer.key_id == entry.key_id == "k-1"
    assert (tmp_path / "receipt.key").stat().st_mode & 0o077 == 0


def test_a_sealing_key_file_gives_the_key_of_its_entry(tmp_path):
    entry = _make(tmp_path / "seal.key", use="seal")
    assert read_sealing_key(tmp_path / "seal.key").public_key == entry.public_key
    assert public_entry(tmp_path / "seal.key", valid_from=factories.EVENING) == entry


def test_an_existing_key_is_never_overwritten(tmp_path):
    entry = _make(tmp_path / "a.key")
    with pytest.raises(Conflict) as conflict:
        _make(tmp_path / "a.key")
    assert conflict.value.code == "key.exists"
    assert public_entry(tmp_path / "a.key", valid_from=factories.EVENING) == entry


def test_a_key_of_another_use_is_refused(tmp_path):
    _make(tmp_path / "a.key", use="kiosk-sign")
    with pytest.raises(Malformed):
        read_signing_key(tmp_path / "a.key", use="receipt")
    (tmp_path / "b.key").write_text("{}")
    with pytest.raises(Malformed):
        read_sealing_key(tmp_path / "b.key")
    with pytest.raises(Refused):
        read_sealing_key(tmp_path / "c.key")
