"""One step at a time for what goes to an authority that is spoken to by a token: claim, commit, speak, write down how it ended.

- Claimed and committed before the first byte leaves. Killed anywhere, the claim runs out and the next sender goes by what ``Traffic`` does with a
  row that was tried before.
- The line of each authority is its own: after failures in a row nobody is sent for a while.

Example: ``Outgoing(registry, traffic, patience=settings.patience, means=means).step()`` is False when nothing is due
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, Row, Table

from gateway.authorities.lines import Line, Patience, pause_after
from gateway.authorities.sending import Means
from gateway.authorities.token_line import Said
from registry.authority_lines import LineState, write_line
from registry.database import Registry
from registry.locking import id_column
from registry.outgoing import claim, settle, take_next

log = structlog.get_logger("luutru.authority")


class Traffic(Protocol):
    """What goes to one authority."""

    @property
    def authority(self) -> str:
        """Its name on pages and lines."""

    @property
    def table(self) -> Table:
        """Where its rows are."""

    @property
    def waiting(self) -> tuple[str, ...]:
        """In which states a row waits."""

    def prepare(self, connection: Connection, row: Row[Any], *, now: datetime) -> bytes | None:
        """Return what is sent, with the telling on the record; None when there is nothing to be sent any more."""

    def tell(self, row: Row[Any], body: bytes) -> Said:
        """Speak to the authority, without a transaction."""

    def settled(self, connection: Connection, row: Row[Any], said: Said, *, now: datetime) -> dict[str, Any]:
        """Return the row's columns after an answer or a refusal."""


class Outgoing:
    """One process's sending of one traffic; several may work on one registry."""

    def __init__(self, registry: Registry, traffic: Traffic, *, patience: Patience, means: Means) -> None:
        self._registry, self._traffic, self._patience, self._means = registry, traffic, patience, means
        self._line: Line = Line()
        self._write_line(means.clock.now())  # from now on pages offer it

    def step(self) -> bool:
        """Do one thing that is due; False when nothing is."""
        now, traffic = self._means.clock.now(), self._traffic
        if self._line.is_shut(now):
            return False
        body, attempt = None, 0
        with self._registry.writing() as connection:
            row = take_next(connection, traffic.table, traffic.waiting, now=now)
            if row is not None:
                body = traffic.prepare(connection, row, now=now)
                if body is None:
                    settle(connection, traffic.table, row, attempt=None, now=now, state="nothing")
                else:
                    attempt = claim(connection, traffic.table, row, now=now, until=now + self._means.lease)
        if row is not None and body is not None:
            self._settle(row, attempt, traffic.tell(row, body))
        return row is not None

    def _settle(self, row: Row[Any], attempt: int, said: Said) -> None:
        now, traffic = self._means.clock.now(), self._traffic
        failed = said.fate in {"not-sent", "silent"}
        self._line = self._line.after(failed=failed, now=now, code=said.code, terms=self._patience)
        failures = row.failures + 1 if failed else 0
        values: dict[str, Any] = {"failures": failures, "code": said.code}
        with self._registry.writing() as connection:
            if failed:
                pause = pause_after(failures, terms=self._patience, fraction=self._means.fraction())
                values |= {"state": "silent", "next_at": now + max(pause, said.wait or timedelta())}
            else:
                values |= traffic.settled(connection, row, said, now=now)
            ours = settle(connection, traffic.table, row, attempt=attempt, now=now, **values)
        self._write_line(now)
        own_id = getattr(row, id_column(traffic.table).name)
        log.info(traffic.authority, row=own_id, fate=said.fate, code=said.code, ours=ours)

    def _write_line(self, now: datetime) -> None:
        line = self._line
        state = LineState(
            authority=self._traffic.authority,
            facility="",
            state="shut" if line.is_shut(now) else "open",
            code=line.code,
            failures=line.failures,
            shut_until=line.shut_until,
            changed_at=now,
        )
        with self._registry.writing() as connection:
            write_line(connection, state)
