"""Server-sent events: how a change on the agent's thread reaches an open stream on the event loop.

- An event says that something changed and which sound goes with it, never what: the browser fetches the screen as it is.
- A slow browser loses the oldest events, never the newest; ``None`` ends a stream.

Example: ``stream = Stream(loop); agent.watch(stream.offer)``
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final

from edge_agent.kiosk.view import View


class Stream:
    """One open event stream: changes come from the agent's thread and are taken on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.changes: Final[asyncio.Queue[View | None]] = asyncio.Queue(maxsize=100)

    def offer(self, view: View | None) -> None:
        """Hand a change over; only the newest ones matter, for the browser fetches the screen as it is."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._put, view)

    def _put(self, view: View | None) -> None:
        if self.changes.full():
            self.changes.get_nowait()
        self.changes.put_nowait(view)


def event_text(name: str, view: View) -> str:
    """Write one event; it says that something changed and which sound goes with it, never what."""
    return f"event: {name}\ndata: {json.dumps({'version': view.version, 'cue': view.cue})}\n\n"
