"""``luutru server paper-key``: make the key PDFs are signed with, or the next one.

Example: ``luutru server paper-key --keys keys --name "Công an phường Láng Hạ"``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer


def make(
    *,
    name: Annotated[str, typer.Option(help="Who signs, as readers of PDF show it.")],
    keys: Annotated[Path, typer.Option("--keys", envvar="LUUTRU_KEYS", help="Directory the private key is written to.")] = Path(
        "keys"
    ),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the key and self-signed certificate papers are signed with; the server takes the newest at its next start.

    Example: luutru server paper-key --keys keys --name "Công an phường Láng Hạ"
    """
    import hashlib

    from luutru.keys import rotated_path
    from luutru.paper_keys import PURPOSE, make_paper_key
    from luutru.system import system_clock
    from residence.clock import rfc3339
    from residence.errors import LuutruError, sentence

    now = system_clock().now()
    path = keys / f"{PURPOSE}.pem"
    if path.exists():
        path = rotated_path(keys, PURPOSE, now=now).with_suffix(".pem")
    try:
        made = make_paper_key(path, name=name, now=now)
    except (LuutruError, OSError) as error:
        said = f"{sentence(error.code).en} ({error.detail})" if isinstance(error, LuutruError) else str(error)
        typer.echo(said, err=True)
        raise typer.Exit(1) from None
    print_ = hashlib.sha256(made.certificate).hexdigest()
    told = {"ok": True, "file": str(path), "sha256": print_, "valid_to": rfc3339(made.valid_to)}
    text = (
        msgspec.json.encode(told).decode()
        if json
        else f"{path}\nSHA-256 of the certificate: {print_}\nvalid until {told['valid_to']}"
    )
    sys.stdout.write(text + "\n")
