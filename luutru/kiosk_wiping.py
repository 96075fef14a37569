"""A kiosk's end: what it was is erased, and its signed word that this was done is handed in.

- Only of a kiosk that has ended, and with an empty outbox: a declaration that was promised to be kept is delivered first.
- The word is signed and written to ``wiped.cose`` before anything is erased, for the key that signs it goes as well. Power lost in between, or a server that
  is away: begun again it goes on, erases what is left and hands the same word in.
- Files are overwritten once and removed. A memory card may keep old blocks all the same: what is sealed in them opens for nobody (docs/outbox.md), and
  the keys are worthless once the authority has taken the kiosk out of service.

Example: ``wipe(profile, machine=serial, clock=clock, send=post).erased``
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from edge_agent.provisioning.asking import Post, say_wiped
from edge_agent.replacing import replace_file
from luutru.keys import read_signing_key
from luutru.kiosk_claiming import check_outbox
from luutru.kiosk_tpm import MACHINE, SEALED
from residence.clock import Clock, rfc3339
from residence.errors import Refused
from residence.wire import signing
from residence.wire.claims import Wiped, sign_wiped

if TYPE_CHECKING:
    from firmware_config.profiles import KioskProfile

STATEMENT: Final = "wiped.cose"
_PIECE: Final = 1 << 16


def wipe(profile: KioskProfile, *, machine: str, clock: Clock, send: Post) -> Wiped:
    """Erase a kiosk and say so. ``Refused("claim.kiosk_runs" | "claim.outbox_not_empty" | "claim.server_unreachable")``; the latter after everything is erased."""
    folder = Path(profile.folder)
    statement = folder / STATEMENT
    if not statement.exists():
        check_outbox(folder, clock=clock)
        said = Wiped(
            kiosk_id=profile.kiosk.id,
            machine=machine,
            at=rfc3339(clock.now()),
            waiting=0,
            erased=tuple(path.name for path in _files(profile)),
        )
        signer = read_signing_key(profile.path(profile.keys.signing_key_file), use="kiosk-sign")
        replace_file(statement, sign_wiped(said, signer))
    for path in _files(profile):
        _erase(path)
    word = statement.read_bytes()
    said = msgspec.json.decode(signing.read_sign1(word).payload, type=Wiped)
    if profile.broker.certificates_url:
        say_wiped(profile.broker.certificates_url, word, send=send)
        return said
    raise Refused("claim.server_unreachable", "", f"no broker.certificates_url: hand in {statement}")


def _files(profile: KioskProfile) -> list[Path]:
    """Return what is erased: keys, certificate, ring, outbox, what it was sent, and whatever an earlier kiosk left here."""
    return sorted(set(_named(profile)))


def _named(profile: KioskProfile) -> Iterator[Path]:
    folder, broker = Path(profile.folder), profile.broker
    for name in (profile.keys.signing_key_file, profile.keys.keyring_file, broker.key_file, broker.certificate_file):
        own = Path(name).name
        for path in (profile.path(name), folder / f"{own}.cred", folder / f"{own}{SEALED}", folder / MACHINE):
            if path.is_file() and folder in path.parents:
                yield path
    store = profile.path(profile.store.path)
    yield from (path for path in store.parent.glob(f"{store.name}*") if path.is_file())
    sent = profile.path(profile.configuration.folder)  # settings, keys, words and door lists that were published for it
    for old in (*folder.glob("before-*"), folder / "claim", *([sent] if folder in sent.parents else [])):
        yield from (path for path in old.rglob("*") if path.is_file())


def _erase(path: Path) -> None:
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            left -= file.write(bytes(min(left, _PIECE)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
