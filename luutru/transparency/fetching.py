"""A log's files from a folder or an address, alike.

- Over http(s) nothing is followed elsewhere but what the server redirects to on http(s); an answer that is no 200 is a missing file.

Example: ``fetch = fetch_from("https://luutru.example/log"); fetch("checkpoint")``
"""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from registry.log_files import LogFiles
from residence.errors import Malformed
from residence.transparency.tiles import Fetch

PATIENCE: Final = 10.0  # seconds
LARGEST: Final = 1 << 25  # a full bundle of the longest entries is half of it


def is_address(log: str) -> bool:
    """Tell an address from a folder."""
    return log.startswith(("http://", "https://"))


def fetch_from(log: str) -> Fetch:
    """Return how to fetch a file of the log at an address or in a folder."""
    if not is_address(log):
        return LogFiles(Path(log)).fetch

    def fetch(path: str) -> bytes:
        try:
            with urllib.request.urlopen(f"{log.rstrip('/')}/{path}", timeout=PATIENCE) as answer:  # noqa: S310 - http(s), see is_address
                return bytes(answer.read(LARGEST))
        except (urllib.error.URLError, OSError) as error:
            raise Malformed("log.file_missing", "", path) from error

    return fetch


def note_from(fetch: Fetch, path: str = "checkpoint") -> str:
    """Fetch a checkpoint, or raise ``Malformed("log.note_malformed")``."""
    try:
        return fetch(path).decode()
    except UnicodeDecodeError as error:
        raise Malformed("log.note_malformed") from error
