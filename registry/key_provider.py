"""Where the registry's keys live: outside the database, wrapped by a root that a file, a PKCS#11 token or a TPM keeps.

- A *period key* wraps people's keys of one commune in one period. It is never in the database nor in its backups; retiring it makes
  every key it wrapped unreadable for ever, backups included. A period may have several, one after another: ``79-demo:2026``, ``79-demo:2026.2``.
- An *index key* makes blind indexes; that of numbers, names and telephones has a successor like every other (``registry/index_keys.py``).
- ``FileKeyProvider`` keeps both in a folder (mode 0700), wrapped by the root (``registry/root_keepers.py``) whose name each file says. With
  the root in the same folder, whoever copies it *and* the database reads everything: it belongs on another disk, and in other backups.
- The folder also notes which period keys were retired and which people were erased (``registry/key_notes.py``): no backup of the database
  takes that back.
- ``turn()`` changes whenever anything here was changed by anybody: whoever remembers keys forgets them then.

Example: ``FileKeyProvider(Path("keys"), random_bytes=secrets.token_bytes).period_key("79-demo:2026")``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from registry.durable_files import destroy_file, locked, replace_whole, write_new
from registry.index_keys import INDEX_FILE, IndexKeys
from registry.key_notes import Generation, KeyNotes, Retired, Shredded
from registry.root_keepers import KEY_BYTES, NONCE_BYTES, FileRoots, RootKeeper, open_keeper
from residence.clock import VIETNAM
from residence.errors import Refused, Untrusted

__all__ = ["KEY_BYTES", "NONCE_BYTES", "FileKeyProvider", "KeyProvider"]
_FORMER_INDEX: Final = "index.key"  # as it was before roots had names: bare
_FIRST_ROOT: Final = "file-1"
_FORMER_BYTES: Final = NONCE_BYTES + KEY_BYTES + 16  # of a wrapped key that does not say its root
Turn = tuple[int, int]


class KeyProvider(Protocol):
    """What the vault asks of a place that keeps keys."""

    def period_key(self, kek_id: str, *, create: bool = False) -> bytes:
        """Return the 32-byte key, made on first use if ``create``; ``Untrusted("vault.key_retired")`` when there is none."""
        ...

    def generation(self, period: str) -> str:
        """Return the name of the key in force for a commune's period: its own, or that with the number of its last rotation."""
        ...

    def turn(self) -> Turn:
        """Return something that differs after every change."""
        ...

    def shredded(self) -> dict[str, Shredded]:
        """Return the subjects whose keys must never be opened again, whatever a database says."""
        ...

    def shred(self, given: Shredded) -> None:
        """Note that a subject's key is never opened again."""
        ...

    def period_keys(self) -> list[str]:
        """Return the names of the period keys there are."""
        ...

    def index_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Return the 32-byte HMAC keys for ``purpose``: the one that writes, then those that are looked for as well."""
        ...


class FileKeyProvider:
    """Wrapped keys in a folder, their root with a keeper."""

    def __init__(self, directory: Path, *, random_bytes: Callable[[int], bytes], keeper: RootKeeper | None = None) -> None:
        self.directory: Final = directory
        self._draw: Final = random_bytes
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "periods").mkdir(mode=0o700, exist_ok=True)
        self.keeper: RootKeeper = keeper or open_keeper(directory, random_bytes=random_bytes)
        self.notes: Final = KeyNotes(directory)
        self._keep_index()
        self.indexes: Final = IndexKeys(directory, self, self.notes)
        self.indexes.of("number")  # a wrong root is told at the start

    def random_bytes(self, count: int, /) -> bytes:
        """Draw as many random bytes."""
        return self._draw(count)

    def period_key(self, kek_id: str, *, create: bool = False) -> bytes:
        """Return the period key, unwrapped under the root its file names."""
        path = self._period_path(kek_id)
        if create and not path.exists():
            with self.changing():
                if kek_id in self.notes.retired():
                    raise Untrusted("vault.key_retired", "", kek_id)
                write_new(path, self.wrapped(self.random_bytes(KEY_BYTES), kek_id))
        return self.opened(path, kek_id)

    def generation(self, period: str) -> str:
        """Return the name of the period's key in force."""
        found = self.notes.generations().get(period)
        return f"{period}.{found.number}" if found else period

    def begin_generation(self, period: str, *, now: datetime) -> str:
        """Make a new key for a period that goes on; what is sealed from now on is sealed under it. Returns its name."""
        with self.changing():
            known = self.notes.generations()
            number = known[period].number + 1 if period in known else 2
            kek_id = f"{period}.{number}"
            write_new(self._period_path(kek_id), self.wrapped(self.random_bytes(KEY_BYTES), kek_id))
            self.notes.write_generations(known | {period: Generation(number=number, since=now)})
            self.notes.bump()
        return kek_id

    def closed_at(self, kek_id: str) -> datetime:
        """Return since when a key is in force no more: its successor's beginning, or the end of its year in Vietnam."""
        commune_code, _, rest = kek_id.rpartition(":")
        year, _, number = rest.partition(".")
        found = self.notes.generations().get(f"{commune_code}:{year}")
        if found and int(number or 1) < found.number:
            return found.since
        return datetime(int(year) + 1, 1, 1, tzinfo=VIETNAM)

    def opened_at(self, period: str) -> datetime:
        """Return since when a period's key in force is: its rotation, or the beginning of its year in Vietnam."""
        found = self.notes.generations().get(period)
        return found.since if found else datetime(int(period.rpartition(":")[2]), 1, 1, tzinfo=VIETNAM)

    def retire(self, kek_id: str, *, now: datetime, why: str) -> None:
        """Note that a period key is retired, then overwrite and remove it. What it wrapped is gone."""
        with self.changing():
            if kek_id not in self.notes.retired():
                self.notes.add_retired(Retired(kek_id=kek_id, at=now, why=why))
            destroy_file(self._period_path(kek_id))
            self.notes.bump()

    def shred(self, given: Shredded) -> None:
        """Note that a subject's key is never opened again; again for the same subject does nothing."""
        with self.changing():
            if given.subject_id not in self.notes.shredded():
                self.notes.add_shredded(given)
                self.notes.bump()

    def shredded(self) -> dict[str, Shredded]:
        """Return the subjects whose keys must never be opened again."""
        return self.notes.shredded()

    def turn(self) -> Turn:
        """Return something that differs after every change of this folder."""
        return self.notes.turn()

    def index_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Return the purpose's keys: the one that writes, then those that are looked for as well."""
        return self.indexes.of(purpose)

    def index_key(self, purpose: str) -> bytes:
        """Return the purpose's key that writes."""
        return self.indexes.of(purpose)[0]

    def open_keeper_again(self) -> None:
        """Ask the folder anew who keeps its root."""
        self.keeper = open_keeper(self.directory, random_bytes=self.random_bytes)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the folder's lock: while a root is rotated nobody makes a key under the old one."""
        with locked(self.directory / "lock"):
            yield

    def wrapped(self, key: bytes, name: str) -> bytes:
        """Return a key as its file holds it, under the root in force; while ``changing``."""
        root_id = (self.keeper.ids() or [self.keeper.make()])[-1]
        return _file_of(root_id, name, self.keeper.wrap(root_id, key, name.encode()))

    def rewrap_all(self, root_id: str, *, keeper: RootKeeper, names: Iterable[str] = ()) -> int:
        """Wrap every key of this folder under another root, of this keeper or of another; while ``changing``. Returns how many.

        ``names`` of period keys that a database knows: the oldest files do not say theirs. ``Refused("vault.nameless_key")`` for one of nobody.
        """
        indexes = sorted(self.directory.glob("index*.wrapped"))
        known = {self._period_path(name): name for name in names} | {path: path.name for path in indexes}
        done = 0
        for path in (*sorted((self.directory / "periods").glob("*.wrapped")), *indexes):
            found, name, wrapped = _parts_of(path.read_bytes())
            name = name or known.get(path, "")
            if not name:
                raise Refused("vault.nameless_key", "", path.name)
            if found != root_id:
                key = self.keeper.unwrap(found, wrapped, name.encode())
                replace_whole(path, _file_of(root_id, name, keeper.wrap(root_id, key, name.encode())))
                done += 1
        return done

    def period_keys(self) -> list[str]:
        """Return the names of the period keys there are; a file of the oldest form does not say its own."""
        files = (self.directory / "periods").glob("*.wrapped")
        return sorted(name for path in files if (name := _parts_of(path.read_bytes())[1]))

    def opened(self, path: Path, name: str) -> bytes:
        """Return what a file of keys holds, or raise ``Untrusted("vault.key_retired" | "vault.*")``."""
        for last in (False, True):
            try:
                root_id, _, wrapped = _parts_of(path.read_bytes())
                return self.keeper.unwrap(root_id, wrapped, name.encode())
            except FileNotFoundError:
                raise Untrusted("vault.key_retired", "", name) from None
            except Untrusted as error:
                if last or error.code != "vault.root_gone":
                    raise
                self.open_keeper_again()  # rotated between the file and the root, or moved to another keeper
        raise AssertionError

    def _period_path(self, kek_id: str) -> Path:
        # Hashed, so that no id can name a path outside the directory.
        return self.directory / "periods" / f"{hashlib.sha256(kek_id.encode()).hexdigest()[:32]}.wrapped"

    def _keep_index(self) -> None:
        path, former = self.directory / INDEX_FILE, self.directory / _FORMER_INDEX
        if not path.exists():
            with self.changing():
                if not path.exists() and not isinstance(self.keeper, FileRoots) and self.keeper.ids():
                    raise Refused(
                        "vault.keeper_taken", "", self.keeper.prefix
                    )  # another folder's root: rotating ours would destroy it
                bare = former.read_bytes() if former.exists() else self.random_bytes(KEY_BYTES)
                write_new(path, self.wrapped(bare, INDEX_FILE))
                destroy_file(former)


def _file_of(root_id: str, name: str, wrapped: bytes) -> bytes:
    return msgspec.json.encode({"root": root_id, "name": name}) + b"\n" + wrapped


def _parts_of(content: bytes) -> tuple[str, str, bytes]:
    """Return root, name and wrapped key of a file; the oldest form has the key alone, under the first root."""
    if len(content) == _FORMER_BYTES:
        return _FIRST_ROOT, "", content
    head, _, wrapped = content.partition(b"\n")
    try:
        said = msgspec.json.decode(head, type=dict[str, str])
        return said["root"], said["name"], wrapped
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise Untrusted("vault.damaged", "", "a file of keys") from error
