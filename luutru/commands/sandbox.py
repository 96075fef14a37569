"""``luutru sandbox``: another authority's system played on this machine, to write and try a connection against.

- Its credentials are made up, the same everywhere, and printed when it starts; nothing it is told leaves this machine.

Example: ``luutru sandbox kbtt --port 8791``
"""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Play another authority's system on this machine.")


@app.callback()
def root() -> None:
    """Play another authority's system on this machine."""


@app.command("kbtt")
def play_kbtt(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8791,
) -> None:
    """Play the ministry's declaration API (KBTT): strict, in memory, with invented facilities.

    Example: luutru sandbox kbtt --port 8791
    """
    from luutru.sandbox.kbtt import playing
    from luutru.sandbox.kbtt_behaviour import CLIENT, FACILITIES
    from luutru.sandbox.kbtt_office import Office
    from luutru.system import random_bytes, system_clock

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    with playing(Office(clock=system_clock().now, random_bytes=random_bytes), port=port) as address:
        typer.echo(f"KBTT is played at {address}; what it holds: {address}/sandbox")
        typer.echo(f"client {CLIENT[0]}, secret {CLIENT[1]}")
        for each in FACILITIES:
            typer.echo(f"facility {each.facility_id} ({each.type}): user {each.username}, password {each.password}")
        stopping.wait()
