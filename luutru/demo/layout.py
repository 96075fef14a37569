"""Where the demo keeps things: one folder, thrown away and made anew at each start unless it is kept on purpose.

- Every path, port and name of the demo is decided here, so that a test can run three of them side by side.
- Ports are fixed for people (they stand in the README) and free ones for tests; a folder notes its own, for its kiosks have them in their profiles.

Example: ``Layout(Path("var/demo")).kiosk_profile("kiosk-lobby-1")``
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from luutru.demo.broker import free_port

USUAL: Final = Path("var/demo")  # where the demo is when nobody says otherwise
NOTED: Final = "ports.json"
KIOSKS: Final = {"kiosk-lobby-1": "blk-hoa-binh", "kiosk-desk-1": "htl-sao-mai"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """The loopback ports of one demo."""

    broker: int = 8983
    server: int = 8300
    kbtt: int = 8791  # the played authority
    witness: int = 8311  # the log's witness
    kiosks: dict[str, int] = field(default_factory=lambda: {"kiosk-lobby-1": 8801, "kiosk-desk-1": 8802})

    @classmethod
    def free(cls) -> Ports:
        """Choose ports nobody uses now."""
        return cls(
            broker=free_port(),
            server=free_port(),
            kbtt=free_port(),
            witness=free_port(),
            kiosks={name: free_port() for name in KIOSKS},
        )

    @classmethod
    def kept(cls, directory: Path) -> Ports:
        """Return the ports a folder was made with; the usual ones where it notes none."""
        noted = directory / NOTED
        return cls(**json.loads(noted.read_text("utf-8"))) if noted.is_file() else cls()

    def note(self, directory: Path) -> None:
        """Note them in the folder they are used by."""
        (directory / NOTED).write_text(json.dumps(asdict(self)), "utf-8")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Paths below ``directory``, and what the processes listen on."""

    directory: Path
    ports: Ports = field(default_factory=Ports)
    registry_url: str = ""  # empty: SQLite below the directory
    broker_host: str = "127.0.0.1"  # as the gateway sees it
    broker_listen: str = "127.0.0.1"  # what the broker binds

    @property
    def registry(self) -> str:
        """The registry's address."""
        return self.registry_url or f"sqlite:///{self.directory.absolute() / 'registry.db'}"

    @property
    def pki(self) -> Path:
        """The authority that issues certificates, and all it has issued; of the processes only the gateway looks in here, to make those of claimed kiosks."""
        return self.directory / "pki"

    @property
    def gateway(self) -> Path:
        """What the gateway needs to be let in by the broker: its certificate and key."""
        return self.directory / "gateway"

    @property
    def authority(self) -> Path:
        """The file that says which other authority is told, its secrets beside it."""
        return self.directory / "authority" / "authorities.toml"

    @property
    def broker(self) -> Path:
        """What the broker holds: its configuration, its certificate and key, its queues."""
        return self.directory / "broker"

    @property
    def kiosk_authority(self) -> Path:
        """Certificate and key of the authority, and nothing it has issued: for a gateway that certifies claimed kiosks."""
        return self.directory / "ca"

    @property
    def web(self) -> Path:
        """What a proxy before the pages holds: their certificate with its key."""
        return self.directory / "web"

    @property
    def keys(self) -> Path:
        """Signing and sealing keys, and the root of the registry's vault."""
        return self.directory / "keys"

    @property
    def vault(self) -> Path:
        """Where the vault's keys are kept: beside the database here, on another disk in earnest."""
        return self.directory / "vault"

    @property
    def log(self) -> Path:
        """The log of looks, as everybody may fetch it."""
        return self.directory / "log"

    @property
    def log_key(self) -> Path:
        """The key of the log, and its witness's public one: for the process that publishes and for nobody else."""
        return self.directory / "log-key" / "log.key"

    @property
    def statements_key(self) -> Path:
        """The key of the log of statements, beside that of the log of looks."""
        return self.log_key.with_name("statements.key")

    @property
    def handed(self) -> Path:
        """Where looks are handed over to the log past the registry; in earnest the registry's owner has no hand on it."""
        return self.directory / "looks-handed"

    @property
    def witness(self) -> Path:
        """What the log's witness holds; in earnest that is somebody else's machine."""
        return self.directory / "witness"

    @property
    def clock(self) -> Path:
        """The file with the demo clock's offset in seconds."""
        return self.directory / "clock-offset"

    @property
    def control(self) -> Path:
        """The socket by which ``luutru demo ...`` reaches a running demo."""
        return self.directory / "control.sock"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.directory / "logs"

    def kiosk_folder(self, kiosk_id: str) -> Path:
        """Everything one kiosk holds, as if it were its own machine."""
        return self.directory / kiosk_id

    def kiosk_profile(self, kiosk_id: str) -> Path:
        """Return the path of a kiosk's profile."""
        return self.kiosk_folder(kiosk_id) / "kiosk.toml"

    def key(self, name: str) -> Path:
        """Return the path of a private key."""
        return self.keys / f"{name}.key"
