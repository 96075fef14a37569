"""``luutru registry relations``: who owns, manages, heads or guards, and who is away: listed, begun, ended; each with who said so and why.

- Ids and days are printed, no name. An owner who is only a name is listed as *named*.
- ``--json`` prints one object: ``ok``, ``relations`` and ``absences`` for ``list``, ``relation_id`` or ``absence_id``, ``problems``. Exit status 1 with an error.

Example: ``luutru registry relations begin head hh-001 0197... --on 2026-07-01 --by can-bo --reason "the book of the household"``
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from registry.database import Registry
    from registry.numbering import Means, Officer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Who owns, manages, heads, guards; who is away.")
ByOption = Annotated[str, typer.Option("--by", help="Account that records it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence that names nobody.")]


class Kind(StrEnum):
    """What somebody is."""

    OWNER = "owner"
    MANAGER = "manager"
    HEAD = "head"
    GUARDIAN = "guardian"


@app.command("list")
def list_relations(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Id of a premises, a household or a person.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List who owns, manages, heads or guards it, ended ones too; of a person also when they are away.

    Example: luutru registry relations list blk-hoa-binh --json
    """
    from registry.relation_changes import absences_of, relations_to

    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        answer["relations"] = relations_to(connection, subject)
        answer["absences"] = absences_of(connection, subject)


@app.command()
def begin(  # noqa: PLR0913 - options of a command line
    kind: Annotated[Kind, typer.Argument(help="owner, manager, head or guardian.")],
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The premises, the household, or whoever is guarded.")],
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    *,
    on: Annotated[str, typer.Option("--on", help="From which day on, YYYY-MM-DD.")],
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say that somebody owns, manages, heads or guards from a day on; whoever did before stays until it is ended.

    Example: luutru registry relations begin owner rnt-001 0197... --on 2026-07-01 --by can-bo --reason "the contract"
    """
    from registry.relation_changes import Begun, begin_relation

    begun = Begun(kind=kind.value, subject_id=subject, person_id=person, first=_day(on))
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        answer["relation_id"] = begin_relation(connection, begun, officer=_officer(by, reason), means=_means(known))


@app.command()
def end(
    relation: Annotated[str, typer.Argument(metavar="RELATION", help="Its id, as list prints it.")],
    *,
    on: Annotated[str, typer.Option("--on", help="The last day, YYYY-MM-DD.")],
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say that it ended on a day.

    Example: luutru registry relations end 0197... --on 2026-06-30 --by can-bo --reason "the house was sold"
    """
    from registry.relation_changes import end_relation

    last = _day(on)
    with answering(json=json), opened(registry, vault) as known, known.writing() as connection:
        end_relation(connection, relation, last, officer=_officer(by, reason), means=_means(known))


@app.command()
def away(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    *,
    first: Annotated[str, typer.Option("--from", help="First day away, YYYY-MM-DD.")],
    last: Annotated[str | None, typer.Option("--to", help="Last day away; without it until it is ended.")] = None,
    by: ByOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Record that somebody declared an absence; why and where to are not asked for.

    Example: luutru registry relations away 0197... --from 2026-07-01 --to 2026-08-31 --by can-bo
    """
    from registry.relation_changes import Away, declare_absence

    days = Away(first=_day(first), last=_day(last) if last else None)
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        answer["absence_id"] = declare_absence(connection, person, days, officer=_officer(by, ""), means=_means(known))


@app.command()
def back(
    absence: Annotated[str, typer.Argument(metavar="ABSENCE", help="Its id, as list prints it.")],
    *,
    on: Annotated[str, typer.Option("--on", help="The last day away, YYYY-MM-DD.")],
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say that an absence was over on a day.

    Example: luutru registry relations back 0197... --on 2026-07-20 --by can-bo --reason "came back early"
    """
    from registry.relation_changes import end_absence

    last = _day(on)
    with answering(json=json), opened(registry, vault) as known, known.writing() as connection:
        end_absence(connection, absence, last, officer=_officer(by, reason), means=_means(known))


def _officer(by: str, reason: str) -> Officer:
    from registry.numbering import Officer

    return Officer(account_id=by, reason=reason)


def _means(known: Registry) -> Means:
    from luutru.system import random_bytes, system_clock
    from registry.numbering import Means

    return Means(vault=known.vault, now=system_clock().now(), random_bytes=random_bytes)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("YYYY-MM-DD") from error
