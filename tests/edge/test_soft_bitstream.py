"""Bit streams: the vectors, zxing's opinion on the same symbols, and any bytes at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from soft_parts import bits, drawn, soft_values, symbol, zxing_bytes

from edge_agent.scanning.soft.bitstream import parse
from edge_agent.scanning.soft.codewords import decode
from edge_agent.scanning.soft.layout import layout_of
from residence.errors import Malformed, Refused, catalogue

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "qr" / "bit-streams.json").read_text("utf-8"))
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
GOOD = pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda each: each["name"])
BAD = pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda each: each["name"])
# zxing puts the application indicator of FNC1 in the second position into its bytes, and gives nothing for an empty code
ZXING_DIFFERS = {"FNC1 second, application indicator taken off", "nothing but a terminator", "an empty byte segment"}
ONLY_BARE = "fewer than four bits left are a terminator"  # a symbol is padded behind it
# zxing takes these; this reader does not
ZXING_TAKES = ("structured append", "ECI above", "the hugest ECI")


def outcome(data, version):
    try:
        return parse(data, version=version)
    except (Malformed, Refused) as error:
        return error.code


@GOOD
def test_every_good_stream_says_what_its_vector_says(vector):
    parsed = parse(bytes.fromhex(vector["stream_hex"]), version=vector["version"])

    assert parsed.payload.hex() == vector["payload_hex"]
    assert list(parsed.ecis) == vector["ecis"]


@BAD
def test_every_bad_stream_is_refused_with_the_code_of_its_vector(vector):
    assert outcome(bytes.fromhex(vector["stream_hex"]), vector["version"]) == vector["refusal"]
    assert vector["refusal"] in catalogue()


@GOOD
def test_zxing_reads_the_same_bytes_in_a_symbol_of_the_stream(vector):
    if vector["name"] == ONLY_BARE:
        return
    dark = drawn(bytes.fromhex(vector["stream_hex"]), vector["version"])

    assert decode(soft_values(dark), layout_of(vector["version"])).payload.hex() == vector["payload_hex"]
    if vector["name"] not in ZXING_DIFFERS:
        assert zxing_bytes(dark).hex() == vector["payload_hex"]


@BAD
def test_a_symbol_of_a_bad_stream_is_decoded_and_refused_and_zxing_knows_no_better(vector):
    # streams that end early are padded in a symbol, so they may say something there
    dark = drawn(bytes.fromhex(vector["stream_hex"]), vector["version"])
    found = decode(soft_values(dark), layout_of(vector["version"]))

    assert found is not None
    assert (found.payload is None) is bool(found.refusal)
    if found.payload is None and not vector["name"].startswith(ZXING_TAKES):
        assert zxing_bytes(dark) is None


def counted(kind, length, version):
    widths = {1: (10, 12, 14), 2: (9, 11, 13), 4: (8, 16, 16), 8: (8, 10, 12)}[kind]
    return [(kind, 4), (length, widths[(version > 9) + (version > 26)])]


def numeric(text, version):
    groups = [text[place : place + 3] for place in range(0, len(text), 3)]
    return [*counted(1, len(text), version), *((int(each), (0, 4, 7, 10)[len(each)]) for each in groups)], text.encode()


def alphanumeric(text, version):
    pairs = [[LETTERS.index(each) for each in text[place : place + 2]] for place in range(0, len(text), 2)]
    written = [(pair[0] * 45 + pair[1], 11) if len(pair) == 2 else (pair[0], 6) for pair in pairs]
    return [*counted(2, len(text), version), *written], text.encode()


def kanji(words, version):
    written = []
    for high, low in words:
        turned = (high << 8 | low) - (0x8140 if high < 0xE0 else 0xC140)
        written.append(((turned >> 8) * 0xC0 + (turned & 0xFF), 13))
    return [*counted(8, len(words), version), *written], bytes(each for word in words for each in word)


def designator(number):
    if number < 128:
        return [(7, 4), (number, 8)]
    return [(7, 4), (0x8000 | number, 16)] if number < 16384 else [(7, 4), (0xC00000 | number, 24)]


shift_jis = st.tuples(st.integers(0x81, 0x9F) | st.integers(0xE0, 0xEA), st.integers(0x40, 0xFB))
segments = st.one_of(
    st.tuples(st.just(numeric), st.text("0123456789", max_size=30)),
    st.tuples(st.just(alphanumeric), st.text(LETTERS, max_size=30)),
    st.tuples(st.just(kanji), st.lists(shift_jis, max_size=9)),
    st.tuples(st.just(lambda body, version: ([*counted(4, len(body), version), body], body)), st.binary(max_size=30)),
    st.tuples(st.just(lambda number, _: (designator(number), b"")), st.integers(0, 999_999)),
)


@given(st.lists(segments, max_size=5), st.integers(1, 40), st.booleans())
@settings(max_examples=150)
def test_any_mixture_of_segments_comes_back_as_its_bytes(parts, version, terminated):
    written, said = [], b""
    for write, content in parts:
        stream, body = write(content, version)
        written += stream
        said += body
    data = bits(*written, *([(0, 4)] if terminated else []))

    assert parse(data, version=version).payload == said


@given(st.binary(max_size=600), st.integers(1, 40))
@settings(max_examples=400)
def test_any_bytes_give_a_payload_that_fits_in_them_or_a_refusal_that_has_its_sentences(data, version):
    found = outcome(data, version)

    if isinstance(found, str):
        assert found.startswith("qr.")
        assert found in catalogue()
    else:
        assert len(found.payload) * 10 <= len(data) * 8 * 3  # digits are the densest: three in ten bits
        assert found.used_bits <= len(data) * 8
        assert all(0 <= each <= 999_999 for each in found.ecis)


@given(st.sampled_from(VECTORS["good"]), st.data())
@settings(max_examples=200)
def test_a_good_stream_cut_or_changed_anywhere_gives_bytes_or_a_coded_refusal(vector, data):
    stream = bytearray(bytes.fromhex(vector["stream_hex"]))
    stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(0, 255))
    found = outcome(bytes(stream[: data.draw(st.integers(0, len(stream)))]), vector["version"])

    assert not isinstance(found, str) or found in catalogue()


@pytest.mark.parametrize("text", ["079088000317", "HTTPS://VI.DU/9", "茗荷と金", "Trần Văn An", "a1B2-C3"])
@pytest.mark.parametrize("version", [4, 12, 30])
def test_segno_and_zxing_and_this_reader_agree(text, version):
    dark = symbol(text, version, "M")
    found = decode(soft_values(dark), layout_of(version))

    assert found.payload == zxing_bytes(dark)
    assert found.payload.decode("shift-jis" if text == "茗荷と金" else "utf-8") == text


def test_parts_of_a_structured_append_by_segno_are_refused_one_and_all():
    for part in segno.make_sequence("một thẻ không bao giờ chia thành nhiều mã" * 3, symbol_count=3):
        version = int(part.version)
        dark = np.array([list(row) for row in part.matrix]) == 1
        found = decode(soft_values(dark), layout_of(version))

        assert (found.payload, found.refusal) == (None, "qr.structured_append")
