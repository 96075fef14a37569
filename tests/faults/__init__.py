"""Campaigns of faults: each one is a program (``python -m tests.faults.NAME --seed S --count N --json``) and has a short run in the tests."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:  # pytest has it; a campaign started by hand has not
    sys.path.insert(0, str(TESTS))
