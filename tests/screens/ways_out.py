"""Every way out of the page that a keyboard or a mouse offers, tried at the real compositor and browser. The page stays as it is.

- After each the browser is the same process, there is one window, and the picture is the page.
- What would be seen if one were open is seen first: the browser's list of tasks, which no policy shuts, with its key let through.

Example: ``try_all(trial, size=(1280, 720))``
"""

from __future__ import annotations

import time

from tests.screens.likeness import MOST_DIFFERING, alike, differing

CTRL, SHIFT, ALT, LOGO, CAPS = (("-M", each) for each in ("ctrl", "shift", "alt", "logo", "capslock"))
CHORDS = {
    "Ctrl": (CTRL, "abdefghjklnoprstuw0+-"),
    "Ctrl+Shift": ((*CTRL, *SHIFT), "abcdijkmnoprtw"),
    "Ctrl with caps lock": ((*CAPS, *CTRL), "jntw"),
    "Alt": (ALT, "def1"),
    "logo": (LOGO, "delq1"),
    "logo+Shift": ((*LOGO, *SHIFT), "ecq"),
}
NAMED = {
    "Ctrl": (CTRL, ("F4", "Tab", "Return", "Escape", "F2", "Prior")),
    "Ctrl+Shift": ((*CTRL, *SHIFT), ("Tab", "Delete", "Escape")),
    "Ctrl+Alt": ((*CTRL, *ALT), ("Delete", "F2", "t", "BackSpace")),
    "Alt": (ALT, ("F4", "Tab", "Home", "Left", "F2", "space", "Return")),
    "logo": (LOGO, ("Return", "Tab", "Left")),
    "Shift": (SHIFT, ("Escape", "F10", "F12")),
    "": (
        (),
        (
            *(f"F{number}" for number in range(1, 13)),
            "Menu",
            "XF86HomePage",
            "XF86Search",
            "XF86Back",
            "XF86Mail",
            "XF86WWW",
            "Super_L",
            "Print",
        ),
    ),
}
KEYS = {
    **{f"{name}+{key}": (*held, key) for name, (held, keys) in CHORDS.items() for key in keys},
    **{f"{name}+{key}": (*held, "-k", key) for name, (held, keys) in NAMED.items() for key in keys},
}
CLICKS = {
    **{f"{button} button": ((), button) for button in ("right", "middle", "back", "forward")},
    "Ctrl and the left button": (CTRL, "left"),
    "Shift and the left button": (SHIFT, "left"),
    "Ctrl, Shift and the left button": ((*CTRL, *SHIFT), "left"),
}


class WaysOut:
    """What is tried at one screen."""

    def __init__(self, trial, size):
        self.trial, self.screen, self.size = trial, trial.screen, size
        self.wanted = trial.wanted(f"{size[0]}x{size[1]}")
        self.browser = self.screen.browser()

    def is_shut(self, way):
        """Look whether everything is as it was."""
        time.sleep(0.6)  # what opens is there by then
        windows, browser = self.screen.windows(), self.screen.browser()
        for _ in range(12):  # the page's own picture moves a little
            picture = self.screen.picture()
            share = min(differing(picture, each) for each in self.wanted)
            if share < MOST_DIFFERING:
                break
            time.sleep(0.25)
        ok = windows == 1 and browser == self.browser and share < MOST_DIFFERING
        self.trial.figures["ways_out_tried"] = self.trial.figures.get("ways_out_tried", 0) + 1
        if not ok:
            picture.save(self.trial.pictures / f"way-out-{way.replace(' ', '-').replace('/', '-')}.png")
            self.trial.wrong.append(
                f"{way}: {windows} windows, {share:.1%} differs, {'another' if browser != self.browser else 'the same'} browser"
            )
        return ok

    def settle(self):
        """Wait until the page is there again."""
        self.trial.must_look_like(self.wanted, "after-a-way-out")
        self.browser = self.screen.browser()


def try_all(trial, size):
    """Try every key and click; what is wrong is noted in the trial."""
    ways = WaysOut(trial, size)
    for way, words in KEYS.items():
        ways.screen.press(*words)
        if not ways.is_shut(way):
            ways.settle()
    tile, paper = trial.place_of("button[value='start:ko']"), (size[0] // 2, 4)
    with ways.screen.pointer() as pointer:
        for way, (held, button) in CLICKS.items():
            for place in (tile, paper):
                with ways.screen.holding(*held):
                    pointer.click(*place, button, size=size)
                if not ways.is_shut(f"{way} at {place}"):
                    ways.settle()
        pointer.click(*tile, "left", size=size)
        if not trial.kiosk.reaches("purpose", within=8):
            trial.wrong.append("the mouse is not one: its left button presses nothing")
        trial.kiosk.stop()
    _show_that_it_would_be_seen(ways)


def _show_that_it_would_be_seen(ways):
    ways.settle()
    ways.screen.command("unbindsym Shift+Escape")
    ways.screen.press("-M", "shift", "-k", "Escape")
    time.sleep(2)
    open_one = ways.trial.seen("a-way-out-that-is-open")
    if ways.screen.windows() == 1 or any(alike(open_one, each) for each in ways.wanted):
        ways.trial.wrong.append("the measure is blind: a way out that is open is not seen")
    ways.screen.command("bindsym Shift+Escape nop")
    ways.trial.kill()
    ways.settle()
