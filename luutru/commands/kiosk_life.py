"""``luutru kiosk claim``, ``renew`` and ``wipe``: a machine becomes a kiosk, stays one, and ends being one.

- ``claim`` takes the code of the operator's page ``/operators/claims``, shows the fingerprint here and on the machine's own screen, and waits until it is
  approved. The kiosk is not running meanwhile. Ended and begun again it goes on.
- ``renew`` asks for the next certificate now; a running kiosk does so by itself when half of the old one's life is over.
- ``wipe`` erases keys and outbox, and hands in the kiosk's signed word that this was done.

Example: ``luutru kiosk claim /var/lib/luutru/new --keys systemd-creds``
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from residence.errors import LuutruError

LOOK_EVERY = 3.0
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ProfileArgument = Annotated[Path, typer.Argument(help="The kiosk's profile, a TOML file.")]
MachineOption = Annotated[
    str, typer.Option("--machine", help="The machine's serial number; read from the machine when left out.")
]


def claim(
    folder: Annotated[Path, typer.Argument(help="The folder that becomes the kiosk's: keys, certificate, profile, outbox.")],
    code: Annotated[str, typer.Argument(help="The code of the operator's page; left out: typed or scanned on the screen.")] = "",
    *,
    machine: MachineOption = "",
    keys: Annotated[
        str, typer.Option(help="Where keys are kept: file, systemd-creds (encrypted for this machine), or tpm (by its TPM).")
    ] = "file",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the screen's page on loopback; 0: no page.")] = 8800,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for the approval; 0: ask once.")] = 86_400.0,
    json: JsonOption = False,
) -> None:
    """Become a kiosk: make keys, ask with the code, show the fingerprint, wait for the approval, and write the kiosk's folder.

    Example: luutru kiosk claim /var/lib/luutru/new luutru-claim/1/...
    """
    from edge_agent.provisioning.asking import post
    from luutru import system
    from luutru.kiosk_claiming import STORES, ClaimTools
    from luutru.processes.kiosk_claim import ClaimProcess
    from residence.errors import LuutruError

    if keys not in STORES:
        raise typer.BadParameter(f"one of {', '.join(STORES)}", param_hint="--keys")
    tools = ClaimTools(clock=system.system_clock(), random_bytes=system.random_bytes, send=post, store=keys)
    process = ClaimProcess(folder.absolute(), machine=_machine(machine), tools=tools)
    try:
        with process.page(port):
            if code:
                process.begin(code)
            elif not port:
                raise typer.BadParameter("a code, or a page to type it on", param_hint="--port")
            _print({"machine": process.machine, **msgspec.to_builtins(process.shown)}, process.told(), json=json)
            state = process.wait(patience=patience, pause=lambda: time.sleep(LOOK_EVERY))
    except LuutruError as error:
        raise _refusal(error) from None
    _print({"state": state, "fingerprint": process.shown.fingerprint}, f"{process.shown.kiosk_id}: {state}", json=json)
    raise typer.Exit(0 if state == "issued" else 1)


def open_keys(
    folder: Annotated[Path, typer.Argument(help="The kiosk's folder, of a claim with --keys tpm.")],
    *,
    into: Annotated[Path, typer.Option(help="A folder in memory; made for its owner alone where it is missing.")],
    json: JsonOption = False,
) -> None:
    """Have this machine's TPM open the kiosk's keys, before it starts. Its unit does so by itself.

    Example: luutru kiosk open-keys /var/lib/luutru/kiosk-lobby-1 --into /run/luutru-keys-kiosk-lobby-1
    """
    from luutru.kiosk_tpm import open_keys as opened
    from residence.errors import LuutruError

    try:
        names = opened(folder, into=into)
    except LuutruError as error:
        raise _refusal(error) from None
    _print({"opened": names}, f"opened: {', '.join(names)}", json=json)


def renew(profile: ProfileArgument, *, json: JsonOption = False) -> None:
    """Ask for the kiosk's next certificate now. Status 0: there is a new one, or the old one is not half over.

    Example: luutru kiosk renew /var/lib/luutru/kiosk-lobby-1/kiosk.toml
    """
    from edge_agent.provisioning.renewing import read_certificate
    from luutru.processes.kiosk_renewing import renewing_of
    from luutru.system import system_clock
    from residence.clock import rfc3339
    from residence.errors import LuutruError, Refused

    try:
        loaded = _load(profile)
        renewing = renewing_of(loaded, clock=system_clock(), refused=lambda: False)
        if renewing is None:
            raise Refused("claim.server_unreachable", "/broker/certificates_url", "no server is named in the profile")
        renewed, end = False, time.monotonic() + 15.0
        due = renewing.due()
        while due and not (renewed := renewing.renew()) and time.monotonic() < end:
            time.sleep(1.0)
        ends = rfc3339(read_certificate(loaded.path(loaded.broker.certificate_file)).not_valid_after_utc)
    except LuutruError as error:
        raise _refusal(error) from None
    _print({"renewed": renewed, "due": due, "ends": ends}, f"{'renewed' if renewed else 'not renewed'}; ends {ends}", json=json)
    raise typer.Exit(1 if due and not renewed else 0)


def wipe(
    profile: ProfileArgument,
    *,
    machine: MachineOption = "",
    sure: Annotated[bool, typer.Option("--yes", help="Do it: keys and outbox are gone afterwards.")] = False,
    json: JsonOption = False,
) -> None:
    """End being a kiosk: erase keys and outbox, which must be empty, and hand in the signed word for it.

    Example: luutru kiosk wipe /var/lib/luutru/kiosk-lobby-1/kiosk.toml --yes
    """
    from edge_agent.provisioning.asking import post
    from luutru.kiosk_wiping import wipe as erase
    from luutru.system import system_clock
    from residence.errors import LuutruError

    if not sure:
        raise typer.BadParameter("nothing brings it back: say --yes", param_hint="--yes")
    try:
        said = erase(_load(profile), machine=_machine(machine), clock=system_clock(), send=post)
    except LuutruError as error:
        raise _refusal(error) from None
    _print(msgspec.to_builtins(said), f"{said.kiosk_id} was wiped at {said.at}: {', '.join(said.erased)}", json=json)


def _machine(given: str) -> str:
    from luutru.system import machine_serial
    from residence.errors import Refused

    found = given or machine_serial()
    if not found:
        raise _refusal(Refused("claim.serial_missing"))
    return found


def _load(path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the profile's type would load it at start
    from firmware_config.profiles import load_profile

    return load_profile(path)


def _refusal(error: LuutruError) -> typer.Exit:
    from residence.errors import plain_sentence

    said = plain_sentence(error.code)
    typer.echo(f"{said.vi}\n{said.en}\n{error.code} {error.pointer} {error.detail}".replace("  ", " "), err=True)
    return typer.Exit(1)


def _print(answer: dict[str, object], said: str, *, json: bool) -> None:
    sys.stdout.write((msgspec.json.encode(answer).decode() if json else said) + "\n")
    sys.stdout.flush()
