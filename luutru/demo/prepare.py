"""Make everything the demo needs before its processes start: certificates, keys, an invented commune, kiosk profiles, accounts.

- Nothing is committed and nothing is shared between two demos: every key is drawn here.
- Each kiosk's folder holds only what that kiosk would hold: its certificate and key, the public keyring, its profile, its outbox. Broker
  and gateway have a folder with their certificate and key, too. Into the authority's ``pki`` only the gateway looks, which certifies claimed kiosks.
- Asking again for a folder that is ready changes nothing. Only a folder of the demo's own is ever emptied (``folder.py``).

Example: ``prepare(Layout(directory=Path("var/demo")), clock=clock, random_bytes=random_bytes, tell=print)``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from luutru import keys
from luutru.broker_access import put
from luutru.demo.authority import bind_houses, write_authority
from luutru.demo.broker import Broker
from luutru.demo.folder import erase, mark
from luutru.demo.layout import KIOSKS, Layout
from luutru.demo.pki import GATEWAY_NAME, Pki
from luutru.demo.witnesses import write_log_keys
from luutru.paper_keys import make_paper_key
from registry import kiosks
from registry.database import Registry, connect, upgrade
from registry.doors import add_door
from registry.key_provider import FileKeyProvider
from registry.premises import load_premises
from registry.seed import DEMO_COMMUNE, demo_card_payloads, seed_demo
from registry.vault import Vault
from residence.clock import Clock
from residence.places.premises import Premises
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring, KeyUse, dump_keyring

# file name -> (key id, use) of the authority's keys; both gateway and server sign receipts, each with its own key
AUTHORITY_KEYS: Final[dict[str, tuple[str, KeyUse]]] = {
    "gateway-seal": ("demo-seal-1", "seal"),
    "gateway-receipt": ("demo-receipt-gateway-1", "receipt"),
    "server-receipt": ("demo-receipt-server-1", "receipt"),
    "keyring": ("demo-keyring-1", "keyring"),
    "door-list": ("demo-door-list-1", "door-list"),
    "server-door-pass": ("demo-door-pass-1", "door-pass"),
}
DOOR: Final = "entrance"  # each of the demo's premises has one


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """Time and randomness, handed in by the command."""

    clock: Clock
    random_bytes: Callable[[int], bytes]
    tell: Callable[[str], None]


def open_registry(layout: Layout, tools: Tools) -> Registry:
    """Open the demo's registry with its vault."""
    provider = FileKeyProvider(layout.vault, random_bytes=tools.random_bytes)
    return connect(layout.registry, vault=Vault(provider, random_bytes=tools.random_bytes))


def prepare(layout: Layout, tools: Tools, *, fresh: bool = True) -> None:
    """Make the folder, or leave a finished one as it is unless ``fresh``."""
    ready = layout.directory / "ready"
    if fresh:
        erase(layout.directory)
    if ready.exists():
        return
    mark(layout.directory)  # first, so that a folder left half made is known as ours
    layout.ports.note(layout.directory)
    tools.tell("certificates and keys")
    pki = Pki(layout.pki, broker_name=layout.broker_host)
    Broker(layout.broker, pki=pki, port=layout.ports.broker, listen=layout.broker_listen).write_configuration()
    pki.gateway().copy_to(layout.gateway, as_name=GATEWAY_NAME)
    pki.web().together(layout.web / "web.pem")
    pki.copy_authority(layout.kiosk_authority)
    write_log_keys(layout, random_bytes=tools.random_bytes)
    put(layout.gateway / pki.revocations.name, pki.revocations.read_bytes())  # so that the gateway can say when it ends
    now = tools.clock.now()
    make_paper_key(layout.key("server-paper").with_suffix(".pem"), name="Luutru demo", now=now)
    authority = [_authority_key(layout, name, now, tools) for name in AUTHORITY_KEYS]
    signing = {kiosk_id: _kiosk_key(layout, kiosk_id, now, tools) for kiosk_id in KIOSKS}
    tools.tell("an invented commune in the registry")
    upgrade(layout.registry)
    registry = open_registry(layout, tools)
    with registry.writing() as connection:
        seed_demo(connection, vault=registry.vault, now=now)
        for entry in authority:
            kiosks.add_key(connection, entry, commune_code=DEMO_COMMUNE)
        for kiosk_id, premises_id in KIOSKS.items():
            enrolment = kiosks.Enrolment(
                kiosk_id=kiosk_id, premises_id=premises_id, commune_code=DEMO_COMMUNE, profile=_kind(kiosk_id)
            )
            kiosks.enrol_kiosk(connection, enrolment, keys=[signing[kiosk_id]], now=now)
        bind_houses(connection, now=now, random_bytes=tools.random_bytes)
        for premises_id in dict.fromkeys(KIOSKS.values()):  # one entrance, however many kiosks stand at it
            add_door(connection, premises_id, DOOR, commune_code=DEMO_COMMUNE, now=now)
    with registry.reading() as connection:
        places = load_premises(connection, KIOSKS.values(), vault=registry.vault)
    registry.close()
    write_authority(layout)
    tools.tell("two kiosks")
    public = dump_keyring(Keyring(authority, serial=1))
    for kiosk_id, premises_id in KIOSKS.items():
        _furnish_kiosk(layout, pki, kiosk_id, place=places[premises_id], public_keyring=public)
    ready.touch()


def _authority_key(layout: Layout, name: str, now: datetime, tools: Tools) -> KeyEntry:
    key_id, use = AUTHORITY_KEYS[name]
    return keys.make_key(layout.key(name), key_id=key_id, use=use, owner=AUTHORITY, now=now, random_bytes=tools.random_bytes)


def _kiosk_key(layout: Layout, kiosk_id: str, now: datetime, tools: Tools) -> KeyEntry:
    path = layout.kiosk_folder(kiosk_id) / "signing.key"
    return keys.make_key(
        path, key_id=f"{kiosk_id}-sign-1", use="kiosk-sign", owner=kiosk_id, now=now, random_bytes=tools.random_bytes
    )


def _kind(kiosk_id: str) -> str:
    return "hotel-desk" if "desk" in kiosk_id else "lobby"


def _furnish_kiosk(layout: Layout, pki: Pki, kiosk_id: str, *, place: Premises, public_keyring: bytes) -> None:
    """Write a kiosk's folder: certificate, keyring and profile."""
    folder = layout.kiosk_folder(kiosk_id)
    pki.kiosk(kiosk_id).copy_to(folder, as_name="kiosk")
    (folder / "keyring.json").write_bytes(public_keyring)
    # the deck that is held before the kiosk's rendered camera; an earlier kiosk's person may come to the other one, too
    (folder / "sample-cards.txt").write_text("".join(f"{text}\n" for text in demo_card_payloads()), encoding="utf-8")
    layout.kiosk_profile(kiosk_id).write_text(_profile(layout, kiosk_id, place), encoding="utf-8")


def _profile(layout: Layout, kiosk_id: str, place: Premises) -> str:
    units = ", ".join(f'"{unit}"' for unit in place.units)
    return f"""\
# Written by luutru demo; every setting is explained in docs/settings.md.
[kiosk]
id = "{kiosk_id}"
site = "{place.premises_id}"
kind = "{_kind(kiosk_id)}"
presence = {str(_kind(kiosk_id) == "lobby").lower()}

[premises]
id = "{place.premises_id}"
kind = "{place.kind}"
commune_code = "{place.commune_code}"
name = "{place.name}"
address = "{place.address_text}"
units = [{units}]

[broker]
port = {layout.ports.broker}

[keys]
signing_key_id = "{kiosk_id}-sign-1"

[page]
port = {layout.ports.kiosks[kiosk_id]}
check_url = "http://localhost:{layout.ports.server}/receipts?code="
stay_url = "http://localhost:{layout.ports.server}/stay"
way_in_url = "http://localhost:{layout.ports.server}/sign-in/kiosk"

[[doors]]
name = "{DOOR}"
pins = "pretend"
output_pin = 17
"""
