"""``luutru metrics``: gateways and fleet as Prometheus reads them, over HTTP or once to standard output.

- It listens on loopback unless told otherwise and gives one page, ``/metrics``; nothing can be changed through it, and nothing in it is about a person.
- A registry that is away is answered with 503: Prometheus then says that this is down, and the last figures are not shown as if they were new.
- Rules for alarms with tests: ``deploy/metrics/`` (docs/metrics.md).

Example: ``luutru metrics --listen 127.0.0.1:9464``
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Final

import typer

from luutru.commands.broker_address import host_port
from luutru.commands.fleet_patience import WithheldOption
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, RegistryOption, VaultOption

app = typer.Typer(invoke_without_command=True)
CONTENT: Final = "text/plain; version=0.0.4; charset=utf-8"
PATH: Final = "/metrics"


@app.callback()
def metrics(
    *,
    listen: Annotated[str, typer.Option(help="Where to listen, as address:port.")] = "127.0.0.1:9464",
    once: Annotated[bool, typer.Option("--once", help="Print them once and end.")] = False,
    silent_minutes: Annotated[int, typer.Option(min=1, help="A kiosk that says nothing for so long is lost.")] = 10,
    withheld_minutes: WithheldOption = 60,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
) -> None:
    """Give gateways and fleet to Prometheus until asked to stop (SIGTERM or Ctrl-C).

    Example: luutru metrics --registry sqlite:////var/lib/luutru/registry.db --listen 127.0.0.1:9464
    """
    from luutru.commands.refusals import refusing
    from luutru.metrics import read_metrics
    from luutru.opening import open_for_work
    from luutru.system import system_clock
    from server.operators.fleet import Patience

    with refusing():
        opened = open_for_work(registry, vault)
    clock = system_clock()
    patience = Patience(silent_after=timedelta(minutes=silent_minutes), withheld_after=timedelta(minutes=withheld_minutes))

    def read() -> str:
        return read_metrics(opened, now=clock.now(), patience=patience)

    try:
        if once:
            sys.stdout.write(read())
        else:
            serve(read, *host_port(listen))
    finally:
        opened.close()


def serve(read: Callable[[], str], host: str, port: int) -> None:
    """Answer until a signal asks to stop."""
    server = make_server(read, host, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown waits for the loop, which this thread runs
        signal.signal(number, lambda _number, _frame: threading.Thread(target=server.shutdown).start())
    typer.echo(f"http://{host}:{server.server_port}{PATH}")
    with server:
        server.serve_forever()


def make_server(read: Callable[[], str], host: str, port: int) -> ThreadingHTTPServer:
    """Return what answers; it is not running yet."""

    class Handler(BaseHTTPRequestHandler):
        """One page."""

        server_version, sys_version, timeout = "luutru", "", 10

        def do_GET(self) -> None:
            if self.path != PATH:
                self._answer(404, "")
                return
            try:
                self._answer(200, read())
            except Exception as error:  # noqa: BLE001 - whatever the registry has, it is told, and asked again the next time
                self._answer(503, f"# {type(error).__name__}\n")

        def _answer(self, status: int, text: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("content-type", CONTENT)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing: it is asked every few seconds."""

    return ThreadingHTTPServer((host, port), Handler)
