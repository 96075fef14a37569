"""``luutru registry numbers``: a number is cancelled, replaced by another, and that taken back; each with who said so and why.

- No number is printed, and none is taken from the command line, where others see it: a new one is read from stdin.
- ``--json`` prints one object: ``ok``, ``event_id``, ``new_identifier_id``, ``problems``; ``numbers`` for ``list``. Exit status 1 with an error.

Example: ``luutru registry numbers replace 0197... --on 2026-07-01 --by can-bo --reason "new card" < number.txt``
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.numbering import Means, Officer, Stepped

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A person's numbers: cancelled, replaced, taken back.")
NumberArgument = Annotated[str, typer.Argument(metavar="NUMBER", help="The number's id, as list prints it; never the number.")]
OnOption = Annotated[str, typer.Option("--on", help="From which day on, YYYY-MM-DD.")]
ByOption = Annotated[str, typer.Option("--by", help="Account that records it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence that names nobody.")]


@app.command("list")
def list_numbers(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List a person's numbers by id, with kind, status and what was done with each; no number is shown.

    Example: luutru registry numbers list 0197... --json
    """
    from registry.numbering import numbers_held

    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        answer["numbers"] = [msgspec.to_builtins(each) for each in numbers_held(connection, person)]


@app.command()
def cancel(
    number: NumberArgument,
    *,
    on: OnOption,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say that a number is in force no longer; whoever declares with it is recorded with a finding.

    Example: luutru registry numbers cancel 0197... --on 2026-07-01 --by can-bo --reason "given twice"
    """
    from registry.numbering import cancel_number

    day = _day(on)

    def step(connection: Connection, officer: Officer, means: Means) -> Stepped:
        return cancel_number(connection, number, on=day, officer=officer, means=means)

    _take(step, (registry, vault), (by, reason), json=json)


@app.command()
def replace(
    number: NumberArgument,
    *,
    on: OnOption,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Put a new personal number, read from stdin, in place of another.

    Example: luutru registry numbers replace 0197... --on 2026-07-01 --by can-bo --reason "sex corrected" < number.txt
    """
    from registry.numbering import replace_number

    day, value = _day(on), sys.stdin.readline().strip()

    def step(connection: Connection, officer: Officer, means: Means) -> Stepped:
        return replace_number(connection, number, value, on=day, officer=officer, means=means)

    _take(step, (registry, vault), (by, reason), json=json)


@app.command("take-back")
def take_back(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, as list prints it.")],
    *,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Take a cancellation or replacement back, as long as nothing changed since.

    Example: luutru registry numbers take-back 0198... --by can-bo --reason "the wrong person"
    """
    from registry.numbering import take_back as write

    def step(connection: Connection, officer: Officer, means: Means) -> Stepped:
        return write(connection, event, officer=officer, means=means)

    _take(step, (registry, vault), (by, reason), json=json)


@app.command("e-id")
def e_id(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    *,
    on: Annotated[str, typer.Option("--on", help="On which day, YYYY-MM-DD.")],
    by: ByOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Record that somebody signed in with their e-ID before an officer; counted as coverage, and for nothing else.

    Example: luutru registry numbers e-id 0197... --on 2026-07-10 --by can-bo
    """
    from luutru.system import random_bytes, system_clock
    from registry.e_ids import note_e_id
    from registry.numbering import Means, Officer

    day = _day(on)
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        means = Means(vault=known.vault, now=system_clock().now(), random_bytes=random_bytes)
        officer = Officer(account_id=by, reason="")
        answer["sighting_id"] = note_e_id(connection, person, on=day, officer=officer, means=means)


def _take(
    step: Callable[[Connection, Officer, Means], Stepped], where: tuple[str, Path], who: tuple[str, str], *, json: bool
) -> None:
    from luutru.system import random_bytes, system_clock
    from registry.numbering import Means, Officer
    from residence.errors import has_errors

    officer = Officer(account_id=who[0], reason=who[1])
    with answering(json=json) as answer, opened(*where) as known, known.writing() as connection:
        means = Means(vault=known.vault, now=system_clock().now(), random_bytes=random_bytes)
        done = step(connection, officer, means)
        told: dict[str, Any] = msgspec.to_builtins(done)
        answer.update(told | {"ok": not has_errors(done.problems)})


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("YYYY-MM-DD", param_hint="--on") from error
