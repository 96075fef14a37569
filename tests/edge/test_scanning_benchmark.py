"""The measuring set: the same numbers give the same picture, and only frames with a code have something to read."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.scanning.cascade import decode
from luutru.benchmarks import scanner
from luutru.benchmarks.card_set import CATEGORIES, make_clip, make_still


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_frame_depends_on_its_numbers_only(category):
    still, again = (make_still(1, category, level=1, number=2) for _ in range(2))

    assert np.array_equal(still.grey, again.grey)
    assert still.grey.shape == (480, 640)
    assert bool(still.payload) == (category != "none")


def test_the_easiest_frames_are_read_and_frames_without_a_code_are_not():
    clean = make_still(1, "clean", level=0, number=0)

    assert [code.text for code in decode(clean.grey)] == [clean.payload]
    assert decode(make_still(1, "none", level=0, number=0).grey) == []


def test_clips_begin_unreadable_and_repeat_exactly():
    first, again = ((payload, next(frames)) for payload, frames in (make_clip(1, 0), make_clip(1, 0)))

    assert first[0] == again[0]
    assert np.array_equal(first[1], again[1])
    assert decode(first[1]) == []


def test_the_benchmark_gives_the_keys_others_read(monkeypatch):
    monkeypatch.setattr(scanner, "CATEGORIES", {name: CATEGORIES[name] for name in ("clean", "none")})
    monkeypatch.setattr(scanner, "_clip", lambda number: (0.5, 1.5)[number])

    result = scanner.run(quick=True)

    assert result.name == "scanner"
    assert set(result.figures) >= {
        "stills_read",
        "clips_read_1s",
        "clips_read_2s",
        "wrong_texts",
        "codefree_read",
        "median_ms_720p",
    }
    assert (result.figures["stills_read"], result.figures["clips_read_1s"], result.figures["clips_read_2s"]) == (1.0, 1, 2)
    assert result.figures["wrong_texts"] == result.figures["codefree_read"] == 0
    assert result.ratios["mean_time_to_pyzbar"] > 0
    assert (result.settings["stills"], result.settings["codefree"], result.settings["clips"]) == (5, 5, 2)
