"""Serving a sandbox on loopback until a signal asks it to stop.

Example: ``serve(app, free_socket(8790))``
"""

from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def free_socket(port: int) -> socket.socket:
    """Return a socket that listens on loopback, so that whoever calls too early waits; port 0 is a free one."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.listen(128)
    return bound


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C; then return, so that what was made for the sandbox is thrown away."""
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


def end_by_raising() -> None:
    """Let SIGTERM raise as Ctrl-C does, while a sandbox is made and served, so that its folder is removed: by itself the signal would end us at once."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
