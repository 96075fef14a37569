"""The ministry's catalogues: fetched when they are needed or stale, kept in the registry, used on while the ministry is away.

- One is asked for again with its ETag when it is stale, and at once when it lacks what is looked for. Where it cannot be had, the one before stands
  and is not asked for again for ``PATIENCE``.
- A catalogue nobody can read is no catalogue: the one before stands. What it holds is bounded, for it comes from outside.
- In what it differs from ours is written to the log each time it is new, and shown by ``luutru authority status`` and to operators.
- A path that is not set is a catalogue that is not fetched.

Example: ``Catalogues(settings, session=session, registry=registry, now=clock.now).current("reasons")``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.authorities.kbtt_mapping import read_answer
from gateway.authorities.kbtt_session import NotSentError, Session
from gateway.authorities.port import Outcome
from gateway.authorities.settings import KbttSettings
from registry.authority_catalogues import Catalogue, keep, kept
from registry.database import Registry
from residence.stays.ministry_lists import LIST_NAMES, ListName, differences

AUTHORITY: Final = "kbtt"
NOT_MODIFIED: Final = 304
PATIENCE: Final = timedelta(minutes=1)
PAUSE: Final = timedelta(minutes=10)
MOST_ENTRIES: Final = 20_000  # wards are 3,323
_LONGEST_CODE: Final = 32
_LONGEST_LABEL: Final = 200
log = structlog.get_logger("luutru.authority")


class Catalogues:
    """The catalogues of one authority."""

    def __init__(self, settings: KbttSettings, *, session: Session, registry: Registry, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._session = session
        self._registry = registry
        self._now = now
        self._leave_until: dict[ListName, datetime] = {}
        self._refresh_at: datetime | None = None

    def current(self, name: ListName) -> Catalogue | None:
        """Return a catalogue, fetched anew when it is stale; None where none was ever had."""
        known = self._kept(name)
        if known is not None and known.fresh_until > self._now():
            return known
        return self.anew(name)

    def anew(self, name: ListName) -> Catalogue | None:
        """Return a catalogue as it is now, the one before where it cannot be had."""
        known, now = self._kept(name), self._now()
        if not self._path(name) or self._leave_until.get(name, now) > now:
            return known
        try:
            return self._fetched(name, known)
        except NotSentError:
            self._leave_until[name] = now + PATIENCE
            log.warning("a catalogue cannot be had", catalogue=name, used_of=known.fetched_at.isoformat() if known else None)
            return known

    def refresh(self) -> None:
        """Fetch every catalogue that is stale; looked at every ``PAUSE``, however often it is called."""
        now = self._now()
        if self._refresh_at is not None and now < self._refresh_at:
            return
        self._refresh_at = now + PAUSE
        for name in LIST_NAMES:
            if self._path(name):
                self.current(name)

    def _path(self, name: ListName) -> str:
        path: str = getattr(self._settings.paths, name)
        return path

    def _kept(self, name: ListName) -> Catalogue | None:
        with self._registry.reading() as connection:
            return kept(connection, AUTHORITY, name)

    def _fetched(self, name: ListName, known: Catalogue | None) -> Catalogue:
        answer = self._session.get(self._path(name), etag=known.etag if known else None)
        now = self._now()
        same = known is not None and answer.status_code == NOT_MODIFIED
        content = known.content if known is not None and same else self._content(answer.content)
        fresh = Catalogue(
            name=name,
            content=content,
            fetched_at=now,
            fresh_until=now + timedelta(hours=self._settings.catalogue_hours),
            etag=answer.headers.get("etag") or (known.etag if known else None),
        )
        with self._registry.writing() as connection:
            keep(connection, AUTHORITY, fresh)
        if known is None or known.content != content:
            for each in differences(name, content):
                log.warning("a catalogue differs", catalogue=name, kind=each.kind, code=each.code, label=each.label)
        return fresh

    def _content(self, body: bytes) -> dict[str, str]:
        """Return code -> label; a list nobody can read is no list."""
        answer = read_answer(body)
        rows = answer.get("data") if answer else None
        key, label = self._settings.catalogue_code, self._settings.catalogue_label
        found = {
            _plain(each[key], _LONGEST_CODE): _plain(each.get(label) or "", _LONGEST_LABEL)
            for each in (rows if isinstance(rows, list) else ())[:MOST_ENTRIES]
            if isinstance(each, dict) and isinstance(each.get(key), str | int)
        }
        if not found:
            raise NotSentError(Outcome(fate="not-sent", code="authority.catalogue_away"))
        return found


def _plain(value: object, longest: int) -> str:
    """Return what may be shown on a terminal and kept: no control characters."""
    return "".join(each for each in str(value)[:longest] if each.isprintable())
