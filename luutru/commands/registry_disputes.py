"""``luutru registry disputes``: a field somebody says is wrong, from the day it is said until it is settled.

- ``raise`` and ``settle`` need a name and a reason; both are kept. The value stands meanwhile, and whoever gets it is told.
- No value of a person is printed: a dispute names a person's id and a field.
- ``--json`` prints one object: ``ok``, ``disputes``, and ``problems`` when something was refused. Exit status 1 then.

Example: ``luutru registry disputes raise 0197... birth-date --by can-bo --reason "certificate says another day"``
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened
from residence.access.purposes import Field

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Fields of a person that somebody says are wrong.")
PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")]
ByOption = Annotated[str, typer.Option("--by", help="Account of whoever says so.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence that names nobody.")]
_TOLD = ("dispute_id", "person_id", "field", "reason", "raised_by", "raised_at", "outcome", "settled_by", "settled_at")


class How(StrEnum):
    """How a dispute ends."""

    UPHELD = "upheld"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


@app.command("raise")
def raise_(
    person: PersonArgument,
    field: Annotated[Field, typer.Argument(help="Which field.")],
    *,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Put a field of a person under dispute.

    Example: luutru registry disputes raise 0197... birth-date --by can-bo --reason "certificate says another day"
    """
    from luutru.system import random_bytes, system_clock
    from registry.disputing import raise_dispute

    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        now = system_clock().now()
        raise_dispute(connection, person, field, by=by, reason=reason, now=now, random_bytes=random_bytes)
        answer["disputes"] = _disputes(connection, person)


@app.command()
def settle(
    dispute: Annotated[str, typer.Argument(metavar="DISPUTE", help="The dispute's id, as list prints it.")],
    how: Annotated[How, typer.Argument(metavar="upheld|corrected|withdrawn", help="What came of it.")],
    *,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Settle a dispute; the row stays.

    Example: luutru registry disputes settle 0198... upheld --by can-bo-2 --reason "both papers seen"
    """
    from luutru.system import system_clock
    from registry.disputing import Settlement, settle_dispute

    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        settlement = Settlement(outcome=how.value, by=by, reason=reason)  # not signed: a command holds no key
        settle_dispute(connection, dispute, settlement, now=system_clock().now())
        answer["disputes"] = []


@app.command("list")
def list_disputes(
    person: PersonArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List the disputes about a person, settled ones too.

    Example: luutru registry disputes list 0197... --json
    """
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        answer["disputes"] = _disputes(connection, person)


def _disputes(connection: Connection, person_id: str) -> list[dict[str, Any]]:
    from registry.disputing import disputes_of

    return [{name: getattr(row, name) for name in _TOLD} for row in disputes_of(connection, person_id)]
