"""What tests of key rotation share: a load of declarations beside them, and patience until what ran before has ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TypeVar

from factories import make_declaration, make_person
from recording_town import Town

from registry.database import connect
from registry.key_provider import FileKeyProvider
from registry.vault import Vault
from residence.errors import Refused

Done = TypeVar("Done")


def keys_of(tmp_path: Path) -> FileKeyProvider:
    return FileKeyProvider(tmp_path / "vault", random_bytes=secrets.token_bytes)


@contextmanager
def declarations_keep_coming(town: Town, tmp_path: Path) -> Iterator[list[str]]:
    """Two processes' worth of gateways, each with a vault of its own: new people, and the same person again and again."""
    stop, kept = Event(), []
    same = make_person()

    def declare() -> int:
        url = town.registry.engine.url.render_as_string(hide_password=False)
        own = Town(connect(url, vault=Vault(keys_of(tmp_path), random_bytes=secrets.token_bytes)), sequence=town.sequence)
        done = 0
        while not stop.is_set() or done < 4:
            number = f"001095{secrets.randbelow(10**6):06d}"
            for person in (make_person(personal_number=number, full_name="Người Thử Mới", document=None), same):
                recorded = own.record(own.say(make_declaration(person=person)))
                kept.append(recorded[0].receipt.declaration_id)
            done += 1
            stop.wait(0.02)  # as people come: the rotation wants its turn at the one place for writers, too
        own.registry.close()
        return done

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(declare) for _ in range(2)]
        try:
            yield kept
        finally:
            stop.set()
        assert all(each.result() >= 4 for each in running)


def until_settled(work: Callable[[], Done], *, tries: int = 400) -> Done:
    """Do what is refused while somebody's transaction is open; the load goes on."""
    for _ in range(tries):
        try:
            return work()
        except Refused as error:
            if error.code != "vault.not_settled":
                raise
            Event().wait(0.05)
    raise AssertionError("never settled")
