"""The bill of materials in CycloneDX 1.6: every component of the lock files, and which process has it.

- The same lock files and the same instant give the same bytes: components are sorted, the serial number follows from the content.
- A component's hashes are all those an installation accepts (one for each of its files). What only builds or tests has the scope ``excluded``.

Example: ``bill_of(components, version="0.1.0", made_at=now)``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from luutru.releases.locked import Component
from residence.clock import rfc3339

_ALGORITHM: Final = {"pypi": "SHA-256", "npm": "SHA-512"}


def bill_of(components: Sequence[Component], *, version: str, made_at: datetime) -> bytes:
    """Return the bill as JSON."""
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": rfc3339(made_at),
            "component": {
                "type": "application",
                "bom-ref": f"pkg:pypi/luutru@{version}",
                "name": "luutru",
                "version": version,
                "purl": f"pkg:pypi/luutru@{version}",
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": [_told(each) for each in components],
        "dependencies": [{"ref": f"pkg:pypi/luutru@{version}", "dependsOn": [each.purl for each in components if each.shipped]}],
    }
    serial = uuid5(NAMESPACE_URL, msgspec.json.encode(body, order="deterministic").decode())
    return msgspec.json.format(msgspec.json.encode({"serialNumber": f"urn:uuid:{serial}", **body})) + b"\n"


def _told(each: Component) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": each.purl,
        "name": each.name,
        "version": each.version,
        "purl": each.purl,
        "scope": "required" if each.shipped else "excluded",
        "hashes": [{"alg": _ALGORITHM[each.kind], "content": content} for content in each.hashes],
        "properties": [{"name": "luutru:lock", "value": lock} for lock in each.locks],
    }
