"""``luutru registry cleaning``: look for what disagrees or has grown old, list it, decide it in batches, take a decision back.

- ``decide`` without ``--token`` only shows what it would settle, and prints the token to settle exactly that with.
- Nothing personal is printed: ids, kinds and days. Exit status 1 when not ``ok``.

Example: ``luutru registry cleaning run && luutru registry cleaning list --commune demo-01``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of
from luutru.commands.answer_printing import text_of
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from residence.cleaning.rules import RuleName

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What disagrees in the register: find, list, decide, undo.")

RegistryOption = Annotated[str, typer.Option("--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry.")]
VaultOption = Annotated[
    Path, typer.Option("--vault", envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
CommuneOption = Annotated[str, typer.Option("--commune", help="Of which commune.")]
ByOption = Annotated[str, typer.Option("--by", help="Account that decides; kept with the decision.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the decision. No names, no numbers.")]
DEFAULT_REGISTRY = "sqlite:///registry.db"
DEFAULT_VAULT = Path("vault")


@app.command()
def run(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    whole: Annotated[bool, typer.Option("--whole", help="Everything, not only what changed since the last run.")] = False,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """Go through households, premises and persons; a run that was broken off goes on where it was.

    Example: luutru registry cleaning run --whole --json
    """
    from luutru.system import random_bytes, system_clock
    from registry.cleaning.passing import run_passes

    chosen = choices_of(choices).cleaning
    with answering(json=json, show=_print) as answer, opened(registry, vault) as known:
        report = run_passes(known, choices=chosen, now=system_clock().now(), random_bytes=random_bytes, whole=whole)
        answer.update(msgspec.to_builtins(report))


@app.command("list")
def list_items(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    commune: Annotated[str | None, typer.Option("--commune", help="Of this commune only.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Of this rule only.")] = None,
    state: Annotated[str, typer.Option("--state", help="open, decided or cleared.")] = "open",
    most: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
    json: JsonOption = False,
) -> None:
    """List items, the first due first: one sentence, whose they are, until when, and the rows that show it.

    Example: luutru registry cleaning list --commune demo-01 --rule number_shared
    """
    from registry.cleaning.listing import items_of

    with answering(json=json, show=_print) as answer, opened(registry, vault) as known:
        with known.reading() as connection:
            items = items_of(connection, commune_code=commune, rule=_rule(rule) if rule else None, state=state, most=most)
        answer |= {"items": [_told(msgspec.to_builtins(each)) for each in items]}


@app.command()
def decide(  # noqa: PLR0913 - options of a command line
    rule: Annotated[str, typer.Argument(help="The rule, as list shows it.")],
    outcome: Annotated[str, typer.Argument(help="corrected, accepted, confirmed or passed_on.")],
    *,
    commune: CommuneOption,
    by: ByOption,
    reason: ReasonOption,
    item: Annotated[list[str] | None, typer.Option("--item", help="Only these items; else those due first.")] = None,
    most: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 200,
    token: Annotated[str | None, typer.Option("--token", help="What the preview printed; without it nothing changes.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Show what a decision would settle; with the token it printed, settle it.

    Example: luutru registry cleaning decide phone_shared accepted --commune demo-01 --by officer-1 --reason "one family" --token 3f2a...
    """
    from luutru.system import random_bytes, system_clock
    from registry.cleaning.deciding import Choice, Reason, preview
    from registry.cleaning.deciding import decide as settle
    from residence.cleaning.rules import OUTCOMES

    if outcome not in OUTCOMES:
        raise typer.BadParameter(", ".join(OUTCOMES), param_hint="outcome")
    choice = Choice(commune_code=commune, rule=_rule(rule), item_ids=tuple(item or ()), most=most)
    with answering(json=json, show=_print) as answer, opened(registry, vault) as known, known.writing() as connection:
        if token is None:
            answer |= {"preview": msgspec.to_builtins(preview(connection, choice))}
            return
        why = Reason(account_id=by, words=reason)
        end, now = outcome, system_clock().now()
        done = settle(connection, (choice, token), end, reason=why, now=now, random_bytes=random_bytes)
        answer |= {"done": msgspec.to_builtins(done)}


@app.command()
def undo(
    batch: Annotated[str, typer.Argument(help="The decision's id, as decide printed it.")],
    *,
    commune: CommuneOption,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Take a decision back: its items stand open again.

    Example: luutru registry cleaning undo 0198... --commune demo-01 --by officer-2 --reason "the wrong list"
    """
    from luutru.system import random_bytes, system_clock
    from registry.cleaning.deciding import Reason
    from registry.cleaning.deciding import undo as take_back

    why, now = Reason(account_id=by, words=reason), system_clock().now()
    with answering(json=json, show=_print) as answer, opened(registry, vault) as known, known.writing() as connection:
        done = take_back(connection, batch, commune_code=commune, reason=why, now=now, random_bytes=random_bytes)
        answer |= {"done": msgspec.to_builtins(done)}


def _rule(name: str) -> RuleName:
    from residence.cleaning.rules import RULE_NAMES

    if name not in RULE_NAMES:
        raise typer.BadParameter(", ".join(RULE_NAMES), param_hint="rule")
    return name


def _told(item: dict[str, Any]) -> dict[str, Any]:
    from residence.errors import catalogue

    texts = catalogue()[f"cleaning.{item['rule']}"]
    return item | {"severity": texts["severity"], "message": {"vi": texts["vi"], "en": texts["en"]}}


def _print(answer: dict[str, Any]) -> None:
    from rich.console import Console

    from residence.errors import sentence

    console = Console(highlight=False, soft_wrap=True)
    console.print("[green]done[/]" if answer["ok"] else "[red]not done[/]")
    for code in answer.get("problems", ()):
        console.print(f"  [red]{code}[/]", sentence(code).en)
    for name in ("judged", "new", "back", "cleared", "standing"):
        for what, count in answer.get(name, {}).items():
            console.print(f"  {name} {what}: {count:,}")
    for each in answer.get("items", ()):
        console.print(
            f"{each['item_id']}  {each['rule']}  {each['owner']}  due {text_of(each['due'])[:10]}  {each['message']['en']}"
        )
        console.print("  " + ", ".join(f"{kind} {row_id}" for kind, row_id in each["evidence"]))
    if "preview" in answer:
        console.print("  nothing is changed yet; the same command with --token settles exactly this")
    for name in ("preview", "done"):
        for what, value in answer.get(name, {}).items():
            console.print(f"  {what.replace('_', ' ')}: {text_of(value)}")
