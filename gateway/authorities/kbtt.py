"""The ministry's declaration API (KBTT) as a connector: which form goes where, one person per call.

- A batch may be taken in part and its errors are one text, so a batch has one declaration (ADR 59).
- Nationality, reason and kind of document are told in the catalogues' own codes (``kbtt_catalogues.py``). Without a catalogue of reasons or documents
  the codes of the ministry's document stand; of nationalities there are none, and the guest waits.
- Settings answer what the document leaves open; what is not set is not guessed, and the guest goes another way.

Example: ``Kbtt(settings, secrets=folder, registry=registry, now=clock.now).send(task)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gateway.authorities.kbtt_catalogues import Catalogues
from gateway.authorities.kbtt_checks import OTHER_CHANNEL, problems_of
from gateway.authorities.kbtt_mapping import change_fields, declaration_fields, document_code, nationality_code
from gateway.authorities.kbtt_session import NotSentError, Session, make_client
from gateway.authorities.port import Outcome, Task, Terms
from gateway.authorities.settings import KbttSettings
from gateway.authorities.terms import terms_for
from registry.database import Registry
from residence.errors import Problem, problem
from residence.stays.declaration import StayDeclaration
from residence.stays.ministry_lists import ListName, their_code
from residence.stays.reasons import ministry_reason

_GONE: Final[dict[ListName, tuple[str, str]]] = {
    "reasons": ("authority.reason_unknown", "/reason"),
    "documents": ("authority.document_unknown", "/person/document/kind"),
}


class Kbtt:
    """The connector."""

    name: Final = "kbtt"

    def __init__(self, settings: KbttSettings, *, secrets: Path, registry: Registry, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._secrets = secrets
        self._now = now
        self._client = make_client(settings)
        public = Session("", settings, client=self._client, secrets=secrets, now=now)  # never logged in
        self._catalogues = Catalogues(settings, session=public, registry=registry, now=now)
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
        session = self._session(task.facility)
        try:
            path, content = self._told(task)
        except NotSentError as away:
            return away.outcome
        return session.post(path, content)

    def _told(self, task: Task) -> tuple[str, Any]:
        """Return where a task goes and its fields in the authority's own codes."""
        paths, settings, person = self._settings.paths, self._settings, task.declaration.person
        document = None if task.is_foreigner else self._number("documents", document_code(person.document))
        if task.operation != "arrival":
            content = change_fields(task, settings, document=document)
            path = paths.change_foreigner if task.is_foreigner else paths.change
            return path, [content] if settings.change_as_array else content
        if not task.is_foreigner:
            said = task.declaration.reason
            reason = self._number("reasons", ministry_reason(said)) if said else None
            return paths.declare, [declaration_fields(task, settings, nationality=None, reason=reason, document=document)]
        code = self._nationality(person.nationality)
        if code is None:
            raise NotSentError(unknown_nationality())
        return paths.declare_foreigner, [declaration_fields(task, settings, nationality=code)]

    def refresh(self) -> None:
        """Fetch every catalogue that is stale; what cannot be had is left as it was."""
        self._catalogues.refresh()

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

    def _nationality(self, nationality: str) -> str | None:
        """Return the catalogue's code; a list that has no such code is fetched anew before we give up."""
        for ask in (self._catalogues.current, self._catalogues.anew):
            known = ask("nationalities")
            if known is None:
                away = Outcome(fate="not-sent", code="authority.catalogue_away")
                raise NotSentError(away if self._settings.paths.nationalities else unknown_nationality())
            code = nationality_code(nationality, list(known.content), self._settings)
            if code is not None:
                return code
        return None

    def _number(self, name: ListName, ours: int | None) -> int:
        """Return what their list calls a code of the document; the document's own where no list was ever had."""
        for ask in (self._catalogues.current, self._catalogues.anew):
            known = ask(name)
            code = str(ours) if known is None else their_code(name, ours or 0, known.content)
            if code is not None and code.isascii() and code.isdigit():
                return int(code)
        raise NotSentError(unknown_word(name))


def unknown_word(name: ListName) -> Outcome:
    """Return that a list of theirs has no entry for a word of ours any more."""
    code, pointer = _GONE[name]
    found = problem(code, pointer)
    return Outcome(fate="unfit", code=found.code, problems=(found,))


def unknown_nationality() -> Outcome:
    """Return that the catalogue has no such country, which happens."""
    found = problem("authority.nationality_unknown", "/person/nationality")
    return Outcome(fate="unfit", code=found.code, problems=(found,))
