"""The plain consumer everybody writes first: paho, one ``INSERT`` and one commit for each message. A baseline, in a process of its own.

- Durable session, MQTT 5, TLS; paho acknowledges after the callback, so a crash loses nothing. SQLite with WAL and full sync.
- It is given plain JSON: no signature, no decryption, no registry, no receipt.

Example: ``python -m luutru.benchmarks.row_by_row 127.0.0.1 8883 pki/ peer.db``
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from luutru.demo.pki import GATEWAY_NAME
from residence.wire.topics import ROOT

CLIENT_ID: Final = "bench-peer"
FILTER: Final = f"{ROOT}/+/+/+/d"
SESSION_SECONDS: Final = 3600
COLUMNS: Final = (
    "id TEXT PRIMARY KEY, site TEXT, unit TEXT, said TEXT, arrival TEXT, reason TEXT, number TEXT, name TEXT, body TEXT"
)
SCHEMA: Final = f"""
PRAGMA journal_mode=WAL;
CREATE TABLE declaration({COLUMNS});
CREATE INDEX by_site ON declaration(site, arrival);
CREATE INDEX by_number ON declaration(number);
"""
INSERT: Final = "INSERT OR IGNORE INTO declaration VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def make_database(path: Path) -> None:
    """Make the peers' table."""
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
    connection.close()


def _subscribe(client: mqtt.Client, *_said: Any) -> None:
    client.subscribe(FILTER, qos=1)


def consume(address: tuple[str, int], tls: Path, database: Path) -> None:
    """Take messages for ever."""
    store = sqlite3.connect(database, isolation_level=None, timeout=30)
    store.execute("PRAGMA synchronous=FULL")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, CLIENT_ID, protocol=mqtt.MQTTv5)
    client.tls_set(str(tls / "ca.pem"), str(tls / f"{GATEWAY_NAME}.pem"), str(tls / f"{GATEWAY_NAME}.key"))

    def received(_client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        said = json.loads(message.payload)
        store.execute(
            INSERT,
            (
                said["declaration_id"],
                said["premises_id"],
                said["unit"],
                said["declared_at"],
                said["arrival"],
                said["reason"],
                said["person"]["personal_number"],
                said["person"]["full_name"],
                message.payload.decode(),
            ),
        )

    client.on_message = received
    client.on_connect = _subscribe
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_SECONDS
    client.connect(*address, clean_start=False, properties=properties)
    client.loop_forever()


if __name__ == "__main__":
    consume((sys.argv[1], int(sys.argv[2])), Path(sys.argv[3]), Path(sys.argv[4]))
