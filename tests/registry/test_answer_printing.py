"""What a command tells people: a table that fits, else row by row; silence is never an answer, and no value is told as a program writes it."""

from __future__ import annotations

import pytest

from luutru.commands.answer_printing import lines_of, print_answer, text_of

HOMES = [
    {"residence_id": "r-1", "kind": "permanent", "unit": None, "units": ("0101", "0102"), "at": "2026-11-29T11:49:51.996529Z"},
    {"residence_id": "r-22", "kind": "temporary", "unit": None, "units": (), "at": None},
]
TABLE = [
    "residence id  kind       units       at",
    "r-1           permanent  0101, 0102  2026-11-29 18:49:51",
    "r-22          temporary  –           –",
]
ROW_BY_ROW = [
    "- residence id: r-1",
    "  kind: permanent",
    "  units: 0101, 0102",
    "  at: 2026-11-29 18:49:51",
    "- residence id: r-22",
    "  kind: temporary",
]


@pytest.mark.parametrize(("width", "lines"), [(80, TABLE), (40, ROW_BY_ROW)])
def test_rows_are_a_table_where_it_fits_and_no_column_is_empty(width, lines):
    assert lines_of(HOMES, width=width) == lines


ANSWERS = {
    "an empty list is said": ({"ok": True, "homes": []}, "done (0.1 s)\nhomes: none\n"),
    "counts are lines": ({"ok": True, "counts": {"listed": 0}}, "done (0.1 s)\ncounts:\n  listed: 0\n"),
    "a refusal is its sentence, not its kind's": (
        {"ok": False, "problems": ["units.unknown"], "pointer": "", "detail": "Understood and genuine, but not allowed."},
        "not done (0.1 s)\n  units.unknown ",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_told_in_words(name, capsys):
    answer, told = ANSWERS[name]
    print_answer({**answer, "seconds": 0.1})
    out = capsys.readouterr().out
    assert out.startswith(told)
    assert "Understood" not in out


def test_a_day_is_told_as_it_is_in_vietnam():
    assert text_of("2026-12-28T17:00:00Z")[:10] == "2026-12-29"  # what is due on a day is due at its midnight there
