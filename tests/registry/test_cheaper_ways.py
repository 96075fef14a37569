"""What is done the cheap way for a batch gives exactly what the plain way gives."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from registry.vault import drawn_ahead
from residence.clock import uuid7, uuid7_text
from residence.stays.findings import NAMESPACE, Finding

MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_an_identifier_as_text_is_the_identifier(now, noise):
    assert uuid7_text(now, noise) == str(uuid7(now, noise))


@given(st.text(min_size=1, max_size=20), st.lists(st.text(max_size=36), max_size=3))
def test_a_findings_identity_is_the_name_based_uuid_of_its_content(code, about):
    finding = Finding(code=code, severity="info", about=tuple(about))
    assert finding.finding_id == str(uuid5(NAMESPACE, "\n".join(("finding", code, *about))))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(1, 64))
def test_randomness_drawn_ahead_is_the_sources_and_no_piece_is_given_twice(sizes, drawn):
    numbers = count()
    take = drawn_ahead(lambda size: b"".join(next(numbers).to_bytes(4, "big") for _ in range(size)), drawn)
    pieces = [take(4 * size) for size in sizes]
    assert [len(each) for each in pieces] == [4 * size for size in sizes]
    given_out = [piece[start : start + 4] for piece in pieces for start in range(0, len(piece), 4)]
    assert len(given_out) == len(set(given_out))
