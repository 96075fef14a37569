"""What may never be committed: keys, index addresses, machine paths, drawers, files and functions grown too large."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = [
    ROOT / name
    for name in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    if (ROOT / name).is_file()
]
TEXTS = [path for path in TRACKED if path.suffix not in {".png", ".ico", ".woff2"}]
PYTHON = [path for path in TRACKED if path.suffix == ".py"]


def test_no_private_key_is_committed():
    marker = r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n"
    assert not [path.name for path in TEXTS if re.search(marker, path.read_text("utf-8", "replace"))]
    assert not [path.name for path in TRACKED if path.suffix in {".pem", ".key", ".p12", ".pfx"}]


def test_no_lock_file_records_an_index_address():
    hosts = re.compile("py" + r"pi\.org|pythonh" + r"osted|npmj" + r"s\.org|deb\.deb" + r"ian\.org|--index-url|\"resolved\"")
    locks = [*(ROOT / "requirements").glob("*"), ROOT / "package-lock.json", ROOT / "scripts/peers/package-lock.json"]
    assert not [path.name for path in locks if hosts.search(path.read_text("utf-8"))]


def test_every_pinned_package_has_a_hash():
    for path in (ROOT / "requirements").glob("*.txt"):
        pins = re.findall(r"^[a-z0-9][^\s=]*==\S+ (\\)?$", path.read_text("utf-8"), re.MULTILINE)
        assert pins
        assert all(pins), path.name


@pytest.mark.parametrize("name", ["utils", "common", "helpers", "core", "base", "misc", "manager"])
def test_no_module_is_a_drawer(name):
    assert not [path for path in PYTHON if path.stem == name]


def test_files_and_functions_stay_readable():
    too_long = []
    for path in PYTHON:
        if "versions" in path.parts:
            continue
        text = path.read_text("utf-8")
        if "written by ``scripts/docs``" in text[:200]:
            continue  # as long as the document it is written from
        limit = 450 if "tests" in path.parts else 300
        if text.count("\n") + 1 > limit:
            too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10)) + 1} lines")
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                size = node.end_lineno - node.lineno + 1
                if size > 50:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {size} lines")
    assert not too_long


def test_every_module_says_what_it_decides():
    silent = [path for path in PYTHON if "tests" not in path.parts and not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert not [str(path.relative_to(ROOT)) for path in silent if "versions" not in path.parts]
