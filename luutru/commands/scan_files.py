"""What ``luutru scan`` says of pictures and clips: one result per file, and why a picture was not read.

- A folder stands for its pictures, in the order of their names; with ``--clip`` it is one clip.
- When nothing was read ``scan.no_code`` comes first, then the one thing to mend first, as a warning with its figure.
- A code that is seen but not read beside one that was read is no problem of the file.
- A code that was read and is none of a card (a web address, a scanner's setup code) is one, with the pointer to the code.
- ``show`` is given the frame and what was seen in it, for the debug sheet; nothing here writes a file.

Example: ``[still_result(file, stages) for file in pictures_of(files)]``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from residence.clock import VIETNAM
from residence.errors import Malformed, Problem, problem

if TYPE_CHECKING:
    from edge_agent.scanning.cascade import Stage
    from edge_agent.scanning.codes import Code
    from edge_agent.scanning.sighting import Sighting
    from edge_agent.scanning.views import Grey, View
    from luutru.debug_sheet import Seen

Result = dict[str, Any]
Show = Callable[["Seen"], None]
_CLIP_RATE = 30.0
_LIMIT_MEGAPIXELS = 60


def name_of(file: Path) -> str:
    """Return a path as text; bytes of it that are not UTF-8 are replaced, for JSON cannot carry them."""
    return str(file).encode("utf-8", "replace").decode()


def pictures_of(files: Iterable[Path]) -> Iterator[Path]:
    """Put a folder's pictures in its place; a folder without any stays, to be a problem of its own."""
    from edge_agent.readers.frames import picture_paths

    for file in files:
        yield from (picture_paths(file) if file.is_dir() else ()) or (file,)


def still_result(file: Path, stages: tuple[Stage, ...], *, show: Show | None = None) -> Result:
    """Read one picture."""
    from edge_agent.readers.frames import read_grey
    from edge_agent.scanning.cascade import examine
    from edge_agent.scanning.locating import locate
    from luutru.debug_sheet import Seen
    from luutru.system import SystemClock

    clock = SystemClock()
    codes: list[Code] = []
    problems: list[Problem] = []
    began = clock.monotonic_ns()
    ms = 0.0
    try:
        grey = read_grey(file)
        began = clock.monotonic_ns()
        codes, view = examine(grey, stages=stages)
        codes = _usable(codes, view)
        ms = (clock.monotonic_ns() - began) / 1e6
        sightings = () if codes and show is None else tuple(locate(view))
        problems = _code_problems(codes, view, sightings)
        if show is not None:
            show(Seen(grey=grey, codes=tuple(codes), sightings=sightings, problems=tuple(problems)))
    except Malformed as error:
        problems = [_file_problem(error, file)]
    return {"file": name_of(file), "codes": [code_object(code) for code in codes], "problems": problems, "ms": round(ms, 3)}


def mrz_result(file: Path, _stages: tuple[Stage, ...]) -> Result:
    """Read the machine-readable zone in one picture."""
    from edge_agent.mrz_reading.reading import READER, outcome_of, read_zone
    from edge_agent.readers.frames import read_grey
    from luutru.system import SystemClock

    clock = SystemClock()
    blank: Result = {"file": name_of(file), "lines": [], "ok": False, "problems": [], "ms": 0.0}
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


def clip_result(file: Path, stages: tuple[Stage, ...]) -> Result:
    """Play one clip and say when its card, or else any code, was first read; when none was, why its last frame was not."""
    from edge_agent.scanning.cascade import refusal_of
    from edge_agent.scanning.clips import play
    from edge_agent.scanning.codes import has_card
    from edge_agent.scanning.following import Following
    from edge_agent.scanning.locating import locate
    from luutru.system import SystemClock

    blank: Result = {"file": name_of(file), "text": None, "first_read_ms": None, "frames_seen": 0, "ms_per_frame": 0.0}
    last: list[View] = []
    refused: dict[bytes, str] = {}  # a code held still is judged once, as at a kiosk
    following = Following()

    def read(grey: Grey, at_ns: int) -> list[Code]:
        codes, view = following.read(grey, now_ns=at_ns, stages=stages, enough=has_card)
        refused.update({code.payload: refusal_of(view, code) for code in codes if code.payload not in refused})
        view.refusals += filter(None, refused.values())
        last[:] = [view]
        return [code for code in codes if not refused[code.payload]]

    try:
        frame_at, rate = _open_clip(file)
        outcome = play(frame_at, rate=rate, read=read, timer_ns=SystemClock().monotonic_ns, enough=has_card)
    except Malformed as error:
        return blank | {"problems": [_file_problem(error, file)]}
    if not last:
        return blank | {"problems": [problem("scan.not_a_clip", "/file", name=name_of(Path(file.name)))]}
    codes = sorted(outcome.codes, key=lambda code: not has_card([code]))
    return blank | {
        "text": codes[0].text if codes else None,
        "first_read_ms": None if outcome.first_read_ms is None else round(outcome.first_read_ms, 3),
        "frames_seen": outcome.frames_seen,
        "ms_per_frame": round(outcome.ms_per_frame, 3),
        "problems": _code_problems(codes[:1], last[0], () if codes else locate(last[0])),
    }


def _usable(codes: list[Code], view: View) -> list[Code]:
    """Return the codes that may be used; why the others may not is added to the view's refusals."""
    from edge_agent.scanning.cascade import refusal_of

    refusals = [refusal_of(view, code) for code in codes]
    view.refusals += [refusal for refusal in refusals if refusal]
    return [code for code, refusal in zip(codes, refusals, strict=True) if not refusal]


def code_object(code: Code) -> Result:
    """Return one code as the public contract has it."""
    return {"text": code.text, "bytes_hex": code.payload.hex(), "format": code.format, "reader": code.reader}


def _file_problem(error: Malformed, file: Path) -> Problem:
    code = "scan.empty_folder" if file.is_dir() else error.code
    return problem(code, "/file", name=name_of(Path(file.name)), limit=_LIMIT_MEGAPIXELS)


def _code_problems(codes: list[Code], view: View, sightings: Sequence[Sighting]) -> list[Problem]:
    from edge_agent.scanning.diagnosis import why_not_read

    if not codes and view.refusals:
        return [problem(view.refusals[0], "/codes")]
    if not codes:
        reason = why_not_read(view.grey, sightings)
        return [problem("scan.no_code", "/codes"), problem(reason.code, "/codes", figure=reason.figure, limit=reason.limit)]
    return [each for index, code in enumerate(codes) for each in refusals(code.text, code.payload, pointer=f"/codes/{index}")]


def refusals(text: str | None, payload: bytes, *, pointer: str) -> list[Problem]:
    """Return why what a code says is not used; ``text`` is None for bytes that are not UTF-8."""
    from luutru.system import SystemClock
    from residence.credentials.reading import read_payload

    if text is None:
        return [problem("scan.not_text", pointer)]
    outcome = read_payload(payload, reader="scan", today=SystemClock().now().astimezone(VIETNAM).date())
    return [msgspec.structs.replace(each, pointer=pointer) for each in outcome.problems if each.severity == "error"]


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
