"""``luutru registry seal-looks``: keep the looks of one case from the person for a time; they see how many, and until when.

- By an officer of the case's commune who does not hold it, with a ground and an end (``registry/look_seals.py``).
- ``--json`` prints one object: ``ok``, ``seal``, and ``problems`` when something was refused. Exit status 1 then.

Example: ``luutru registry seal-looks 0198... --by can-bo-2 --until 2026-12-01 --ground "decision 12 of the district"``
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened


def seal_looks(
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")],
    *,
    by: Annotated[str, typer.Option("--by", help="Sign-in name of the officer who decides so.")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="The day from which they are shown.")],
    ground: Annotated[str, typer.Option("--ground", help="On what ground, in a sentence that names nobody.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Seal the looks of a case until a day: counted for the person, and shown from then on.

    Example: luutru registry seal-looks 0198... --by can-bo-2 --until 2026-12-01 --ground "decision 12 of the district"
    """
    from luutru.system import random_bytes, system_clock
    from registry import look_seals
    from residence.clock import VIETNAM

    with answering(json=json, show=_print) as answer, opened(registry, vault) as known, known.writing() as connection:
        answer["seal"] = look_seals.seal_looks(
            connection,
            case,
            ground=ground,
            by=by,
            until=until.replace(tzinfo=VIETNAM),
            now=system_clock().now(),
            random_bytes=random_bytes,
        )


def _print(answer: dict[str, Any]) -> None:
    from residence.errors import sentence

    for code in answer.get("problems", ()):
        typer.echo(sentence(code).en)
    if "seal" in answer:
        typer.echo(f"sealed: {answer['seal']}")
