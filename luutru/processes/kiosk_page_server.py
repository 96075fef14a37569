"""The web server of a kiosk's page, on loopback; it ends the open event streams first, so that nobody waits for them.

Example: ``page_server(create_page(...), profile).run()``
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from types import FrameType

    from firmware_config.profiles import KioskProfile


class _PageServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, page: Any) -> None:
        super().__init__(config)
        self._page = page

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._page.end()
        super().handle_exit(sig, frame)


def page_server(page: Any, profile: KioskProfile) -> uvicorn.Server:
    """Return the server of this page, not started."""
    config = uvicorn.Config(
        page,
        host=profile.page.host,
        port=profile.page.port,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    return _PageServer(config, page)
