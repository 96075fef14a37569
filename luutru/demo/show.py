"""The demo as a person meets it: progress while it starts, where to look, three things to try, and a clean end.

- What runs is in ``town.py``; here is the conversation with the terminal and with ``luutru demo ...`` in another one.
- A process that ends by itself is reported with its last words; the others go on.

Example: ``run(Layout(directory=Path("var/demo")), eyes=Eyes(), fresh=True)``
"""

from __future__ import annotations

import re
import signal
import threading
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from luutru.demo.accounts import DemoAccount, invite
from luutru.demo.control import ControlSocket
from luutru.demo.folder import held
from luutru.demo.layout import KIOSKS, USUAL, Layout
from luutru.demo.prepare import Tools, prepare
from luutru.demo.town import Eyes, Town
from luutru.system import DemoClock, SystemClock, random_bytes, system_clock
from residence.clock import VIETNAM
from residence.errors import LuutruError, Refused

CLOCK_FORM: Final = re.compile(r"(?:(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)|\+(?P<hours>\d{1,3})h|(?P<real>real))")
WATCH_SECONDS: Final = 1.0


def run(layout: Layout, *, eyes: Eyes, fresh: bool) -> int:
    """Prepare, start, explain, wait for Ctrl-C, end. Returns the exit status."""
    console = Console(highlight=False)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopping.set())
    console.print("[bold]Luutru[/]: an invented commune on this machine")
    try:
        with held(layout):
            serve(Town(layout, eyes=eyes), console, stopping=stopping, fresh=fresh)
    except LuutruError as error:
        console.print(f"[red]The demo cannot run:[/] {error.detail}")
        return 1
    return 0


def serve(town: Town, console: Console, *, stopping: threading.Event, fresh: bool) -> None:
    """Prepare, start, explain and wait; all processes have ended when this returns, however it does."""
    tools = Tools(clock=system_clock(), random_bytes=random_bytes, tell=lambda what: console.print(f"  [dim]…[/] {what}"))
    control = None
    try:
        prepare(town.layout, tools, fresh=fresh)
        accounts = invite(town.layout, tools, base_url=town.server_url)
        tools.tell("broker, gateway, server, two kiosks, the ministry's system as the sandbox plays it")
        town.start()
        town.start_authority()
        town.start_log()
        control = ControlSocket(town.layout.control, lambda words: answer(town, words))
        explain(console, town, accounts)
        watch(console, town, stopping)
    finally:
        if control is not None:
            control.close()
        console.print("\nEnding all processes …")
        town.stop()


def watch(console: Console, town: Town, stopping: threading.Event) -> None:
    """Wait for the end; report who ended before."""
    while not stopping.wait(WATCH_SECONDS):
        for name, status in town.children.ended().items():
            console.print(f"[red]{name} ended with status {status}[/]; the rest goes on.\n{town.children.last_words(name)}")


def answer(town: Town, words: list[str]) -> str:
    """Do what another terminal asked for, and say what happened."""
    match words:
        case ["broker", "stop"]:
            town.broker.stop()
            return "The broker is down. Kiosks keep what they are told and say so."
        case ["broker", "start"]:
            town.broker.start()
            return "The broker is up. What was kept settles by itself."
        case ["broker", "status"]:
            return f"The broker is {'up' if town.broker.running else 'down'}."
        case ["clock", text]:
            moved = move_clock(town.layout, text, SystemClock().now().astimezone(VIETNAM))
            return f"{moved} Sessions on the server may have ended with the hours; luutru demo links lets you in again."
        case ["links"]:
            return "\n".join(lines_of(new_links(town)))
        case ["status"]:
            names = ["gateway", "server", *KIOSKS, "kbtt-sandbox", "authority"]
            states = [f"{name} {'runs' if town.children.running(name) else 'ended'}" for name in names]
            return f"broker {'runs' if town.broker.running else 'is down'}, " + ", ".join(states)
        case _:
            raise Refused("demo.unknown_command", detail=" ".join(words))


def new_links(town: Town) -> list[DemoAccount]:
    """Make a new link for every account, good at the hour the demo believes in."""
    tools = Tools(clock=DemoClock(town.layout.clock), random_bytes=random_bytes, tell=lambda _what: None)
    return invite(town.layout, tools, base_url=town.server_url)


def lines_of(accounts: list[DemoAccount]) -> list[str]:
    """Return a line for each account with its link."""
    return [f"{account.role:9} {account.name:8} {account.link}" for account in accounts]


def move_clock(layout: Layout, text: str, now: datetime) -> str:
    """Write the offset that makes all processes believe in another time."""
    form = CLOCK_FORM.fullmatch(text)
    if form is None:
        raise Refused("demo.unknown_command", detail='write a time like 23:05, hours like +10h, or "real"')
    if form["real"]:
        offset = timedelta()
    elif form["hours"]:
        offset = timedelta(hours=int(form["hours"]))
    else:
        wanted = now.replace(hour=int(form["hour"]), minute=int(form["minute"]), second=0, microsecond=0)
        offset = (wanted if wanted > now else wanted + timedelta(days=1)) - now
    layout.clock.write_text(str(offset.total_seconds()), encoding="ascii")
    return f"It is now {(now + offset):%Y-%m-%d %H:%M} in the demo."


def explain(console: Console, town: Town, accounts: list[DemoAccount]) -> None:
    """Print where to look and what to try."""
    pages = Table(box=None, show_header=False, padding=(0, 2))
    pages.add_row("[bold]Lobby kiosk[/]", town.kiosk_url("kiosk-lobby-1"), "apartment block Hòa Bình")
    pages.add_row("[bold]Desk kiosk[/]", town.kiosk_url("kiosk-desk-1"), "hotel Sao Mai")
    pages.add_row("[bold]Server[/]", town.server_url, "everybody; check a receipt by its code")
    pages.add_row("[bold]Ministry (played)[/]", f"{town.kbtt_url}/sandbox", "what it was told of the hotel's guests")
    console.print(Panel(pages, title="Where to look", title_align="left"))
    there = "" if town.layout.directory == USUAL else f" --directory {town.layout.directory}"
    console.print(f"Demo accounts; each link signs in once ([bold].venv/bin/luutru demo links{there}[/] makes new ones):")
    for line in lines_of(accounts):
        console.print(f"  {line}", soft_wrap=True)
    to_try = TO_TRY.format(kiosk=town.kiosk_url("kiosk-lobby-1"), there=there)
    console.print(Panel(to_try, title="Three things to try", title_align="left"))
    console.print(f"Logs: {town.layout.logs}   [bold]Ctrl-C ends everything.[/]")


TO_TRY: Final = """\
1. Open {kiosk}, hold a card (one is held for you), confirm: the screen says
   [bold]kept[/], then [bold]accepted by the registry[/]. Then open the officer's link: the stay is there.
2. [bold].venv/bin/luutru demo broker stop{there}[/], check in again: it says [bold]kept here, will be sent[/].
   [bold].venv/bin/luutru demo broker start{there}[/], and it settles by itself.
3. Choose [bold]Coming in[/], show the card of Trần Văn An, Lê Thị Mỹ Duyên or Phạm Quốc Bảo, whoever has not declared yet
   (the other two live here: their cards leave nothing), then [bold].venv/bin/luutru demo clock 23:05{there}[/]: a notice
   to the house first, and somebody undeclared on the officer's list. [bold]demo links{there}[/] signs the officer in again."""
