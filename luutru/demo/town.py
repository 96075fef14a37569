"""The running demo: a broker, a gateway, a server, two kiosks, a played authority and what tells it of stays, each a process of its own with the commands anybody would type.

- Nothing is wired specially for the demo: the same commands, settings and files as anywhere else.
- The broker is our child, so it can be stopped and started while everything else goes on.
- The clock of all of them can be moved (``Layout.clock``), so that a night passes when you say so.

Example: ``town.start(); town.broker.stop(); town.broker.start(); town.stop()``
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from luutru.demo.broker import Broker
from luutru.demo.children import Children
from luutru.demo.layout import KIOSKS, Layout
from luutru.demo.pki import Pki
from luutru.demo.witnesses import LOG_PUBLIC, STATEMENTS_PUBLIC, WITNESS_PUBLIC

START_SECONDS: Final = 40.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Eyes:
    """What the kiosks' cameras see. By default cards are rendered and held before them."""

    camera: int | None = None
    images: Path | None = None

    def arguments(self, cards: Path) -> list[str]:
        """Return the kiosk command's arguments."""
        if self.camera is not None:
            return ["--camera", str(self.camera)]
        if self.images is not None:
            return ["--images", str(self.images)]
        return ["--cards", str(cards)]


class Town:
    """One demo. ``prepare`` (``luutru/demo/prepare.py``) must have made its folder."""

    def __init__(self, layout: Layout, *, eyes: Eyes | None = None, sweep_seconds: float = 5.0) -> None:
        self.layout: Final = layout
        self.broker: Final = Broker(layout.broker, pki=Pki(layout.pki), port=layout.ports.broker)
        self.children: Final = Children(layout.logs)
        self._eyes = eyes or Eyes()
        self._sweep_seconds = sweep_seconds

    def start(self) -> None:
        """Start all; return when every page answers."""
        self.broker.start()
        self.start_gateway()
        self.start_server()
        for kiosk_id in KIOSKS:
            self.start_kiosk(kiosk_id)
        self.children.wait_for_page("server", f"{self.server_url}/healthz", seconds=START_SECONDS)
        for kiosk_id in KIOSKS:
            self.children.wait_for_page(kiosk_id, f"{self.kiosk_url(kiosk_id)}/health", seconds=START_SECONDS)

    def stop(self) -> None:
        """End all, the broker last."""
        self.children.stop_all()
        self.broker.stop()

    def start_authority(self) -> None:
        """Start the played authority and the process that tells it of stays."""
        port = str(self.layout.ports.kbtt)
        self.children.start("kbtt-sandbox", [*_luutru(), "sandbox", "kbtt", "--port", port], environment=self.environment())
        self.children.wait_for_page("kbtt-sandbox", f"{self.kbtt_url}/sandbox", seconds=START_SECONDS)
        arguments = ["authority", "run", "--settings", str(self.layout.authority)]
        self.children.start("authority", [*_luutru(), *arguments], environment=self.environment())

    def start_log(self) -> None:
        """Start a witness and the process that publishes the logs and has them cosigned."""
        listen = f"127.0.0.1:{self.layout.ports.witness}"
        own = self.layout.log_key.with_name(WITNESS_PUBLIC)
        arguments = ["log", "witness", "--state", str(self.layout.witness), "--listen", listen]
        arguments += [each for name in (LOG_PUBLIC, STATEMENTS_PUBLIC) for each in ("--key", str(self.layout.witness / name))]
        self.children.start("witness", [*_luutru(), *arguments], environment=self.environment())
        arguments = ["log", "publish", "--every", "2", "--key-file", str(self.layout.log_key)]
        arguments += ["--statements-key", str(self.layout.statements_key)]
        arguments += ["--witness", f"http://{listen}={own}"]
        self.children.start("log", [*_luutru(), *arguments], environment=self.environment())

    def start_gateway(self) -> None:
        """Start the gateway."""
        broker = f"{self.layout.broker_host}:{self.layout.ports.broker}"
        arguments = ["gateway", "run", "--broker", broker, "--sweep-seconds", str(self._sweep_seconds)]
        arguments += [
            "--kiosk-authority",
            str(self.layout.pki),
        ]  # it makes the certificates of kiosks claimed at /operators/claims
        self.children.start("gateway", [*_luutru(), *arguments], environment=self.environment())

    def start_server(self) -> None:
        """Start the web server."""
        arguments = ["server", "run", "--port", str(self.layout.ports.server), "--base-url", self.server_url]
        arguments += ["--kiosk-broker", f"{self.layout.broker_host}:{self.layout.ports.broker}"]
        self.children.start("server", [*_luutru(), *arguments], environment=self.environment())

    def start_kiosk(self, kiosk_id: str) -> None:
        """Start one kiosk."""
        cards = self.layout.kiosk_folder(kiosk_id) / "sample-cards.txt"
        arguments = ["kiosk", "run", str(self.layout.kiosk_profile(kiosk_id)), *self._eyes.arguments(cards)]
        self.children.start(kiosk_id, [*_luutru(), *arguments], environment=self.environment())

    @property
    def server_url(self) -> str:
        """Return the address of the pages; passkeys need a name, so it is localhost."""
        return f"http://localhost:{self.layout.ports.server}"

    @property
    def kbtt_url(self) -> str:
        """Return the address of the played authority."""
        return f"http://127.0.0.1:{self.layout.ports.kbtt}"

    def kiosk_url(self, kiosk_id: str) -> str:
        """Return the address of a kiosk's page."""
        return f"http://localhost:{self.layout.ports.kiosks[kiosk_id]}"

    def environment(self) -> dict[str, str]:
        """Return the settings all processes share."""
        return {
            "LUUTRU_REGISTRY": self.layout.registry,
            "LUUTRU_VAULT": str(self.layout.vault.absolute()),
            "LUUTRU_KEYS": str(self.layout.keys.absolute()),
            "LUUTRU_LOG": str(self.layout.log.absolute()),
            "LUUTRU_LOOKS_HANDED": str(self.layout.handed.absolute()),
            "LUUTRU_TLS": str(self.layout.gateway.absolute()),
            "LUUTRU_DEMO_CLOCK": str(self.layout.clock.absolute()),
        }


def _luutru() -> list[str]:
    """Return how to call this very installation's command."""
    script = Path(sys.executable).with_name("luutru")
    return [str(script)] if os.access(script, os.X_OK) else [sys.executable, "-m", "luutru"]
