"""A shim below SQLite that writes down what the kiosk's own database calls ask of the disk.

- It is laid over the SQLite library that Python's ``sqlite3`` itself uses, so the product runs unchanged and needs no other driver.
- Noted in order: creations, writes, truncations, syncs and deletions of database, log and journal, and the caller's own marks.
- The first sync of a new journal or log also syncs its folder: SQLite's unix layer does so (tests compare with ``strace``).
- ``-shm`` is shared memory and never durable; it does not pass here.

Example: ``with recording(folder) as log: outbox.keep(declaration); log.append(("mark", 1))``
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path

CREATE = 0x4
JOURNALS = 0x800 | 0x4000 | 0x80000  # SQLITE_OPEN_MAIN_JOURNAL, _SUPER_JOURNAL, _WAL
# The order is SQLite's: struct sqlite3_io_methods (version 3) and struct sqlite3_vfs (version 3).
METHODS = [
    *("close", "read", "write", "truncate", "sync", "file_size", "lock", "unlock", "check_reserved", "file_control"),
    *("sector_size", "characteristics", "shm_map", "shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch"),
]
CALLS = [
    *("open", "delete", "access", "full_path", "dl_open", "dl_error", "dl_sym", "dl_close", "randomness", "sleep", "time"),
    *("last_error", "time64", "set_call", "get_call", "next_call"),
]


class _Methods(Structure):
    _fields_ = (
        ("version", c_int),
        *[(name, c_void_p) for name in METHODS],
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


class _Vfs(Structure):
    _fields_ = (
        ("version", c_int),
        ("size", c_int),
        ("longest", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        *[(name, c_void_p) for name in CALLS],
    )


# Paths stay addresses: SQLite keeps them as long as the file is open, a copy of ours would be gone by then.
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(_File), c_int, POINTER(c_int))
_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_CLOSE = CFUNCTYPE(c_int, POINTER(_File))
_WRITE = CFUNCTYPE(c_int, POINTER(_File), c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, POINTER(_File), c_int64)
_SYNC = CFUNCTYPE(c_int, POINTER(_File), c_int)


class Shim:
    """One registered layer. Use ``recording``."""

    def __init__(self, folder):
        self.log = []
        self._folder = os.fsencode(folder) + b"/"
        self._known = set()
        self._open = {}  # address of SQLite's file -> (name, its own methods, whether the folder is still to be synced)
        self._library = _library()
        find = self._library.sqlite3_vfs_find
        find.restype = POINTER(_Vfs)
        self._below = find(None)
        self._layer = _Vfs.from_buffer_copy(self._below.contents)
        self._layer.name = b"luutru-recording"
        self._layer.next = None
        self._kept = []  # what C holds pointers to
        self._layer.open = self._callback(_OPEN, self._on_open)
        self._layer.delete = self._callback(_DELETE, self._on_delete)
        self._overrides = {
            "close": self._callback(_CLOSE, self._on_close),
            "write": self._callback(_WRITE, self._on_write),
            "truncate": self._callback(_TRUNCATE, self._on_truncate),
            "sync": self._callback(_SYNC, self._on_sync),
        }
        self._tables = {}
        self._open_below = _OPEN(self._below.contents.open)
        self._delete_below = _DELETE(self._below.contents.delete)

    def register(self):
        self._library.sqlite3_vfs_register(ctypes.byref(self._layer), 1)

    def unregister(self):
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._layer))
        self._library.sqlite3_vfs_register(self._below, 1)

    def _callback(self, kind, method):
        function = kind(method)
        self._kept.append(function)
        return ctypes.cast(function, c_void_p).value

    def _on_open(self, _vfs, path, file, flags, out):
        code = self._open_below(ctypes.addressof(self._below.contents), path, file, flags, out)
        name = self._name(path)
        if code or name is None:
            return code
        if name not in self._known:
            self._known.add(name)
            self.log.append(("create", name))
        address = ctypes.addressof(file.contents)
        own = file.contents.methods
        self._open[address] = [name, own.contents, bool(flags & CREATE and flags & JOURNALS)]
        file.contents.methods = self._table(own)
        return code

    def _name(self, path):
        """The file's name in the folder watched, None for any other file."""
        text = ctypes.string_at(path) if path else b""
        return text[len(self._folder) :].decode() if text.startswith(self._folder) else None

    def _table(self, own):
        address = ctypes.addressof(own.contents)
        if address not in self._tables:
            table = _Methods.from_buffer_copy(own.contents)
            for name, callback in self._overrides.items():
                setattr(table, name, callback)
            self._tables[address] = ctypes.pointer(table)
        return self._tables[address]

    def _on_delete(self, _vfs, path, sync_folder):
        code = self._delete_below(ctypes.addressof(self._below.contents), path, sync_folder)
        name = self._name(path)
        if not code and name in self._known:
            self._known.discard(name)
            self.log.append(("delete", name))
            if sync_folder:
                self.log.append(("sync folder",))
        return code

    def _on_close(self, file):
        _, own, _ = self._open.pop(ctypes.addressof(file.contents))
        return _CLOSE(own.close)(file)

    def _on_write(self, file, data, amount, offset):
        name, own, _ = self._open[ctypes.addressof(file.contents)]
        code = _WRITE(own.write)(file, data, amount, offset)
        if not code:
            self.log.append(("write", name, offset, ctypes.string_at(data, amount)))
        return code

    def _on_truncate(self, file, size):
        name, own, _ = self._open[ctypes.addressof(file.contents)]
        code = _TRUNCATE(own.truncate)(file, size)
        if not code:
            self.log.append(("truncate", name, size))
        return code

    def _on_sync(self, file, flags):
        entry = self._open[ctypes.addressof(file.contents)]
        code = _SYNC(entry[1].sync)(file, flags)
        if not code:
            self.log.append(("sync", entry[0]))
            if entry[2]:
                entry[2] = False
                self.log.append(("sync folder",))
        return code


@contextmanager
def recording(folder):
    """Write down what every database opened in ``folder`` meanwhile asks of the disk."""
    shim = Shim(Path(folder).resolve())
    shim.register()
    try:
        yield shim.log
    finally:
        shim.unregister()


def _library():
    """The SQLite that ``sqlite3`` runs on; a Python with its own copy inside would leave the shim blind, so that is an error."""
    with Path("/proc/self/maps").open() as maps:
        loaded = {line.split()[-1] for line in maps if "libsqlite3.so" in line}
    if len(loaded) != 1:
        raise RuntimeError(f"sqlite3 ({_sqlite3.__file__}) must use exactly one shared libsqlite3.so, found: {sorted(loaded)}")
    return ctypes.CDLL(loaded.pop())
