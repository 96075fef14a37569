"""An import in a process of its own, to be killed: says each batch on standard output as it goes in.

Arguments: address of the registry, folder of its keys, folder of the city's files.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from importing_parts import Desk

from registry.database import connect
from registry.importing.fields import KINDS
from registry.importing.journal import Who
from registry.importing.mapping import Mapping
from registry.importing.reading import open_file
from registry.importing.running import Task, run_import
from registry.key_provider import FileKeyProvider
from registry.vault import Vault


def main(url: str, keys: str, folder: str) -> None:
    from importing_parts import NOW

    vault = Vault(FileKeyProvider(Path(keys), random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    registry = connect(url, vault=vault)
    desk = Desk(registry=registry, folder=Path(folder))
    for kind in KINDS:
        rows = open_file(Path(folder) / f"{kind}.parquet", Mapping())
        task = Task(rows=rows, kind=kind, mapping=Mapping(), who=Who(name="clerk", now=NOW, batch_rows=25))
        run_import(
            task, desk.means(), transaction=registry.writing, progress=lambda what, done, _of: print(what, done, flush=True)
        )
    registry.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
