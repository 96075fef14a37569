"""``luutru broker``: an authority's Mosquitto: its files, and which sites have a broker of their own.

- ``render`` writes the configuration with a reason beside each setting, the access rules, the limits for the kernel and the unit. Certificates are the authority's.
- ``bridge`` lets a site's own broker in; it counts from the broker's next start.
- Who is shut out and how is ``luutru gateway kiosks revoke`` (docs/gateway.md).

Example: ``luutru broker render /etc/luutru-broker --gateways 10.1.0.4:8884 --gateways-from 10.1.0.0/24``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from luutru.commands.broker_address import host_port
from luutru.commands.refusals import refusing

app = typer.Typer(no_args_is_help=True, add_completion=False, help="An authority's Mosquitto: its files, and sites' own brokers.")

FolderArgument = Annotated[
    Path, typer.Argument(help="The broker's folder: ca.pem, broker.pem, broker.key and crl.pem are yours.")
]
NameOption = Annotated[str, typer.Option(envvar="LUUTRU_GATEWAY_NAME", help="Common name of the gateways' certificate.")]


@app.callback()
def group() -> None:
    """Hold the broker's files."""


@app.command()
def render(  # noqa: PLR0913 - one option per setting
    folder: FolderArgument,
    *,
    kiosks: Annotated[str, typer.Option(help="Where kiosks come in, as address:port.")] = "0.0.0.0:8883",
    gateways: Annotated[
        str, typer.Option(help="Where gateways come in, as address:port; not where kiosks can.")
    ] = "127.0.0.1:8884",
    gateways_from: Annotated[str, typer.Option(help="The network gateways come from.")] = "127.0.0.0/8",
    connections: Annotated[int, typer.Option(help="Most kiosks at once.")] = 20_000,
    memory_mib: Annotated[int, typer.Option(help="Most memory of the broker.")] = 4096,
    inflight_mib: Annotated[int, typer.Option(help="Most that is sent to one client and not acknowledged.")] = 64,
    queue_mib: Annotated[int, typer.Option(help="Most that waits for one client.")] = 512,
    per_address: Annotated[int, typer.Option(help="Most connections from one address.")] = 64,
    new_per_second: Annotated[int, typer.Option(help="Most new connections from one address in a second.")] = 10,
    kib_per_second: Annotated[int, typer.Option(help="Most KiB from one address in a second.")] = 512,
    data: Annotated[Path, typer.Option(help="Where its queues lie.")] = Path("/var/lib/mosquitto"),
    name: NameOption = "luutru-gateway",
) -> None:
    """Write mosquitto.conf, access.acl, nftables.conf and the unit of a broker; certificates are not touched.

    Example: luutru broker render /etc/luutru-broker --gateways 10.1.0.4:8884 --gateways-from 10.1.0.0/24
    """
    from luutru.broker_access import BrokerAccess
    from luutru.broker_text import BrokerSettings, configuration_text, firewall_text, unit_text
    from luutru.firmware_gates import lay_down

    (kiosks_host, kiosks_port), (gateways_host, gateways_port) = host_port(kiosks), host_port(gateways)
    given = {
        "connections": connections, "memory_mib": memory_mib, "inflight_mib": inflight_mib, "queue_mib": queue_mib,
        "per_address": per_address, "new_per_second": new_per_second, "kib_per_second": kib_per_second, "gateways_from": gateways_from,
    }  # fmt: skip
    given |= {"folder": str(folder.resolve()), "data": str(data.resolve())}
    given |= {"kiosks_host": kiosks_host, "kiosks_port": kiosks_port}
    given |= {"gateways_host": gateways_host, "gateways_port": gateways_port}
    try:
        settings = msgspec.convert(given, BrokerSettings)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from None
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "mosquitto.conf": configuration_text(settings),
        "nftables.conf": firewall_text(settings),
        "luutru-broker.service": unit_text(settings),
    }
    for each in lay_down(files, folder):
        typer.echo(f"wrote {folder / each}")
    BrokerAccess(folder, gateway=name).write()
    missing = [each for each in ("ca.pem", "broker.pem", "broker.key", "crl.pem") if not (folder / each).exists()]
    if missing:
        typer.echo(f"not here yet, by your certificate authority: {', '.join(missing)}")


@app.command()
def bridge(
    folder: FolderArgument,
    site: Annotated[str, typer.Argument(help="Id of the site whose broker passes on.")],
    *,
    name: NameOption = "luutru-gateway",
) -> None:
    """Let a site's own broker pass on its kiosks' messages, from the broker's next start on.

    Example: luutru broker bridge /etc/luutru-broker blk-hoa-binh
    """
    from firmware_config.site_bridge import bridge_name
    from luutru.broker_access import BrokerAccess
    from residence.wire.topics import topic

    with refusing():
        topic(site, "any", "d")
    access = BrokerAccess(folder, gateway=name)
    access.bridge(site)
    access.write()
    typer.echo(f"{site}: its broker's certificate has the common name {bridge_name(site)}; start the broker anew")
