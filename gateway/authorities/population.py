"""The population database over HTTP: one question, one answer. The contract is ours (docs/population.md).

- A question changes nothing there, so after silence the same one is put again under the same id.
- The number it is asked by is read from the file's sealed form for each attempt and kept nowhere else.
- An answer with anything that was not asked for, or not as agreed, is not believed, and no word of it is kept.

Example: ``Outgoing(registry, PopulationTraffic(registry.vault, line, ...), ...).step()``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

import httpx
import msgspec
from sqlalchemy import Connection, Row

from gateway.authorities.token_line import Said, TokenLine, turned_away
from registry import tables
from registry.population_questions import POPULATION, WAITING, record_asking, sealed_answer
from registry.procedures import file_of, form_of
from registry.vault import Vault
from residence.access.purposes import Purpose
from residence.cases.population import PopulationField, PopulationQuestion, read_answer
from residence.cases.procedures import OPEN
from residence.errors import Malformed


class PopulationTraffic:
    """What goes to the population database."""

    authority: Final = POPULATION
    table: Final = tables.population_questions
    waiting: Final[tuple[str, ...]] = WAITING

    def __init__(self, vault: Vault, line: TokenLine, *, random_bytes: Callable[[int], bytes]) -> None:
        self._vault, self._line, self._random_bytes = vault, line, random_bytes

    def prepare(self, connection: Connection, row: Row[Any], *, now: datetime) -> bytes | None:
        """Return the question; None once its file is over, or its person erased."""
        file = file_of(connection, row.file_id)
        form = form_of(connection, file, vault=self._vault) if file is not None and file.state in OPEN else {}
        if "personal_number" not in form:
            return None
        record_asking(connection, row, now=now, random_bytes=self._random_bytes)
        question = PopulationQuestion(
            question_id=row.question_id,
            purpose=Purpose.PROCEDURE_FILE.value,
            about=row.file_id,
            office=row.commune_code,
            personal_number=form["personal_number"].value,
            wanted=cast("tuple[PopulationField, ...]", tuple(row.fields.split())),
        )
        return msgspec.json.encode(question)

    def tell(self, row: Row[Any], body: bytes) -> Said:
        """Put the question."""
        answer = self._line.send("POST", "/questions", content=body)
        if isinstance(answer, Said):
            return answer
        if answer.status_code in {httpx.codes.FORBIDDEN, httpx.codes.UNPROCESSABLE_ENTITY}:
            return Said("refused", code="population.refused")
        if answer.status_code != httpx.codes.OK:
            return turned_away(answer)
        try:
            return Said(
                "received", answer=read_answer(answer.content, question_id=row.question_id, wanted=tuple(row.fields.split()))
            )
        except Malformed as error:
            return Said("silent", code=error.code)

    def settled(self, connection: Connection, row: Row[Any], said: Said, *, now: datetime) -> dict[str, Any]:  # noqa: ARG002 - the port's
        """Return the answer, as columns."""
        if said.fate != "received":
            return {"state": "refused"}
        if not said.answer.found:
            return {"state": "nobody"}
        return {"state": "answered", "answer_sealed": sealed_answer(connection, row, said.answer.values, vault=self._vault)}
