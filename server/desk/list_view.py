"""What the page of one list shows: how far it is, how many lines ended how, the lines with their reasons, and the words nobody knew.

- Names are the list's own, shown to whoever may declare at the premises while the lines are kept; afterwards only line numbers.
- At most ``MOST_SHOWN`` lines of a kind are shown; the file has them all.

Example: ``list_view(server, connection, given, shown="refused").counts``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from registry.guest_lists import (
    PIECE,
    GuestList,
    Outcome,
    OutcomeState,
    Phase,
    counts_of,
    done_pieces,
    lines_of,
    outcomes_of,
)
from registry.importing.lists import Line
from registry.importing.mapping import LIST_COLUMNS
from residence.errors import Refused
from residence.wire.receipts import receipt_code
from server.wiring import Server

MOST_SHOWN: Final = 100
MOST_WORDS: Final = 20
_FIRST: Final[tuple[OutcomeState, ...]] = ("refused", "conflicting", "accepted")  # what is to be done before what is well


class ShownLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the page."""

    number: int
    name: str
    receipt: str
    declaration_id: str | None
    reasons: tuple[tuple[str, str, str], ...]  # code, severity, their heading


class ListView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one list."""

    given: GuestList
    phase: Phase
    done: int  # lines that are through
    counts: dict[OutcomeState, int]
    warnings: int  # lines that were taken with a warning
    by_code: tuple[tuple[str, int], ...]  # errors, the commonest first
    shown: OutcomeState
    lines: tuple[ShownLine, ...]
    words: dict[str, tuple[str, ...]]  # our field -> what was written and nobody knew
    lines_kept: bool
    headings: tuple[str, ...]  # without the columns of our own result files
    unused: tuple[str, ...]  # those nothing was taken from

    @property
    def declared(self) -> int:
        """Return how many lines are recorded."""
        return self.counts["accepted"] + self.counts["conflicting"]

    @property
    def proven(self) -> bool:
        """Tell whether the counts make up the list."""
        return sum(self.counts.values()) == self.given.rows


def phase_of(given: GuestList) -> Phase:
    """Return what the list is at."""
    return "declare" if given.state in {"declaring", "declared"} else "check"


def lines_through(connection: Connection, given: GuestList, phase: Phase | None = None) -> int:
    """Return how many lines a phase has looked at, the present one unless another is asked for."""
    return min(done_pieces(connection, given, phase or phase_of(given)) * PIECE, given.rows)


def list_view(
    server: Server,
    connection: Connection,
    given: GuestList,
    *,
    shown: OutcomeState | None = None,
    phase: Phase | None = None,
) -> ListView:
    """Return what the page shows, of the phase the list is at unless another is asked for."""
    phase = phase or phase_of(given)
    outcomes = outcomes_of(connection, given, phase)
    counts = counts_of(connection, given, phase)
    there: list[OutcomeState] = [*(each for each in _FIRST if counts[each]), "ignored"]
    kind = shown or there[0]
    kept = _lines(server, connection, given)
    own = tuple(each for each in given.headings if each not in LIST_COLUMNS)
    codes = Counter(
        code for each in outcomes if each.state == "refused" for code, severity, _ in each.reasons if severity == "error"
    )
    return ListView(
        given=given,
        phase=phase,
        done=lines_through(connection, given, phase),
        counts=counts,
        warnings=sum(
            each.state in {"accepted", "conflicting"} and any(severity == "warning" for _, severity, _ in each.reasons)
            for each in outcomes
        ),
        by_code=tuple(codes.most_common(10)),
        shown=kind,
        lines=tuple(_shown(given, each, kept) for each in [each for each in outcomes if each.state == kind][:MOST_SHOWN]),
        words=_unknown_words(given, outcomes, kept),
        lines_kept=kept is not None,
        headings=own,
        unused=tuple(each for each in own if each not in given.mapping.guests.columns.values()),
    )


def _lines(server: Server, connection: Connection, given: GuestList) -> dict[int, Line] | None:
    """Return the lines by number, None once they were deleted."""
    try:
        pieces = lines_of(connection, given, range(given.pieces), vault=server.registry.vault)
    except Refused:
        return None
    return {line.number: line for lines in pieces.values() for line in lines}


def _cell(given: GuestList, line: Line | None, field: str) -> str:
    heading = given.mapping.guests.columns.get(field)
    if line is None or heading not in given.headings:
        return ""
    place = given.headings.index(heading)
    return " ".join(line.cells[place].split()) if place < len(line.cells) else ""


def _shown(given: GuestList, outcome: Outcome, kept: dict[int, Line] | None) -> ShownLine:
    columns = given.mapping.guests.columns
    return ShownLine(
        number=outcome.number,
        name=_cell(given, (kept or {}).get(outcome.number), "full_name"),
        receipt=receipt_code(outcome.declaration_id) if outcome.declaration_id else "",
        declaration_id=outcome.declaration_id,
        reasons=tuple((code, severity, columns.get(field, "")) for code, severity, field in outcome.reasons),
    )


def _unknown_words(given: GuestList, outcomes: Sequence[Outcome], kept: dict[int, Line] | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for each in outcomes:
        for code, _, field in each.reasons:
            if code == "import.word_unknown" and field != "nationality":
                written = _cell(given, (kept or {}).get(each.number), field)
                if written:
                    found.setdefault(field, {})[written] = None
    return {field: tuple(words)[:MOST_WORDS] for field, words in found.items()}
