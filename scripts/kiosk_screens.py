"""Photograph every state of the kiosk's screen: six languages, three sizes, usual, in high contrast and twice as large.

- The states and pages are those of the tests (``tests/kiosk_states.py``), the browser is the system's Chromium; nothing is sent anywhere.
- One picture per state, language, size and look: ``<folder>/<size>/<look>/<language>/<state>.png``. A sheet of small ones for each language
  and size lies beside them, to be looked over by eye.

Example: ``.venv/bin/python scripts/kiosk_screens.py /tmp/screens --languages vi,ko --sizes small``
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from kiosk_browser import SIZES, still_page  # noqa: E402 - of the tests
from kiosk_states import STATES  # noqa: E402

LOOKS: dict[str, dict[str, bool]] = {"usual": {}, "contrast": {"contrast": True}, "large": {"large": True}}
LANGUAGES = ("vi", "en", "zh", "ko", "ja", "ru")
THUMB = {"lobby": (400, 225), "tall": (216, 384), "small": (400, 240)}
ACROSS = 6


def take(page: Page, folder: Path, *, names: tuple[str, ...], language: str, size: str, look: str) -> None:
    """Photograph every state in one language, size and look, and lay the pictures out on one sheet."""
    from kiosk_browser import show

    folder.mkdir(parents=True, exist_ok=True)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    for name in names:
        show(page, name, language, **LOOKS[look])
        page.screenshot(path=folder / f"{name}.png", full_page=look == "large")
    _sheet([folder / f"{name}.png" for name in names], THUMB[size]).save(folder.parent / f"{language}.png")


def _sheet(pictures: list[Path], size: tuple[int, int]) -> Image.Image:
    rows = -(-len(pictures) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * (size[0] + 6), rows * (size[1] + 6)), "#888")
    for at, path in enumerate(pictures):
        with Image.open(path) as picture:
            picture.thumbnail(size)
            sheet.paste(picture, ((at % ACROSS) * (size[0] + 6), (at // ACROSS) * (size[1] + 6)))
    return sheet


def main() -> None:
    """Read the command line and photograph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for option, known in (("languages", LANGUAGES), ("sizes", tuple(SIZES)), ("looks", tuple(LOOKS)), ("states", tuple(STATES))):
        parser.add_argument(f"--{option}", default=",".join(known), help="separated by commas")
    asked = parser.parse_args()
    with sync_playwright() as driver, still_page(driver) as page:
        for size in asked.sizes.split(","):
            for look in asked.looks.split(","):
                for language in asked.languages.split(","):
                    folder = asked.folder / size / look / language
                    take(page, folder, names=tuple(asked.states.split(",")), language=language, size=size, look=look)
                    print(folder.parent / f"{language}.png")


if __name__ == "__main__":
    main()
