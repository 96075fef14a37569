"""pgBackRest's programs run by us, and a restored cluster started beside the living one.

- What changes a repository runs as who owns the configuration: the database's user. Who is not root must be that user.
- A copy is made by whoever makes it, who must be able to read configuration and repository; by root, as the configuration's owner.
- A restored cluster listens on a socket in a folder of its own and nowhere else, archives nothing and takes nothing of the old machine's settings but its data.
- A program that fails is ``Refused("backup.program_failed")`` with its last words.

Example: ``with scratch_cluster(Repository(conf), folder, target="0/3000060") as url: ...``
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from luutru.backups.settings import STANZA
from residence.errors import Malformed, Refused

DEBIAN: Final = Path("/usr/lib/postgresql")
PORT: Final = 5432  # of a socket's name; nothing listens on a network
OPEN_SECONDS: Final = 900
_ALONE: Final = "local all all trust\n"  # the folder is its owner's alone
# Said on the command line, which outranks every file the cluster brought along.
_SETTINGS: Final = {
    "listen_addresses": "",
    "archive_mode": "off",
    "archive_command": "",
    "hot_standby": "off",  # it is asked nothing before it is whole, so it needs not be as large as the old one
    "ssl": "off",
    "shared_preload_libraries": "",
    "primary_conninfo": "",
    "synchronous_standby_names": "",
    "unix_socket_permissions": "0700",
    "max_wal_size": "4GB",
    "log_min_messages": "warning",
}


class Repository:
    """One repository by its configuration file."""

    def __init__(self, settings: Path) -> None:
        self.settings: Final = settings.absolute()
        try:
            self.owner: Final = self.settings.stat().st_uid
        except OSError as error:
            raise Malformed("backup.unreadable", "", str(error)) from error
        self.copier: Final = self.owner if os.geteuid() == 0 else os.geteuid()  # whose a copy is

    def run(self, command: str, *options: str) -> str:
        """Run one of pgBackRest's commands and return what it prints."""
        return self._run_as(self.owner, command, *options)

    def _run_as(self, user: int, command: str, *options: str) -> str:
        program = shutil.which("pgbackrest")
        if program is None:
            raise Refused("backup.program_missing", "", "pgbackrest")
        return run_as(user, program, f"--config={self.settings}", f"--stanza={STANZA}", *options, command)

    def restore_for_good(self, data: Path) -> None:
        """Bring all there is back into an empty folder, to be the registry: it archives again."""
        if not data.exists():
            data.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(data, self.owner, -1)
        self.run("restore", f"--pg1-path={data}")

    def restore(self, data: Path, *, target: str | None) -> None:
        """Bring a copy back into an empty folder: all there is, or what was there before a position of the WAL."""
        options = [f"--pg1-path={data}", "--archive-mode=off", f"--lock-path={data.parent / 'lock'}"]
        if target is not None:
            options += ["--type=lsn", f"--target={target}", "--target-exclusive", "--target-action=promote"]
        self._run_as(self.copier, "restore", *options)

    def info(self) -> dict[str, Any]:
        """Return what pgBackRest says of the repository."""
        told = msgspec.json.decode(self.run("info", "--output=json"))
        found = next((each for each in told if each["name"] == STANZA), None)
        if found is None or found["status"]["code"] != 0:
            raise Refused("backup.none_yet", "", "" if found is None else str(found["status"]["message"]))
        return dict(found)


def run_as(owner: int, *command: str) -> str:
    """Run a program as a user, in a folder everybody may see, and return what it prints."""
    user: dict[str, Any] = _identity(owner)
    done = subprocess.run(list(command), check=False, capture_output=True, text=True, cwd="/", **user)
    if done.returncode != 0:
        raise Refused("backup.program_failed", "", f"{Path(command[0]).name}: {(done.stderr + done.stdout).strip()[-500:]}")
    return str(done.stdout)


def _identity(owner: int) -> dict[str, Any]:
    if os.geteuid() == owner:
        return {}
    if os.geteuid() != 0:
        raise Refused("backup.not_the_owner")
    import pwd

    return {"user": owner, "group": pwd.getpwuid(owner).pw_gid, "extra_groups": []}


@contextmanager
def scratch_cluster(repository: Repository, folder: Path, *, target: str | None, wait: Callable[[float], None]) -> Iterator[Path]:
    """Restore into ``folder``, start the cluster, wait until it is open for writing, and give the folder of its socket; stop it after."""
    for place, mode in ((folder, 0o700), (folder / "data", 0o700)):
        place.mkdir(mode=mode, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(place, repository.copier, -1)
    repository.restore(folder / "data", target=target)
    process = _start(repository.copier, folder)
    try:
        _wait_open(process, folder, repository.copier, wait)
        yield folder
    finally:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def _programs(folder: Path) -> Path:
    try:
        version = (folder / "data" / "PG_VERSION").read_text("ascii").strip()
    except OSError as error:
        raise Malformed("backup.unreadable", "", str(error)) from error
    if (DEBIAN / version / "bin" / "postgres").exists():
        return DEBIAN / version / "bin"
    found = shutil.which("postgres")
    if found is None:
        raise Refused("backup.program_missing", "", f"PostgreSQL {version}")
    return Path(found).parent


def _start(owner: int, folder: Path) -> subprocess.Popen[bytes]:
    programs = _programs(folder)
    for name, text in (("hba.conf", _ALONE), ("ident.conf", ""), ("postgresql.conf", "")):
        (folder / name).write_text(text, "ascii")
        if os.geteuid() == 0:
            os.chown(folder / name, owner, -1)
    own = {"config_file": folder / "postgresql.conf", "hba_file": folder / "hba.conf", "ident_file": folder / "ident.conf"}
    given = own | _SETTINGS | {"unix_socket_directories": folder, "port": PORT}
    options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(programs / "postgres"), "-D", str(folder / "data"), *options],
            stdout=log,
            stderr=log,
            cwd="/",
            **_identity(owner),
        )


def _wait_open(process: subprocess.Popen[bytes], folder: Path, owner: int, wait: Callable[[float], None]) -> None:
    """Wait until recovery has ended; a cluster that ends instead says why in its log."""
    ask = [
        str(_programs(folder) / "pg_isready"),
        f"--host={folder}",
        f"--port={PORT}",
        "--username=postgres",
        "--quiet",
    ]  # an account in a container may have no name
    for _ in range(OPEN_SECONDS * 10):
        if process.poll() is not None:
            break
        if subprocess.run(ask, check=False, cwd="/", **_identity(owner)).returncode == 0:
            return
        wait(0.1)
    said = (folder / "log").read_text("utf-8", "replace").strip()
    raise Refused("backup.program_failed", "", f"postgres: {said[-500:]}")
