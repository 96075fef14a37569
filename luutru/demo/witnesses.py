"""The keys of the demo's two logs and of their witness, each told the other's public half: two folders, as they belong to two parties.

Example: ``write_log_keys(layout, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from luutru.demo.layout import Layout
from luutru.transparency.key_files import kept_signer
from luutru.transparency.witnessing import OWN_KEY
from registry.durable_files import replace_whole
from residence.transparency.notes import LOG, WITNESS

LOG_NAME: Final = "luutru-demo.invalid/log"
STATEMENTS_NAME: Final = "luutru-demo.invalid/log/statements"
WITNESS_NAME: Final = "witness-demo.invalid/w1"
LOG_PUBLIC: Final = "log.pub"  # in the witness's folder, and where whoever drills a restore finds it
STATEMENTS_PUBLIC: Final = "statements.pub"  # there, too
WITNESS_PUBLIC: Final = "witness.pub"  # beside the log's key


def write_log_keys(layout: Layout, *, random_bytes: Callable[[int], bytes]) -> None:
    """Make the keys where there are none, and hand the public halves over."""
    log = kept_signer(layout.log_key, name=LOG_NAME, kind=LOG, random_bytes=random_bytes)
    statements = kept_signer(layout.statements_key, name=STATEMENTS_NAME, kind=LOG, random_bytes=random_bytes)
    witness = kept_signer(layout.witness / OWN_KEY, name=WITNESS_NAME, kind=WITNESS, random_bytes=random_bytes)
    for folder in (layout.witness, layout.directory):
        replace_whole(folder / LOG_PUBLIC, f"{log.key.line}\n".encode(), mode=0o644)
        replace_whole(folder / STATEMENTS_PUBLIC, f"{statements.key.line}\n".encode(), mode=0o644)
    replace_whole(layout.log_key.with_name(WITNESS_PUBLIC), f"{witness.key.line}\n".encode())
