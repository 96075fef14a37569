"""Write docs/asyncapi.yaml from the code: ``python scripts/make_asyncapi.py``. A test fails when the file and the code differ."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from residence.wire import (  # noqa: E402
    door_events,
    door_list,
    envelope,
    header,
    keyring,
    receipts,
    signing,
    state,
    topics,
    trust_bundle,
    trust_pieces,
)
from residence.wire.messages import MESSAGES, RECEIPT  # noqa: E402

PATH = ROOT / "docs" / "asyncapi.yaml"
ADDRESS = topics.ROOT + "/{shard}/{site}/{kiosk}/"


class _Plain(yaml.SafeDumper):
    """Writes repeated parts in full: aliases confuse AsyncAPI tools."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Never use an alias."""
        return True


def document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document as plain data."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Luutru on MQTT",
            "version": "1.0.0",
            "description": "Sealed declarations up, signed receipts down. MQTT 5, QoS 1, mutual TLS. Bytes: docs/wire.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "broker.example:8883",
                "protocol": "mqtts",
                "protocolVersion": "5.0",
                "description": "The certificate's CN is the user name; the ACL compares it with the kiosk's level of the topic.",
            }
        },
        "channels": channels(),
        "operations": operations(),
        "components": {"messages": messages(), "parameters": parameters(), "schemas": schemas()},
    }


def channels() -> dict[str, Any]:
    """Return every topic: those of a kiosk, and the gateway's state."""
    kiosk = {name: {"$ref": f"#/components/parameters/{name}"} for name in ("shard", "site", "kiosk")}
    names = {"d": "declarations", "s": "kioskState", "r": "receipts", "c": "keyringUpdates", "e": "doorEvents"}
    carried = {"d": "envelope", "s": "kioskState", "r": "receipts", "c": "keyringUpdate", "e": "doorEvents"}
    found: dict[str, Any] = {
        names[leaf]: {
            "address": ADDRESS + leaf,
            "description": description,
            "parameters": kiosk,
            "messages": {carried[leaf]: {"$ref": f"#/components/messages/{carried[leaf]}"}},
        }
        for leaf, description in topics.LEAVES.items()
    }
    found["doorPapers"] = {
        "address": ADDRESS + "l/{paper}",
        "description": "door lists, orders, what is kept of door events, answers to the kiosk; each retained",
        "parameters": kiosk | {"paper": {"$ref": "#/components/parameters/paper"}},
        "messages": {"doorPaper": {"$ref": "#/components/messages/doorPaper"}},
    }
    found["gatewayState"] = {
        "address": topics.GATEWAY_STATE,
        "description": "whether a gateway is taking declarations; retained",
        "messages": {"gatewayState": {"$ref": "#/components/messages/gatewayState"}},
    }
    found["trustPieces"] = {
        "address": topics.TRUST_PIECES.replace("+", "{place}"),
        "description": "the pieces of the bundle that says whom to trust about chips; each retained",
        "parameters": {"place": {"$ref": "#/components/parameters/place"}},
        "messages": {"trustPiece": {"$ref": "#/components/messages/trustPiece"}},
    }
    return found


def operations() -> dict[str, Any]:
    """Return who does what, from the kiosk's side."""
    mqtt = {"mqtt": {"qos": 1, "retain": False, "bindingVersion": "0.2.0"}}
    retained = {"mqtt": {"qos": 1, "retain": True, "bindingVersion": "0.2.0"}}
    done = {
        "sendDeclaration": ("send", "declarations", mqtt),
        "sendKioskState": ("send", "kioskState", retained),
        "receiveReceipts": ("receive", "receipts", mqtt),
        "receiveKeyringUpdate": ("receive", "keyringUpdates", retained),
        "sendDoorEvents": ("send", "doorEvents", {"mqtt": {"qos": 0, "retain": False, "bindingVersion": "0.2.0"}}),
        "receiveDoorPaper": ("receive", "doorPapers", retained),
        "receiveGatewayState": ("receive", "gatewayState", retained),
        "receiveTrustPiece": ("receive", "trustPieces", retained),
    }
    return {
        name: {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "bindings": bindings}
        for name, (action, channel, bindings) in done.items()
    }


def messages() -> dict[str, Any]:
    """Return what the topics carry."""
    binary = {"type": "string", "format": "binary"}
    bodies = {schema: {"$ref": f"#/components/schemas/{kind.__name__}"} for schema, kind in MESSAGES.items() if schema != RECEIPT}
    return {
        "envelope": {
            "contentType": signing.ENVELOPE_TYPE,
            "payload": {**binary, "maxLength": envelope.MAX_ENVELOPE_BYTES},
            "x-header-labels": dict(header._LABELS),  # noqa: SLF001 - the document says what the code does
            "x-body-schemas": bodies,
        },
        "receipts": {
            "contentType": "application/cbor",
            "description": f"a CBOR array of 1 to {receipts.MAX_PACKED} byte strings, each a receipt ({signing.RECEIPT_TYPE})",
            "payload": {**binary, "maxLength": receipts.MAX_PACKED_BYTES + 64},
            "x-receipt-schema": {"$ref": "#/components/schemas/Receipt"},
        },
        "keyringUpdate": {
            "contentType": signing.KEYRING_TYPE,
            "payload": binary,
            "x-keyring-schema": {"type": "object", "properties": {"entries": {"$ref": "#/components/schemas/KeyEntry"}}},
        },
        "doorEvents": {
            "contentType": door_events.EVENTS_TYPE,
            "description": f"up to {door_events.EVENTS_A_BATCH} events in order, signed by the kiosk (docs/doors.md)",
            "payload": {**binary, "maxLength": door_events.MAX_BYTES},
        },
        "doorPaper": {
            "description": f"{door_list.LIST_TYPE}, {door_list.ORDERS_TYPE} or {door_events.KEPT_TYPE}, signed by the authority",
            "payload": {**binary, "maxLength": door_list.MAX_BYTES},
        },
        "trustPiece": {
            "contentType": "application/cbor",
            "description": f"[SHA-256 of the whole, place, pieces, bytes]; the whole is {trust_bundle.TRUST_TYPE}, signed by the authority",
            "payload": {**binary, "maxLength": trust_pieces.MAX_BYTES},
            "x-bundle-schema": {"$ref": "#/components/schemas/TrustBundle"},
        },
        "kioskState": {"payload": {"$ref": "#/components/schemas/KioskState"}},
        "gatewayState": {"payload": {"$ref": "#/components/schemas/GatewayState"}},
    }


def parameters() -> dict[str, Any]:
    """Return the levels of a kiosk's topics."""
    return {
        "shard": {
            "description": f"two digits: the first eight bytes of SHA-256(site), modulo {topics.SHARDS}",
            "enum": [f"{each:02d}" for each in range(topics.SHARDS)],
        },
        "site": {"description": "the site's id, [a-z0-9][a-z0-9-]{0,62}", "examples": ["blk-hoa-binh"]},
        "paper": {"description": "0, 1, ... for the parts of a list, now for orders, kept for the answer to events"},
        "place": {"description": f"0 to {trust_pieces.MOST_PIECES - 1}, without leading zeros"},
        "kiosk": {"description": "the kiosk's id = the CN of its certificate", "examples": ["kiosk-lobby-1"]},
    }


def schemas() -> dict[str, Any]:
    """Return the JSON Schemas of all messages, as msgspec derives them from the code."""
    kinds = [*MESSAGES.values(), state.KioskState, state.GatewayState, keyring.KeyEntry, trust_bundle.TrustBundle]
    _, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(components))
    return plain


def text() -> str:
    """Return the file's content."""
    head = "# Made by scripts/make_asyncapi.py from the code; do not edit.\n"
    return head + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=130)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
