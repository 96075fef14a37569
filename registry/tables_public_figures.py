"""What was published of each month, as it was published: it is never worked out again, so that no two versions can be compared.

Example: ``select(public_figures).where(public_figures.c.commune_code == "demo-01")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import PrimaryKeyConstraint, Table

from registry.columns import commune, document, instant, metadata, own_id

# ``figures`` is a residence.cases.public_figures.MonthFigures as JSON.
public_figures: Final = Table(
    "public_figures",
    metadata,
    commune(),
    own_id("month", 7),
    document("figures"),
    instant("made_at"),
    PrimaryKeyConstraint("commune_code", "month"),
)
