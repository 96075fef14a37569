"""A Dockerfile read: its stages, and each one's instructions in order.

- What is used in ours is read and nothing else; an instruction nobody knows here is an error, not a gap.
- Continued lines are joined, comments left out; ``COPY`` tells what it takes from where.

Example: ``stages(Path("Dockerfile").read_text())["gateway"].chain`` is its own and its bases' instructions
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

KNOWN = {"RUN", "COPY", "ENV", "WORKDIR", "USER", "ENTRYPOINT", "CMD"}


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One line of a stage."""

    word: str
    text: str

    @property
    def words(self) -> list[str]:
        """Return the words, of either form: a JSON list or plain ones."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()

    @property
    def copied(self) -> tuple[str, list[str], str]:
        """Return of a COPY the stage (empty: the build's context), the sources and where they go."""
        words = self.words
        stage = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else ""
        return stage, words[:-1], words[-1]


@dataclass
class Stage:
    """One stage: what it is named, what it begins from, what it does."""

    name: str
    base: str
    own: list[Instruction] = field(default_factory=list)


def stages(text: str) -> dict[str, Stage]:
    """Read a Dockerfile."""
    found: dict[str, Stage] = {}
    stage = None
    for line in _lines(text):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, name = re.fullmatch(r"(\S+) AS (\w+)", rest).groups()
            stage = found[name] = Stage(name, base.partition("@")[0])
        elif word in KNOWN and stage is not None:
            stage.own.append(Instruction(word=word, text=" ".join(rest.split())))
        else:
            raise ValueError(line)
    return found


def _lines(text: str) -> list[str]:
    kept = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(kept).replace("\\\n", "").splitlines()
