"""Where the fonts of papers lie on this machine, and the packages of Debian they come from.

- One of two for Latin and Cyrillic letters; Noto Sans CJK for Chinese, Japanese and Korean, all of it in one file for each weight.

Example: ``missing()`` is empty on a machine that can write a paper in each of the six languages
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ROOT: Final = Path("/usr/share/fonts/truetype")
_EASTERN: Final = Path("/usr/share/fonts/opentype/noto")
PLACES: Final = {
    "": (_ROOT / "dejavu/DejaVuSans.ttf", _ROOT / "noto/NotoSans-Regular.ttf"),
    "B": (_ROOT / "dejavu/DejaVuSans-Bold.ttf", _ROOT / "noto/NotoSans-Bold.ttf"),
}
EASTERN: Final = {"": _EASTERN / "NotoSansCJK-Regular.ttc", "B": _EASTERN / "NotoSansCJK-Bold.ttc"}
PACKAGES: Final = ("fonts-dejavu-core", "fonts-noto-cjk")


def missing() -> tuple[str, ...]:
    """Return the packages without which some paper cannot be made here."""
    western = all(any(each.is_file() for each in places) for places in PLACES.values())
    eastern = all(each.is_file() for each in EASTERN.values())
    return tuple(package for package, there in zip(PACKAGES, (western, eastern), strict=True) if not there)
