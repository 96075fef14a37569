"""How a line to another authority stands is one row, whoever writes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from recording_town import Town

from registry.authority_lines import LineState, is_spoken_to, lines, write_line


def test_several_senders_write_how_their_line_stands_in_the_same_moment(town: Town) -> None:
    together = Barrier(3)

    def write(number: int) -> None:
        for failures in range(10):
            together.wait()
            with town.registry.writing() as connection:
                write_line(
                    connection,
                    LineState(
                        authority="portal",
                        facility="",
                        state="open",
                        code=str(number),
                        failures=failures,
                        shut_until=None,
                        changed_at=town.now,
                    ),
                )

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    with town.registry.reading() as connection:
        assert is_spoken_to(connection, "portal")
        assert not is_spoken_to(connection, "population")
        (line,) = lines(connection).values()
    assert line.failures == 9
