"""A PostgreSQL server that vanishes without a word is noticed: what the kernel was told about each connection."""

from __future__ import annotations

import socket

import pytest
from sqlalchemy import Connection

from registry.database import open_engine

# socket option -> what it must be
NOTICED = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 10,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 5,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 4,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 30_000,
}


def _told(connection: Connection, option: tuple[int, int]) -> int:
    line = connection.connection.driver_connection
    assert line is not None
    with socket.socket(fileno=socket.dup(line.fileno())) as same:
        return same.getsockopt(*option)


def test_the_kernel_probes_a_silent_server_and_gives_up_unanswered_bytes(postgres):
    engine = open_engine(postgres.new_database())
    with engine.connect() as connection:
        told = {option: _told(connection, option) for option in NOTICED}
    engine.dispose()
    assert told == NOTICED


@pytest.mark.parametrize(
    ("words", "option", "value"),
    [
        ("keepalives_idle=61", (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 61),
        ("tcp_user_timeout=7000", (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT), 7000),
        ("keepalives=0", (socket.SOL_SOCKET, socket.SO_KEEPALIVE), 0),
    ],
)
def test_the_address_has_the_last_word(postgres, words, option, value):
    engine = open_engine(f"{postgres.new_database()}?{words}")
    with engine.connect() as connection:
        assert _told(connection, option) == value
    engine.dispose()


def test_a_call_nobody_answers_ends_too(postgres):
    engine = open_engine(postgres.new_database())
    with engine.connect() as connection:
        line = connection.connection.driver_connection
        assert line is not None
        assert line.info.get_parameters()["connect_timeout"] == "10"
    engine.dispose()
