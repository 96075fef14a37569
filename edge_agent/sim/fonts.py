"""Finds a font with Vietnamese letters on this machine; none is shipped.

- Noto Sans first, DejaVu Sans second, at the places where Debian puts them; then whatever fontconfig offers for Vietnamese.
- Without any, the sample cards cannot be drawn: ``Refused("sim.font_missing")`` names the package to install.

Example: ``load_font(24, bold=True)``
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from PIL import ImageFont

from residence.errors import Refused

_ROOT: Final = Path("/usr/share/fonts/truetype")
_PLACES: Final = {
    False: (_ROOT / "noto/NotoSans-Regular.ttf", _ROOT / "dejavu/DejaVuSans.ttf"),
    True: (_ROOT / "noto/NotoSans-Bold.ttf", _ROOT / "dejavu/DejaVuSans-Bold.ttf"),
}


@cache
def load_font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the font at ``size`` pixels."""
    return ImageFont.truetype(str(find_font(bold=bold)), size)


@cache
def find_font(*, bold: bool) -> Path:
    """Return the path of a font file with Vietnamese letters, or raise ``Refused("sim.font_missing")``."""
    for place in _PLACES[bold]:
        if place.is_file():
            return place
    found = _ask_fontconfig("sans:lang=vi:bold" if bold else "sans:lang=vi")
    if found is None:
        raise Refused("sim.font_missing", "", "no font with Vietnamese letters; install fonts-dejavu-core")
    return found


def _ask_fontconfig(pattern: str) -> Path | None:
    try:
        answer = subprocess.run(["fc-match", "-f", "%{file}", pattern], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = Path(answer.stdout.strip())
    return path if path.suffix.lower() in {".ttf", ".otf", ".ttc"} and path.is_file() else None
