"""The ministry's declaration API (KBTT) as a connector: which form goes where, one person per call.

- A batch may be taken in part and its errors are one text, so a batch has one declaration (ADR 59).
- The catalogue of nationalities is fetched when a foreigner first needs it, kept in the registry, asked for again with its ETag when it is stale, and at
  once when a code is missing. A stale one is used rather than nothing.
- Settings answer what the document leaves open; what is not set is not guessed, and the guest goes another way.

Example: ``Kbtt(settings, secrets=folder, registry=registry, now=clock.now).send(task)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from gateway.authorities.kbtt_checks import OTHER_CHANNEL, problems_of
from gateway.authorities.kbtt_mapping import change_fields, declaration_fields, nationality_code, read_answer
from gateway.authorities.kbtt_session import NotSentError, Session, make_client
from gateway.authorities.port import Outcome, Task, Terms
from gateway.authorities.settings import KbttSettings
from gateway.authorities.terms import terms_for
from registry.authority_catalogues import Catalogue, keep, kept
from registry.database import Registry
from residence.errors import Problem, problem
from residence.stays.declaration import StayDeclaration

NATIONALITIES: Final = "nationalities"
NOT_MODIFIED: Final = 304
log = structlog.get_logger("luutru.authority")


class Kbtt:
    """The connector."""

    name: Final = "kbtt"

    def __init__(self, settings: KbttSettings, *, secrets: Path, registry: Registry, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._secrets = secrets
        self._registry = registry
        self._now = now
        self._client = make_client(settings)
        self._sessions: dict[str, Session] = {}

    def terms(self, arrival: datetime) -> Terms:
        """Return the rule set for a stay that began then."""
        return terms_for(self.name, arrival)

    def check(self, task: Task) -> tuple[Problem, ...]:
        """Return everything that keeps the task from being sent."""
        return problems_of(task, self._settings)

    def is_beyond(self, problems: Iterable[Problem]) -> bool:
        """Tell whether any of these is nobody's to mend, so that another channel is needed."""
        return any(each.code in OTHER_CHANNEL for each in problems)

    def tells_disputes(self, declaration: StayDeclaration) -> bool:
        """Tell whether the guest's form has a note; a foreigner's has none."""
        return declaration.person.nationality == "VNM"

    def send(self, task: Task) -> Outcome:
        """Send one person's arrival, extension or early departure."""
        paths, session = self._settings.paths, self._session(task.facility)
        if task.operation != "arrival":
            content = change_fields(task, self._settings)
            path = paths.change_foreigner if task.is_foreigner else paths.change
            return session.post(path, [content] if self._settings.change_as_array else content)
        if not task.is_foreigner:
            return session.post(paths.declare, [declaration_fields(task, self._settings, nationality=None)])
        try:
            code = self._nationality(task.declaration.person.nationality, session)
        except NotSentError as away:
            return away.outcome
        if code is None:
            return unknown_nationality()
        return session.post(paths.declare_foreigner, [declaration_fields(task, self._settings, nationality=code)])

    def close(self) -> None:
        """Log out and close the connections."""
        for session in self._sessions.values():
            session.log_out()
        self._client.close()

    def _session(self, facility: str) -> Session:
        found = self._sessions.get(facility)
        if found is None:
            found = Session(facility, self._settings, client=self._client, secrets=self._secrets, now=self._now)
            self._sessions[facility] = found
        return found

    def _nationality(self, nationality: str, session: Session) -> str | None:
        """Return the catalogue's code; a list that has no such code is fetched anew before we give up."""
        with self._registry.reading() as connection:
            known = kept(connection, self.name, NATIONALITIES)
        if known is not None and known.fresh_until > self._now():
            code = nationality_code(nationality, list(known.content), self._settings)
            if code is not None:
                return code
        try:
            known = self._fetched(known, session)
        except NotSentError:
            if known is None:
                raise
            log.warning("an old catalogue is used", catalogue=NATIONALITIES, fetched_at=known.fetched_at.isoformat())
        return nationality_code(nationality, list(known.content), self._settings)

    def _fetched(self, known: Catalogue | None, session: Session) -> Catalogue:
        path = self._settings.paths.nationalities
        if not path:
            raise NotSentError(unknown_nationality())
        answer = session.get(path, etag=known.etag if known else None)
        now = self._now()
        content = known.content if known is not None and answer.status_code == NOT_MODIFIED else self._content(answer.content)
        fresh = Catalogue(
            name=NATIONALITIES,
            content=content,
            fetched_at=now,
            fresh_until=now + timedelta(hours=self._settings.catalogue_hours),
            etag=answer.headers.get("etag") or (known.etag if known else None),
        )
        with self._registry.writing() as connection:
            keep(connection, self.name, fresh)
        return fresh

    def _content(self, body: bytes) -> dict[str, str]:
        """Return code -> label; a list nobody can read is no list."""
        answer = read_answer(body)
        rows = answer.get("data") if answer else None
        key = self._settings.catalogue_code
        found = {
            str(each[key]): str(each.get(self._settings.catalogue_label) or "")
            for each in rows or ()
            if isinstance(each, dict) and key in each
        }
        if not found:
            raise NotSentError(Outcome(fate="not-sent", code="authority.catalogue_away"))
        return found


def unknown_nationality() -> Outcome:
    """Return that the catalogue has no such country, which happens."""
    found = problem("authority.nationality_unknown", "/person/nationality")
    return Outcome(fate="unfit", code=found.code, problems=(found,))
