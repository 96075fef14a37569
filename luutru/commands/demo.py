"""``luutru demo``: the whole product on this machine, and the levers to play with it.

- ``run`` makes an invented commune, starts everything, prints where to look and what to try, and ends all of it on Ctrl-C.
- ``broker stop|start`` pulls and plugs the cable; ``clock`` moves the night; ``links`` signs everybody in again after it.
- ``prepare`` only makes the folder, for those who start the processes themselves (docker-compose.yml does).

Example: ``luutru demo run`` and, in another terminal, ``luutru demo broker stop``
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run everything on this machine with an invented commune.")
Folder = Annotated[
    Path, typer.Option("--directory", help="Where the demo keeps everything: a folder of its own, empty at first.")
]
DEFAULT_FOLDER = Path("var/demo")


class BrokerAct(StrEnum):
    """What can be done to the broker."""

    STOP = "stop"
    START = "start"
    STATUS = "status"


@app.command("run")
def run_demo(
    *,
    directory: Folder = DEFAULT_FOLDER,
    camera: Annotated[int | None, typer.Option(help="Use this webcam for the lobby and the desk.")] = None,
    images: Annotated[Path | None, typer.Option(help="Show the photos of this folder to the kiosks instead.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the folder of last time.")] = False,
    free_ports: Annotated[bool, typer.Option("--free-ports", help="Choose free ports instead of the usual ones.")] = False,
) -> None:
    """Run broker, gateway, server, two kiosks and a played ministry until Ctrl-C, and say what to try.

    What the last demo left in the folder is erased first, unless --keep says otherwise. A folder with anything else in it, or of a
    demo that runs, is refused and stays as it is.

    Example: luutru demo run --camera 0
    """
    from luutru.demo.layout import Layout, Ports
    from luutru.demo.show import run
    from luutru.demo.town import Eyes

    if keep and free_ports:
        raise typer.BadParameter("the kiosks of a kept folder have their ports in their profiles", param_hint="--free-ports")
    ports = Ports.free() if free_ports else Ports.kept(directory) if keep else Ports()
    layout = Layout(directory=directory, ports=ports)
    raise typer.Exit(run(layout, eyes=Eyes(camera=camera, images=images), fresh=not keep))


@app.command("prepare")
def prepare_demo(
    *,
    directory: Folder = DEFAULT_FOLDER,
    registry: Annotated[str, typer.Option(help="The registry's address; SQLite in the folder when left out.")] = "",
    broker: Annotated[str, typer.Option(help="Where gateway and kiosks find the broker, as host:port.")] = "127.0.0.1:8983",
    listen: Annotated[str, typer.Option(help="The address the broker listens on.")] = "127.0.0.1",
) -> None:
    """Make certificates, keys, registry, kiosks and accounts, and start nothing.

    Example: luutru demo prepare --directory /var/lib/luutru --registry postgresql+psycopg://luutru@db/luutru
    """
    from luutru.demo.layout import Layout, Ports
    from luutru.demo.prepare import Tools, prepare
    from luutru.system import random_bytes, system_clock

    host, _, port = broker.rpartition(":")
    layout = Layout(
        directory=directory, registry_url=registry, broker_host=host, broker_listen=listen, ports=Ports(broker=int(port))
    )
    prepare(layout, Tools(clock=system_clock(), random_bytes=random_bytes, tell=typer.echo), fresh=False)


@app.command("broker")
def broker(act: Annotated[BrokerAct, typer.Argument(help="What to do.")], *, directory: Folder = DEFAULT_FOLDER) -> None:
    """Stop or start the running demo's broker: check-ins go on without it and settle by themselves after.

    Example: luutru demo broker stop
    """
    _ask(directory, f"broker {act}")


@app.command("clock")
def clock(
    time: Annotated[str, typer.Argument(help='A time of day in Vietnam ("23:05": the next one), hours ("+10h"), or "real".')],
    *,
    directory: Folder = DEFAULT_FOLDER,
) -> None:
    """Move the clock of the running demo, so that the night passes.

    Example: luutru demo clock 23:05
    """
    _ask(directory, f"clock {time}")


@app.command("links")
def links(*, directory: Folder = DEFAULT_FOLDER) -> None:
    """Print a new one-time sign-in link for each account of the running demo.

    Example: luutru demo links
    """
    _ask(directory, "links")


@app.command("status")
def status(*, directory: Folder = DEFAULT_FOLDER) -> None:
    """Say what of the running demo runs.

    Example: luutru demo status
    """
    _ask(directory, "status")


def _ask(directory: Path, line: str) -> None:
    from luutru.demo.control import ask
    from luutru.demo.layout import Layout
    from residence.errors import Refused

    try:
        answer = ask(Layout(directory=directory).control, line)
    except Refused as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from None
    typer.echo(answer)
    raise typer.Exit(1 if answer.startswith("no:") else 0)
