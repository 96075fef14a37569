"""Whom a chip names, where no code and no zone said it before: the person of DG1, with the name in Vietnamese letters where DG13 has it.

- DG1 decides. DG13 only writes the same name with its accents, and only of a Vietnamese document; another name there is not taken.
- A chip without a DG1 that can be read names nobody. What is taken is level 1 by itself; what the chip shows is judged as ever.

Example: ``reading_of(capture, today=today).person.full_name``
"""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from residence.credentials.chip.capture import Capture
from residence.credentials.chip.dg13 import parse_dg13
from residence.credentials.chip.lds import parse_dg1
from residence.credentials.evidence import Reading
from residence.credentials.reading import read_mrz
from residence.errors import LuutruError, Malformed
from residence.people.letters import stored_form, without_accents
from residence.people.names import check_name
from residence.people.person import Person

READER: Final = "chip"
_VIETNAM: Final = "VNM"


def reading_of(capture: Capture, *, today: date) -> Reading:
    """Return the person of a capture, or raise ``Malformed("chip.nobody")``."""
    try:
        read = read_mrz(parse_dg1(capture.files["DG1"]), reader=READER, today=today).reading
    except (KeyError, LuutruError):
        read = None
    if read is None:
        raise Malformed("chip.nobody")
    evidence = msgspec.structs.replace(read.evidence, source="chip", checks={})
    return Reading(person=_spelt(read.person, capture), evidence=evidence)


def _spelt(person: Person, capture: Capture) -> Person:
    """Return the person with the name as it is written in Vietnamese."""
    if person.document is None or person.document.issuer != _VIETNAM or "DG13" not in capture.files:
        return person
    try:
        name = stored_form(" ".join(parse_dg13(capture.files["DG13"]).texts.get("full_name", "").split()))
    except LuutruError:
        return person
    if _letters(name) != _letters(person.full_name) or check_name(name, "/person/full_name"):
        return person
    return msgspec.structs.replace(person, full_name=name, name_quality="full")


def _letters(name: str) -> list[str]:
    return without_accents(name).upper().split()
