"""The plan of every symbol, against segno: where each module stands and which block it belongs to, all versions, levels, masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import segno
from segno import consts
from soft_parts import soft_values, symbol

from edge_agent.scanning.soft.blocks import LAST_VERSION, LEVELS, alignment_places, blocks_of, data_bits, interleaving
from edge_agent.scanning.soft.codewords import data_of, decode, formats, read_codewords
from edge_agent.scanning.soft.layout import LEVEL_BITS, format_word, layout_of
from edge_agent.scanning.soft.reed_solomon import syndromes

VERSIONS = range(1, LAST_VERSION + 1)
VECTORS = Path(__file__).parents[1] / "vectors" / "qr"
# segno names what each module is for
KNOWN = {
    consts.TYPE_FINDER_PATTERN_DARK: True, consts.TYPE_FINDER_PATTERN_LIGHT: False, consts.TYPE_SEPARATOR: False,
    consts.TYPE_ALIGNMENT_PATTERN_DARK: True, consts.TYPE_ALIGNMENT_PATTERN_LIGHT: False, consts.TYPE_TIMING_DARK: True,
    consts.TYPE_TIMING_LIGHT: False, consts.TYPE_DARKMODULE: True, consts.TYPE_VERSION_DARK: True, consts.TYPE_VERSION_LIGHT: False,
}  # fmt: skip
CARRIED = (consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT)
FORMAT = (consts.TYPE_FORMAT_DARK, consts.TYPE_FORMAT_LIGHT)


def purposes(version):
    """What segno says each module is for, without its quiet zone."""
    made = segno.make("1", version=version, error="l", mask=0, micro=False, boost_error=False)
    seen = np.array([list(row) for row in made.matrix_iter(border=0, verbose=True)])
    # segno labels one module too many as format (its symbols are right): it carries data, as the symbols below show
    seen[8, -9] = consts.TYPE_DATA_LIGHT
    return seen


@pytest.mark.parametrize("version", VERSIONS)
def test_every_module_is_for_what_segno_says(version):
    layout, seen = layout_of(version), purposes(version)

    assert layout.side == len(seen)
    assert (layout.known_mask == np.isin(seen, list(KNOWN))).all()
    assert (layout.colours == np.isin(seen, [each for each, dark in KNOWN.items() if dark])).all()
    assert len({tuple(each) for each in layout.formats.reshape(-1, 2)}) == 30
    assert np.isin(seen[layout.formats[..., 0], layout.formats[..., 1]], FORMAT).all()
    assert np.isin(seen[layout.order[:, 0], layout.order[:, 1]], CARRIED).all()
    assert 0 <= np.isin(seen, CARRIED).sum() - len(layout.order) < 8, "only remainder bits are left out"
    assert data_bits(version) == np.isin(seen, CARRIED).sum()


# every version and level, the masks in turn; every mask and level at version 7
SYMBOLS = [(version, level, (version + 2 * number) % 8) for version in VERSIONS for number, level in enumerate(LEVELS)]
SYMBOLS += [(7, level, mask) for level in LEVELS for mask in range(8)]


def test_every_symbol_of_segno_is_decoded_exactly():
    for version, level, mask in SYMBOLS:
        said = f"{version}{level}{mask}".encode()
        found = decode(soft_values(symbol(said, version, level, mask)), layout_of(version), spare=None)

        assert found is not None, (version, level, mask)
        assert (found.payload, found.format.level, found.format.mask) == (said, level, mask)
        assert (found.errors, found.erasures) == (0, 0)


@pytest.mark.parametrize("level", LEVELS)
def test_every_block_of_a_full_symbol_is_a_codeword_and_their_data_are_what_went_in(level):
    for version in VERSIONS:
        start = 12 if version < 10 else 20  # mode and count
        room = (consts.SYMBOL_CAPACITY[version][getattr(consts, f"ERROR_LEVEL_{level}")] - start) // 8
        said = np.random.default_rng(version).bytes(room)
        words, _ = read_codewords(soft_values(symbol(said, version, level, 5)), layout_of(version), 5)

        check = blocks_of(version, level).check
        assert not any(syndromes(words[places][None], check).any() for places in interleaving(version, level))
        data = data_of(words, version, level)
        assert int.from_bytes(data, "big") >> 8 * len(data) - start - 8 * room & (1 << 8 * room) - 1 == int.from_bytes(
            said, "big"
        )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("version", VERSIONS)
def test_blocks_share_all_codewords_out_and_each_stands_once(version, level):
    blocks, places = blocks_of(version, level), interleaving(version, level)

    assert [len(each) for each in places] == list(blocks.lengths)
    assert max(blocks.lengths) - min(blocks.lengths) <= 1
    assert max(blocks.lengths) <= 255
    assert sorted(np.concatenate(places).tolist()) == list(range(data_bits(version) // 8))


def test_the_block_vectors_are_what_this_reader_uses():
    table = json.loads((VECTORS / "blocks.json").read_text("utf-8"))["blocks"]

    assert len(table) == 160
    for each in table:
        blocks = blocks_of(each["version"], each["level"])
        assert (blocks.check, list(blocks.lengths)) == (each["check"], each["lengths"])
        assert list(alignment_places(each["version"])) == each["alignment"]


def test_the_format_vectors_are_what_this_reader_uses():
    words = json.loads((VECTORS / "format-words.json").read_text("utf-8"))["words"]

    assert len({each["word"] for each in words}) == 32
    for each in words:
        (level_bits,) = (bits for bits, level in LEVEL_BITS.items() if level == each["level"])
        assert f"{format_word(level_bits, each['mask']):015b}" == each["word"]


@pytest.mark.parametrize("copy", [0, 1])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("mask", range(8))
def test_either_copy_of_the_format_is_enough(mask, level, copy):
    layout = layout_of(8)
    soft = soft_values(symbol(b"format", 8, level, mask))
    gone = layout.formats[1 - copy]
    soft[gone[:, 0], gone[:, 1]] = 0

    assert formats(soft, layout)[0][:2] == (level, mask)


def test_a_format_with_three_of_fifteen_bits_wrong_in_both_copies_is_still_the_likeliest():
    layout = layout_of(8)
    soft = soft_values(symbol(b"format", 8, "M", 3))
    for wrong in ([0, 1, 2], [3, 8, 14], [5, 6, 11]):
        spoilt = soft.copy()
        places = layout.formats[:, wrong].reshape(-1, 2)
        spoilt[places[:, 0], places[:, 1]] *= -1
        assert formats(spoilt, layout)[0][:2] == ("M", 3)
