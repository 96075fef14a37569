"""``luutru registry premises``: a premises shown as it was at any instant, corrected, that taken back, and its history with signatures.

- ``show`` says who must declare whoever arrives at that instant (``residence/stays/duty.py``) and who of the register answers for it, by id.
- A household's name and address may be a person's: they are read from stdin, never from the command line, and never printed.
- All that speaks against a correction is printed; with an error nothing is written and the exit status is 1.
- ``--json`` prints one object: ``ok``, ``premises`` for ``show``, ``corrections`` for ``history``, ``correction_id``, ``problems``.

Example: ``luutru registry premises correct rnt-001 --capacity 12 --add-unit P6 --by can-bo --reason "the fire safety record"``
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened
from luutru.commands.registry_corrections import ByOption, KeyringOption, KeysOption, ReasonOption, hand_of, history, told
from residence.places.premises import PremisesKind

if TYPE_CHECKING:
    from residence.places.premises_corrections import PremisesCorrection

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Premises: as they were, corrected, taken back.")
PremisesArgument = Annotated[str, typer.Argument(metavar="PREMISES", help="Its id.")]


class Declares(StrEnum):
    """Who declares at a premises."""

    BY_KIND = "by-kind"
    HOUSEHOLD = "household"
    OWNER = "owner"
    MANAGER = "manager"
    OCCUPANT = "occupant"


@app.command()
def show(
    premises: PremisesArgument,
    *,
    at: Annotated[str | None, typer.Option("--at", help="As it was at this instant, with its offset; now if not given.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Show what the register says, or said, of a premises: kind, capacity, who must declare, units. No name and no address.

    Example: luutru registry premises show rnt-001 --at 2026-07-01T00:00:00+07:00
    """
    from luutru.system import system_clock
    from registry.premises_changes import premises_then
    from registry.relations import duty_then
    from residence.clock import parse_instant
    from residence.errors import Refused
    from residence.stays.rules import load_rule_book

    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        when = parse_instant(at, "/at") if at else system_clock().now()
        place = premises_then(connection, premises, when, vault=known.vault)
        if place is None:
            raise Refused("registry.premises_unknown", "/premises_id")
        told_of = ("premises_id", "kind", "commune_code", "capacity", "declared_by", "units")
        duty = duty_then(connection, place, at=when, rules=load_rule_book())
        answer["premises"] = {name: getattr(place, name) for name in told_of} | {"duty": msgspec.to_builtins(duty)}


@app.command()
def correct(  # noqa: PLR0913 - options of a command line
    premises: PremisesArgument,
    *,
    kind: Annotated[PremisesKind | None, typer.Option("--kind", help="What kind it is, from now on.")] = None,
    capacity: Annotated[str | None, typer.Option("--capacity", help="How many may sleep there; none: not recorded.")] = None,
    name: Annotated[bool, typer.Option("--name", help="Read the name from stdin, a line of its own.")] = False,
    address: Annotated[bool, typer.Option("--address", help="Read the address from stdin, a line, after the name.")] = False,
    declares: Annotated[Declares | None, typer.Option("--declared-by", help="Who declares there.")] = None,
    add: Annotated[list[str] | None, typer.Option("--add-unit", help="A unit that was missing; several times.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove-unit", help="A unit that is not there; several times.")] = None,
    by: ByOption,
    reason: ReasonOption,
    keys: KeysOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Correct a premises; what is not named stays as it is. Whoever arrived before stays judged by the kind of then.

    Example: luutru registry premises correct rnt-001 --address --by can-bo --reason "the deed" < address.txt
    """
    from msgspec import UNSET, structs

    from registry.correcting import correction_rows
    from registry.premises_changes import correct_premises

    asked = structs.replace(
        _asked(capacity, declares),
        kind=kind or UNSET,
        name=sys.stdin.readline().strip() if name else UNSET,
        address_text=sys.stdin.readline().strip() if address else UNSET,
        add_units=tuple(add or ()),
        remove_units=tuple(remove or ()),
    )
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        latest = next(iter(correction_rows(connection, premises)), None)
        hand = hand_of(known, by=by, reason=reason, keys=keys)
        seen = latest.correction_id if latest else None
        answer.update(told(correct_premises(connection, premises, asked, hand=hand, expected=seen)))


@app.command("take-back")
def take_back(
    correction: Annotated[str, typer.Argument(metavar="CORRECTION", help="Its id, as history prints it.")],
    *,
    by: ByOption,
    reason: ReasonOption,
    keys: KeysOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Take the latest correction of a premises back.

    Example: luutru registry premises take-back 0199... --by can-bo --reason "the wrong house"
    """
    from registry.premises_changes import take_back_premises

    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        answer.update(told(take_back_premises(connection, correction, hand=hand_of(known, by=by, reason=reason, keys=keys))))


@app.command("history")
def show_history(
    premises: PremisesArgument,
    *,
    keyring: KeyringOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List every correction: what, before and after, by whom, why, and how its signature stands; an address only as a digest.

    Example: luutru registry premises history rnt-001 --json
    """
    with answering(json=json) as answer:
        answer["corrections"] = history((registry, vault), premises, keyring)


def _asked(capacity: str | None, declares: Declares | None) -> PremisesCorrection:
    from msgspec import UNSET

    from residence.places.premises_corrections import PremisesCorrection

    if capacity not in {None, "none"} and not (capacity or "").isdecimal():
        raise typer.BadParameter("a number of people, or none", param_hint="--capacity")
    places = None if capacity == "none" else int(capacity or 0)
    by_kind = declares is Declares.BY_KIND
    return PremisesCorrection(
        capacity=UNSET if capacity is None else places,
        declared_by=UNSET if declares is None else None if by_kind else declares.value,  # type: ignore[arg-type]
    )
