"""The reference pages of docs/, written from the program itself so that they cannot drift.

- ``docs/errors.md``: every code with its severity and sentences, from ``residence/errors/codes/*.toml``.
- ``docs/commands.md``: every command with its help and options, from the command line itself.
- ``docs/openapi.json``: the API's document, from its table of operations.
- ``docs/optics.md``: only its tables, computed by ``edge_agent/scanning/optics.py``; they stand between marks.
- ``scripts/docs`` writes them; a test fails when a page differs from what the program says.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

from residence.errors import catalogue


def errors_page() -> str:
    """Return docs/errors.md."""
    lines = [
        "# Error and finding codes",
        "",
        "Written by `scripts/docs`. A code never changes its meaning. Pointers are JSON pointers (RFC 6901) into the input.",
        "",
        "| code | severity | English | Tiếng Việt |",
        "|---|---|---|---|",
    ]
    for code, texts in sorted(catalogue().items()):
        cells = [texts[key].replace("|", "\\|").replace("\n", " ") for key in ("severity", "en", "vi")]
        lines.append(f"| `{code}` | {cells[0]} | {cells[1]} | {cells[2]} |")
    return "\n".join(lines) + "\n"


def leaf_commands(group: Any, path: tuple[str, ...] = ("luutru",)) -> list[tuple[tuple[str, ...], Any]]:
    """Return every command below a group with the words that call it, groups first."""
    found: list[tuple[tuple[str, ...], Any]] = []
    context = group.context_class(group, info_name=path[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append(((*path, name), command))
        if hasattr(command, "list_commands"):
            found.extend(leaf_commands(command, (*path, name)))
    return found


def _parameter_row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        names = f"`{parameter.name.upper()}`"
    return f"| {names} | {(getattr(parameter, 'help', '') or '').strip()} |"


def commands_page(root: Any) -> str:
    """Return docs/commands.md for the root command."""
    lines = [
        "# Commands",
        "",
        "Written by `scripts/docs`. `luutru COMMAND --help` prints the same. With `--json` (one object) or `--jsonl` (one object per",
        "input) programs get a stable form; exit status 0: all fine, 1: something was refused or not read, 2: wrong use.",
        "",
    ]
    for path, command in leaf_commands(root):
        lines += [
            f"{'#' * min(len(path), 4)} `{' '.join(path)}`",
            "",
            inspect.cleandoc(command.help or command.short_help or ""),
            "",
        ]
        rows = [_parameter_row(each) for each in command.params if each.name != "help"]
        if rows:
            lines += ["| parameter | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def optics_page(page: str) -> str:
    """Return docs/optics.md with its tables computed anew; a mark without a table is an error."""
    from edge_agent.scanning.optics import TABLES

    def table(match: re.Match[str]) -> str:
        return "\n".join([match["begin"], *TABLES[match["name"]](), match["end"]])

    return re.sub(r"(?P<begin><!-- table: (?P<name>[a-z]+) -->)\n.*?(?P<end><!-- end -->)", table, page, flags=re.DOTALL)


def openapi_page() -> str:
    """Return docs/openapi.json."""
    from server.api.document import document

    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def write(directory: Path) -> None:
    """Write the pages into ``directory``."""
    from typer.main import get_command

    from luutru.__main__ import app

    directory.joinpath("errors.md").write_text(errors_page(), encoding="utf-8")
    directory.joinpath("commands.md").write_text(commands_page(get_command(app)), encoding="utf-8")
    directory.joinpath("openapi.json").write_text(openapi_page(), encoding="utf-8")
    optics = directory.joinpath("optics.md")
    optics.write_text(optics_page(optics.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
