"""A kiosk's screen under sway: looked at in every language and size, its browser killed, stopped and broken, its agent killed, every way out tried.

- A real ``luutru kiosk run``, and sway with Chromium on the files of ``luutru kiosk screen`` (``enclosure.py``). Languages are chosen and keys pressed on a keyboard
  that the compositor brings.
- What the compositor shows is held against the same page in a browser of its own, without our files: whatever lies over the page, beside it, or of it outside the
  picture, makes them differ (``likeness.py``). A picture without our page, taken first, must differ: else the measure is blind.
- Chromium's error page would be such a difference, too: while the agent is away the picture must be our own waiting page.

    python -m tests.screens.under_sway FOLDER --languages vi,ko --sizes 800x480
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from luutru.demo.broker import free_port
from luutru.processes.kiosk_browser import page_silence
from tests.screens.enclosure import shown
from tests.screens.kiosk_at_work import LANGUAGES, Kiosk
from tests.screens.likeness import alike, differing
from tests.screens.ways_out import try_all

SIZES = ("1280x720", "1080x1920", "800x480")
BACK_WITHIN = 20.0
PATIENCE = 40.0


class Trial:
    """One screen with its kiosk, and what was found."""

    def __init__(self, screen, kiosk, page, pictures):
        self.screen, self.kiosk, self.page, self.pictures = screen, kiosk, page, pictures
        self.figures, self.wrong = {}, []

    def seen(self, name):
        picture = self.screen.picture()
        picture.save(self.pictures / f"{name}.png")
        print(name, file=sys.stderr, flush=True)
        return picture

    def wanted(self, size):
        """Return the page as it should be: with the focus of a keyboard, and without."""
        width, height = (int(each) for each in size.split("x"))
        self.page.set_viewport_size({"width": width, "height": height})
        while True:
            try:
                self.page.goto(self.kiosk.address)
                self.page.evaluate("document.fonts.ready")
                break
            except PlaywrightError as error:  # the page before goes its own way when a visit ends
                if not any(each in error.message for each in ("interrupted by another navigation", "context was destroyed")):
                    raise
        focused = self._photograph()
        self.page.evaluate("document.activeElement && document.activeElement.blur()")
        return [focused, self._photograph()]

    def place_of(self, selector):
        """Return the middle of a part of the page, as it was looked at last."""
        box = self.page.locator(selector).first.bounding_box()
        return round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)

    def must_look_like(self, wanted, name, *, within=PATIENCE):
        """Wait until the screen is that picture; return after how many seconds, or None and note it."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            picture = self.screen.picture()
            if any(alike(picture, each) for each in wanted):
                self.seen(name)
                return round(time.monotonic() - began, 1)
            time.sleep(0.25)
        picture = self.seen(name)
        share = min(differing(picture, each) for each in wanted)
        wanted[0].save(self.pictures / f"{name}-wanted.png")
        self.wrong.append(f"{name}: {share:.1%} of the picture is not the page")
        return None

    def look(self, size, languages):
        """Look at one question in every language: the first choice, then the keyboard for a name, which is the fullest screen."""
        self.screen.size(*size.split("x"))
        for language in languages:
            self.kiosk.stop()
            self.must_look_like(self.wanted(size), f"{size}-idle")
            self.choose(language)
            self.must_look_like(self.wanted(size), f"{size}-{language}-purpose")
            self.kiosk.press("purpose:stay")
            self.kiosk.press("no-card")
            self.must_look_like(self.wanted(size), f"{size}-{language}-name")
        self.kiosk.stop()

    def choose(self, language):
        """Press the language's digit; as a person would, once more when nothing came of it: a fresh page hears no key before its script is there."""
        for _ in range(5):
            self.screen.press(str(LANGUAGES.index(language) + 1))
            if self.kiosk.reaches("purpose", within=8):
                return
        raise RuntimeError(f"the key for {language} is not heard")

    def back_after(self, name, strike):
        """Strike at the browser; the page is there again, by a browser that gives signs of life, within twenty seconds."""
        usual, before = self.screen.picture(), self.screen.browser()
        began = time.monotonic()
        strike()
        while time.monotonic() - began < PATIENCE:
            lives = self.screen.browser() not in {None, before} and (page_silence(self.kiosk.address) or 0.0) < 3.0
            if lives and alike(self.screen.picture(), usual):
                seconds = round(time.monotonic() - began, 1)
                self.figures[f"{name}_back_s"] = seconds
                if seconds > BACK_WITHIN:
                    self.wrong.append(f"{name}: back after {seconds} s")
                return
            time.sleep(0.25)
        self.seen(name)
        self.wrong.append(f"{name}: not back in {PATIENCE:.0f} s")

    def kill(self):
        os.kill(self.screen.browser(), signal.SIGKILL)

    def hang(self):
        os.killpg(self.screen.browser(), signal.SIGSTOP)

    def crash_inside(self):
        for pid in self.screen.renderers():
            os.kill(pid, signal.SIGKILL)

    def agent_away(self, size):
        """Kill the agent: the page says so itself; a browser begun now shows the local page; both find the way back."""
        usual = self.screen.picture()
        self.page.goto(self.kiosk.address)
        self.kiosk.kill()
        self.page.wait_for_selector("#restarting:not([hidden])")
        self.must_look_like([self._photograph()], f"{size}-agent-away")
        self.kill()
        holding = self.screen.folder / "run" / "holding.html"
        self.page.goto("about:blank")
        self.page.set_content(holding.read_text("utf-8").partition("<script>")[0])
        self.must_look_like([self._photograph()], f"{size}-begun-while-away")
        self.kiosk.start()
        self.figures["page_after_agent_s"] = self.must_look_like([usual], f"{size}-agent-back")

    def _photograph(self):
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")


def run(pictures, *, languages, sizes):
    """Try everything; return figures and what is wrong."""
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="luutru-screens-") as name:
        folder = Path(name)
        kiosk = Kiosk(folder, port=free_port(), broker=free_port())
        with kiosk.running(), shown(folder, kiosk.profile) as screen, another_browser() as page:
            trial = Trial(screen, kiosk, page, pictures)
            began = time.monotonic()
            blank, first = screen.picture(), trial.wanted("1280x720")
            screen.size(1280, 720)
            if alike(blank.resize(first[0].size), first[0]):
                trial.wrong.append("the measure is blind: an empty screen is called the page")
            trial.must_look_like(first, "1280x720-first")
            trial.figures["first_page_s"] = round(time.monotonic() - began, 1)
            for size in sizes:
                trial.look(size, languages)
            trial.screen.size(1280, 720)
            trial.must_look_like(trial.wanted("1280x720"), "1280x720-idle")
            trial.back_after("killed", trial.kill)
            trial.back_after("hung", trial.hang)
            trial.back_after("crashed_inside", trial.crash_inside)
            trial.agent_away("1280x720")
            try_all(trial, (1280, 720))
            return trial.figures, trial.wrong


@contextmanager
def another_browser():
    """A browser without our files, to say what the page is. It gives no signs of life and moves nothing."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route(
            "**/alive", lambda route: route.fulfill(status=204)
        )  # answered here: unanswered, the page would say that the kiosk restarts
        try:
            yield page
        finally:
            browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--languages", default=",".join(LANGUAGES), help="separated by commas")
    parser.add_argument("--sizes", default=",".join(SIZES), help="separated by commas")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    figures, wrong = run(asked.folder, languages=asked.languages.split(","), sizes=asked.sizes.split(","))
    figures["load"] = round(os.getloadavg()[0], 1)
    if asked.json:
        print(json.dumps({"figures": figures, "wrong": wrong}))
    else:
        for name, figure in figures.items():
            print(f"  {name.replace('_', ' '):<40} {figure}")
        for each in wrong:
            print(f"  WRONG  {each}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
