"""A full disk is nobody's statement's fault; a broken constraint is not the machine's."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from registry.outages import is_machines_fault


def test_a_full_database_is_the_machines_fault(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'small.db'}")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (b BLOB)"))
        connection.execute(text("PRAGMA max_page_count = 4"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    engine.dispose()
    assert is_machines_fault(caught.value)


def test_a_database_that_cannot_be_opened_is_the_machines_fault(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'nowhere' / 'small.db'}")
    with pytest.raises(DBAPIError) as caught:
        engine.connect()
    assert is_machines_fault(caught.value)


class Told(Exception):
    """What a driver raises, with PostgreSQL's own code."""

    def __init__(self, sqlstate):
        self.sqlstate = sqlstate


TOLD = {"disk full": ("53100", True), "shut down": ("57P01", True), "connection": ("08006", True), "too long": ("54000", False),
        "twice": ("23505", False)}  # fmt: skip


@pytest.mark.parametrize(("sqlstate", "machine"), TOLD.values(), ids=TOLD.keys())
def test_postgresqls_codes_tell_machine_from_statement(sqlstate, machine):
    assert is_machines_fault(DBAPIError("INSERT", {}, Told(sqlstate))) is machine


def test_a_broken_constraint_and_an_error_of_our_own_are_not_the_machines_fault():
    assert not is_machines_fault(IntegrityError("INSERT", {}, Exception("UNIQUE")))
    assert not is_machines_fault(ValueError("ours"))
    assert is_machines_fault(OSError("disk"))
