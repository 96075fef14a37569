"""``luutru server``: run the web process.

- Settings are options or ``LUUTRU_*`` variables (docs/settings.md); every one has a default for one machine.

Example: ``luutru server run --registry sqlite:////var/lib/luutru/registry.db --base-url https://luutru.example``
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luutru.chip_trust_option import ChipTrustOption
from luutru.choices import ChoicesOption, choices_of
from luutru.commands import server_papers
from luutru.commands.broker_address import host_port
from luutru.commands.fleet_patience import WithheldOption

if TYPE_CHECKING:
    from luutru.processes.server import ServerProcess

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run the web server.")

KeysOption = Annotated[Path, typer.Option(envvar="LUUTRU_KEYS", help="Directory with server-receipt*.key.")]
VaultOption = Annotated[
    Path, typer.Option(envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
]
IdleOption = Annotated[
    float,
    typer.Option(
        "--idle-minutes", envvar="LUUTRU_SERVER_IDLE_MINUTES", min=1, help="A session ends after so long without a request."
    ),
]
QueuesOption = Annotated[
    Path | None, typer.Option("--queues", envvar="LUUTRU_SERVER_QUEUES", help="File of officers' work queues (docs/police.md).")
]

LogOption = Annotated[
    Path | None, typer.Option("--log", envvar="LUUTRU_LOG", help="Folder of the log of looks, shown to everybody (docs/log.md).")
]
OfficesOption = Annotated[
    Path | None,
    typer.Option("--offices", envvar="LUUTRU_SERVER_OFFICES", help="File of offices a case may be referred to (docs/police.md)."),
]
IssuersOption = Annotated[
    Path | None,
    typer.Option("--issuers", envvar="LUUTRU_SERVER_ISSUERS", help="File of identity providers (docs/sign-in.md)."),
]
PartyOption = Annotated[
    str, typer.Option(envvar="LUUTRU_SERVER_RELYING_PARTY", help="Host name passkeys belong to; never change it.")
]
BrokerOption = Annotated[
    str,
    typer.Option(
        "--kiosk-broker",
        envvar="LUUTRU_KIOSK_BROKER",
        help="The broker new kiosks are told, as host:port (docs/provisioning.md).",
    ),
]
WayInOption = Annotated[
    int,
    typer.Option(
        "--kiosk-way-in-level",
        envvar="LUUTRU_KIOSK_WAY_IN_LEVEL",
        min=4,
        max=5,
        help="What a chip must have shown that opens its person's page at a kiosk: 5 present, 4 verified (docs/sign-in.md).",
    ),
]
PortOption = Annotated[int, typer.Option(envvar="LUUTRU_SERVER_PORT", min=1, max=65535, help="Port to listen on.")]


@app.callback()
def root() -> None:
    """Run the web server."""


@app.command("run")
def run_server(  # noqa: PLR0913 - one option per setting
    *,
    registry: Annotated[
        str, typer.Option(envvar="LUUTRU_REGISTRY", help="Address of the registry: sqlite:////path or postgresql+psycopg://...")
    ] = "sqlite:///registry.db",
    vault: VaultOption = Path("vault"),
    keys: KeysOption = Path("keys"),
    base_url: Annotated[
        str, typer.Option(envvar="LUUTRU_SERVER_BASE_URL", help="The address people type; https makes cookies Secure.")
    ] = "http://localhost:8300",
    relying_party: PartyOption = "localhost",
    host: Annotated[str, typer.Option(envvar="LUUTRU_SERVER_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: PortOption = 8300,
    idle_minutes: IdleOption = 30.0,
    queues: QueuesOption = None,
    log: LogOption = None,
    offices: OfficesOption = None,
    issuers: IssuersOption = None,
    chip_trust: ChipTrustOption = None,
    choices: ChoicesOption = None,
    kiosk_broker: BrokerOption = "127.0.0.1:8883",
    kiosk_way_in_level: WayInOption = 5,
    withheld_minutes: WithheldOption = 60,
) -> None:
    """Serve pages and API until asked to stop (SIGTERM or Ctrl-C).

    Example: luutru server run --port 8300 --base-url http://localhost:8300
    """
    from luutru.processes.server import ServerProcess

    process = ServerProcess(
        registry=registry,
        vault=vault,
        keys=keys,
        base_url=base_url,
        relying_party=relying_party,
        host=host,
        port=port,
        session_idle=timedelta(minutes=idle_minutes),
        chip_trust=chip_trust,
        queues=queues,
        log=log,
        offices=offices,
        issuers=issuers,
        choices=choices_of(choices),
        kiosk_broker=":".join(map(str, host_port(kiosk_broker))),
        kiosk_way_in_level=kiosk_way_in_level,
        kiosk_withheld_after=timedelta(minutes=withheld_minutes),
    )
    _run(process)


def _run(process: ServerProcess) -> None:
    from luutru.logs import configure_logs
    from luutru.processes.server import run
    from residence.errors import LuutruError

    configure_logs()
    try:
        run(process)
    except (LuutruError, OSError) as error:
        typer.echo(f"server: {error}", err=True)
        sys.exit(1)


app.command("paper-key")(server_papers.make)
