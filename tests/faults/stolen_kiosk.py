"""A kiosk stolen after fifty check-ins: its whole disk, logs, browser's profile and what a crash leaves are searched for whoever was there.

- A real ``luutru kiosk run`` on a folder that is its disk (home, temporary files and working folder are in it), a real Chromium with a profile on that
  disk. Half of the people type everything, a quarter of them foreign; one in ten leaves in the middle; every fifth holds up a card.
- The disk is searched twice: as it is while the kiosk runs (write-ahead log and all), and after an abort, which would leave a core.
- Searched are name, number, passport and birth date in every dress of ``tests/traces.py``. The control writes one name in one dress and must be found.

    python -m tests.faults.stolen_kiosk --seed 1 --count 50 --json
"""

from __future__ import annotations

import base64
import gzip
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

from luutru import keys, system
from luutru.demo.broker import free_port
from residence.wire.keyring import Keyring, dump_keyring
from tests.faults.verdict import Campaign, Verdict, arguments, conclude
from tests.traces import traces

LARGEST = 4 << 20  # what is larger is Chromium's own
CARD = ("Trần Văn An", "001095000117")  # the first sample card
FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng", "Bùi")
MIDDLE = ("Thị Bích", "Thị Hoài", "Thị Diễm", "Thị Như", "Thị Kiều")
GIVEN = ("Duyên", "Hạnh", "Khuê", "Lụa", "Ngân", "Oanh", "Quỳnh", "Thảo", "Uyên", "Yến")
PROFILE = """
[kiosk]
id = "kiosk-stolen-1"
site = "blk-stolen"
[premises]
id = "blk-stolen"
kind = "apartment-block"
commune_code = "demo-01"
name = "Chung cư"
units = ["1203"]
[broker]
port = {broker}
[page]
port = {page}
"""


def invented(chance, taken):
    """Return a name, a number and a birth date of nobody, that no other of this run has."""
    while True:
        name = f"{chance.choice(FAMILY)} {chance.choice(MIDDLE)} {chance.choice(GIVEN)}"
        day, month, year = chance.randint(10, 28), chance.randint(10, 12), chance.randint(1950, 1999)
        number = f"0011{year % 100:02}{chance.randrange(10**6):06}"
        if name not in taken:
            taken.add(name)
            return name, number, (str(day), str(month), str(year))


def typed_by(name, number, birth, *, foreign, leaves):
    """Yield (screen, what is pressed, what is written) of one visit."""
    day, month, year = birth
    yield "idle", "start:vi", {}
    yield "purpose", "purpose:stay", {}
    yield "card", "no-card", {}
    yield "typing-name", "typed", {"value": name}
    yield "typing-birth", "typed", {"day": day, "month": month, "year": year}
    yield "typing-sex", "typed:female", {}
    if foreign:
        yield "typing-nationality", "typed:other", {}
        yield "typing-country", "typed:KOR", {}
        yield "typing-passport", "typed", {"value": f"X{number[4:]}"}
        yield "typing-permitted", "skip", {}
    else:
        yield "typing-nationality", "typed:VNM", {}
        yield "typing-number", "typed", {"value": number}
    yield "typing-helper", "skip", {}
    yield from ((("person", "stop", {}),) if leaves else stays())


def stays():
    yield "person", "yes", {}
    yield "unit", "unit", {"value": "1203"}
    yield "nights", "nights:2", {}
    yield "reason", "reason:visit", {}
    yield "review", "confirm", {}
    yield "result", "stop", {}


def with_a_card():
    yield "idle", "start:vi", {}
    yield "purpose", "purpose:stay", {}
    yield "card", "deck:0", {}
    yield from stays()


class ByForms:
    """A visitor who posts the page's forms, without a browser."""

    def __init__(self, address, _folder):
        self.client = httpx.Client(base_url=address, follow_redirects=True, timeout=20, headers={"Origin": address})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def does(self, screen, do, values):
        end = time.monotonic() + 40
        while f'data-name="{screen}"' not in (html := self.client.get("/").text):
            assert time.monotonic() < end, f"the page never became {screen}"
            time.sleep(0.05)
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("token", "screen")}
        assert self.client.post("/act", data={**hidden, "do": do, **values}).status_code == 200


class ByBrowser:
    """A visitor before a real Chromium whose profile is on the kiosk's disk."""

    def __init__(self, address, folder):
        self.address, self.folder = address, folder

    def __enter__(self):
        from playwright.sync_api import sync_playwright

        self.driver = sync_playwright().start()
        self.context = self.driver.chromium.launch_persistent_context(
            self.folder / "chromium", executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        self.page = self.context.pages[0]
        self.page.set_default_timeout(120_000)
        self.page.goto(self.address)
        return self

    def __exit__(self, *_):
        self.context.close()
        self.driver.stop()

    def does(self, screen, do, values):
        self.page.wait_for_selector(f'#state[data-name="{screen}"]', state="attached")
        for name, text in values.items():
            self.page.locator(f'#stage [name="{name}"]').fill(text)
        self.page.locator(f'#stage button[value="{do}"], #bottom button[value="{do}"]').last.evaluate("each => each.click()")


def lay_out(disk):
    """Write profile and keys as an installer leaves them; return the page's address."""
    trusted = []
    for use, owner in (("kiosk-sign", "kiosk-stolen-1"), ("seal", "authority"), ("receipt", "authority")):
        path = disk / f"{'signing' if use == 'kiosk-sign' else use}.key"
        made = keys.make_key(
            path, key_id=f"{use}-1", use=use, owner=owner, now=system.system_clock().now(), random_bytes=system.random_bytes
        )
        trusted += [made] if owner == "authority" else []
        if owner == "authority":
            path.unlink()  # the private half is not on the kiosk
    (disk / "keyring.json").write_bytes(dump_keyring(Keyring(trusted, serial=1)))
    page = free_port()
    (disk / "kiosk.toml").write_text(PROFILE.format(broker=free_port(), page=page), "utf-8")
    for name in ("home", "tmp"):
        (disk / name).mkdir()
    return f"http://127.0.0.1:{page}"


@contextmanager
def running(disk):
    """The kiosk's own process; whatever it, or a library, writes for itself lands on the disk, too."""
    about = {**os.environ, "HOME": str(disk / "home"), "TMPDIR": str(disk / "tmp"), "XDG_CACHE_HOME": str(disk / "home")}
    command = [sys.executable, "-m", "luutru", "kiosk", "run", str(disk / "kiosk.toml"), "--cards", "sample"]
    with (disk / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=disk, env=about)
        try:
            yield process
        finally:
            process.kill()
            process.wait(20)


def wait_for_the_page(address):
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            return httpx.get(f"{address}/health", timeout=5).json()
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the kiosk did not start")


def search(verdict, disk, planted, *, when):
    """Look into every file of the disk."""
    for path in sorted(each for each in disk.rglob("*") if each.is_file() and each.stat().st_size < LARGEST):
        verdict.hit("file searched")
        if found := traces(path.read_bytes(), planted):
            verdict.wrong("lost", f"{when}: {path.relative_to(disk)} says {sorted(found)[:3]}")
    if cores := [each.name for each in disk.rglob("core*") if each.is_file()]:
        verdict.wrong("lost", f"{when}: {cores}")


def visits(count, chance, planted):
    """Yield the steps of each visit; whom it plants is noted before."""
    taken = set()
    for number in range(count):
        if number % 5 == 4:
            planted |= {*CARD}
            yield with_a_card()
            continue
        name, digits, birth = invented(chance, taken)
        foreign = number % 4 == 3
        planted |= {name, f"X{digits[4:]}" if foreign else digits, "".join(birth), "/".join(birth), "-".join(reversed(birth))}
        yield typed_by(name, digits, birth, foreign=foreign, leaves=number % 10 == 5)


def run(verdict, *, count, seed, visitor=ByBrowser, leak=False):
    """Let ``count`` people check in, then steal the kiosk."""
    chance, planted = random.Random(seed), set()
    with tempfile.TemporaryDirectory() as name:
        disk = Path(name)
        address = lay_out(disk)
        with running(disk) as process:
            wait_for_the_page(address)
            with visitor(address, disk) as person:
                for steps in visits(count, chance, planted):
                    for step in steps:
                        person.does(*step)
                    verdict.hit("check-in")
            kept = httpx.get(f"{address}/health", timeout=20).json()["outbox_depth"]
            verdict.facts |= {"kept": kept, "planted": len(planted)}
            if kept < count * 3 // 4:
                verdict.wrong("too few", f"{kept} of {count} were kept")
            if leak:
                (disk / "tmp" / "note").write_bytes(gzip.compress(base64.b64encode(min(planted).encode() + b" was here")))
            search(verdict, disk, planted, when="running")
            process.send_signal(signal.SIGABRT)
            process.wait(20)
        search(verdict, disk, planted, when="after an abort")
    return verdict


def main():
    options = arguments(__doc__, count=50).parse_args()
    campaign = Campaign(name="stolen_kiosk", seed=options.seed, minimum={"check-in": options.count})
    campaign.subjects.append(run(Verdict("kiosk and browser"), count=options.count, seed=options.seed))
    campaign.controls.append(run(Verdict("a name in a note"), count=2, seed=options.seed, visitor=ByForms, leak=True))
    return conclude(campaign, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
