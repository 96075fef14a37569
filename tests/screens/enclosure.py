"""A machine's screen without a monitor: sway and Chromium run on the files that ``luutru kiosk screen`` writes, where those files say they lie.

- Mounts of the process's own: ``/etc`` and ``/usr/bin`` of this machine with ours above them, ``/run`` empty. Nothing of this machine is written,
  and no other browser on it sees our policy. Both need user namespaces, as the browser's own sandbox does.
- sway is started as the unit starts it, as an ordinary account, without a monitor (``WLR_BACKENDS=headless``). What is seen is what grim is given by it, and keys
  come in by its virtual keyboard (wtype).
- The browser's processes are found by their session: whoever started the browser made it one.

Example: ``with shown(folder, profile) as screen: screen.size(1280, 720); screen.picture()``
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from tests.screens.pointer import Pointer

RUNTIME = "/run/luutru-screen"
ENTER = f"""
mount -t overlay overlay -o "lowerdir=$0/image/etc:/etc" /etc &&
mount -t overlay overlay -o "lowerdir=$0/image/usr/bin:/usr/bin" /usr/bin &&
mount -t tmpfs tmpfs /run && mkdir {RUNTIME} && mount --bind "$0/run" {RUNTIME} &&
exec unshare --user --map-user=1000 --map-group=1000 /usr/bin/sway --config /etc/luutru/sway.conf
"""
OWN = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")  # what is started in it ends with it
SURROUNDINGS = {
    "XDG_RUNTIME_DIR": RUNTIME,
    "HOME": RUNTIME,
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "WLR_BACKENDS": "headless",
    "WLR_RENDERER": "pixman",
    "WLR_LIBINPUT_NO_DEVICES": "1",
}


class Screen:
    """What stands in front of people: looked at and typed into from outside."""

    def __init__(self, folder, process):
        self.folder, self.process = folder, process
        self.ask = {"XDG_RUNTIME_DIR": str(folder / "run"), "WAYLAND_DISPLAY": "wayland-1", "PATH": "/usr/bin:/bin"}

    def size(self, width, height):
        self.command(f"output HEADLESS-1 resolution {width}x{height}")

    def command(self, *words):
        """Say something to the compositor, and return its answer."""
        socket = next((self.folder / "run").glob("sway-ipc.*.sock"))
        command = ["swaymsg", "-r", "-s", str(socket), *words]
        return json.loads(subprocess.run(command, check=True, env=self.ask, capture_output=True, text=True).stdout)

    def windows(self):
        """Return how many windows there are, wherever they lie."""
        return sum(
            "pid" in each and each.get("type") in {"con", "floating_con"} for each in _nodes(self.command("-t", "get_tree"))
        )

    def pointer(self):
        """Return a mouse, to be used as a context."""
        return Pointer(self.folder / "run" / self.ask["WAYLAND_DISPLAY"])

    @contextmanager
    def holding(self, *words):
        """Hold keys down meanwhile (``"-M", "ctrl"``); no words hold none."""
        if not words:
            yield
            return
        held = subprocess.Popen(
            ["wtype", "-s", "600", *words, "-s", "2000", *(each.replace("-M", "-m") for each in words)], env=self.ask
        )
        time.sleep(1.0)
        try:
            yield
        finally:
            held.wait(30)

    def picture(self):
        seen = subprocess.run(["grim", "-t", "ppm", "-"], check=True, env=self.ask, capture_output=True).stdout
        return Image.open(io.BytesIO(seen)).convert("RGB")

    def press(self, *words):
        """Press keys: ``press("1")`` types, ``press("-M", "ctrl", "t")`` holds one down (wtype's words)."""
        # the keyboard is there before its key and after it: a browser takes note of a new one first
        subprocess.run(["wtype", "-s", "600", *words, "-s", "200"], check=True, env=self.ask)

    def browser(self):
        """Return the browser's own process; None while there is none."""
        return next((pid for pid, words in _processes() if _is_browser(words)), None)

    def renderers(self):
        """Return the processes in which the page itself lives."""
        own = self.browser()
        return [pid for pid, words in _processes() if "--type=renderer" in words and own is not None and _session(pid) == own]


def _nodes(tree):
    yield tree
    for each in (*tree.get("nodes", ()), *tree.get("floating_nodes", ())):
        yield from _nodes(each)


def _is_browser(words):
    return f"--user-data-dir={RUNTIME}/chromium" in words and not any(each.startswith("--type=") for each in words)


def _processes():
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                words = (each / "cmdline").read_bytes().decode("utf-8", "replace").replace(" --", "\0--").split("\0")
            except OSError:
                continue
            yield int(each.name), words


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def lay_out(folder, profile):
    """Write the files of a machine's screen below ``folder/image``, by the command an installer uses."""
    image = folder / "image"
    subprocess.run(
        [sys.executable, "-m", "luutru", "kiosk", "screen", str(profile), str(image)], check=True, stdout=subprocess.DEVNULL
    )
    shutil.copy(profile, image / "etc/luutru/kiosk.toml")
    (image / "usr/bin").mkdir(parents=True)
    (image / "usr/bin/luutru").symlink_to(Path(sys.executable).with_name("luutru"))
    (folder / "run").mkdir(mode=0o700)


@contextmanager
def shown(folder, profile):
    """Start sway, and with it the browser's watch; everything ends with it."""
    lay_out(folder, profile)
    with (folder / "sway.log").open("wb") as log:
        command = ["unshare", "--user", "--map-root-user", *OWN, "sh", "-c", ENTER, str(folder)]
        process = subprocess.Popen(command, env=SURROUNDINGS, stdout=log, stderr=log, start_new_session=True)
    screen = Screen(folder, process)
    try:
        end = time.monotonic() + 60
        while not list((folder / "run").glob("sway-ipc.*.sock")):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"sway did not start:\n{(folder / 'sway.log').read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.1)
        yield screen
    finally:
        process.kill()
        process.wait(20)
