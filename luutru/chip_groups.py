"""What the further groups of a chip hold, as ``luutru chip`` prints it: pictures by kind and size alone, details by the names of their fields.

- Values are printed only where personal fields are asked for; of a picture there is nothing to ask for: its header is read and no more.
- A group that cannot be read says why, and spoils nothing.

>>> described({"DG2": b""}, personal=False)
{'DG2': {'unreadable': 'chip.tlv'}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from residence.credentials.chip.lds import Details, parse_dg2, parse_dg7, parse_dg11, parse_dg12, parse_dg16
from residence.errors import LuutruError

GROUPS: Final = ("DG2", "DG7", "DG11", "DG12", "DG16")  # what may be read besides what every reading needs
_PICTURES: Final = {"DG2": parse_dg2, "DG7": parse_dg7}
_DETAILS: Final = {"DG11": parse_dg11, "DG12": parse_dg12}


def described(files: Mapping[str, bytes], *, personal: bool) -> dict[str, Any]:
    """Return what stands in those of the further groups that are there."""
    return {name: _described(name, files[name], personal=personal) for name in GROUPS if name in files}


def _described(name: str, raw: bytes, *, personal: bool) -> dict[str, Any]:
    try:
        if name in _PICTURES:
            return {"pictures": [{"kind": each.kind, "bytes": each.size} for each in _PICTURES[name](raw)]}
        if name in _DETAILS:
            return _details(_DETAILS[name](raw), personal=personal)
        return {"persons": [_details(each, personal=personal) for each in parse_dg16(raw)]}
    except LuutruError as error:
        return {"unreadable": error.code}


def _details(found: Details, *, personal: bool) -> dict[str, Any]:
    others = {tag: len(value) for tag, value in found.others.items()}
    return {"holds": sorted(found.texts), "others": others, **({"texts": found.texts} if personal else {})}
