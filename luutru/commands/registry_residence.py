"""``luutru registry residence``: temporary residence by its dated rules: register, renew, end because somebody moved out, take that back.

- All that speaks against a step is printed, each with its place; with an error nothing is written and the exit status is 1.
- Each step keeps who said it, with which account, the rule set and the article. Nothing personal is printed: ids and days.
- ``--json`` prints one object: ``ok``, ``residence_id``, ``event_id``, ``problems``, ``lodgers`` for ``list``.

Example: ``luutru registry residence move-out 0197... --on 2026-07-10 --by landlord-1 --told-by landlord``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.temporary_residence import Done, Means, Teller
    from residence.choices import Choices

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Temporary residence: register, renew, moved out.")
ResidenceArgument = Annotated[str, typer.Argument(metavar="RESIDENCE", help="The registration's id, as list prints it.")]
PremisesOption = Annotated[str, typer.Option("--premises", help="Where.")]
ByOption = Annotated[str, typer.Option("--by", help="Account that records it.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why, in a sentence that names nobody.")]


class Who(StrEnum):
    """Who said so."""

    LANDLORD = "landlord"
    PERSON = "person"
    HOUSEHOLD = "household"
    AUTHORITY = "authority"


ToldByOption = Annotated[Who, typer.Option("--told-by", help="Who said so: landlord, person, household or authority.")]


@app.command()
def register(  # noqa: PLR0913 - options of a command line
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    *,
    premises: PremisesOption,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")],
    by: ByOption,
    unit: Annotated[str | None, typer.Option("--unit", help="Which unit.")] = None,
    told_by: ToldByOption = Who.PERSON,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """Register a temporary residence.

    Example: luutru registry residence register 0197... --premises rnt-001 --from 2026-07-10 --to 2028-07-09 --by can-bo
    """
    from registry.premises import load_places
    from registry.temporary_residence import register as write
    from residence.errors import Refused
    from residence.stays.temporary import Asked

    days = _day(first, "--from"), _day(last, "--to")

    def step(connection: Connection, teller: Teller, means: Means) -> Done:
        place = load_places(connection, [(premises, None)]).place(premises, None)
        if place is None:
            raise Refused("registry.premises_unknown", "/premises_id")
        asked = Asked(premises_id=premises, commune_code=place.commune_code, first=days[0], last=days[1])
        return write(connection, person, asked, unit=unit, teller=teller, means=means)

    _take(step, (registry, vault), (told_by, by, None), chosen=choices_of(choices), json=json)


@app.command()
def renew(
    residence: ResidenceArgument,
    *,
    last: Annotated[str, typer.Option("--to", help="The new last day, YYYY-MM-DD.")],
    by: ByOption,
    told_by: ToldByOption = Who.PERSON,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """Renew a temporary residence within the days before it ends.

    Example: luutru registry residence renew 0197... --to 2030-07-09 --by can-bo
    """
    from registry.temporary_residence import renew as write

    day = _day(last, "--to")

    def step(connection: Connection, teller: Teller, means: Means) -> Done:
        return write(connection, residence, day, teller=teller, means=means)

    _take(step, (registry, vault), (told_by, by, None), chosen=choices_of(choices), json=json)


@app.command("move-out")
def move_out(  # noqa: PLR0913 - options of a command line
    residence: ResidenceArgument,
    *,
    on: Annotated[str, typer.Option("--on", help="The day of moving out, YYYY-MM-DD.")],
    by: ByOption,
    told_by: ToldByOption = Who.LANDLORD,
    reason: ReasonOption = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """End a temporary residence because somebody moved out.

    Example: luutru registry residence move-out 0197... --on 2026-07-10 --by landlord-1
    """
    from registry.temporary_residence import move_out as write

    day = _day(on, "--on")

    def step(connection: Connection, teller: Teller, means: Means) -> Done:
        return write(connection, residence, day, teller=teller, means=means)

    _take(step, (registry, vault), (told_by, by, reason), chosen=choices_of(choices), json=json)


@app.command("take-back")
def take_back(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The move-out's id, as list prints it.")],
    *,
    by: ByOption,
    reason: ReasonOption,
    told_by: ToldByOption = Who.AUTHORITY,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """Take a move-out back: the registration ends when it ended before.

    Example: luutru registry residence take-back 0198... --by can-bo --reason "lives here, seen today"
    """
    from registry.temporary_residence import take_back as write

    def step(connection: Connection, teller: Teller, means: Means) -> Done:
        return write(connection, event, teller=teller, means=means)

    _take(step, (registry, vault), (told_by, by, reason), chosen=choices_of(choices), json=json)


@app.command("list")
def list_lodgers(
    premises: Annotated[str, typer.Argument(metavar="PREMISES", help="Where.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """List the temporary residences at a premises: days, how each stands, and the move-out that ended it.

    Example: luutru registry residence list rnt-001 --json
    """
    from luutru.system import system_clock
    from registry.desk_lists import Place
    from registry.lodgers import lodgers_at
    from registry.premises import load_places
    from residence.clock import VIETNAM
    from residence.errors import Refused

    rules, today = choices_of(choices).rules, system_clock().now().astimezone(VIETNAM).date()
    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        place = load_places(connection, [(premises, None)]).place(premises, None)
        if place is None:
            raise Refused("registry.premises_unknown", "/premises_id")
        here = Place(place.commune_code, premises)
        lodgers = lodgers_at(connection, here, today=today, rules=rules.temporary_for(today))
        answer["lodgers"] = [msgspec.to_builtins(each) for each in lodgers]


def _take(
    step: Callable[[Connection, Teller, Means], Done],
    where: tuple[str, Path],
    who: tuple[Who, str, str | None],
    *,
    chosen: Choices,
    json: bool,
) -> None:
    from luutru.system import random_bytes, system_clock
    from registry.temporary_residence import Means, Teller

    means = Means(rules=chosen.rules, now=system_clock().now(), random_bytes=random_bytes)
    teller = Teller(told_by=who[0].value, account_id=who[1], reason=who[2])
    with answering(json=json) as answer, opened(*where) as known, known.writing() as connection:
        done = step(connection, teller, means)
        told: dict[str, Any] = msgspec.to_builtins(done)
        answer.update(told | {"ok": done.ok})


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("YYYY-MM-DD", param_hint=option) from error
