"""``luutru sandbox``: everything hotel software needs to be written and tried against, on this machine, by one command.

- Without a further word it runs the server hotel software speaks to, with public credentials, invented people, a clock to set and errors for the
  asking; ``luutru sandbox kbtt`` plays the ministry's system. Credentials are made up and the same everywhere; it listens on this machine alone.
- Its webhooks go by https into the open internet; to this machine or a private network only where ``--webhooks-to`` names it.

Example: ``luutru sandbox``
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from residence.wire.webhook_reach import Reach

PORT = 8790
app = typer.Typer(add_completion=False, help="A server to write hotel software against; or play another authority's system.")


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = PORT,
    webhooks_to: Annotated[
        list[str] | None,
        typer.Option(
            help="A network webhooks may go to besides the open internet, plain http included: 127.0.0.0/8 is this machine."
        ),
    ] = None,
) -> None:
    """Run a server to write hotel software against: real answers, public credentials, invented people, a clock to set, errors for the asking.

    Example: luutru sandbox --port 8790 --webhooks-to 127.0.0.0/8
    """
    if ctx.invoked_subcommand is not None:
        return
    import tempfile
    from pathlib import Path

    from luutru.sandbox.hotel import CLIENT, HOUSE, hotel
    from luutru.sandbox.serving import end_by_raising, free_socket, serve
    from luutru.system import random_bytes, system_clock

    reach = _reach(webhooks_to or [])
    end_by_raising()
    listening = free_socket(port)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with (
        tempfile.TemporaryDirectory(prefix="luutru-sandbox-") as folder,
        hotel(Path(folder), base_url=address, base=system_clock(), random_bytes=random_bytes, reach=reach) as made,
    ):
        typer.echo(f"API {address}/api/v1, its document {address}/api/openapi.json")
        typer.echo(f"client {CLIENT[0]}, secret {CLIENT[1]}, premises {HOUSE}")
        typer.echo(f"time, people, errors to ask for: {address}/sandbox")
        typer.echo(f"the front desk's pages: {made.link}")
        serve(made.app, listening)


def _reach(networks: list[str]) -> Reach:
    from ipaddress import ip_network

    from residence.wire.webhook_reach import Reach

    try:
        found = tuple(str(ip_network(each)) for each in networks)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--webhooks-to") from error
    return Reach(networks=found, plain_http=bool(found))


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
