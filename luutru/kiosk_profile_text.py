"""The profile a newly claimed kiosk starts with: who it is, where it stands, whom it trusts; readers are added to it by whoever knows the machine.

Example: ``profile_text(claim, answer, store="file")``
"""

from __future__ import annotations

import json
from typing import Final, Literal

from residence.errors import Malformed
from residence.wire.claims import Claim, ClaimAnswer

KeyStore = Literal["file", "systemd-creds", "tpm"]
# Where the kiosk's unit lays its keys, in memory; "": beside the profile.
_HELD: Final[dict[KeyStore, str]] = {
    "file": "",
    "systemd-creds": "/run/credentials/luutru-kiosk@{}.service",
    "tpm": "/run/luutru-keys-{}",
}


def held_in(kiosk_id: str, store: KeyStore) -> str:
    """Return the folder in which a running kiosk finds its keys."""
    return _HELD[store].format(kiosk_id)


def profile_text(claim: Claim, answer: ClaimAnswer, *, store: KeyStore) -> str:
    """Return the profile as TOML; a text of the authority cannot break out of its quotes."""
    place = answer.place
    host, _, port = answer.broker.rpartition(":")
    if place is None or not host or not port.isdigit():
        raise Malformed("claim.unreadable", "/broker", answer.broker)
    folder = held_in(claim.kiosk_id, store)
    held = f"{folder}/" if folder else ""
    sections: dict[str, dict[str, object]] = {
        "kiosk": {"id": claim.kiosk_id, "site": place.site, "kind": answer.profile},
        "premises": {
            "id": place.site,
            "kind": place.kind,
            "commune_code": place.commune_code,
            "name": place.name,
            "address": place.address,
            "remote_area": place.remote_area,
            "units": list(place.units),
        },
        "broker": {
            "host": host,
            "port": int(port),
            "certificates_url": claim.url,
            **({"key_file": f"{held}kiosk.key"} if held else {}),
        },
        "keys": {"signing_key_id": claim.key_id, **({"signing_key_file": f"{held}signing.key"} if held else {})},
    }
    lines = ["# Written when this machine was claimed; every setting is explained in docs/settings.md."]
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    """Write a value as TOML reads it: JSON's strings, numbers, words and lists are TOML's, but for DEL, which JSON leaves bare."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
