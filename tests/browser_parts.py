"""A real browser at the desk: one window and what it complained of, and a camera that shows a card."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import segno

CHROMIUM = shutil.which("chromium")


class Window:
    """One browser window, signed in or not."""

    def __init__(self, browser, world, role=None, *, width=1440, language="en", context=None) -> None:
        self.base = world.settings.base_url
        self.context = context or browser.new_context(viewport={"width": width, "height": 900}, locale=language)
        self.context.set_default_timeout(120_000)  # of a machine that has much else to do
        self.complaints: list[str] = []
        self.new_tab()
        if role is not None:
            self.open(f"/sign-in/link/{world.link(role)}")
            self.page.click("main button")

    def new_tab(self):
        """Open a tab that remembers nothing of another, and work in it."""
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return self.page

    def open(self, path):
        self.page.goto(self.base + path)

    def press(self, *keys) -> int:
        """Press keys as a clerk does; returns how many."""
        for key in keys:
            self.page.keyboard.press(key)
        return len(keys)

    def keeps(self, count: int, where: str = "KEPT") -> None:
        """Wait until so many forms are kept in this browser."""
        while self.page.evaluate(f"async () => typeof base === 'object' ? (await keptIds({where})).length : -1") != count:
            self.page.wait_for_timeout(50)

    def scan(self, text: str) -> None:
        """A scanner that types: keys 5 ms apart by the machine's clock, the rest as one, a line end."""
        keys = self.context.new_cdp_session(self.page)
        began = time.time()
        for at, key in enumerate(text[:12]):
            keys.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": key, "text": key, "timestamp": began + at * 0.005})
        keys.detach()
        self.page.keyboard.insert_text(text[12:])
        self.page.keyboard.press("Enter")


def camera_showing(text: str, path: Path) -> list[str]:
    """Return the options of a Chromium whose camera sees a code with this text."""
    width, height = 640, 480
    frame = np.full((height, width), 235, np.uint8)
    code = np.array([list(row) for row in segno.make(text, error="l").matrix_iter(scale=5, border=4)], np.uint8)
    top, left = (height - code.shape[0]) // 2, (width - code.shape[1]) // 2
    frame[top : top + code.shape[0], left : left + code.shape[1]] = np.where(code, 16, 235)
    grey = np.full(width * height // 2, 128, np.uint8).tobytes()
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + b"FRAME\n" + frame.tobytes() + grey)
    return [
        "--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={path}",
    ]  # fmt: skip
