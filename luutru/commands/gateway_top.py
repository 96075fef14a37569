"""``luutru gateway top``: how every gateway of a registry fares, live in the terminal.

- It reads the reports the workers leave in the registry (ADR 29): no port, no keys, any number of workers on any machine.
- ``--once`` prints one view and ends; ``--once --json`` prints one object. Status 1: no worker, or one that is silent.
- ``--once --wait 60`` first waits until each has said anew, after the command began, that it is connected to its broker; status 1 when one has not by then. A
  report from before a restart, or of a process that cannot reach the broker, does not count.
- Ctrl-C ends it with status 0 and leaves the terminal as it was. A registry that is away is said, and asked again.

Example: ``luutru gateway top --registry sqlite:////var/lib/luutru/registry.db``
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, JsonOption, RegistryOption

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Engine

    from registry.gateway_reports import GatewayReport

LOOK_EVERY = 0.5
EverySeconds = Annotated[float, typer.Option("--every", min=0.2, max=60, help="Seconds between two looks.")]
OnceOption = Annotated[bool, typer.Option("--once", help="Print one view and end.")]
WaitSeconds = Annotated[
    float, typer.Option("--wait", min=0, max=3600, help="With --once: wait so long until each says anew that it is connected.")
]


def top(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    every: EverySeconds = 2.0,
    once: OnceOption = False,
    wait: WaitSeconds = 0.0,
    json: JsonOption = False,
) -> None:
    """Watch the gateways: rate, time per stage, oldest unacknowledged, receipts not sent, kiosks that lag. Ctrl-C ends it.

    Example: luutru gateway top --once --json
    """
    if json and not once:
        raise typer.BadParameter("give --once with --json", param_hint="--json")
    if wait and not once:
        raise typer.BadParameter("give --once with --wait", param_hint="--wait")
    from registry.database import open_engine

    engine = open_engine(registry)
    try:
        if once:
            _print_once(engine, connected=not wait or _all_connected(engine, within=wait), json=json)
        else:
            with suppress(KeyboardInterrupt):
                _watch(engine, every)
    finally:
        engine.dispose()


def _print_once(engine: Engine, *, connected: bool, json: bool) -> None:
    from rich.console import Console
    from sqlalchemy.exc import SQLAlchemyError

    from luutru.gateway_view import draw
    from luutru.system import system_clock
    from registry.gateway_reports import is_silent

    now = system_clock().now()
    try:
        reports = _read(engine, now)
    except SQLAlchemyError as error:
        typer.echo(f"The registry does not answer: {type(error).__name__}", err=True)
        raise typer.Exit(1) from None
    if json:
        workers = [msgspec.to_builtins(each) | {"rate": each.rate, "silent": is_silent(each, now=now)} for each in reports]
        sys.stdout.write(msgspec.json.encode({"at": now, "workers": workers}).decode() + "\n")
    else:
        Console(highlight=False).print(draw(reports, now=now))
    raise typer.Exit(0 if connected and reports and not any(is_silent(each, now=now) for each in reports) else 1)


def _all_connected(engine: Engine, *, within: float) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    from luutru.system import system_clock

    clock = system_clock()
    began, end = clock.now(), clock.monotonic_ns() + int(within * 1e9)
    while True:
        with suppress(SQLAlchemyError):
            reports = _read(engine, clock.now())
            if reports and all(each.at > began and each.connection == "connected" for each in reports):
                return True
        if clock.monotonic_ns() > end:
            return False
        threading.Event().wait(LOOK_EVERY)


def _watch(engine: Engine, every: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from luutru.system import system_clock

    clock, pause = system_clock(), threading.Event()
    with Live(_view(engine, clock.now()), console=Console(highlight=False), screen=True, auto_refresh=False) as live:
        while not pause.wait(every):
            live.update(_view(engine, clock.now()), refresh=True)


def _view(engine: Engine, now: datetime) -> RenderableType:
    from rich.console import Group
    from rich.text import Text
    from sqlalchemy.exc import SQLAlchemyError

    from luutru.gateway_view import draw
    from residence.clock import VIETNAM

    foot = Text(f"{now.astimezone(VIETNAM):%H:%M:%S}  Ctrl-C ends this", style="dim")
    try:
        return Group(draw(_read(engine, now), now=now), foot)
    except SQLAlchemyError as error:
        return Group(Text(f"The registry does not answer: {type(error).__name__}", style="bold red"), foot)


def _read(engine: Engine, now: datetime) -> Sequence[GatewayReport]:
    from registry.gateway_reports import KEPT_FOR, latest_reports

    with engine.connect() as connection:
        return latest_reports(connection, since=now - KEPT_FOR)
