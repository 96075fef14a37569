"""The process that claims: asks every few seconds, and shows on loopback what the machine's own browser is to show.

- One claim at a time; the page hands the code in, or the command did. What went wrong is shown and another code may be typed.

Example: ``with process.page(8800): process.wait(patience=86400, pause=pause)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from edge_agent.provisioning.page import ClaimShown, create_claim_page
from luutru.kiosk_claiming import Claiming, ClaimTools
from residence.errors import LuutruError, plain_sentence
from residence.wire.claims import ClaimState, read_claim

_log = structlog.get_logger("luutru.kiosk")
_WAITS: Final = "claim.server_unreachable"


class ClaimProcess:
    """One machine that is being claimed. ``shown`` is replaced whole, so the page's thread may read it."""

    def __init__(self, folder: Path, *, machine: str, tools: ClaimTools) -> None:
        self.machine: Final = machine
        self.shown = ClaimShown(step="code")
        self._folder, self._tools = folder, tools
        self._claiming: Claiming | None = None
        self._typed: str | None = None

    def begin(self, code: str) -> None:
        """Take a code, or raise what is wrong with it."""
        self._claiming = Claiming(self._folder, read_claim(code), machine=self.machine, tools=self._tools)
        self.shown = ClaimShown(step="compare", kiosk_id=self._claiming.claim.kiosk_id, fingerprint=self._claiming.fingerprint)

    def wait(self, *, patience: float, pause: Callable[[], None]) -> ClaimState:
        """Ask until the kiosk is in place, or ``patience`` (seconds) is over; return how far it came."""
        began = self._tools.clock.monotonic_ns()
        while True:
            state = self._turn()
            if state == "issued" or (self._tools.clock.monotonic_ns() - began) / 1e9 >= patience:
                return state
            pause()

    def told(self) -> str:
        """Return what the command prints."""
        if not self.shown.fingerprint:
            return f"serial number {self.machine}: waiting for the code on the screen"
        return f"{self.shown.kiosk_id}, serial number {self.machine}\ncompare on /operators/claims: {self.shown.fingerprint}"

    @contextmanager
    def page(self, port: int) -> Iterator[None]:
        """Show the page meanwhile; none with port 0."""
        if not port:
            yield
            return
        import uvicorn

        app = create_claim_page(machine=self.machine, shown=lambda: self.shown, take=self._take)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, name="claim page", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(3.0)

    def _take(self, code: str) -> None:
        self._typed = code

    def _turn(self) -> ClaimState:
        typed, self._typed = self._typed, None
        try:
            if typed is not None and self.shown.step == "code":
                self.begin(typed)
            if self._claiming is None:
                return "compare"
            state = self._claiming.step()
        except LuutruError as error:
            self._say(error)
            if self._claiming is not None and error.code != _WAITS:
                raise
            return "compare"
        claiming = self._claiming
        self.shown = ClaimShown(step=state, kiosk_id=claiming.claim.kiosk_id, fingerprint=claiming.fingerprint)
        return state

    def _say(self, error: LuutruError) -> None:
        _log.warning("claim", code=error.code, detail=error.detail)
        said = plain_sentence(error.code)
        shown = self.shown
        self.shown = ClaimShown(
            step=shown.step, kiosk_id=shown.kiosk_id, fingerprint=shown.fingerprint, trouble=(said.vi, said.en)
        )
