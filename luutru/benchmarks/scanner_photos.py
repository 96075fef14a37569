r"""Photos of a folder with known texts: read by every reader, counted per sub-folder.

- A folder with ``truth.tsv`` is a set: UTF-8, a header line, then file, text (escapes ``\\ \n \r \t``), bytes as hex or nothing.
- Right = equal to the given bytes or, in one of the usual charsets, to the text but for line ends and outer spaces.
- What else is returned counts as other text: a photo may show a second code, so it need not be wrong.
- Photos may show real people's cards: no text is printed, logged or kept.

>>> is_right("Grüße".encode("latin-1"), Truth(file="a.png", text="Grüße", payload=b""))
True
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from edge_agent.readers.frames import read_grey
from luutru.benchmarks.scanner_readers import Reader, timed
from luutru.benchmarks.scanner_stills import warm_up
from luutru.benchmarks.scanner_tally import Tally
from residence.errors import Malformed

CHARSETS: Final = ("utf-8", "shift_jis", "euc_jp", "big5", "gb18030", "latin-1")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_PLAIN: Final = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_COLUMNS: Final = 3


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What one photo says."""

    file: str
    text: str
    payload: bytes


def truth_of(root: Path) -> list[tuple[Path, Truth]]:
    """Return every photo below ``root`` that a ``truth.tsv`` beside it tells of, with what it says; folders in order.

    Raise ``Malformed`` with ``scan.empty_folder``, or ``scan.damaged_file`` when a table cannot be read.
    """
    found = [(table.parent, truth) for table in sorted(root.rglob("truth.tsv")) for truth in _read_table(table)]
    if not found:
        raise Malformed("scan.empty_folder", "", str(root))
    return found


def _read_table(table: Path) -> list[Truth]:
    try:
        rows = [line.split("\t") for line in table.read_text("utf-8").split("\n")[1:] if line.strip()]
        return [_truth([*row, "", ""][:_COLUMNS]) for row in rows]
    except ValueError as error:  # not UTF-8, or not hex
        raise Malformed("scan.damaged_file", "", str(table)) from error


def _truth(row: list[str]) -> Truth:
    file, text, hexed = row
    plain = _ESCAPE.sub(lambda match: _PLAIN.get(match[1], match[0]), text)
    return Truth(file=file, text=plain, payload=bytes.fromhex(hexed.strip()))


def is_right(found: bytes, truth: Truth) -> bool:
    """Tell whether a byte string is what the photo's code says."""
    if truth.payload and found == truth.payload:
        return True
    wanted = _plain(truth.text)
    return bool(wanted) and any(_plain(text) == wanted for text in _readings(found))


def _readings(found: bytes) -> list[str]:
    texts = []
    for charset in CHARSETS:
        try:
            texts.append(found.decode(charset))
        except UnicodeDecodeError:
            continue
    return texts


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def measure_photos(
    readers: Sequence[Reader], photos: Sequence[tuple[Path, Truth]], *, step: Callable[[], None]
) -> dict[str, Tally]:
    """Read every photo with every reader; ``step`` is called after each. The group of a tally is the folder's name."""
    tallies = {reader.name: Tally() for reader in readers}
    for position, (folder, truth) in enumerate(photos):
        grey = read_grey(folder / truth.file)
        if not position:
            warm_up([reader.read_photo for reader in readers], grey)
        for reader in readers:
            outcome = timed(reader.read_photo, grey)
            tallies[reader.name].note(folder.name, outcome, right=[is_right(each, truth) for each in outcome.found])
        step()
    return tallies
