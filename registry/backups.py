"""A registry copied into a folder and brought back from it, with a proof that both are the same.

- SQLite: its own online backup, while others write. PostgreSQL: ``pg_dump`` of one snapshot, ``pg_restore`` in one transaction.
- ``manifest.json`` beside the copy says the revision, rows and digest of every table as of that very snapshot, and which period keys are
  needed to read it. The keys are not in it: a vault is backed up by itself, elsewhere, or a stolen backup could be read.
- The manifest holds the copy's SHA-256 and is sealed with a key of the vault: whoever changes copy or manifest without the vault is found out
  before anything is read back (``Untrusted("backup.tampered")``).
- Restoring writes into an empty place only, then counts and digests every table anew; a difference is ``Conflict("backup.differs")``. Was the key
  of its indexes rotated since, they are written anew then, or nobody in it would be found.
- The folder is new and for its owner alone (0700). Passwords reach PostgreSQL's programs in a file of their own, never in their arguments.

Example: ``back_up(url, Path("/backup/2026-07-10"), vault=vault, now=now); restore(Path("/backup/2026-07-10"), other_url, vault=vault)``
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.engine import make_url

from registry import tables
from registry.database import Registry, current_revision, is_ahead, newest_revision, open_engine
from registry.digests import TableDigest, differences, digest_all
from registry.index_rotation import write_anew
from registry.promised_places import close_log
from registry.vault import Vault
from residence.errors import Conflict, Malformed, Refused, Untrusted

FORM: Final = 1
MANIFEST: Final = "manifest.json"
_FILES: Final = {"sqlite": "registry.db", "postgresql": "registry.dump"}
_WHERE_DEBIAN_KEEPS_THEM: Final = "/usr/lib/postgresql"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    form: int
    engine: Literal["sqlite", "postgresql"]
    revision: str
    made_at: datetime
    tables: dict[str, TableDigest]
    period_keys: tuple[str, ...]  # names of the keys a vault needs; never a key
    copy_sha256: str
    index_mark: str = ""  # of the key its numbers are found by; one the vault does not have any more is no obstacle
    seal: str = ""  # of all the rest, by the vault


def back_up(url: str, folder: Path, *, vault: Vault, now: datetime) -> Manifest:
    """Copy the registry at ``url`` into a new folder; ``Refused("backup.*")`` when the folder exists or the registry is not whole."""
    engine = open_engine(url)
    try:
        revision = current_revision(engine)
        if is_ahead(engine):
            raise Refused("registry.tables_newer")  # it would prove the tables it knows, and no others
        if revision is None or revision != newest_revision():
            raise Refused("registry.not_upgraded")
        try:
            folder.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise Refused("backup.folder_exists", "", str(folder)) from None
        name = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        with _snapshot(engine) as connection:
            if name == "sqlite":
                _copy_sqlite(connection, folder / _FILES[name])
            else:
                _dump(url, connection, folder / _FILES[name])
            manifest = Manifest(
                form=FORM,
                engine="sqlite" if name == "sqlite" else "postgresql",
                revision=revision,
                made_at=now,
                tables=digest_all(connection),
                period_keys=period_keys(connection),
                copy_sha256=_sha256(folder / _FILES[name]),
                index_mark=vault.index_marks()[0],
            )
        manifest = msgspec.structs.replace(manifest, seal=_seal_of(manifest, vault))
        (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    finally:
        engine.dispose()
    return manifest


def restore(folder: Path, url: str, *, vault: Vault) -> Manifest:
    """Bring a backup back into an empty place and prove it the same; returns what it holds."""
    manifest = read_manifest(folder)
    need_keys(manifest, vault)
    _check_untouched(folder, manifest, vault)
    if manifest.engine != make_url(url).get_backend_name():
        raise Refused("backup.other_engine", "", manifest.engine)
    engine = open_engine(url)
    try:
        if inspect(engine).get_table_names():
            raise Refused("backup.place_not_empty")
        if manifest.engine == "sqlite":
            _bring_back_sqlite(folder / _FILES["sqlite"], engine)
        else:
            _bring_back_dump(folder / _FILES["postgresql"], url)
        prove(engine, manifest)
        if manifest.index_mark != vault.index_marks()[0]:  # rotated since, or while it was made
            write_anew(Registry(engine, vault))
        with engine.connect().execution_options(luutru_writes=True) as connection, connection.begin():
            close_log(connection)  # numbers since the copy may be taken: the log's process opens it again, from where the log is
    finally:
        engine.dispose()
    return manifest


def prove(engine: Engine, manifest: Manifest) -> None:
    """Count and digest every table anew; ``Conflict("backup.differs")`` names the tables that are not as the manifest says."""
    with _snapshot(engine) as connection:
        found = differences(manifest.tables, digest_all(connection))
    if found or current_revision(engine) != manifest.revision:
        raise Conflict("backup.differs", "", ", ".join(found) or "revision")


def need_keys(manifest: Manifest, vault: Vault) -> None:
    """See that a vault holds every period key a backup needs; ``Refused("backup.keys_missing")`` before anything is restored."""
    if missing := [each for each in manifest.period_keys if not vault.holds(each)]:
        raise Refused("backup.keys_missing", "", ", ".join(missing))


def _check_untouched(folder: Path, manifest: Manifest, vault: Vault) -> None:
    if not hmac.compare_digest(manifest.seal, _seal_of(manifest, vault)):
        raise Untrusted("backup.tampered", "", MANIFEST)
    try:
        same = _sha256(folder / _FILES[manifest.engine]) == manifest.copy_sha256
    except OSError as error:
        raise Malformed("backup.unreadable", "", str(error)) from error
    if not same:
        raise Untrusted("backup.tampered", "", _FILES[manifest.engine])


def _seal_of(manifest: Manifest, vault: Vault) -> str:
    return vault.state_digest("backup", msgspec.json.encode(msgspec.structs.replace(manifest, seal=""), order="deterministic"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read a backup's manifest, or raise ``Malformed("backup.unreadable")``."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise Malformed("backup.unreadable", "", str(error)) from error
    if manifest.form != FORM:
        raise Malformed("backup.unreadable", "", f"form {manifest.form}")
    return manifest


def period_keys(connection: Connection) -> tuple[str, ...]:
    """Return the names of the period keys a vault needs to open what is here."""
    return tuple(connection.scalars(select(tables.subject_keys.c.kek_id).distinct().order_by(tables.subject_keys.c.kek_id)))


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """Give one unchanging view: SQLite's readers have it, PostgreSQL's ask for it."""
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        connection.execute(select(tables.rule_sets.c.rule_set_id).limit(1)).first()  # the view begins with the first look
        yield connection


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _copy_sqlite(connection: Connection, path: Path) -> None:
    target = open_engine(f"sqlite:///{path}")
    try:
        with target.connect() as copy:
            _driver(connection).backup(_driver(copy))
    finally:
        target.dispose()


def _bring_back_sqlite(path: Path, engine: Engine) -> None:
    source = open_engine(f"sqlite:///{path}")
    try:
        with source.connect() as kept, engine.connect() as place:
            _driver(kept).backup(_driver(place))
    finally:
        source.dispose()


def _dump(url: str, connection: Connection, path: Path) -> None:
    snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    with _address(url) as address:
        _run("pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={path}", f"--dbname={address}")


def _bring_back_dump(path: Path, url: str) -> None:
    with _address(url) as address:
        _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={address}", str(path))


@contextmanager
def _address(url: str) -> Iterator[str]:
    """Give the address as PostgreSQL's own programs take it, its password in a file only we can read."""
    address = make_url(url).set(drivername="postgresql")
    if not address.password:
        yield address.render_as_string()
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="luutru-", suffix=".pass") as file:
        password = str(address.password).replace("\\", "\\\\").replace(":", "\\:")
        file.write(f"*:*:*:*:{password}\n")
        file.flush()
        yield address._replace(password=None).update_query_dict({"passfile": file.name}).render_as_string()


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([_found(program), *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused("backup.program_failed", "", f"{program}: {done.stderr.strip()[:500]}")


def _found(program: str) -> str:
    """Return where a program is: the newest Debian installed, else whatever the path has."""
    kept = sorted(Path(_WHERE_DEBIAN_KEEPS_THEM).glob(f"*/bin/{program}"), key=lambda path: path.parts[-3].zfill(4))
    found = str(kept[-1]) if kept else shutil.which(program)
    if found is None:
        raise Refused("backup.program_missing", "", program)
    return found
