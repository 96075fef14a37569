"""What the commands of ``luutru config`` share: their arguments, keys, the time, and how they answer.

Example: ``signer_of(Path("ward-01.key"), None)``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

RepositoryArgument = Annotated[Path, typer.Argument(help="The folder that is served: metadata/ and documents/.")]
DistrictArgument = Annotated[str, typer.Argument(help="The district, as kiosks' profiles name it.")]
KeyOption = Annotated[Path, typer.Option(help="The district's key.")]
OnlineOption = Annotated[Path, typer.Option(help="The key that signs snapshot and timestamp.")]
ReleaseOption = Annotated[str, typer.Option(help="What this rollout is called; kiosks and operators' pages name it.")]
ShareOption = Annotated[int, typer.Option(min=1, max=100, help="Only so many of a hundred kiosks, always the same ones.")]
AskedOption = Annotated[str, typer.Option(help="Ask this registry first how those kiosks are that were sent something.")]
ErrorsOption = Annotated[
    int, typer.Option(min=0, help="With --registry: so many kiosks in trouble, or not there yet, do not matter.")
]
WordOption = Annotated[Path | None, typer.Option(help="File with the word that the keys of this command are encrypted with.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def repository_of(folder: Path) -> Any:
    """Return the repository in a folder."""
    from firmware_config.signed.repository import ConfigurationRepository

    return ConfigurationRepository(folder)


def signer_of(path: Path, word_file: Path | None) -> CryptoSigner:
    """Return what signs with the key in a file."""
    from firmware_config.signed.signers import read_signer

    return read_signer(path, word=word_in(word_file))


def word_in(path: Path | None) -> bytes:
    """Return the word that keys are encrypted with; empty when there is none."""
    return path.read_bytes().strip() if path is not None else b""


def now() -> Any:
    """Return the time signatures are dated by."""
    from luutru.system import SystemClock

    return SystemClock().now()


def print_answer(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print one object, or a line for each part of it."""
    import msgspec

    if as_json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        return
    for name, value in answer.items():
        typer.echo(f"{name:24} {' '.join(value) if isinstance(value, list) else value}")
