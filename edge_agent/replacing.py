"""A file that is replaced whole or not at all, whatever the power does meanwhile.

- The draft lies beside it, is synced, and takes its name in one step; then the folder is synced, for a name is the folder's.

Example: ``replace_file(Path("/var/lib/luutru/state.json"), b"{}")``
"""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put a file in place in one step that outlives a power cut."""
    draft = path.with_name(f".{path.name}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
