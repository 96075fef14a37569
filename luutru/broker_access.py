"""Whom a Mosquitto lets in, as files in its folder: access rules, who is shut out, the revocation list; and having it go by them.

- ``bridges.txt`` lists the sites whose own broker passes on to this one (``firmware_config/site_bridge.py``), one a line; there may be none.
- ``shut-out.txt`` is the list of kiosks that may do nothing; ``access.acl`` is written from it and never read back.
- Files are written beside and renamed: a broker that reads them again never finds half a file. Mosquitto without its revocation
  list does not start, so the list is there from the first start.
- An edition (a digest of list and revocations) is a topic in the rules: whoever may write it knows that these rules are in force.
- Mosquitto is not asked to read them again (SIGHUP): with offline sessions that corrupts its memory (docs/brokers.md, T15). It is ended
  politely, and whatever keeps it running starts it anew. Its process is known by the ``mosquitto.pid`` it writes, and looked at first.

Example: ``rules = BrokerAccess(folder, gateway="luutru-gateway"); rules.shut_out("kiosk-lobby-1"); rules.begin_anew()``
"""

from __future__ import annotations

import hashlib
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware_config.site_bridge import bridge_name, bridge_rules
from residence.wire.topics import acl_lines

PROGRAM: Final = "mosquitto"


class BrokerAccess:
    """One broker's folder."""

    def __init__(self, folder: Path, *, gateway: str) -> None:
        self.folder: Final = folder.absolute()
        self.rules: Final = self.folder / "access.acl"
        self.revocations: Final = self.folder / "crl.pem"
        self.pid_file: Final = self.folder / "mosquitto.pid"
        self._list = self.folder / "shut-out.txt"
        self._bridges = self.folder / "bridges.txt"
        self._gateway = gateway

    @property
    def shut_out_kiosks(self) -> list[str]:
        """Return who may do nothing."""
        return self._list.read_text("ascii").split() if self._list.exists() else []

    @property
    def bridged_sites(self) -> list[str]:
        """Return the sites that have a broker of their own."""
        return self._bridges.read_text("ascii").split() if self._bridges.exists() else []

    @property
    def edition(self) -> str:
        """Return a name for the rules as they are in the folder now."""
        revoked = self.revocations.read_bytes() if self.revocations.exists() else b""
        bridged = "".join(f"\0{each}" for each in self.bridged_sites).encode()
        return hashlib.sha256("\n".join(self.shut_out_kiosks).encode() + b"\0" + revoked + bridged).hexdigest()[:16]

    def shut_out(self, kiosk_id: str) -> None:
        """Let a kiosk do nothing from the next reading on."""
        put(self._list, "".join(f"{each}\n" for each in sorted({*self.shut_out_kiosks, kiosk_id})).encode("ascii"))

    def bridge(self, site: str) -> None:
        """Let a site's own broker pass on its kiosks' messages from the next reading on."""
        put(self._bridges, "".join(f"{each}\n" for each in sorted({*self.bridged_sites, site})).encode("ascii"))

    def write(self, *, revocations: bytes | None = None) -> None:
        """Write the rules from the list, and the revocation list when there is a new one."""
        if revocations is not None:
            put(self.revocations, revocations)
        shut_out = self.shut_out_kiosks
        lines = acl_lines(self._gateway, shut_out=shut_out, edition=self.edition)
        bridges = [line for site in self.bridged_sites if bridge_name(site) not in shut_out for line in bridge_rules(site)]
        put(self.rules, "\n".join((*bridges, *lines, "")).encode("ascii"))

    def begin_anew(self) -> bool:
        """Have the broker end, to be started with these files; False when its process is not to be found from here."""
        pid = self._pid()
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            return False
        return True

    def _pid(self) -> int | None:
        # A number left behind may by now be another program's, which is not ours to end.
        with suppress(OSError, ValueError):
            pid = int(self.pid_file.read_text("ascii"))
            if Path(f"/proc/{pid}/comm").read_text("ascii").strip() == PROGRAM:
                return pid
        return None


def put(path: Path, content: bytes) -> None:
    """Write a file beside and rename it into place."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
