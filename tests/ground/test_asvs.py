"""The page about ASVS names tests; each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_the_page_names_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "asvs.md").read_text("utf-8"))
    assert len(named) > 20
    there = {}
    for file in {file for file, _ in named}:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        there[file] = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert [f"{file}::{name}" for file, name in named if name not in there[file]] == []
