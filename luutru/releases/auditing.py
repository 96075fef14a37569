"""Whether anything known is wrong with what is pinned: the lock files' packages asked about at OSV.

- OSV's own form (osv.dev, ``POST /v1/querybatch``): package-url and nothing else goes out, so nobody learns more than which public packages are used.
- Out of reach is no answer: it is said, and nobody is told that all is well.

Example: ``audit(components, ask)["vulnerable"]``
"""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from luutru.releases.locked import Component

ADDRESS: Final = "https://api.osv.dev"
_AT_ONCE: Final = 500
_SECONDS: Final = 30
Ask = Callable[[bytes], bytes]


class _Vulnerability(msgspec.Struct, frozen=True):
    id: str


class _Result(msgspec.Struct, frozen=True):
    vulns: list[_Vulnerability] = []


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


def audit(components: Sequence[Component], ask: Ask) -> dict[str, Any]:
    """Return ``asked`` (False: out of reach), ``packages`` and ``vulnerable``: package-url and what is known of it."""
    known = []
    try:
        for first in range(0, len(components), _AT_ONCE):
            part = components[first : first + _AT_ONCE]
            queries = [{"package": {"purl": each.purl}} for each in part]
            answer = msgspec.json.decode(ask(msgspec.json.encode({"queries": queries})), type=_Results)
            known += [
                {"purl": each.purl, "shipped": each.shipped, "ids": [one.id for one in told.vulns]}
                for each, told in zip(part, answer.results, strict=True)
                if told.vulns
            ]
    except (OSError, ValueError) as error:  # ValueError: what answered is not OSV
        return {"asked": False, "packages": len(components), "vulnerable": [], "why": str(error)}
    return {"asked": True, "packages": len(components), "vulnerable": known}


def asking(address: str) -> Ask:
    """Return how to ask a service at an address."""

    def ask(body: bytes) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the operator's own address
            f"{address}/v1/querybatch", data=body, headers={"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return bytes(answer.read())

    return ask
