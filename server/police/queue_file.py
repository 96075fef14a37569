"""Which queues there are: those of ``server/police/queues.toml``, unless a process was given a file of its own.

Example: ``default_queues()[0].name == "now"``
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from residence.cases.queues import Queue, read_queues


@cache
def default_queues() -> tuple[Queue, ...]:
    """Return the queues this package comes with."""
    return read_queues(resources.files("server.police").joinpath("queues.toml").read_bytes())
