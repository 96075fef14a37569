"""``luutru firmware``: every file of a kiosk's machine, from one typed file.

- ``render`` writes them; a second time changes nothing, and what is no longer wanted goes.
- ``check`` holds them against the programs that will read them, ``diff`` against a root that is there: an image, or ``/`` of a kiosk.
- ``build`` packs what has passed into one archive, the same bytes for the same machine, with a digest for each file.

Example: ``luutru firmware render lobby-1.toml out/``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.commands.refusals import refusing

if TYPE_CHECKING:
    from firmware_config.machines import Machine
    from luutru.firmware_gates import GateResult

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Every file of a kiosk's machine, from one typed file.")

MachineArgument = Annotated[Path, typer.Argument(help="The machine's file (docs/firmware.md); kiosk profiles lie beside it.")]
RoomOption = Annotated[
    Path | None, typer.Option(help="Folder with a Debian whose programs check; left out: those of this machine.")
]
WithoutOption = Annotated[list[str] | None, typer.Option(help="A program that may be missing here; may be given again.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def render(
    machine: MachineArgument,
    folder: Annotated[Path, typer.Argument(help="Where the files are written; etc/ and usr/ belong over the root of an image.")],
    *,
    json: JsonOption = False,
) -> None:
    """Write every file of a machine; a second time changes nothing.

    Example: luutru firmware render lobby-1.toml out/
    """
    from luutru.firmware_files import write_files

    with refusing():
        _, files = _rendered(machine)
        written = write_files(files, folder)
    if json:
        _print_json({"files": len(files), "changed": written.changed, "removed": written.removed})
        return
    for name in written.changed:
        typer.echo(f"wrote    {name}")
    for name in written.removed:
        typer.echo(f"removed  {name}")
    typer.echo(f"{len(files)} files, {len(written.changed)} changed")


@app.command()
def check(machine: MachineArgument, *, room: RoomOption = None, without: WithoutOption = None, json: JsonOption = False) -> None:
    """Hold a machine's files against the programs that will read them. Status 1 when one refuses, or is not there to be asked.

    Example: luutru firmware check lobby-1.toml --room .tools/kiosk-room
    """
    from luutru.firmware_gates import run_gates

    with refusing():
        known, files = _rendered(machine)
    results = run_gates(known, files, room=room.absolute() if room else None)
    _tell(results, json=json)
    raise typer.Exit(0 if _stands(results, without or []) else 1)


@app.command()
def diff(
    machine: MachineArgument,
    root: Annotated[Path, typer.Argument(help="The root to compare with: of an image, or / on a kiosk.")],
) -> None:
    """Show how a root differs from what would be rendered. Status 1 when it does.

    Example: luutru firmware diff lobby-1.toml /
    """
    from luutru.firmware_files import differences

    with refusing():
        _, files = _rendered(machine)
    lines = differences(files, root)
    typer.echo("\n".join(lines) if lines else "no difference")
    raise typer.Exit(1 if lines else 0)


@app.command()
def build(
    machine: MachineArgument,
    archive: Annotated[Path, typer.Argument(help="The archive (tar) to write.")],
    *,
    room: RoomOption = None,
    without: WithoutOption = None,
    json: JsonOption = False,
) -> None:
    """Check a machine's files and pack them, with a manifest of digests; nothing is written when a gate does not pass.

    Example: luutru firmware build lobby-1.toml lobby-1.tar --room .tools/kiosk-room
    """
    from luutru.firmware_files import packed
    from luutru.firmware_gates import run_gates

    with refusing():
        known, files = _rendered(machine)
    results = run_gates(known, files, room=room.absolute() if room else None)
    if not _stands(results, without or []):
        _tell(results, json=json)
        raise typer.Exit(1)
    content, digest = packed(files)
    archive.write_bytes(content)
    if json:
        _print_json({"archive": str(archive), "sha256": digest, "files": len(files), "gates": msgspec.to_builtins(results)})
    else:
        typer.echo(f"{archive}: {len(files)} files, sha256 {digest}")


def _rendered(path: Path) -> tuple[Machine, dict[str, str]]:
    from firmware_config.machine_files import machine_files
    from firmware_config.machines import load_machine
    from residence.errors import Malformed

    machine = load_machine(path)
    profiles = {}
    for name, profile in zip(machine.kiosks, machine.kiosk_paths(), strict=True):
        try:
            profiles[name] = profile.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Malformed("profile.unreadable", "", f"{profile}: {error}") from error
    return machine, machine_files(machine, profiles)


def _stands(results: list[GateResult], without: list[str]) -> bool:
    """Tell whether all passed; a program named by ``--without`` may be missing, but may not refuse."""
    return all(
        each.passed or (each.outcome == "not run" and any(each.gate.startswith(name) for name in without)) for each in results
    )


def _tell(results: list[GateResult], *, json: bool) -> None:
    if json:
        _print_json({"ok": all(each.passed for each in results), "gates": msgspec.to_builtins(results)})
        return
    for each in results:
        typer.echo(f"{each.outcome:8} {each.gate}")
        if not each.passed:
            typer.echo("\n".join(f"         {line}" for line in each.said.splitlines()[-12:]))


def _print_json(answer: dict[str, object]) -> None:
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
