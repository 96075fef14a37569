"""``luutru registry home``: a person's permanent residence recorded, corrected, moved, ended, that taken back, and its history with signatures.

- Temporary residence has its own rules and commands (``registry residence``). Ids, days and units are printed, no name.
- All that speaks against a step is printed; with an error nothing is written and the exit status is 1.
- ``--json`` prints one object: ``ok``, ``homes`` for ``list``, ``corrections`` for ``history``, ``row_id`` (of the residence),
  ``correction_id``, ``problems``.

Example: ``luutru registry home move 0197... --to blk-hoa-binh --unit 1203 --on 2026-07-01 --by can-bo --reason "form CT01"``
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened
from luutru.commands.registry_corrections import (
    ByOption,
    KeyringOption,
    KeysOption,
    ReasonOption,
    day_of,
    hand_of,
    history,
    told,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.correcting import Corrected, Hand

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Permanent residence: recorded, corrected, moved, ended.")
PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")]
ResidenceArgument = Annotated[str, typer.Argument(metavar="RESIDENCE", help="The residence's id, as list prints it.")]
PremisesOption = Annotated[str, typer.Option("--premises", "--to", help="Where.")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="Which unit.")]
HouseholdOption = Annotated[str | None, typer.Option("--household", help="In which household, by its id.")]
RelationOption = Annotated[str | None, typer.Option("--relation", help="As what in the household.")]
OnOption = Annotated[str, typer.Option("--on", help="The day, YYYY-MM-DD.")]
NOTHING = "none"


@app.command("list")
def list_homes(
    person: PersonArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List a person's residences by id and days, ended ones too.

    Example: luutru registry home list 0197... --json
    """
    from registry.permanent_residence import homes_of

    shown = ("residence_id", "kind", "premises_id", "unit", "household_id", "relation", "valid_from", "valid_to")
    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        answer["homes"] = [{name: getattr(row, name) for name in shown} for row in homes_of(connection, person)]


@app.command()
def record(  # noqa: PLR0913 - options of a command line
    person: PersonArgument,
    *,
    premises: PremisesOption,
    on: OnOption,
    unit: UnitOption = None,
    household: HouseholdOption = None,
    relation: RelationOption = None,
    by: ByOption,
    reason: ReasonOption,
    keys: KeysOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Record a permanent residence of somebody who has none.

    Example: luutru registry home record 0197... --premises hsh-001 --on 2026-07-01 --by can-bo --reason "form CT01"
    """
    from registry.permanent_residence import NewHome
    from registry.permanent_residence import record as write

    home = NewHome(premises_id=premises, first=day_of(on, "--on"), unit=unit, household_id=household, relation=relation)
    _take(lambda connection, hand: write(connection, person, home, hand=hand), (registry, vault), (by, reason, keys), json=json)


@app.command()
def move(  # noqa: PLR0913 - options of a command line
    residence: ResidenceArgument,
    *,
    premises: PremisesOption,
    on: OnOption,
    unit: UnitOption = None,
    household: HouseholdOption = None,
    relation: RelationOption = None,
    by: ByOption,
    reason: ReasonOption,
    keys: KeysOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """End a permanent residence on the day before, and record the next one from that day on.

    Example: luutru registry home move 0198... --to blk-hoa-binh --unit 1203 --on 2026-07-01 --by can-bo --reason "form CT01"
    """
    from registry.permanent_residence import NewHome
    from registry.permanent_residence import move as write

    home = NewHome(premises_id=premises, first=day_of(on, "--on"), unit=unit, household_id=household, relation=relation)
    _take(
        lambda connection, hand: write(connection, residence, home, hand=hand), (registry, vault), (by, reason, keys), json=json
    )


@app.command()
def correct(  # noqa: PLR0913 - options of a command line
    residence: ResidenceArgument,
    *,
    premises: Annotated[str | None, typer.Option("--premises", help="Where it should have been.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Which unit; none: no unit.")] = None,
    household: Annotated[str | None, typer.Option("--household", help="Which household; none: in none.")] = None,
    relation: Annotated[str | None, typer.Option("--relation", help="As what; none: not recorded.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first day, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--until", help="The last day, YYYY-MM-DD; none: until further notice.")] = None,
    by: ByOption,
    reason: ReasonOption,
    keys: KeysOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say that a permanent residence was recorded wrongly; what is not named stays as it is.

    Example: luutru registry home correct 0198... --unit 1204 --by can-bo --reason "read wrongly from the book"
    """
    from msgspec import UNSET

    from registry.permanent_residence import HomeCorrection
    from registry.permanent_residence import correct as write

    asked = HomeCorrection(
        premises_id=UNSET if premises is None else premises,
        unit=UNSET if unit is None else _or_none(unit),
        household_id=UNSET if household is None else _or_none(household),
        relation=UNSET if relation is None else _or_none(relation),
        first=UNSET if first is None else day_of(first, "--from"),
        last=UNSET if last is None else None if last == NOTHING else day_of(last, "--until"),
    )
    _take(
        lambda connection, hand: write(connection, residence, asked, hand=hand), (registry, vault), (by, reason, keys), json=json
    )


@app.command()
def end(
    residence: ResidenceArgument,
    *,
    on: OnOption,
    by: ByOption,
    reason: ReasonOption,
    keys: KeysOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say on which day a permanent residence ended.

    Example: luutru registry home end 0198... --on 2026-06-30 --by can-bo --reason "moved abroad"
    """
    from registry.permanent_residence import end as write

    day = day_of(on, "--on")
    _take(lambda connection, hand: write(connection, residence, day, hand=hand), (registry, vault), (by, reason, keys), json=json)


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
    """Take the latest correction of a residence back; of a move, of both homes.

    Example: luutru registry home take-back 0199... --by can-bo --reason "the wrong person"
    """
    from registry.permanent_residence import take_back as write

    _take(lambda connection, hand: write(connection, correction, hand=hand), (registry, vault), (by, reason, keys), json=json)


@app.command("history")
def show_history(
    person: PersonArgument,
    *,
    keyring: KeyringOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List every correction of a person's permanent residence, and how its signature stands.

    Example: luutru registry home history 0197... --json
    """
    with answering(json=json) as answer:
        answer["corrections"] = history((registry, vault), person, keyring)


def _take(
    step: Callable[[Connection, Hand], Corrected],
    where: tuple[str, Path],
    who: tuple[str, str, Path | None],
    *,
    json: bool,
) -> None:
    with answering(json=json) as answer, opened(*where) as known, known.writing() as connection:
        answer.update(told(step(connection, hand_of(known, by=who[0], reason=who[1], keys=who[2]))))


def _or_none(text: str) -> str | None:
    return None if text == NOTHING else text
