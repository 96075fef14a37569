"""The statements of a version, written down when it is released: what old code will still say to new tables.

- The hot functions are asked in a small town on both engines; each statement is kept once, long lists of values shortened.
- One record for each version, never written again once the version is released (``luutru/releases/released.toml``).
- Values are not kept: whether a statement can still be said depends on tables and columns alone.

Example: ``PYTHONPATH=tests python tests/record_statements.py`` writes ``tests/vectors/statements/<version>.json``
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hot_queries import ASKED, listening, set_scene
from recording_town import make_town

from luutru import __version__
from luutru.benchmarks.postgres import running_postgres
from luutru.releases.released import released
from registry import tables
from registry.database import upgrade

FOLDER = Path(__file__).parent / "vectors" / "statements"
_LONG = {
    "sqlite": (re.compile(r"\(\?(?:, \?){2,}\)(?=\D|$)"), "(?, ?)"),
    "postgresql": (re.compile(r"IN \((%\(\w+\)s(?:::\w+)?)(?:, %\(\w+\)s(?:::\w+)?)+\)"), r"IN (\1)"),
}


def shortened(sql: str, engine: str) -> str:
    """Return a statement with one value where a list of them stood; values to insert stay as many as there are columns."""
    pattern, short = _LONG[engine]
    text = " ".join(sql.split())
    return text if text.startswith("INSERT") else pattern.sub(short, text)


def said_by(url: str, folder: Path, engine: str) -> list[str]:
    """Ask everything in a new town and return what was said."""
    upgrade(url)
    town = make_town(url, folder / "vault")
    with listening(town.registry.engine) as heard:
        scene = set_scene(town)
        for ask in ASKED.values():
            ask(town, scene)
    town.registry.close()
    return sorted({shortened(each.sql, engine) for each in heard})


def recorded() -> Iterator[tuple[str, list[str]]]:
    """Yield both engines' statements."""
    with tempfile.TemporaryDirectory() as name:
        yield "sqlite", said_by(f"sqlite:///{name}/registry.db", Path(name), "sqlite")
    with tempfile.TemporaryDirectory() as name, running_postgres() as server:
        yield "postgresql", said_by(server.new_database(), Path(name), "postgresql")


def main() -> None:
    """Write down this version's statements and columns."""
    version = __version__.partition(".dev")[0]
    if version in {each.version for each in released()}:
        sys.exit(f"{version} is released: what it says is written down already")
    columns = {name: sorted(table.columns.keys()) for name, table in sorted(tables.metadata.tables.items())}
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{version}.json"
    path.write_text(json.dumps({"columns": columns, "statements": dict(recorded())}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
