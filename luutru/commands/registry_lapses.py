"""``luutru registry lapses``: what has run out and is still on the books; look for it, list it.

- ``find`` does what the gateway does every hour: finds, sends each notice once, clears what no longer holds.
- Nothing personal is printed: rules, places, days, counts. ``--json`` prints one object: ``ok``, ``found`` by rule, ``cleared``, ``notices``, ``lapses``.

Example: ``luutru registry lapses find && luutru registry lapses list --commune demo-01``
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What has run out and is still on the books.")
_TOLD = ("lapse_id", "rule", "premises_id", "unit", "since", "data", "rule_set", "article", "explanations_tried", "found_at")


@app.command()
def find(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """Look for what has run out, as of now.

    Example: luutru registry lapses find --json
    """
    from luutru.system import random_bytes, system_clock
    from registry.lapses import find_lapses

    chosen = choices_of(choices)
    with answering(json=json) as answer, opened(registry, vault) as known:
        now = system_clock().now()
        found = find_lapses(known, rules=chosen.rules, now=now, choices=chosen.lapses, random_bytes=random_bytes)
        answer.update(msgspec.to_builtins(found))


@app.command("list")
def list_lapses(
    *,
    commune: Annotated[str, typer.Option("--commune", help="Of which commune.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List a commune's lapses that stand: rule, place, since when, the data and rules they rest on, what was tried.

    Example: luutru registry lapses list --commune demo-01
    """
    from registry.lapses import standing_lapses

    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        rows = standing_lapses(connection, commune)
        answer["lapses"] = [{name: getattr(row, name) for name in _TOLD} for row in rows]
