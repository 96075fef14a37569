"""``luutru gateway kiosks revoke``: a stolen kiosk made worthless with one command, while everything runs.

- The keys in the registry come first and decide; the broker's fences are raised after them, and each that stands is said.
- It returns when nothing of the kiosk is accepted any more. Status 1: the keys are revoked, but a fence named in ``problems`` is missing.
- It runs where the broker's folder is; elsewhere it revokes the keys, cuts the session, and says that the rules were not written.

Example: ``luutru gateway kiosks revoke kiosk-lobby-1 --broker-folder /var/lib/luutru/broker --crl new-list.pem``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.commands.broker_address import host_port
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption

if TYPE_CHECKING:
    from luutru.revocation import Revocation
    from registry.database import Registry

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Revoke kiosks.")

FolderOption = Annotated[
    Path, typer.Option(envvar="LUUTRU_BROKER_FOLDER", help="The broker's folder: access.acl, crl.pem, mosquitto.pid.")
]
PkiOption = Annotated[
    Path | None,
    typer.Option(envvar="LUUTRU_PKI", help="The demo's certificate authority, which then writes the revocation list."),
]
CrlOption = Annotated[
    Path | None, typer.Option(envvar="LUUTRU_CRL", help="A revocation list (PEM) by your own authority, with this kiosk on it.")
]
TlsOption = Annotated[
    Path, typer.Option(envvar="LUUTRU_TLS", help="Directory with ca.pem and the gateway's certificate and key.")
]
BrokerOption = Annotated[str, typer.Option(envvar="LUUTRU_BROKER", help="The MQTT broker, as host:port (TLS).")]
NameOption = Annotated[
    str, typer.Option(envvar="LUUTRU_GATEWAY_NAME", help="Common name and file name of the gateway's certificate.")
]


@app.callback()
def group() -> None:
    """Kiosks as an operator handles them."""


@app.command("revoke")
def revoke(  # noqa: PLR0913 - one option per setting
    kiosk_id: Annotated[str, typer.Argument(help="Id of the kiosk.")],
    *,
    broker_folder: FolderOption = Path("broker"),
    pki: PkiOption = None,
    crl: CrlOption = None,
    broker: BrokerOption = "127.0.0.1:8883",
    tls: TlsOption = Path("pki"),
    name: NameOption = "luutru-gateway",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Revoke a kiosk: its keys, its access, its certificate, its live connection. For good; it takes a few seconds.

    Example: luutru gateway kiosks revoke kiosk-lobby-1 --broker-folder var/demo/broker --pki var/demo/pki
    """
    from gateway.cutting import CutLine
    from luutru.broker_access import BrokerAccess
    from luutru.opening import open_registry
    from luutru.revocation import Fences, revoke_kiosk
    from luutru.system import system_clock
    from residence.errors import Refused, sentence

    if pki is not None and crl is not None:
        raise typer.BadParameter("the list is written here, or given: not both", param_hint="--crl")
    host, port = host_port(broker)
    line = CutLine(host=host, port=port, ca=tls / "ca.pem", certificate=tls / f"{name}.pem", key=tls / f"{name}.key")
    opened = open_registry(registry, vault)
    fences = Fences(access=BrokerAccess(broker_folder, gateway=name), line=line, revocations=_new_list(pki, crl, opened))
    try:
        done = revoke_kiosk(kiosk_id, registry=opened, fences=fences, clock=system_clock(), pause=time.sleep)
    except Refused as error:
        _print({"ok": False, "problems": [error.code]}, f"{sentence(error.code).en} ({error.detail})", json=json)
        raise typer.Exit(1) from None
    finally:
        opened.close()
    _print({"ok": not done.problems} | msgspec.structs.asdict(done), _said(done), json=json)
    raise typer.Exit(1 if done.problems else 0)


def _new_list(pki: Path | None, crl: Path | None, registry: Registry) -> Callable[[str], bytes | None]:
    def of_authority(kiosk_id: str) -> bytes | None:
        from luutru.demo.pki import Pki
        from luutru.system import system_clock
        from registry.kiosk_certificates import serials_in_force

        if pki is None:
            return crl.read_bytes() if crl else None
        with registry.reading() as connection:  # after the kiosk was retired: nothing is made for it any more
            serials = serials_in_force(connection, kiosk_id, now=system_clock().now())
        return Pki(pki).revoke(kiosk_id, serials=serials)

    return of_authority


def _said(done: Revocation) -> str:
    from residence.errors import sentence

    lines = [f"{done.kiosk_id} {'is revoked' if done.changed else 'was revoked before'}; nothing of it is accepted."]
    lines.append(
        f"  broker: {'shut out' if done.in_force else 'NOT shut out'}; live connection: {'ended' if done.session_ended else 'NOT ended'}"
    )
    return "\n".join(lines + [f"  {sentence(code).en}" for code in done.problems])


def _print(answer: dict[str, object], said: str, *, json: bool) -> None:
    sys.stdout.write((msgspec.json.encode(answer).decode() if json else said) + "\n")
