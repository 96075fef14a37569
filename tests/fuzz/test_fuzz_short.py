"""The short, seeded run of the fuzzing: every committed input and a few hundred damaged copies, each held to 64 MiB and one second.

The long run, guided by coverage, is ``scripts/fuzz``; that it starts, holds inputs to the same limits and ends well is tried here too.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fuzz import chip_answers
from fuzz.bending import bent
from fuzz.limits import MOST_BYTES, TooSlow, one_input
from fuzz.targets import CORPUS, MODULES, module_of

ROOT = Path(__file__).parents[2]
COPIES = {"chip": 25, "chip-answers": 2, "codes": 5, "pn532": 40, "wire": 10, "zones": 20}


@pytest.mark.parametrize("target", sorted(MODULES))
def test_every_kept_input_and_its_damaged_copies_keep_the_promises(target):
    module = module_of(target)
    module.load()
    for name, data in module.seeds().items():
        with one_input():
            module.judge(data)
        for copy in bent(data, name=name, count=COPIES[target]):
            with one_input():
                module.judge(copy)


@pytest.mark.parametrize("target", sorted(MODULES))
def test_a_target_has_inputs_and_none_lies_in_the_corpus_unread(target):
    seeds = module_of(target).seeds()
    assert len(seeds) >= 10
    assert {path.stem for path in (CORPUS / target).glob("*.bin")} <= set(seeds)


def test_a_recorded_reading_opens_again_and_is_read_to_its_end():
    """The seeds are worth something: the fuzzer begins behind an opened channel, not before a closed one."""
    for name in ("pace", "bac", "integrated"):
        told = (chip_answers.CORPUS / f"{name}.answers").read_bytes()
        card = chip_answers.Telling(told)
        chip_answers._read(card, chip_answers._opening())
        assert next(card.answers, None) is None, name


def test_an_input_that_takes_more_memory_than_it_may_is_found():
    with one_input():
        assert len(bytearray(MOST_BYTES // 2)) == MOST_BYTES // 2
    with pytest.raises(MemoryError), one_input():
        bytearray(MOST_BYTES * 2)


def test_an_input_that_takes_longer_than_it_may_is_found():
    def for_ever():
        number = 1
        while True:
            number = number * 3 % 1_000_003

    with pytest.raises(TooSlow), one_input(seconds=0.05):
        for_ever()


def test_the_fuzzer_itself_runs_and_keeps_what_reaches_new_code(tmp_path):
    done = subprocess.run(
        ["scripts/fuzz", "zones", "--runs", "300", "--keep", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "number_of_executed_units: 300" in done.stderr
    assert len(list((tmp_path / "zones").iterdir())) >= len(module_of("zones").seeds())
    assert not list((tmp_path / "found").iterdir())
