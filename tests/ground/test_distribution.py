"""Which tests run together in one process."""

from __future__ import annotations

import pytest
from distribution import FilesTogether

TOGETHER = {
    "tests/a/test_b.py::test_c": "tests/a/test_b.py",
    "tests/a/test_b.py::test_c[d]": "tests/a/test_b.py",
    "tests/a/test_b.py::test_c[guest@example]": "tests/a/test_b.py",
    "tests/a/test_b.py::test_c@pcscd": "pcscd",
    "tests/a/test_b.py::test_c[4]@seeds-4": "seeds-4",
}


@pytest.mark.parametrize(("test", "together"), TOGETHER.items())
def test_a_group_stays_together_else_a_file(test, together):
    assert FilesTogether.__new__(FilesTogether)._split_scope(test) == together
