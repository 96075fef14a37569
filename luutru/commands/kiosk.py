"""``luutru kiosk``: run one kiosk, and look at what waits in its outbox.

- ``run`` needs a profile (docs/settings.md); ``--camera``, ``--images`` and ``--cards`` take the place of its readers for a trial.
- ``browser`` keeps Chromium up on the page; ``screen`` writes what the machine needs for it.
- ``scanner`` finds and sets a scanner on a serial port (``kiosk_scanner.py``).
- ``claim``, ``open-keys``, ``renew`` and ``wipe`` are a machine's life as a kiosk (``kiosk_life.py``).
- ``reader`` is for OSDP readers at the door (``kiosk_reader.py``).
- ``diagnostics`` takes away what a kiosk knows of itself, running or not.
- ``outbox`` reads the store beside a running kiosk; it shows counts and ids, for the rows are sealed.

Example: ``luutru kiosk run kiosk.toml --camera 0``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of
from luutru.commands.kiosk_life import claim, open_keys, renew, wipe
from luutru.commands.kiosk_reader import app as reader_app
from luutru.commands.kiosk_scanner import app as scanner_app

if TYPE_CHECKING:
    from firmware_config.profiles import KioskProfile, ReaderSection
    from residence.errors import LuutruError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run a kiosk, and look at its outbox.")
app.add_typer(scanner_app, name="scanner")
app.add_typer(reader_app, name="reader")
for command in (claim, open_keys, renew, wipe):
    app.command(command.__name__.replace("_", "-"))(command)

ProfileArgument = Annotated[Path, typer.Argument(help="The kiosk's profile, a TOML file (docs/settings.md).")]


@app.command("run")
def run_kiosk(
    profile: ProfileArgument,
    *,
    camera: Annotated[str | None, typer.Option(help="Read cards from this camera: its number or device path.")] = None,
    images: Annotated[Path | None, typer.Option(help="Read cards from the photos in this folder, one after the other.")] = None,
    cards: Annotated[
        str | None, typer.Option(help="Render the card texts in this file as a video; 'sample' for the built-in invented ones.")
    ] = None,
    choices: ChoicesOption = None,
) -> None:
    """Run a kiosk until asked to stop (SIGTERM or Ctrl-C). Its page is on loopback.

    Example: luutru kiosk run kiosk.toml --cards sample
    """
    from luutru.logs import configure_logs
    from luutru.processes.kiosk import run, with_choices, with_readers
    from luutru.processes.kiosk_configuration import in_force
    from luutru.processes.kiosk_diagnostics import log_ring_of
    from residence.errors import LuutruError

    sections = _chosen_readers(camera, images, cards)
    loaded, slots = in_force(with_choices(_load(profile), choices_of(choices)))
    ring = log_ring_of(loaded)
    configure_logs(also=(ring,))
    try:
        run(
            with_readers(loaded, sections) if sections else loaded,
            ring=ring,
            slots=slots,
            on_ready=lambda url: typer.echo(f"The kiosk's page: {url}"),
        )
    except LuutruError as error:
        raise _refusal(error) from None
    except OSError as error:
        typer.echo(f"The kiosk cannot start: {error}", err=True)
        raise typer.Exit(1) from None


@app.command("browser")
def run_the_browser(
    profile: ProfileArgument,
    *,
    program: Annotated[str, typer.Option(help="Chromium's command.")] = "chromium",
    folder: Annotated[Path, typer.Option(help="Where its profile lies; memory, for it is wiped.")] = Path("/run/luutru-screen"),
) -> None:
    """Show the kiosk's page in Chromium and start the browser anew when it dies or hangs, until asked to stop.

    Example: luutru kiosk browser kiosk.toml --folder /run/luutru-screen
    """
    from luutru.logs import configure_logs
    from luutru.processes.kiosk_browser import run_browser
    from luutru.system import system_clock

    loaded = _load(profile)
    configure_logs()
    try:
        run_browser(loaded, program=program, folder=folder.absolute(), clock=system_clock())
    except OSError as error:
        typer.echo(f"The browser cannot start: {error}", err=True)
        raise typer.Exit(1) from None


@app.command("screen")
def write_screen_files(
    profile: ProfileArgument,
    folder: Annotated[Path, typer.Argument(help="Root of the image or package the files are laid into.")],
) -> None:
    """Write what a kiosk's machine needs to show the page and nothing else: Chromium's policy, sway's configuration, a systemd unit.

    Example: luutru kiosk screen kiosk.toml image/
    """
    from firmware_config.screens import screen_files

    for name, text in screen_files(_load(profile), profile_path="/etc/luutru/kiosk.toml").items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        typer.echo(str(path))


@app.command("outbox")
def show_outbox(
    profile: ProfileArgument,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many waiting rows to list at most, oldest first.")] = 20,
) -> None:
    """Show how many declarations wait for their receipt, and since when.

    Example: luutru kiosk outbox kiosk.toml --json
    """
    from luutru.processes.kiosk import open_outbox
    from luutru.system import system_clock
    from residence.errors import LuutruError

    loaded = _load(profile)
    try:
        outbox = open_outbox(loaded, clock=system_clock())
    except LuutruError as error:
        raise _refusal(error) from None
    try:
        waiting = [
            {"sequence": row.sequence, "declaration_id": row.declaration_id, "schema": row.schema, "kept_at": row.kept_at}
            for row in outbox.unsettled(limit)
        ]
        depth, oldest = outbox.depth(), outbox.oldest_unsent_at()
    finally:
        outbox.close()
    if json:
        answer = {"kiosk_id": loaded.kiosk.id, "depth": depth, "oldest_unsent_at": oldest, "waiting": waiting}
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        return
    typer.echo(f"{loaded.kiosk.id}: {depth} waiting for a receipt" + (f", the oldest since {oldest}" if oldest else ""))
    for row in waiting:
        typer.echo(f"  {row['sequence']:>6}  {row['declaration_id']}  {row['schema']}  kept {row['kept_at']}")


@app.command("diagnostics")
def take_diagnostics(
    profile: ProfileArgument,
    file: Annotated[Path | None, typer.Argument(help="Where to write it; left out: to standard output.")] = None,
) -> None:
    """Write what a kiosk knows of itself, for whoever has to mend it: states, counts, codes, versions, and nothing about a person.

    Example: luutru kiosk diagnostics kiosk.toml kiosk.json
    """
    from luutru.processes.kiosk_diagnostics import diagnostics_of
    from luutru.system import system_clock
    from residence.errors import LuutruError

    try:
        told = diagnostics_of(_load(profile), clock=system_clock())
    except LuutruError as error:
        raise _refusal(error) from None
    if file is None:
        sys.stdout.write(told.decode() + "\n")
    else:
        file.write_bytes(told)


def _chosen_readers(camera: str | None, images: Path | None, cards: str | None) -> list[ReaderSection]:
    from firmware_config.profiles import ReaderSection

    chosen: list[ReaderSection] = []
    if camera is not None:
        chosen.append(ReaderSection(kind="camera", source=camera))
    if images is not None:
        chosen.append(ReaderSection(kind="images", source=str(images.absolute())))
    if cards is not None:
        chosen.append(ReaderSection(kind="cards", source="" if cards == "sample" else str(Path(cards).absolute())))
    return chosen


def _load(path: Path) -> KioskProfile:
    from firmware_config.profiles import load_profile
    from residence.errors import LuutruError

    try:
        return load_profile(path)
    except LuutruError as error:
        raise _refusal(error) from None


def _refusal(error: LuutruError) -> typer.Exit:
    from residence.errors import catalogue, sentence

    if error.code in catalogue():
        said = sentence(error.code)
        typer.echo(f"{said.vi}\n{said.en}", err=True)
    typer.echo(f"{error.code} {error.pointer} {error.detail}".replace("  ", " "), err=True)
    return typer.Exit(1)
