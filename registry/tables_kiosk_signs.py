"""What a kiosk last said of its parts, beside its row among the kiosks: doors, disk, settings, what its readers heard.

Example: ``select(kiosk_signs).where(kiosk_signs.c.commune_code == "demo-01")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, document, instant, metadata, own_id

kiosk_signs: Final = Table(
    "kiosk_signs",
    metadata,
    commune(),
    own_id("kiosk_id"),
    document("said"),
    instant("changed_at"),
)
