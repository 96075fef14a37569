"""A PostgreSQL whose cluster lies on a disk that loses its power: started again after every cut, it recovers by itself.

- Settings are the server's own; ``options`` weaken them for a control. Data checksums are on, so that a torn page is noticed.
- Killing takes the whole process group, as losing power would.

Example: ``server = PostgresOnDisk(disk.mount / "data"); server.start(); server.kill()``
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time

from luutru.benchmarks.postgres import BINARIES, SETTINGS, START_SECONDS, _free_port

# Its own user, as PostgreSQL insists; and it never outlives the campaign, whose disk it holds.
AS_OWNER = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL", "--")


class PostgresOnDisk:
    """One cluster, made new."""

    def __init__(self, data, *, log, options=()):
        self._data, self._log = data, log
        # Small segments and early checkpoints: both happen between cuts.
        self._options = [*SETTINGS[:2], "shared_buffers=32MB", "max_wal_size=64MB", "min_wal_size=32MB", "fsync=on", *options]
        self._process = None
        self.port = _free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/luutru"
        owner = pwd.getpwnam("postgres")
        os.chown(data.parent, owner.pw_uid, owner.pw_gid)
        made = (
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
            "--wal-segsize=4",
            "--no-sync",
        )
        subprocess.run([*AS_OWNER, str(BINARIES / "initdb"), *made, str(data)], check=True, capture_output=True, cwd="/")
        self.start()
        self._tool("createdb", "luutru")

    def start(self):
        """Start and wait until it answers, which includes recovery."""
        options = [part for setting in (*self._options, f"port={self.port}") for part in ("-c", setting)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*AS_OWNER, str(BINARIES / "postgres"), "-D", str(self._data), *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            ready = subprocess.run(
                [str(BINARIES / "pg_isready"), "--host=127.0.0.1", f"--port={self.port}", "--quiet"], check=False
            )
            if ready.returncode == 0:
                return
            time.sleep(0.03)
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text('utf-8', 'replace')[-2000:]}")

    def kill(self):
        """Kill every process of the server."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        while _group_lives(self._process.pid):
            time.sleep(0.01)

    def _tool(self, name, *arguments):
        command = [str(BINARIES / name), "--host=127.0.0.1", f"--port={self.port}", "--username=postgres", *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/")


def _group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
