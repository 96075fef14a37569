"""What can be fuzzed, by the name ``scripts/fuzz`` takes: each target is a module with ``judge``, ``load`` and ``seeds``.

- ``judge(data)`` raises where a promise is broken: an error that is not one of ours, a code without a sentence, a claim that cannot be.
- ``load()`` imports what is fuzzed; under atheris that happens inside its instrumentation of ``INSTRUMENTED``.
- ``seeds()`` gives inputs by name: files of ``tests/fuzz/corpus/<target>``, vectors of the suite. What broke a promise once is one of
  those files, and is judged again in every run of the suite.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

CORPUS = Path(__file__).parent / "corpus"
MODULES = {
    "chip": "chip_files",
    "chip-answers": "chip_answers",
    "codes": "qr_and_payloads",
    "pn532": "pn532_line",
    "wire": "wire_messages",
    "zones": "zones",
}


def module_of(target: str) -> ModuleType:
    return importlib.import_module(f"fuzz.{MODULES[target]}")


def committed(target: str, readers: list[str] | None = None) -> dict[str, bytes]:
    """Return the corpus of a target. ``reader~what.bin`` goes behind the byte that picks its reader out of these, sorted."""
    found = {}
    for path in sorted((CORPUS / target).glob("*.bin")):
        choice = b"" if readers is None else bytes([readers.index(path.stem.split("~")[0])])
        found[path.stem] = choice + path.read_bytes()
    return found


def refused(call, *arguments) -> bool:
    """Call a parser and tell whether it refused; a refusal must be one of ours, with a code that has a sentence."""
    from residence.errors import LuutruError, catalogue

    try:
        call(*arguments)
    except LuutruError as error:
        if error.code not in catalogue():
            raise AssertionError(error.code) from error
        return True
    return False
