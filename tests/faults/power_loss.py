"""A disk as a power cut leaves it: from a log of calls to the files that may be there afterwards.

- What was synced is there. What was written since may be there, or not, or in parts of 512 bytes; each write for itself, so that
  a later one may be there and an earlier one not.
- A file that was made or deleted since its folder was last synced may be missing, or still there with what it last held.
- The kinds say what is done with the writes in flight; ``cut`` is a killed process, not a power cut: everything arrives.
- A sector in flight may also hold zeros (the length arrived, the data did not) or anything at all.

Example: ``disk.apply(("write", "kiosk.db-wal", 32, frame)); files = disk.image("torn", chance)``
"""

from __future__ import annotations

from dataclasses import dataclass, field

SECTOR = 512
KINDS = ("cut", "nothing", "dropped", "torn", "reordered", "zeroed", "garbled", "entries")


@dataclass
class Inode:
    """One file's content: what is certain, and what was asked since."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list = field(default_factory=list)  # ("write", offset, data) and ("truncate", size)

    def sync(self):
        for change in self.pending:
            _apply(self.synced, change)
        self.pending.clear()


@dataclass
class Disk:
    """A folder with SQLite's files in it."""

    inodes: list = field(default_factory=list)
    entries: dict = field(default_factory=dict)  # name -> every inode (or None) it may stand for; the first one is synced

    def apply(self, event):
        """Let one logged call happen."""
        match event:
            case ("create", name):
                self.inodes.append(Inode())
                self.entries.setdefault(name, [None]).append(self.inodes[-1])
            case ("delete", name):
                self.entries[name].append(None)
            case ("sync folder",):
                self.entries = {name: states[-1:] for name, states in self.entries.items() if states[-1] is not None}
            case ("sync", name):
                self.entries[name][-1].sync()
            case ("write" | "truncate" as what, name, *rest):
                self.entries[name][-1].pending.append((what, *rest))

    def kinds(self):
        """Which kinds make a difference now."""
        pending = [change for states in self.entries.values() for inode in states if inode for change in inode.pending]
        writes = sum(change[0] == "write" for change in pending)
        possible = ["cut"]
        possible += ["nothing", "dropped", "torn", "zeroed", "garbled"] if writes else []
        possible += ["reordered"] if writes > 1 else []
        possible += ["entries"] if any(len(states) > 1 for states in self.entries.values()) else []
        return possible

    def image(self, kind, chance):
        """The files after a cut now: name -> bytes."""
        files = {}
        for name, states in self.entries.items():
            inode = chance.choice(states) if kind == "entries" else states[-1]
            if inode is not None:
                files[name] = _content(inode, kind, chance)
        return files


def _content(inode, kind, chance):
    content = bytearray(inode.synced)
    last = max((place for place, change in enumerate(inode.pending) if change[0] == "write"), default=-1)
    for place, change in enumerate(inode.pending):
        for part in _survivors(change, kind, chance, last=place == last):
            _apply(content, part)
    return bytes(content)


def _survivors(change, kind, chance, *, last):
    """What is left of one change in flight, as a list of changes."""
    if kind == "cut":
        return [change]
    if kind == "nothing":
        return []
    if kind == "reordered":  # the newest is there, older ones may be missing
        return [change] if last or chance.random() < 0.5 else []
    whole = chance.random() < 0.5
    if whole or kind in {"dropped", "entries"} or change[0] != "write":
        return [change] if whole else []
    return list(_sectors(change, kind, chance))


def _sectors(change, kind, chance):
    """One write in parts, each of which arrived, or did not."""
    _, offset, data = change
    start = 0
    while start < len(data):
        end = min(len(data), (offset + start) // SECTOR * SECTOR + SECTOR - offset)
        if chance.random() < 0.5:
            yield "write", offset + start, data[start:end]
        elif kind == "zeroed":
            yield "write", offset + start, bytes(end - start)
        elif kind == "garbled":
            yield "write", offset + start, chance.randbytes(end - start)
        start = end


def _apply(content, change):
    if change[0] == "truncate":
        size = change[1]
        content[size:] = bytes(max(0, size - len(content)))
        return
    _, offset, data = change
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
