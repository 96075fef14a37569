"""Who stands before the simulated kiosks: invented people who arrive, correct themselves, leave and take back what they said.

- A few people per premises, so that declarations meet each other; every declaration is drawn from the run's own randomness.
- A correction, departure or withdrawal is about an arrival the same kiosk took before.

Example: ``people.declaration(kiosk)``
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from factories import make_declaration, make_person

from faults.virtual_time import BEGIN
from residence.clock import uuid7_text

_PERSON = make_person()
_ARRIVAL = make_declaration()
_NAMES = ("An", "Bình", "Chi", "Dũng", "Em", "Giang")
CROWD = [
    msgspec.structs.replace(
        _PERSON,
        full_name=f"Trần Văn {name}",
        personal_number=f"00109500{number:04d}",
        document=msgspec.structs.replace(_PERSON.document, number=f"00109500{number:04d}"),
    )
    for number, name in enumerate(_NAMES, 117)
]


class People:
    """Draws declarations."""

    def __init__(self, rng):
        self._rng = rng
        self._arrivals = {}

    def declaration(self, kiosk):
        """Return what the next person at this kiosk states."""
        rng, before = self._rng, self._arrivals.setdefault(kiosk.kiosk_id, [])
        own_id = uuid7_text(BEGIN + timedelta(seconds=kiosk.world.loop.now), rng.randbytes(10))
        about, changes = None, {"kind": "arrival"}
        if before and rng.random() < 0.3:
            about = rng.choice(before)
            changes = {"kind": rng.choice(("correction", "withdrawal", "departure")), "about": about.declaration_id}
        if changes["kind"] == "departure":
            changes["planned_departure"] = "2026-07-10T20:00:00+07:00"
        said = msgspec.structs.replace(
            _ARRIVAL,
            declaration_id=own_id,
            person=about.person if about else rng.choice(CROWD),
            premises_id=kiosk.site,
            unit=f"01{rng.randrange(1, 6):02d}",
            **changes,
        )
        if about is None:
            before.append(said)
        return said
