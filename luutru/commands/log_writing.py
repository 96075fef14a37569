"""``luutru log new`` and ``luutru log publish``: the authority's side of the log.

- The log's key is made once, printed in its public half, and used by one process.

Example: ``luutru log new --name luutru.example/log && luutru log publish --every 2``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luutru.commands.registry import DEFAULT_REGISTRY, RegistryOption
from luutru.commands.registry_answers import answering

FolderOption = Annotated[
    Path, typer.Option("--log", envvar="LUUTRU_LOG", file_okay=False, help="The log's folder, to be served to everybody.")
]
KeyFileOption = Annotated[
    Path, typer.Option("--key-file", envvar="LUUTRU_LOG_KEY", dir_okay=False, help="The log's private key.")
]
HandedOption = Annotated[
    Path | None,
    typer.Option(
        "--handed", envvar="LUUTRU_LOOKS_HANDED", file_okay=False, help="Folder in which looks are handed over past the registry."
    ),
]
StatementsKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--statements-key", envvar="LUUTRU_STATEMENTS_KEY", dir_okay=False, help="The private key of the log of statements."
    ),
]
DEFAULT_KEY = Path("keys/log.key")


def new(
    *,
    name: Annotated[str, typer.Option(help="The log's name: where it is served, without https://.")],
    key_file: KeyFileOption = DEFAULT_KEY,
    witness: Annotated[bool, typer.Option("--witness", help="Make a witness's key instead.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the key of a log, and print its public half: give that to everybody who is to check.

    Example: luutru log new --name luutru.example/log --key-file keys/log.key
    """
    from luutru.system import random_bytes
    from luutru.transparency.key_files import make_signer_file
    from residence.transparency.notes import LOG, WITNESS

    with answering(json=json) as answer:
        made = make_signer_file(key_file, name=name, kind=WITNESS if witness else LOG, random_bytes=random_bytes)
        answer["key"] = made.key.line


def publish(  # noqa: PLR0913 - the options of one command
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    log: FolderOption = Path("log"),
    key_file: KeyFileOption = DEFAULT_KEY,
    witness: Annotated[
        list[str],
        typer.Option("--witness", help="ADDRESS=KEY of a witness to ask, the key as its line or its file; may be repeated."),
    ] = [],  # noqa: B006 - Typer's way
    every: Annotated[float, typer.Option(envvar="LUUTRU_LOG_EVERY", min=0, help="Seconds between turns; 0: one turn.")] = 0,
    handed: HandedOption = None,
    statements_key: StatementsKeyOption = None,
    close_statements: Annotated[
        bool,
        typer.Option("--close-statements", help="Promise no more places in the log of statements, and publish what is owed."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Publish the looks and statements that wait, once or until asked to stop.

    Example: luutru log publish --every 2 --witness http://127.0.0.1:8311=witness.example/w1+1a2b3c4d+BA...
    """
    import base64

    import msgspec

    from luutru.logs import configure_logs
    from luutru.processes.log import LogProcess, run
    from luutru.transparency.asking import read_witness

    configure_logs()
    with answering(json=json) as answer:
        process = LogProcess(
            registry=registry,
            folder=log,
            key=key_file,
            witnesses=tuple(read_witness(each) for each in witness),
            every=every or None,
            handed=handed,
            statements_key=statements_key,
            closing=close_statements,
        )
        last = run(process)
        if (looks := last.looks) is not None:
            root = base64.b64encode(looks.root).decode()
            answer |= {"size": looks.size, "root": root, "published": looks.published, "missed": looks.missed}
        if last.statements is not None:
            answer["statements"] = msgspec.to_builtins(last.statements)
