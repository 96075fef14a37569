"""How long something in the fleet may stand before it is an alarm: one setting for the page and for the figures.

Example: ``LUUTRU_KIOSK_WITHHELD_MINUTES=240``
"""

from __future__ import annotations

from typing import Annotated

import typer

WithheldOption = Annotated[
    int,
    typer.Option(
        "--withheld-minutes",
        envvar="LUUTRU_KIOSK_WITHHELD_MINUTES",
        min=1,
        help="So long a gap in a kiosk's own count may stand before it is an alarm.",
    ),
]
