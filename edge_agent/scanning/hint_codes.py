"""What a person may be asked to do with a card that is not read. ``hints.py`` decides which; the kiosk's texts say it in words.

- closer; glare: tilt it away from the lamp; still; focus: slowly nearer or farther; light: more of it; whole: all of the code in view;
  flat: face the camera; cover: take the finger off, or wipe it.

Example: ``texts(f"card.guide_{hint}")``
"""

from __future__ import annotations

from typing import Literal

HintCode = Literal["closer", "glare", "still", "focus", "light", "whole", "flat", "cover"]
