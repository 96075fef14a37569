"""Whom a Mosquitto lets in, as files in its folder: access rules, who is shut out, the revocation list; and having it read them again.

- ``shut-out.txt`` is the list of kiosks that may do nothing; ``access.acl`` is written from it and never read back.
- Files are written beside and renamed: a broker that reads them again never finds half a file. Mosquitto that finds *no* revocation list
  goes on without one, so the list is there from the first start.
- An edition (a digest of list and revocations) is a topic in the rules: whoever may write it knows that these rules are in force.
- Mosquitto reads its rules again on SIGHUP; its process is known by the ``mosquitto.pid`` it writes, and looked at before it is signalled:
  it must be a Mosquitto, and one that has come so far as to catch the signal. It listens before that, and would then be ended by it.

Example: ``rules = BrokerAccess(folder, gateway="luutru-gateway"); rules.shut_out("kiosk-lobby-1"); rules.reload()``
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from residence.wire.topics import acl_lines

PROGRAM: Final = "mosquitto"
STARTING_SECONDS: Final = 5.0


class BrokerAccess:
    """One broker's folder."""

    def __init__(self, folder: Path, *, gateway: str) -> None:
        self.folder: Final = folder.absolute()
        self.rules: Final = self.folder / "access.acl"
        self.revocations: Final = self.folder / "crl.pem"
        self.pid_file: Final = self.folder / "mosquitto.pid"
        self._list = self.folder / "shut-out.txt"
        self._gateway = gateway

    @property
    def shut_out_kiosks(self) -> list[str]:
        """Return who may do nothing."""
        return self._list.read_text("ascii").split() if self._list.exists() else []

    @property
    def edition(self) -> str:
        """Return a name for the rules as they are in the folder now."""
        revoked = self.revocations.read_bytes() if self.revocations.exists() else b""
        return hashlib.sha256("\n".join(self.shut_out_kiosks).encode() + b"\0" + revoked).hexdigest()[:16]

    def shut_out(self, kiosk_id: str) -> None:
        """Let a kiosk do nothing from the next reading on."""
        put(self._list, "".join(f"{each}\n" for each in sorted({*self.shut_out_kiosks, kiosk_id})).encode("ascii"))

    def write(self, *, revocations: bytes | None = None) -> None:
        """Write the rules from the list, and the revocation list when there is a new one."""
        if revocations is not None:
            put(self.revocations, revocations)
        lines = acl_lines(self._gateway, shut_out=self.shut_out_kiosks, edition=self.edition)
        put(self.rules, "\n".join((*lines, "")).encode("ascii"))

    def reload(self) -> bool:
        """Have the broker read its files again; False when its process is not to be found from here."""
        pid = self._pid()
        if pid is None:
            return False
        until = time.monotonic() + STARTING_SECONDS
        while not _catches_hangup(pid):
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        try:
            os.kill(pid, signal.SIGHUP)
        except OSError:
            return False
        return True

    def _pid(self) -> int | None:
        # A number left behind may by now be another program's, which SIGHUP would end.
        with suppress(OSError, ValueError):
            pid = int(self.pid_file.read_text("ascii"))
            if Path(f"/proc/{pid}/comm").read_text("ascii").strip() == PROGRAM:
                return pid
        return None


def _catches_hangup(pid: int) -> bool:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGHUP - 1) & 1)
    return False


def put(path: Path, content: bytes) -> None:
    """Write a file beside and rename it into place."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
