"""Whom a case may be referred to: the offices of ``server/police/offices.toml``, unless a process was given a file of its own.

Example: ``default_offices()[0].name == "another-commune"``
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from residence.cases.offices import Office, read_offices


@cache
def default_offices() -> tuple[Office, ...]:
    """Return the offices this package comes with."""
    return read_offices(resources.files("server.police").joinpath("offices.toml").read_bytes())
