"""The kiosk's screen as its machine shows it: a compositor, a browser and the files that shut it in, all of them real (``scripts/test-screens``)."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))
