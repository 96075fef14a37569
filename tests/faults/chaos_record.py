"""What happened in a chaos run, as JSON lines: one file per process that tells, outside every disk that gets faults.

- One line is one write, so a process that is killed leaves whole lines; time is the machine's own, in nanoseconds.
- ``attempted`` before anything is kept, ``shown`` once it was promised, ``found`` for every row a start finds waiting, ``refused``
  when the screen says so, ``sent`` when the broker has it, ``settled`` with the receipt, ``acknowledged`` by a gateway.

Example: ``Record(folder / "kiosk-1.jsonl").say("attempted", id="018f...")``
"""

from __future__ import annotations

import json
import time


class Record:
    """One teller's lines; safe from several threads, for each line is one append."""

    def __init__(self, path):
        self._file = path.open("ab", buffering=0)

    def say(self, event, **facts):
        """Note one event."""
        line = json.dumps({"t": time.time_ns(), "event": event, **facts}, separators=(",", ":"))
        self._file.write(line.encode() + b"\n")


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
    for line in told.splitlines():
        said = json.loads(line)
        if said["event"] in ids:
            ids[said["event"]].add(said["id"])
    return bool(ids["shown"] & ids["sent"])


def lines(path):
    """Return what a teller told."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
