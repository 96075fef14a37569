"""``luutru door``: which doors there are, what is ordered for them, who holds a pass, and what happened there.

- Doors, orders and passes are rows of the registry; the running gateway signs them and has them at the kiosks within seconds.
- A PIN is drawn, never chosen, and shown once. A link is shown once, works once and for an hour.
- ``events`` reads what the registry has kept, ``waiting`` what a kiosk still holds. Neither names anybody.

Example: ``luutru door add blk-hoa-binh lobby && luutru door order blk-hoa-binh lobby lock-down``
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from luutru.commands.door_answers import answering, changing
from luutru.commands.door_cards import list_cards, permit_reader, put_card, take_card
from luutru.commands.door_keys import make_keys
from luutru.commands.door_signing import sign_lists
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from residence.doors.words import DoorMode

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Doors: add, order, passes, events.")
app.command("keys")(make_keys)
app.command("card")(put_card)
app.command("cards")(list_cards)
app.command("revoke-card")(take_card)
app.command("permit")(permit_reader)
app.command("sign-lists")(sign_lists)

PlaceArgument = Annotated[str, typer.Argument(help="Id of the premises.")]
DoorArgument = Annotated[str, typer.Argument(help="Name of the door, as kiosk profiles name it.")]
StayArgument = Annotated[str, typer.Argument(help="Id of the stay, as the desk's page shows it.")]


@app.command()
def add(
    premises: PlaceArgument,
    door: DoorArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Add a door to a premises; from then on its open stays have passes.

    Example: luutru door add blk-hoa-binh lobby
    """
    from luutru.system import system_clock
    from registry.doors import add_door
    from registry.premises import load_premises
    from residence.errors import Refused

    with answering(json=json) as answer, changing(registry, vault) as (known, connection):
        place = load_premises(connection, [premises], vault=known.vault).get(premises)
        if place is None:
            raise Refused("door.unknown", "/premises_id", premises)
        made = add_door(connection, premises, door, commune_code=place.commune_code, now=system_clock().now())
        answer.update(msgspec.to_builtins(made))


@app.command("list")
def list_doors(
    *, registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, json: JsonOption = False
) -> None:
    """List doors, their modes, and the numbers of the lists and orders in force.

    Example: luutru door list --json
    """
    from registry.doors import doors_of, sites

    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        known = {each.premises_id: each for each in sites(connection)}
        answer["doors"] = [
            {
                "premises_id": each.premises_id,
                "door": each.door,
                "mode": each.mode,
                "list_version": known[each.premises_id].list_version,
                "orders_serial": known[each.premises_id].orders_serial,
            }
            for each in doors_of(connection, known)
        ]


@app.command()
def order(
    premises: PlaceArgument,
    door: DoorArgument,
    mode: Annotated[DoorMode, typer.Argument(help="normal, lock-down or free-access.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Order a mode for a door until another is ordered. Nobody is held inside by any of them.

    Example: luutru door order blk-hoa-binh lobby free-access
    """
    from luutru.system import system_clock
    from registry.doors import order_mode

    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        order_mode(connection, premises, door, mode, now=system_clock().now())
        answer.update({"premises_id": premises, "door": door, "mode": mode})


@app.command()
def forgive(
    premises: PlaceArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Have anti-passback begin anew for everybody at a premises.

    Example: luutru door forgive blk-hoa-binh
    """
    from registry import doors

    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        doors.forgive(connection, premises)
        answer["premises_id"] = premises


@app.command("pass")
def set_pass(  # noqa: PLR0913 - one option per flag
    stay: StayArgument,
    *,
    extended: Annotated[bool, typer.Option("--extended", help="The door stays unlocked longer.")] = False,
    any_time: Annotated[bool, typer.Option("--any-time", help="Schedules do not bind.")] = False,
    override: Annotated[bool, typer.Option("--override", help="Passes a lock-down.")] = False,
    no_passback: Annotated[bool, typer.Option("--no-passback", help="Anti-passback does not bind.")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="The two-person rule does not bind.")] = False,
    pin: Annotated[bool, typer.Option("--pin", help="Draw a PIN that must go with it, and show it once.")] = False,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Set what a stay's pass may do; what is not named is taken away. The duress PIN is the PIN with its last digit one higher.

    Example: luutru door pass STAY --extended --pin
    """
    from luutru.system import random_bytes
    from registry import door_passes
    from residence.wire import door_list

    flags = (
        door_list.EXTENDED * extended
        | door_list.ANY_TIME * any_time
        | door_list.OVERRIDE * override
        | door_list.NO_PASSBACK * no_passback
        | door_list.ALONE * alone
    )
    drawn = f"{int.from_bytes(random_bytes(8), 'big') % 1_000_000:06d}" if pin else None
    with answering(json=json) as answer, changing(registry, vault) as (known, connection):
        door_passes.set_pass(connection, stay, vault=known.vault, flags=flags, pin=drawn)
        answer.update({"stay_id": stay, "flags": flags} | ({"pin": drawn} if drawn else {}))


@app.command()
def link(
    stay: StayArgument,
    *,
    base_url: Annotated[
        str, typer.Option(envvar="LUUTRU_SERVER_BASE_URL", help="Address of the web server.")
    ] = "http://localhost:8300",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Make a link that takes a stay's pass to a phone. Hand it to its holder and to nobody else.

    Example: luutru door link STAY --base-url https://luutru.example
    """
    from luutru.system import random_bytes, system_clock
    from registry.door_passes import add_link
    from residence.clock import rfc3339

    secret = urlsafe_b64encode(random_bytes(32)).decode().rstrip("=")
    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        ends = add_link(connection, stay, secret, now=system_clock().now())
        answer.update({"link": f"{base_url.rstrip('/')}/door/open/{secret}", "ends": rfc3339(ends)})


@app.command()
def events(
    *,
    kiosk: Annotated[str | None, typer.Option(help="Of this kiosk only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest.")] = 50,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Show what happened at doors, the newest last, as the registry keeps it for thirty days.

    Example: luutru door events --kiosk kiosk-lobby-1 --json
    """
    from registry.door_events import recent_events

    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        answer["events"] = msgspec.to_builtins(recent_events(connection, kiosk_id=kiosk, limit=limit))


@app.command()
def waiting(
    profile: Annotated[Path, typer.Argument(help="The kiosk's profile, a TOML file (docs/settings.md).")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to list at most, oldest first.")] = 20,
    json: JsonOption = False,
) -> None:
    """Show the events of readers and doors a kiosk holds that the authority has not kept yet, and the list its door goes by.

    Example: luutru door waiting kiosk.toml
    """
    from firmware_config.profiles import load_profile
    from luutru.processes.kiosk import open_outbox
    from luutru.processes.kiosk_door import papers_of
    from luutru.processes.kiosk_events import event_book_of
    from luutru.system import system_clock

    with answering(json=json) as answer:
        loaded = load_profile(profile)
        outbox = open_outbox(loaded, clock=system_clock())
        try:
            log, book = event_book_of(outbox), papers_of(loaded, outbox).book
            answer.update({"depth": log.depth(), "list_version": book.version, "entries": len(book.entries)})
            answer["events"] = [{name: getattr(each, name) for name in each.__struct_fields__} for each in log.waiting(limit)]
        finally:
            outbox.close()
