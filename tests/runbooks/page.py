"""The runbooks of docs/operations.md as data: which there are, and their blocks in order, word for word.

- A runbook is a third-level heading below "Runbooks"; a block is fenced as ``sh``. ``sh long`` is for the long rehearsal: it installs the program itself.
- The bold words before a block say what it is: a look that fails while something is wrong, a step, or a look that succeeds once it is mended.

Example: ``runbooks()["Broker lost"].blocks[0].part == "know"``
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations.md"
PARTS = {"What it looks like": "look", "How you know": "know", "Steps": "steps", "Mended": "mended", "Whom to tell": "tell"}
FIRST = "First of all"


@dataclass(frozen=True)
class Block:
    part: str
    long: bool
    text: str


@dataclass
class Runbook:
    name: str
    parts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def runbooks(text: str | None = None) -> dict[str, Runbook]:
    """Return every runbook by its name, "First of all" included."""
    page = text if text is not None else PAGE.read_text("utf-8")
    found: dict[str, Runbook] = {}
    _, _, rest = page.partition("\n## Runbooks\n")
    for section in re.split(r"^### ", re.split(r"^## ", rest, flags=re.MULTILINE)[0], flags=re.MULTILINE)[1:]:
        name, _, body = section.partition("\n")
        found[name.strip()] = _read(name.strip(), body)
    return found


def _read(name: str, body: str) -> Runbook:
    runbook = Runbook(name)
    for match in re.finditer(r"^\*\*([^.:*]+)[.:*]|^```(\S.*)\n((?:.*\n)*?)```$", body, re.MULTILINE):
        lead, info, text = match.groups()
        if lead is not None:
            runbook.parts += [PARTS[lead]] if lead in PARTS else []
        else:
            assert info in {"sh", "sh long"}, (name, info)
            runbook.blocks.append(Block(part=(runbook.parts or ["steps"])[-1], long=info == "sh long", text=text))
    return runbook
