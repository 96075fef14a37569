"""``luutru scan``: read codes from pictures, clips or a live camera, and say how far each reading can be believed.

- One result per file, in the order given; a file that cannot be read is a problem of its own and the rest go on.
- ``--jsonl`` prints the objects of the public contract; without it people get sentences in Vietnamese and English.
- Nothing is written to disk and nothing is sent anywhere.
- Exit status: 0 all read, 1 something was not read, 2 wrong use.

Example: ``luutru scan card.jpg``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from residence.clock import VIETNAM
from residence.errors import Malformed, Problem, problem

if TYPE_CHECKING:
    from edge_agent.readers.port import Capture
    from edge_agent.scanning.cascade import Grey, Stage
    from edge_agent.scanning.codes import Code

app = typer.Typer(add_completion=False)
_CLIP_RATE = 30.0
_LIMIT_MEGAPIXELS = 60
Result = dict[str, Any]


@app.command()
def scan(
    files: Annotated[list[Path] | None, typer.Argument(help="Pictures, or with --clip video files or folders of frames.")] = None,
    *,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object per file.")] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="Play each file as a camera would: its own rate, newest frame only.")
    ] = False,
    mrz: Annotated[
        bool, typer.Option("--mrz", help="Read the machine-readable zone of a passport or card instead of codes.")
    ] = False,
    camera: Annotated[str | None, typer.Option(help="Watch a camera live: its number or path, e.g. 0.")] = None,
    seconds: Annotated[float, typer.Option(help="With --camera: stop after so many seconds; 0 runs until Ctrl-C.")] = 0.0,
    second_opinion: Annotated[bool, typer.Option("--second-opinion", help="Ask zbar too when zxing reads nothing.")] = False,
) -> None:
    """Read the codes in pictures of cards.

    Example: luutru scan card.jpg

    Example: luutru scan --clip --jsonl visit.mp4

    Example: luutru scan --mrz passport.jpg
    """
    if camera is not None:
        _watch(camera, seconds, jsonl=jsonl)
        return
    if not files or (clip and mrz):
        raise typer.BadParameter("give at least one picture (or --camera 0), and only one of --clip and --mrz")
    stages = _stages(second_opinion=second_opinion, thorough=not clip)
    read = _mrz_result if mrz else _clip_result if clip else _still_result
    results = (read(file, stages) for file in files)
    if not _print_all(results, _print_json if jsonl else _print_readable):
        raise typer.Exit(1)


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


def _name(file: Path) -> str:
    """Return a path as text; bytes of it that are not UTF-8 are replaced, for JSON cannot carry them."""
    return str(file).encode("utf-8", "replace").decode()


def _file_problem(error: Malformed, file: Path) -> Problem:
    return problem(error.code, "/file", name=_name(Path(file.name)), limit=_LIMIT_MEGAPIXELS)


def _still_result(file: Path, stages: tuple[Stage, ...]) -> Result:
    from edge_agent.readers.frames import read_grey
    from edge_agent.scanning.cascade import decode
    from luutru.system import SystemClock

    clock = SystemClock()
    codes: list[Code] = []
    problems: list[Problem] = []
    began = clock.monotonic_ns()
    try:
        grey = read_grey(file)
        began = clock.monotonic_ns()
        codes = decode(grey, stages=stages)
        problems = _code_problems(codes)
    except Malformed as error:
        problems = [_file_problem(error, file)]
    ms = round((clock.monotonic_ns() - began) / 1e6, 3)
    return {"file": _name(file), "codes": [_code_object(code) for code in codes], "problems": problems, "ms": ms}


def _code_problems(codes: list[Code]) -> list[Problem]:
    if not codes:
        return [problem("scan.no_code", "/codes")]
    return [problem("scan.not_text", f"/codes/{index}") for index, code in enumerate(codes) if code.text is None]


def _code_object(code: Code) -> Result:
    return {"text": code.text, "bytes_hex": code.payload.hex(), "format": code.format, "reader": code.reader}


def _mrz_result(file: Path, _stages: tuple[Stage, ...]) -> Result:
    from edge_agent.mrz_reading.reading import READER, outcome_of, read_zone
    from edge_agent.readers.frames import read_grey
    from luutru.system import SystemClock

    clock = SystemClock()
    blank: Result = {"file": _name(file), "lines": [], "ok": False, "problems": [], "ms": 0.0}
    try:
        grey = read_grey(file)
    except Malformed as error:
        return blank | {"problems": [_file_problem(error, file)]}
    began = clock.monotonic_ns()
    seen = read_zone(grey)
    ms = round((clock.monotonic_ns() - began) / 1e6, 3)
    if seen is None:
        return blank | {"problems": [problem("scan.no_zone", "/lines")], "ms": ms}
    outcome = outcome_of(seen, reader=f"scan:{READER}", today=clock.now().astimezone(VIETNAM).date())
    return blank | {"lines": list(seen.lines), "ok": outcome.ok, "problems": list(outcome.problems), "ms": ms}


def _clip_result(file: Path, stages: tuple[Stage, ...]) -> Result:
    from edge_agent.scanning.cascade import decode
    from edge_agent.scanning.clips import play
    from luutru.system import SystemClock

    blank: Result = {"file": _name(file), "text": None, "first_read_ms": None, "frames_seen": 0, "ms_per_frame": 0.0}
    try:
        frame_at, rate = _open_clip(file)
        outcome = play(frame_at, rate=rate, read=lambda grey: decode(grey, stages=stages), timer_ns=SystemClock().monotonic_ns)
    except Malformed as error:
        return blank | {"problems": [_file_problem(error, file)]}
    if not outcome.frames_seen:
        return blank | {"problems": [problem("scan.not_a_clip", "/file", name=_name(Path(file.name)))]}
    return blank | {
        "text": outcome.codes[0].text if outcome.codes else None,
        "first_read_ms": None if outcome.first_read_ms is None else round(outcome.first_read_ms, 3),
        "frames_seen": outcome.frames_seen,
        "ms_per_frame": round(outcome.ms_per_frame, 3),
        "problems": _code_problems(list(outcome.codes)),
    }


def _open_clip(file: Path) -> tuple[Callable[[int], Grey | None], float]:
    """Return how to get frame number n of a clip, and its frames a second."""
    import cv2

    from edge_agent.readers.frames import picture_paths, rate_of, read_grey

    if file.is_dir():
        paths = picture_paths(file)
        return (lambda number: read_grey(paths[number]) if number < len(paths) else None), _CLIP_RATE
    if not file.is_file():
        raise Malformed("scan.file_missing", "", str(file))
    if not file.stat().st_size:
        raise Malformed("scan.empty_file", "", str(file))
    capture = cv2.VideoCapture(str(file))
    if not capture.isOpened():
        raise Malformed("scan.not_a_clip", "", str(file))
    position = -1

    def frame_at(number: int) -> Grey | None:
        nonlocal position
        while position < number:
            if not capture.grab():
                return None
            position += 1
        good, picture = capture.retrieve()
        return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if good else None  # type: ignore[return-value]

    return frame_at, rate_of(capture)


def _watch(camera: str, seconds: float, *, jsonl: bool) -> None:
    import threading

    from edge_agent.readers.camera import Camera
    from edge_agent.readers.port import ReaderHealth
    from edge_agent.readers.watching import FrameReader
    from luutru.system import SystemClock

    def deliver(capture: Capture) -> None:
        text = capture.payload.decode("utf-8", "replace")
        code = {"text": text, "bytes_hex": capture.payload.hex(), "format": capture.symbology, "reader": capture.reader}
        result = {"file": f"camera {camera}", "codes": [code], "problems": [], "ms": 0.0}
        (_print_json if jsonl else _print_readable)(result)

    def report(health: ReaderHealth) -> None:
        lost.append(health.state == "lost")
        text = problem(health.code).message.en if health.code else "the camera works; hold a card before it"
        typer.echo(f"camera {camera}: {text}", err=True)

    clock, lost = SystemClock(), [False]
    reader = FrameReader(Camera(int(camera) if camera.isdigit() else camera, clock=clock), clock=clock)
    reader.start(deliver, report)
    try:
        threading.Event().wait(seconds or None)
    except KeyboardInterrupt:
        pass
    finally:
        reader.stop()
    if lost[-1]:
        raise typer.Exit(1)


def _print_json(result: Result) -> None:
    typer.echo(msgspec.json.encode(result).decode())


def _print_readable(result: Result) -> None:
    typer.secho(result["file"], bold=True)
    for code in result.get("codes", []):
        _print_reading(code)
    if result.get("lines"):
        _print_zone(result["lines"], ok=result["ok"])
    if "first_read_ms" in result and result["text"] is not None:
        typer.echo(f"  read after {result['first_read_ms']:.0f} ms, frame {result['frames_seen']} looked at")
        _print_reading({"text": result["text"], "bytes_hex": result["text"].encode().hex(), "reader": "clip"})
    for each in result["problems"]:
        typer.echo(f"  {each.message.vi}\n  {each.message.en} [{each.code}]")


def _print_reading(code: Result) -> None:
    """Print one code's reading with its evidence level, or what it is instead of a card."""
    from luutru.system import SystemClock
    from residence.credentials.reading import read_payload

    today = SystemClock().now().astimezone(VIETNAM).date()
    outcome = read_payload(bytes.fromhex(code["bytes_hex"]), reader=f"scan:{code['reader']}", today=today)
    typer.echo(f"  code    {_printable(code['text'] or '(not text)')}   [{code['reader']}]")
    if outcome.reading is not None:
        for label, value in _rows(outcome.reading):
            typer.echo(f"  {label:<8}{_printable(value)}")
    else:
        typer.echo(f"  kind    {outcome.kind}: this names nobody")
    for each in outcome.problems:
        typer.echo(f"  {each.severity:<8}{each.message.vi}\n          {each.message.en} [{each.code}]")


def _print_zone(lines: list[str], *, ok: bool) -> None:
    """Print the lines of a zone, and what they say when they are accepted."""
    from luutru.system import SystemClock
    from residence.credentials.reading import read_mrz

    for line in lines:
        typer.echo(f"  {line}")
    outcome = read_mrz(lines, reader="scan", today=SystemClock().now().astimezone(VIETNAM).date())
    if ok and outcome.reading is not None and outcome.fields is not None:
        for label, value in [*_rows(outcome.reading), ("expires", outcome.fields.expiry or "not stated")]:
            typer.echo(f"  {label:<8}{_printable(value)}")


def _rows(reading: Any) -> list[tuple[str, str]]:
    from residence.credentials.evidence import EvidenceLevel

    person, level = reading.person, EvidenceLevel(reading.evidence.level)
    born = person.birth.value if person.birth else "?"
    return [
        ("name", person.full_name),
        ("number", person.personal_number or "none"),
        ("born", f"{born}, {person.sex or 'sex not stated'}"),
        ("lives", person.residence_text or ""),
        ("card", _document(person.document)),
        ("level", f"{level.value} {level.name.lower().replace('_', ' ')}: a photo or a print of a card would read the same"),
    ]


def _document(document: Any) -> str:
    """Return what was shown; a card's number is the person's own and stands above."""
    if document is None:
        return ""
    return " ".join(each for each in (document.kind.value, document.issuer, document.issuer and document.number) if each)


def _printable(text: str) -> str:
    """Keep a code's control characters from reaching the terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
