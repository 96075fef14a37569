"""``luutru kiosk reader``: give a reader at the door its key, watch what a line says, or play a reader without hardware.

- ``commission`` shows a number, waits for the authority's permit for just that number (``luutru door permit``), and then gives a reader in its
  install mode a new key, within two minutes. Begun and ended are events of the door. End the kiosk first: a line has one user.
- ``watch`` prints what the readers of a kiosk say, cards as bits, hexadecimal and number, but no token and no key of a PIN. It opens no door.
- Exit status: 0 done, 1 refused or not done, 2 wrong use.

Example: ``luutru kiosk reader commission kiosk.toml lobby-outside``
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from luutru.commands.refusals import refusing

if TYPE_CHECKING:
    from edge_agent.osdp.words import Said
    from firmware_config.door_readers import DoorReaderSection
    from firmware_config.profiles import KioskProfile

app = typer.Typer(no_args_is_help=True, add_completion=False, help="OSDP readers at the door: commission, watch, simulate.")

ProfileArgument = Annotated[Path, typer.Argument(help="The kiosk's profile, a TOML file (docs/settings.md).")]
NameArgument = Annotated[str, typer.Argument(help="Name of the reader in the profile.")]
SecondsOption = Annotated[float, typer.Option(min=1, help="Stop after so many seconds.")]


@app.command("commission")
def commission_reader(
    profile: ProfileArgument,
    reader: NameArgument,
    *,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long the mode lasts.")] = 120.0,
) -> None:
    """Give a reader that is in its install mode a new key. Shows what the authority has to run, and reads its permit from standard input.

    Example: luutru kiosk reader commission kiosk.toml lobby-outside
    """
    from edge_agent.osdp.commissioning import commission
    from firmware_config.profiles import load_profile
    from luutru.processes.kiosk import open_outbox
    from luutru.processes.kiosk_events import event_book_of
    from luutru.system import random_bytes, system_clock
    from residence.doors.words import DoorFact
    from residence.errors import LuutruError
    from residence.wire.reader_permit import CHALLENGE_BYTES, PermitFor, check_permit

    with refusing():
        loaded = load_profile(profile)
        section = _section(loaded, reader)
        outbox = open_outbox(loaded, clock=system_clock())
        try:
            wanted = PermitFor(
                site=loaded.kiosk.site, kiosk_id=loaded.kiosk.id, reader=reader, challenge=random_bytes(CHALLENGE_BYTES)
            )
            typer.echo(f"luutru door permit {wanted.site} {wanted.kiosk_id} {reader} {wanted.challenge.hex()}")
            check_permit(sys.stdin.readline().strip(), wanted=wanted, keyring=outbox.anchor.keyring)
            log, door = event_book_of(outbox), loaded.doors[0].name
            log.append(door=door, what=DoorFact.COMMISSIONING, detail=f"begun {reader}")
            try:
                commission(section, loaded.path(section.key_setting), random_bytes=random_bytes, seconds=seconds)
            except LuutruError as error:
                log.append(door=door, what=DoorFact.COMMISSIONING, detail=f"failed {reader} {error.code}")
                raise
            log.append(door=door, what=DoorFact.COMMISSIONING, detail=f"done {reader}")
        finally:
            outbox.close()
    typer.echo(f"{reader}: on its Secure Channel with a key of its own ({loaded.path(section.key_setting)})")


@app.command("watch")
def watch_readers(profile: ProfileArgument, reader: NameArgument, *, seconds: SecondsOption = 30.0) -> None:
    """Print what a reader says for a while; no door is opened.

    Example: luutru kiosk reader watch kiosk.toml lobby-outside --seconds 10
    """
    from edge_agent.osdp.keys import load_key
    from edge_agent.osdp.watching import OsdpLine
    from edge_agent.osdp.words import LineOrder, ReaderOnLine
    from firmware_config.profiles import load_profile

    with refusing():
        loaded = load_profile(profile)
        section = _section(loaded, reader)
        on_line = ReaderOnLine(name=reader, address=section.address, key=load_key(loaded.path(section.key_setting)))
    order = LineOrder(device=section.device, baud_rate=section.baud_rate, readers=(on_line,))
    line = OsdpLine(order, hear=lambda said: typer.echo(_told(said)))
    line.start()
    threading.Event().wait(seconds)
    line.stop()


@app.command("simulate")
def simulate_reader(
    link: Annotated[Path, typer.Argument(help="Where to put the link to its line; a kiosk opens that as its device.")],
    *,
    address: Annotated[int, typer.Option(min=0, max=126, help="Its address on the line.")] = 0,
    key_file: Annotated[
        Path | None, typer.Option(help="A key file as commissioning writes it; without one it waits to be installed.")
    ] = None,
    card: Annotated[str, typer.Option(help="The card it reads: format, bits, hexadecimal.")] = "wiegand:26:05181cc0",
    every: Annotated[float, typer.Option(min=0.5, help="Seconds from one card to the next.")] = 5.0,
    seconds: Annotated[float, typer.Option(help="Stop after so many seconds; 0 runs until Ctrl-C.")] = 0.0,
) -> None:
    """Play an OSDP reader on a pseudo-terminal.

    Example: luutru kiosk reader simulate /tmp/rs485 --key-file lobby-outside.osdp
    """
    from edge_agent.osdp.keys import load_key
    from edge_agent.sim.osdp_reader import SimulatedReader
    from luutru.system import system_clock
    from residence.doors.cards import parse_card

    clock = system_clock()
    with refusing():
        number = parse_card(card)
        key = load_key(key_file) if key_file is not None else None
    ends = clock.monotonic_ns() + int(seconds * 1e9) if seconds else None
    with SimulatedReader(link, address=address, key=key, installing=key is None) as reader:
        typer.echo(f"A simulated reader is at {link}, address {address}; Ctrl-C ends it.")
        try:
            while ends is None or clock.monotonic_ns() < ends:
                threading.Event().wait(every)
                reader.hold(number.format, number.bits, number.data)
        except KeyboardInterrupt:
            pass


def _section(profile: KioskProfile, name: str) -> DoorReaderSection:
    from residence.errors import Refused

    section = next((each for each in profile.door_readers if each.name == name), None)
    if section is None:
        raise Refused("door.no_reader", "/door_readers", name)
    return section


def _told(said: Said) -> str:
    """Return one word of a reader for a person."""
    from edge_agent.osdp.words import CardSaid, KeysSaid
    from residence.doors.cards import card_number
    from residence.errors import Malformed

    if isinstance(said, KeysSaid):
        return f"{said.reader}: {len(said.keys)} keys pressed: not shown"
    if not isinstance(said, CardSaid):
        return msgspec.json.encode(said).decode()
    try:
        card = card_number(said.format, said.bits, said.data)
    except Malformed as error:
        return error.code
    kind: Literal["token", "number"] = "token" if card.is_token else "number"
    shown = "128 bits, a token: not shown" if card.is_token else f"{card.text} {card.number}".strip()
    return f"{said.reader}: {kind} {shown}"
