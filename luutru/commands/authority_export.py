"""``luutru authority export``: whom the interface cannot take, as the portal's import files.

Example: ``luutru authority export sao-mai --to files``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from luutru.commands.registry import DEFAULT_REGISTRY, RegistryOption, VaultOption


def export_files(
    facility: Annotated[str, typer.Argument(help="The facility.")],
    *,
    to: Annotated[Path, typer.Option(file_okay=False, help="Folder for the files; they hold personal data.")] = Path(),
    authority: Annotated[str, typer.Option("--authority", help="Which authority.")] = "kbtt",
    settings: Annotated[
        Path, typer.Option("--settings", envvar="LUUTRU_AUTHORITIES", help="File of authorities (docs/authorities.md).")
    ] = Path("authorities.toml"),
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write guests that need another channel into the portal's XLSX and XML, checked by reading them back. Count back after the upload.

    Example: luutru authority export sao-mai --to files
    """
    from gateway.authorities.exporting import Order, export
    from gateway.authorities.portal_rows import read_labels
    from luutru.opening import open_registry
    from luutru.processes.authority import read_settings
    from luutru.system import random_bytes, system_clock
    from residence.errors import LuutruError, sentence

    opened = open_registry(registry, vault)
    try:
        kbtt = read_settings(settings).kbtt if settings.exists() else None
        portal = kbtt.portal if kbtt else None
        labels = read_labels((settings.parent / portal.labels).read_bytes() if portal and portal.labels else None)
        order = Order(
            authority=authority, facility=facility, folder=to, labels=labels, dates=portal.dates if portal else "day-first"
        )
        done = export(opened, order, now=system_clock().now(), random_bytes=random_bytes)
    except (LuutruError, OSError, ValueError) as error:
        typer.echo(f"authority: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        opened.close()
    if json:
        sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
        raise typer.Exit(1 if done.left_out else 0)
    for file in done.files:
        typer.echo(file)
    typer.echo(f"{done.guests} guests. Upload, look in the portal's own list, then for each day:")
    for day, count in done.days.items():
        typer.echo(f"  luutru authority count-back {facility} {day} <what it shows>   (we expect {count} more)")
    for record, codes in done.left_out.items():
        typer.echo(f"left out {record}: " + " ".join(sentence(code).en for code in codes))
    raise typer.Exit(1 if done.left_out else 0)
