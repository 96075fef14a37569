"""``luutru sandbox``: everything hotel software needs to be written and tried against, on this machine, by one command.

- Without a further word it runs the server hotel software speaks to, with public credentials, invented people, a clock to set and errors for the
  asking; ``luutru sandbox kbtt`` plays the ministry's system. Credentials are made up and the same everywhere; nothing leaves this machine.

Example: ``luutru sandbox``
"""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

PORT = 8790
app = typer.Typer(add_completion=False, help="A server to write hotel software against; or play another authority's system.")


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = PORT,
) -> None:
    """Run a server to write hotel software against: real answers, public credentials, invented people, a clock to set, errors for the asking.

    Example: luutru sandbox --port 8790
    """
    if ctx.invoked_subcommand is not None:
        return
    import tempfile
    from pathlib import Path

    from luutru.sandbox.hotel import CLIENT, HOUSE, hotel
    from luutru.sandbox.serving import free_socket, serve
    from luutru.system import random_bytes, system_clock

    listening = free_socket(port)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with (
        tempfile.TemporaryDirectory(prefix="luutru-sandbox-") as folder,
        hotel(Path(folder), base_url=address, base=system_clock(), random_bytes=random_bytes) as made,
    ):
        typer.echo(f"API {address}/api/v1, its document {address}/api/openapi.json")
        typer.echo(f"client {CLIENT[0]}, secret {CLIENT[1]}, premises {HOUSE}")
        typer.echo(f"time, people, errors to ask for: {address}/sandbox")
        typer.echo(f"the front desk's pages: {made.link}")
        serve(made.app, listening)


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
