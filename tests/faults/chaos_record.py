"""What happened in a chaos run, as JSON lines: one file per process that tells, outside every disk that gets faults.

- One line is one write; time is the machine's own, in nanoseconds. A long write may be torn by kill -9: what was not said whole was not
  said, and whoever tells next begins a new line.
- ``attempted`` before anything is kept, ``shown`` once it was promised, ``found`` for every row a start finds waiting, ``refused``
  when the screen says so, ``sent`` when the broker has it, ``settled`` with the receipt, ``acknowledged`` by a gateway.

Example: ``Record(folder / "kiosk-1.jsonl").say("attempted", id="018f...")``
"""

from __future__ import annotations

import json
import time
from contextlib import suppress


class Record:
    """One teller's lines; safe from several threads, for each line is one append."""

    def __init__(self, path):
        self._file = path.open("ab", buffering=0)
        if self._file.tell() and not path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")

    def say(self, event, **facts):
        """Note one event."""
        line = json.dumps({"t": time.time_ns(), "event": event, **facts}, separators=(",", ":"))
        self._file.write(line.encode() + b"\n")

    def close(self):
        """Say no more."""
        self._file.close()


def size_of(path):
    """Return how much a teller has told so far."""
    return path.stat().st_size if path.exists() else 0


def since(path, offset):
    """Return what a teller told from there on."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()


def new_and_sent(told):
    """Tell whether a row was both promised and given to the broker in this time."""
    ids = {"shown": set(), "sent": set()}
    for said in _whole(told):
        if said["event"] in ids:
            ids[said["event"]].add(said["id"])
    return bool(ids["shown"] & ids["sent"])


def lines(path):
    """Return what a teller told, and said to the end."""
    return list(_whole(path.read_bytes())) if path.exists() else []


def _whole(told):
    for line in told.splitlines():
        with suppress(ValueError):
            yield json.loads(line)
