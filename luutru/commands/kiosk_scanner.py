"""``luutru kiosk scanner``: find a scanner on a serial port, look at its settings, set it; or play one without hardware.

- ``probe`` and ``show`` never write a setting. ``configure`` writes only what differs, and reads everything back.
- End the kiosk first: the port is taken by one program at a time.
- What a model cannot do, or no source tells how to do, is printed beside what was done. No model file was tried on hardware.
- Exit status: 0 all right, 1 something is not (no answer, a setting differs, another model), 2 wrong use.

Example: ``luutru kiosk scanner configure /dev/edge/qr0 --model gm65``
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

if TYPE_CHECKING:
    from edge_agent.serial_line import SerialLine
    from firmware_config.scanner_models import ScannerModel

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Find, look at and set a scanner on a serial port.")

PortArgument = Annotated[str, typer.Argument(help="The serial device, e.g. /dev/edge/qr0.")]
ModelOption = Annotated[str, typer.Option("--model", help="gm65, gm812, de2120, honeywell, or a .toml file that describes one.")]
BaudOption = Annotated[int, typer.Option("--baud", min=300, help="The rate it should have.")]
SettingOption = Annotated[
    list[str] | None, typer.Option("--setting", help="Only these settings of the model, by name; may be given more than once.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Answer = dict[str, Any]
_FIRST_RATE = 9_600


@app.command("models")
def list_models(*, json: JsonOption = False) -> None:
    """List the models that come with the product: what is set on each, and what cannot be.

    Example: luutru kiosk scanner models
    """
    from firmware_config.scanner_models import load_model, shipped_models

    models = [load_model(name) for name in shipped_models()]
    if json:
        sys.stdout.write(msgspec.json.encode({"models": models}).decode() + "\n")
        return
    for model in models:
        typer.secho(f"{model.name}: {model.about}", bold=True)
        for each in model.settings:
            typer.echo(f"  {each.name:<22}{each.why}{'' if each.default else ' (only when named)'}\n{'':<24}{each.source}")
        for missing in model.not_possible:
            typer.echo(f"  {missing.name:<22}not possible: {missing.why}")


@app.command("probe")
def probe_port(
    port: PortArgument,
    *,
    model: Annotated[str, typer.Option("--model", help="Only as this model; without it every known protocol is tried.")] = "",
    json: JsonOption = False,
) -> None:
    """Find out whether a scanner answers, in which protocol and at which rate.

    Example: luutru kiosk scanner probe /dev/edge/qr0
    """

    def look(line: SerialLine) -> Answer:
        from edge_agent.scanner_protocols.tending import identify, probe, probe_any, talk
        from firmware_config.scanner_models import load_model, shipped_models

        if not model:
            found = probe_any(line, clock=_clock())
            fitting = [name for name in shipped_models() if load_model(name).protocol == found.protocol]
            return {"ok": True, "protocol": found.protocol, "baud_rate": found.baud_rate, "models": fitting, "identities": {}}
        known = _model(model, line)
        conversation = talk(line, known, clock=_clock())
        rate = probe(conversation, known.probe_rates)
        said = identify(conversation, known)
        return {"ok": True, "protocol": known.protocol, "baud_rate": rate, "models": [known.name], "identities": said}

    _answer(port, look, json=json)


@app.command("show")
def show_settings(port: PortArgument, *, model: ModelOption, setting: SettingOption = None, json: JsonOption = False) -> None:
    """Show what a scanner holds for each setting, beside what a kiosk wants. Nothing is written.

    Example: luutru kiosk scanner show /dev/edge/qr0 --model gm65
    """

    def look(line: SerialLine) -> Answer:
        from edge_agent.scanner_protocols.tending import identify, probe, survey, talk

        known = _model(model, line)
        settings = known.chosen(setting or None)
        conversation = talk(line, known, clock=_clock())
        rate = probe(conversation, known.probe_rates)
        held = survey(conversation, settings)
        rows = [{"name": each.name, "state": each.state, "held": each.held, "wanted": each.wanted} for each in held]
        fine = all(each.state in {"right", "unreadable"} for each in held)
        said = identify(conversation, known)
        return {"ok": fine, "model": known.name, "baud_rate": rate, "identities": said, "settings": rows, **_missing(known)}

    _answer(port, look, json=json)


@app.command("configure")
def configure_scanner(
    port: PortArgument, *, model: ModelOption, baud: BaudOption = 115_200, setting: SettingOption = None, json: JsonOption = False
) -> None:
    """Set a scanner as a kiosk needs it, save, and read every setting back.

    Example: luutru kiosk scanner configure /dev/edge/qr0 --model gm65 --baud 115200
    """

    def look(line: SerialLine) -> Answer:
        from edge_agent.scanner_protocols.tending import Wish, configure

        known = _model(model, line)
        wish = Wish(baud_rate=baud, settings=tuple(setting) if setting else None)
        done = configure(line, known, clock=_clock(), wish=wish)
        rows = [{"name": name, "state": outcome} for name, outcome in done.outcomes.items()]
        answer = {"ok": True, "model": known.name, "baud_rate": done.baud_rate, "changed": done.changed, "settings": rows}
        return answer | _missing(known)

    _answer(port, look, json=json)


@app.command("simulate")
def simulate_scanner(
    link: Annotated[Path, typer.Argument(help="Where to put the link to its line; a kiosk opens that as its serial device.")],
    *,
    model: Annotated[str, typer.Option("--model", help="gm65, gm812, de2120 or honeywell.")] = "gm65",
    every: Annotated[float, typer.Option(min=0.1, help="Seconds from one invented card to the next.")] = 5.0,
    seconds: Annotated[float, typer.Option(help="Stop after so many seconds; 0 runs until Ctrl-C.")] = 0.0,
) -> None:
    """Play a scanner as it leaves the factory, on a pseudo-terminal: it answers, can be set, and reads invented cards.

    Example: luutru kiosk scanner simulate /tmp/qr0 --model gm65
    """
    import threading

    from edge_agent.sim.scanners import BRAINS, Behaviour, SimulatedScanner
    from luutru.processes.kiosk_readers import read_deck

    if model not in BRAINS:
        raise typer.BadParameter(f"there is no simulated {model!r}; there are {', '.join(BRAINS)}", param_hint="--model")
    if link.is_symlink() or link.exists():
        raise typer.BadParameter(f"{link} is there already", param_hint="LINK")
    ends = _clock().monotonic_ns() + int(seconds * 1e9) if seconds else None
    deck, shown = read_deck(None), 0
    with SimulatedScanner(BRAINS[model](), link=link, behaviour=Behaviour(paced=True)) as scanner:
        typer.echo(f"A simulated {model} is at {link}; Ctrl-C ends it.")
        try:
            while ends is None or _clock().monotonic_ns() < ends:
                threading.Event().wait(every)
                scanner.show(deck[shown % len(deck)].encode())
                shown += 1
        except KeyboardInterrupt:
            pass


def _missing(model: ScannerModel) -> Answer:
    return {"not_possible": [{"name": each.name, "why": each.why} for each in model.not_possible]}


def _model(name: str, line: SerialLine) -> ScannerModel:
    """Return the model, with the line at the rate it most probably has."""
    from firmware_config.scanner_models import load_model

    model = load_model(name)
    line.set_baud(model.probe_rates[0])
    return model


def _clock() -> Any:
    from luutru.system import system_clock

    return system_clock()


@contextmanager
def _told(*, json: bool) -> Iterator[None]:
    """Turn a refusal into its sentences, or into a problem of the one JSON object, and exit status 1."""
    from residence.errors import LuutruError, problem

    try:
        yield
    except LuutruError as error:
        said = problem(error.code, error.pointer)
        if json:
            sys.stdout.write(msgspec.json.encode({"ok": False, "problems": [said]}).decode() + "\n")
        else:
            typer.echo(f"{said.message.vi}\n{said.message.en}\n{error.code} {error.pointer} {error.detail}", err=True)
        raise typer.Exit(1) from None


def _answer(port: str, look: Callable[[SerialLine], Answer], *, json: bool) -> None:
    from edge_agent.serial_line import SerialLine

    with _told(json=json), SerialLine(port, _FIRST_RATE) as line:
        answer = {"port": port, **look(line), "problems": []}
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        _print(answer)
    if not answer["ok"]:
        raise typer.Exit(1)


def _print(answer: Answer) -> None:
    typer.secho(f"{answer['port']}: answers at {answer['baud_rate']} baud", bold=True)
    if "models" in answer:
        typer.echo(f"  protocol {answer['protocol']}, of the models: {', '.join(answer['models'])}")
    for name, said in answer.get("identities", {}).items():
        typer.echo(f"  {name}: {said}")
    for row in answer.get("settings", []):
        held = f"holds {row['held']}, wanted {row['wanted']}" if row.get("held") else ""
        typer.echo(f"  {row['name']:<22}{row['state']:<14}{held}")
    for row in answer.get("not_possible", []):
        typer.echo(f"  {row['name']:<22}not possible: {row['why']}")
