"""``luutru pms``: the bridge beside a hotel's property-management system; it runs with the house and tells the server by the API.

- ``run`` goes round until asked to stop, ``once`` goes round once, ``status`` says what stands open, ``sign-off`` signs the evening off on the system's
  own list. Nobody's name is printed.

Example: ``luutru pms run --settings /etc/luutru/pms.toml``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Tell of a property-management system's guests.")
SettingsOption = Annotated[Path, typer.Option(help="The bridge's settings (docs/pms.md).")]
OnlyOption = Annotated[str | None, typer.Option("--premises", help="Only these premises.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT = Path("pms.toml")


@app.callback()
def root() -> None:
    """Tell of a property-management system's guests: Mews, Cloudbeds, Oracle OHIP."""


@app.command("run")
def run_bridge(*, settings: SettingsOption = DEFAULT, premises: OnlyOption = None) -> None:
    """Go round every property, again and again, until asked to stop (SIGTERM or Ctrl-C).

    Example: luutru pms run --settings /etc/luutru/pms.toml
    """
    from luutru.logs import configure_logs
    from luutru.processes.pms import run

    configure_logs()
    _guarded(lambda: run(settings, only=premises))


@app.command("once")
def go_round_once(*, settings: SettingsOption = DEFAULT, premises: OnlyOption = None, json: JsonOption = False) -> None:
    """Go round every property once. Exit status 1: something stands open, or one of them did not answer.

    Example: luutru pms once --premises htl-sao-mai --json
    """
    from luutru.processes.pms import once

    done = _guarded(lambda: once(settings, only=premises))
    if json:
        _print({"properties": done})
    else:
        for name, each in done.items():
            typer.echo(f"{name}  {_in_words(each)}")
    raise typer.Exit(1 if any(each.get("code") or each.get("open") for each in done.values()) else 0)


@app.command("status")
def show_status(*, settings: SettingsOption = DEFAULT, premises: OnlyOption = None, json: JsonOption = False) -> None:
    """Say what stands open: the system's ids of booking and guest, the code, the fields. Exit status 1: something does.

    Example: luutru pms status
    """
    from luutru.processes.pms import status
    from residence.errors import plain_sentence

    found = _guarded(lambda: status(settings, only=premises))
    if json:
        _print({"properties": found})
    else:
        for name, each in found.items():
            typer.echo(f"{name}  asked {each['asked_at'] or 'never'}  in house {each['in_house']}  open {len(each['open'])}")
            for point in each["open"]:
                where = " ".join(point["pointers"])
                typer.echo(f"  {point['reservation']} {point['ref']} {point['code']} {where}  {plain_sentence(point['code']).en}")
    raise typer.Exit(1 if any(each["open"] for each in found.values()) else 0)


@app.command("sign-off")
def sign_off_evening(
    *,
    premises: Annotated[str, typer.Option("--premises", help="The premises whose evening is signed off.")],
    settings: SettingsOption = DEFAULT,
    reason: Annotated[
        list[str] | None, typer.Option(help="Why a point stands open: KIND:ABOUT=REASON or KIND=REASON (docs/api.md).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Sign the evening off on who is in the house by its system. Exit status 1: points need a reason, and are named.

    Example: luutru pms sign-off --premises htl-sao-mai --reason not-declared:R-77/G-1=papers-awaited
    """
    from luutru.processes.pms import sign_off
    from residence.errors import plain_sentence

    done = _guarded(lambda: sign_off(settings, premises=premises, reasons=reason or []))
    close = done["close"]
    if json:
        _print(done)
    elif close is None:
        typer.echo(f"{premises}  on the list {done['listed']}, not signed: each of these needs a reason")
        for each in done["needed"]:
            name = f"{each['kind']}:{each['about']}" if each["about"] else each["kind"]
            room = f"room {each['unit']}  " if each["unit"] else ""
            typer.echo(f"  --reason {name}=...  {room}{plain_sentence(each['code']).en}")
    else:
        standing = sum(each["people"] for each in close["open"])
        typer.echo(f"{premises}  {close['day']} signed: on the list {close['listed']}, alike {close['alike']}, open {standing}")
        typer.echo(f"{close['text']}\nkept in {done['kept']}")
    raise typer.Exit(0 if close else 1)


def _guarded(work: Any) -> Any:
    from residence.errors import LuutruError

    try:
        return work()
    except LuutruError as error:
        typer.echo(f"pms: {error}", err=True)
        raise typer.Exit(1) from None


def _in_words(done: dict[str, Any]) -> str:
    if done.get("code"):
        return f"{done['code']}: {done['detail']}"
    return f"in house {done['in_house']}, told {done['delivered']}, open {done['open']}"


def _print(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
