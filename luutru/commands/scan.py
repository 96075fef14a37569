"""``luutru scan``: read codes from pictures, clips, a live camera or a serial scanner, and say why something was not read.

- One result per file, in the order given; a file that cannot be read is a problem of its own and the rest go on.
- ``--jsonl`` prints the objects of the public contract; without it people get sentences in Vietnamese and English.
- Nothing is sent anywhere. Nothing is written either but the debug sheet, when it is asked for: it shows the picture itself.
- Exit status: 0 all read, 1 something was not read, 2 wrong use.

Example: ``luutru scan card.jpg``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luutru.commands.scan_files import Result, Show, clip_result, mrz_result, pictures_of, still_result
from luutru.commands.scan_printing import print_json, print_readable

if TYPE_CHECKING:
    from edge_agent.scanning.cascade import Stage
    from luutru.debug_sheet import Seen

app = typer.Typer(add_completion=False)


@app.command()
def scan(  # noqa: PLR0913 -- the options of one public command
    files: Annotated[
        list[Path] | None, typer.Argument(help="Pictures or folders of them; with --clip video files or folders of frames.")
    ] = None,
    *,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object per file.")] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="Play each file as a camera would: its own rate, newest frame only.")
    ] = False,
    mrz: Annotated[
        bool, typer.Option("--mrz", help="Read the machine-readable zone of a passport or card instead of codes.")
    ] = False,
    camera: Annotated[
        str | None, typer.Option(help="Watch a camera live: its number or path, e.g. 0, or picamera:0 on a Raspberry Pi.")
    ] = None,
    serial: Annotated[str | None, typer.Option(help="Listen to a serial scanner live, e.g. /dev/ttyUSB0.")] = None,
    baud: Annotated[int, typer.Option(min=300, max=4_000_000, help="With --serial: the line's speed.")] = 9_600,
    seconds: Annotated[
        float, typer.Option(min=0, help="With --camera or --serial: stop after so many seconds; 0 runs until Ctrl-C.")
    ] = 0.0,
    debug_sheet: Annotated[
        Path | None,
        typer.Option(help="Write a PNG that shows what was found and why it was not read; numbered when there are several."),
    ] = None,
    second_opinion: Annotated[bool, typer.Option("--second-opinion", help="Ask zbar too when zxing reads nothing.")] = False,
) -> None:
    """Read the codes in pictures of cards, and say why a code was not read.

    Example: luutru scan card.jpg

    Example: luutru scan --clip --jsonl visit.mp4

    Example: luutru scan --debug-sheet why.png photos/

    Example: luutru scan --mrz passport.jpg
    """
    show = print_json if jsonl else print_readable
    _refuse_wrong_use(files, live=(camera, serial), one_of=(clip, mrz), sheet=debug_sheet)
    if camera is not None or serial is not None:
        _watch(camera, serial, baud, seconds, show)
        return
    stages = _stages(second_opinion=second_opinion, thorough=not clip)
    sheets = _sheets(debug_sheet) if debug_sheet else None
    if not _print_all(_results(files or [], stages, clip=clip, mrz=mrz, sheets=sheets), show):
        raise typer.Exit(1)


def _refuse_wrong_use(
    files: list[Path] | None, *, live: tuple[str | None, str | None], one_of: tuple[bool, bool], sheet: Path | None
) -> None:
    devices = sum(each is not None for each in live)
    if devices > 1 or (devices and files):
        raise typer.BadParameter("give files, or --camera, or --serial; one of them")
    if not devices and (not files or all(one_of)):
        raise typer.BadParameter("give at least one picture (or --camera 0), and only one of --clip and --mrz")
    if sheet is not None and (devices or any(one_of)):
        raise typer.BadParameter("--debug-sheet is for pictures", param_hint="--debug-sheet")


def _watch(camera: str | None, serial: str | None, baud: int, seconds: float, show: Callable[[Result], None]) -> None:  # noqa: PLR0917 -- one caller
    from luutru.commands.scan_live import camera_reader, serial_reader, watch

    if serial is not None:
        watch(serial_reader(serial, baud_rate=baud), f"serial {serial}", seconds=seconds, show=show)
    elif camera is not None:
        watch(camera_reader(camera), f"camera {camera}", seconds=seconds, show=show)


def _results(files: list[Path], stages: tuple[Stage, ...], *, clip: bool, mrz: bool, sheets: Show | None) -> Iterator[Result]:
    if clip:
        yield from (clip_result(file, stages) for file in files)
    elif mrz:
        yield from (mrz_result(file, stages) for file in pictures_of(files))
    else:
        yield from (still_result(file, stages, show=sheets) for file in pictures_of(files))


def _print_all(results: Iterable[Result], show: Callable[[Result], None]) -> bool:
    """Show every result as it comes; tell whether all were read."""
    fine = True
    for result in results:
        show(result)
        fine = fine and result.get("ok", not result["problems"])  # a zone is read with warnings: nobody can check a name
    return fine


def _stages(*, second_opinion: bool, thorough: bool) -> tuple[Stage, ...]:
    from edge_agent.scanning.cascade import QUICK, THOROUGH, with_second_opinion

    stages = THOROUGH if thorough else QUICK
    return with_second_opinion(stages) if second_opinion else stages


def _sheets(path: Path) -> Show:
    """Return what writes the sheets: the first to ``path``, the next to ``path`` with a number."""
    from luutru.debug_sheet import draw_debug_sheet
    from residence.errors import Refused

    written = 0

    def write(seen: Seen) -> None:
        nonlocal written
        written += 1
        to = path if written == 1 else path.with_name(f"{path.stem}-{written}{path.suffix}")
        try:
            draw_debug_sheet(seen).save(to, "PNG")
        except (OSError, Refused) as error:  # no place to write, or no font to write with
            typer.echo(f"cannot write {to}: {error}", err=True)
            raise typer.Exit(1) from None

    return write
