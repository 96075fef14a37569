"""``luutru registry duplicates``: search the registry for persons that stand in it twice; people decide.

- The search only proposes pairs. ``list`` tells why, comparison by comparison; ``decide`` merges or parts two persons, and ``undo`` takes it
  back. Deciding needs a name and a reason, and both are kept.
- ``--json`` prints one object: ``ok``, ``counts``, ``seconds``, and for a search ``left_out`` (persons a key too common brought together with
  nobody), ``threshold`` in bits and ``model``. Exit status 1 when not ``ok``.
- No name and no number is printed: pairs are ids, and what was compared is told in general words.

Example: ``luutru registry duplicates --registry sqlite:////var/lib/luutru/registry.db --json``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from registry.duplicates.proposals import KnownPair

app = typer.Typer(add_completion=False, help="Search for persons that stand in the registry twice; people decide.")
PairOption = Annotated[str, typer.Argument(metavar="PAIR", help="The pair's id, as list prints it.")]
ByOption = Annotated[str, typer.Option("--by", help="Account of the person who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it stays with the pair.")]


class Verdict(StrEnum):
    """What a person decides about a pair."""

    SAME = "same"
    DIFFERENT = "different"


@app.callback(invoke_without_command=True)
def search(  # noqa: PLR0913 -- the options of one public command
    context: typer.Context,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    model: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A model of one's own.")] = None,
    memory: Annotated[int, typer.Option(min=64, help="Memory of the engine, MiB.")] = 2300,
    threads: Annotated[int, typer.Option(min=1, help="Cores it may use.")] = 2,
    spark: Annotated[str | None, typer.Option(help="Search on Spark: its master, such as local[2] or spark://host:7077.")] = None,
    folder: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Where Spark may spill, encrypted.")] = None,
    json: JsonOption = False,
) -> None:
    """Search everybody, and propose pairs for people to decide. Nothing is merged.

    Example: luutru registry duplicates --registry sqlite:////var/lib/luutru/registry.db --vault /etc/luutru/vault --json
    """
    if context.invoked_subcommand is not None:
        return
    from luutru.system import system_clock
    from registry.duplicates.searching import Limits, search_registry
    from registry.duplicates.settings import load_model

    with (
        answering(json=json, show=_print) as answer,
        _told_when_missing(),
        opened(registry, vault) as known,
        _progress(quiet=json) as tell,
    ):
        limits = Limits(memory_mib=memory, threads=threads, spark=spark, folder=folder)
        report = search_registry(known, load_model(model), now=system_clock().now(), limits=limits, progress=tell)
        counts = {"persons": report.persons, "pairs": report.pairs, **msgspec.to_builtins(report.proposed)}
        answer |= {"counts": counts, "left_out": report.left_out, "threshold": report.threshold, "model": report.model}


@app.command("list")
def list_pairs(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    commune: Annotated[str | None, typer.Option(help="Pairs with a person of this commune only.")] = None,
    most: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
    json: JsonOption = False,
) -> None:
    """List the pairs that wait for a decision, the surest first, with what speaks for and against.

    Example: luutru registry duplicates list --commune demo-01 --most 5
    """
    from registry.duplicates.proposals import listed

    with answering(json=json, show=_print) as answer, opened(registry, vault) as known:
        with known.reading() as connection:
            pairs = listed(connection, commune_code=commune, limit=most)
        answer |= {"pairs": [_told(each) for each in pairs], "counts": {"listed": len(pairs)}}


@app.command()
def decide(
    pair: PairOption,
    verdict: Annotated[Verdict, typer.Argument(metavar="same|different", help="One person, or two.")],
    *,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """Decide a pair. "different" settles it. "same" asks for it, in the name of an officer's account; another officer grants it on the page.

    Example: luutru registry duplicates decide 1f0c5c3e-... same --by officer-1 --reason "both cards seen"
    """
    from luutru.system import random_bytes, system_clock
    from registry.duplicates.asking import Asked, ask_for_merge
    from registry.duplicates.deciding import Decision
    from registry.duplicates.deciding import decide as settle

    within = choices_of(choices).case_times.second_person_within
    with answering(json=json, show=_print) as answer, opened(registry, vault) as known, known.writing() as connection:
        now = system_clock().now()
        if verdict is Verdict.SAME:
            asked = Asked(sign_in_name=by, reason=reason, within=within)
            waits, proposal_id = ask_for_merge(connection, pair, asked=asked, now=now, random_bytes=random_bytes)
            answer |= {"pairs": [_told(waits)], "waits_for_second_officer": f"/police/second-eyes/{proposal_id}"}
            return
        decision = Decision(account_id=by, reason=reason)
        done = settle(connection, pair, same=False, decision=decision, now=now, random_bytes=random_bytes)
        answer |= {"pairs": [_told(done)]}


@app.command()
def undo(
    pair: PairOption,
    *,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Take a decision back: what a merge moved is moved back, and the pair is proposed again.

    Example: luutru registry duplicates undo 1f0c5c3e-... --by officer-1 --reason "twins"
    """
    from luutru.system import system_clock
    from registry.duplicates.deciding import Decision
    from registry.duplicates.deciding import undo as take_back

    decision = Decision(account_id=by, reason=reason)
    with answering(json=json, show=_print) as answer, opened(registry, vault) as known, known.writing() as connection:
        answer |= {"pairs": [_told(take_back(connection, pair, decision=decision, now=system_clock().now()))]}


def _told(pair: KnownPair) -> dict[str, Any]:
    from residence.errors import sentence

    said = [{**msgspec.to_builtins(each), "message": msgspec.to_builtins(sentence(each.code))} for each in pair.said]
    return {**msgspec.to_builtins(pair), "said": said}


@contextmanager
def _told_when_missing() -> Iterator[None]:
    """Make a package that is not installed an answer: the search is an extra."""
    from residence.errors import Refused

    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"splink", "duckdb", "pyarrow", "pyspark"}:
            raise
        raise Refused("duplicates.not_installed", "") from error


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task("persons read", total=None)
        yield lambda count: bar.update(task, completed=count)


def _print(answer: dict[str, Any]) -> None:
    from rich.console import Console

    from residence.errors import sentence

    console = Console(highlight=False, soft_wrap=True)
    console.print("[green]done[/]" if answer["ok"] else "[red]not done[/]", f"({answer['seconds']} s)")
    for code in answer.get("problems", ()):
        console.print(f"  [red]{code}[/]", sentence(code).en)
    for name, count in answer.get("counts", {}).items():
        console.print(f"  {name}: {count:,}")
    for name, count in answer.get("left_out", {}).items():
        console.print(f"  {count:,} persons share the key {name} with too many others to be compared by it")
    if "waits_for_second_officer" in answer:
        console.print(f"  waits for a second officer: {answer['waits_for_second_officer']}")
    for pair in answer.get("pairs", ()):
        console.print(f"{pair['pair_id']}  {pair['one_id']}  {pair['other_id']}  {pair['state']}, {pair['bits']} bits")
        for each in pair["said"]:
            console.print(f"  {each['bits']:+6.1f}  {each['message']['en']}")
