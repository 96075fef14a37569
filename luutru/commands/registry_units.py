"""``luutru registry units``: tables of administrative units, what became of a unit, and what people decide about split ones.

- ``import`` takes a CSV of units, or of another system's codes (docs/places.md), whole or not at all; it wants to know source and licence.
- ``successors`` says what a unit became; of a split it names every candidate and picks none.
- ``ask`` reads where premises of split units stand and asks about each street or settlement once; ``questions`` lists what is open,
  ``decide`` and ``undo`` need a name and a reason, and both are kept.
- No address and no person is printed.

Example: ``luutru registry units import units.csv --source "Decision ..., own transcription" --licence CC0-1.0 --json``
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from residence.places.units import Unit

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Administrative units through time; people decide about split ones."
)
FileArgument = Annotated[Path, typer.Argument(help="A CSV of units, or of another system's codes.", exists=True, dir_okay=False)]
QuestionArgument = Annotated[str, typer.Argument(metavar="QUESTION", help="The question's id, as questions prints it.")]
ByOption = Annotated[str, typer.Option("--by", help="Account of the person who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it stays with the question.")]
OnOption = Annotated[str, typer.Option("--on", help="A day, YYYY-MM-DD; today if not said.")]
LAST_DAY_BEFORE = "2025-06-30"


@app.command("import")
def import_(
    file: FileArgument,
    *,
    source: Annotated[str, typer.Option("--source", help="Where the table is from; kept with it.")],
    licence: Annotated[str, typer.Option("--licence", help="Under which licence; kept with it.")],
    by: Annotated[str, typer.Option("--by", help="Who imports.")] = "",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Take over a table of units or of codes, whole or not at all.

    Example: luutru registry units import units.csv --source "Decision ..., own transcription" --licence CC0-1.0
    """
    from luutru.system import account_name, system_clock
    from registry.units import Provenance, import_file

    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        provenance = Provenance(file_name=file.name, source=source, licence=licence, by=by or account_name())
        report = import_file(connection, file.read_bytes(), provenance, now=system_clock().now())
        answer |= {"counts": {"units": report.units, "codes": report.codes}}
        if report.problems:
            answer |= {"ok": False, "problems": [msgspec.to_builtins(each) for each in report.problems]}


@app.command("list")
def list_units(
    *,
    level: Annotated[str, typer.Option("--level", help="province, district or commune.")] = "province",
    inside: Annotated[str, typer.Option("--inside", help="Only those inside the unit of this code.")] = "",
    on: OnOption = "",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List the units of a level on a day, and which tables they are from.

    Example: luutru registry units list --level commune --inside 79 --on 2025-06-30 --json
    """
    from registry.units import files_known, load_table
    from residence.places.units import LEVELS

    wanted = next((each for each in LEVELS if each == level), None)
    if wanted is None:
        raise typer.BadParameter("province, district or commune", param_hint="--level")
    day = _day(on)
    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        table = load_table(connection)
        units = table.inside(inside, level=wanted, day=day) if inside else table.on(day, level=wanted)
        answer |= {"on": day, "units": [_told(each) for each in units], "tables": files_known(connection)}


@app.command()
def successors(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code of the unit.")],
    *,
    at: Annotated[str, typer.Option("--at", help="The day the code is of.")] = LAST_DAY_BEFORE,
    on: OnOption = "",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say what became of a unit; of a split every candidate is named and none picked.

    Example: luutru registry units successors 74 --at 2025-06-30 --json
    """
    from registry.units import load_table

    day, then = _day(on), _day(at)
    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        table = load_table(connection)
        unit = table.meant(code, then)
        if unit is None:
            answer |= {"ok": False, "problems": ["units.unknown"]}
            return
        candidates = table.candidates(code, at=then, on=day)
        answer |= {"unit": _told(unit), "fate": table.fate(unit), "candidates": [_told(each) for each in candidates]}
        answer |= {"needs_human": len(candidates) > 1}


@app.command()
def ask(*, registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, json: JsonOption = False) -> None:
    """Ask about the streets and settlements of split units in which premises of this registry stand; each once.

    Example: luutru registry units ask --json
    """
    from luutru.system import system_clock
    from registry.unit_asking import ask_about_premises

    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        answer |= {"counts": {"asked": ask_about_premises(connection, vault=known.vault, now=system_clock().now())}}


@app.command()
def questions(
    *,
    every: Annotated[bool, typer.Option("--every", help="Decided ones too.")] = False,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List the streets and settlements of split units that wait for a person.

    Example: luutru registry units questions --json
    """
    from registry.unit_questions import list_questions

    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        found = list_questions(connection, None, states=("open", "decided", "divided") if every else ("open",))
        answer |= {"questions": found, "counts": {"listed": len(found)}}


@app.command()
def decide(
    question: QuestionArgument,
    choice: Annotated[str, typer.Argument(metavar="CODE|divided", help="A candidate's code, or divided.")],
    *,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Decide in which of the candidates a street or settlement lies, or that it lies in several.

    Example: luutru registry units decide 1f0c5c3e-... 90001 --by operator-1 --reason "the plan of the split"
    """
    from luutru.system import random_bytes, system_clock
    from registry.unit_questions import Decider
    from registry.unit_questions import decide as settle

    who, chosen = Decider(account_id=by, reason=reason), None if choice == "divided" else choice
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        now = system_clock().now()
        answer["questions"] = [settle(connection, question, choice=chosen, by=who, now=now, random_bytes=random_bytes)]


@app.command()
def undo(
    question: QuestionArgument,
    *,
    by: ByOption,
    reason: ReasonOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Open a decided question again; what was decided before stays on the record. Premises it had placed are named and become follow-ups of cleaning.

    Example: luutru registry units undo 1f0c5c3e-... --by operator-1 --reason "the wrong street"
    """
    from luutru.system import random_bytes, system_clock
    from registry.unit_questions import Decider
    from registry.unit_questions import undo as take_back

    who = Decider(account_id=by, reason=reason)
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        now = system_clock().now()
        opened_again, placed = take_back(connection, question, by=who, now=now, random_bytes=random_bytes)
        answer |= {"questions": [opened_again], "premises": [each._asdict() for each in placed]}
        answer |= {"counts": {"premises_to_decide": len(placed)}}


def _told(unit: Unit) -> dict[str, Any]:
    return {"code": unit.code, "name": unit.name, "level": unit.level, "valid_from": unit.valid_from, "valid_to": unit.valid_to}


def _day(text: str) -> str:
    from luutru.system import system_clock
    from residence.clock import VIETNAM

    if not text:
        return system_clock().now().astimezone(VIETNAM).date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise typer.BadParameter("a day is written YYYY-MM-DD") from None
