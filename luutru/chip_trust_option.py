"""The option by which gateway and server are told whose chips to believe; apart from ``chip_trust``, so that ``--help`` loads no certificates.

Example: ``luutru gateway run --chip-trust trust.bundle``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ChipTrustOption = Annotated[
    Path | None,
    typer.Option(
        envvar="LUUTRU_CHIP_TRUST",
        help="Signed trust bundle, or folder of certificates, that chips are judged by; none: level 3 at best.",
    ),
]
