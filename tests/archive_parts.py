"""What the tests of backups share: a town whose receipts can be verified, and the command as whoever is on call gives it."""

from __future__ import annotations

from recording_town import SIGNER, Town
from typer.testing import CliRunner, Result

from luutru.__main__ import app
from registry.kiosks import add_key
from residence.wire.keyring import AUTHORITY, KeyEntry

RECEIPT_KEY = KeyEntry(
    key_id=SIGNER.key_id, use="receipt", owner=AUTHORITY, public_key=SIGNER.public_key, valid_from="2020-01-01T00:00:00Z"
)


def knowing_its_key(town: Town) -> Town:
    with town.registry.writing() as connection:
        add_key(connection, RECEIPT_KEY, commune_code="demo-01")
    return town


def luutru(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--json"])
