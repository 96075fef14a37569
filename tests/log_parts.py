"""A log of looks for tests: published when asked to, rewritten as its operator could, asked by the command anybody has."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

from factories import StandingClock
from laid_tables import lay_sqlite
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.system import random_bytes
from luutru.transparency.key_files import make_signer_file
from registry import access_records
from registry.database import connect
from registry.handing_over import Handing
from registry.key_provider import FileKeyProvider
from registry.log_files import LogFiles
from registry.publishing_looks import turn
from registry.release import Look
from registry.vault import Vault
from residence.access.purposes import Field, Purpose
from residence.transparency.looks import read_entry
from residence.transparency.notes import LOG
from residence.transparency.tiles import Tiles


class LogOf:
    """The log of one registry."""

    def __init__(self, registry, directory, *, handing=None):
        self.handing = handing
        self.registry, self.files = registry, LogFiles(directory / "log")
        self.signer = make_signer_file(directory / "log.key", name="example.org/log", kind=LOG, random_bytes=random_bytes)
        self.key = self.signer.key.line
        self.files.put_key(self.signer.key)
        self.clock = StandingClock()

    def publish(self, **options):
        with self.files.writing() as files:
            return turn(self.registry, files, signer=self.signer, handing=self.handing, **options)

    def look(self, *people, about="case-1"):
        """Somebody looks at these people at once, as every page does."""
        look = Look(
            account_id="acc-officer", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code="demo-01", about=about
        )
        self.clock.instant += timedelta(seconds=5)
        with self.registry.writing() as connection:
            access_records.add(
                connection,
                people,
                look=look,
                fields=frozenset({Field.FULL_NAME}),
                now=self.clock.now(),
                random_bytes=random_bytes,
            )

    def entries(self):
        size = self.files.head(self.signer.key).size
        return list(Tiles(size, self.files.fetch).entries(0, size))

    def rows(self):
        return [read_entry(each).rows for each in self.entries()]

    def rewritten(self, folder, entries):
        """Lay another log under the same key, as its operator could."""
        files = LogFiles(folder)
        with files.writing():
            files.publish(files.append(entries, signer=self.signer))
        return files

    def verified(self, *more):
        return command("verify", self.files.folder, "--key", self.key, *more)

    def verified_with_registry(self):
        return self.verified("--registry", self.registry.engine.url)


def plain_log(directory, *, url=None, handed=False):
    """A log of a registry with nothing but its tables."""
    directory.mkdir(exist_ok=True)
    vault = Vault(FileKeyProvider(directory / "vault", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    handing = Handing(directory / "handed") if handed else None
    registry = connect(url or lay_sqlite(directory / "registry.db"), vault=vault, handing=handing)
    return LogOf(registry, directory, handing=handing)


def command(*arguments):
    """Run ``luutru log ... --json`` in this process."""
    answer = CliRunner().invoke(app, ["log", *(str(each) for each in arguments), "--json"])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.output
    return json.loads(answer.stdout.splitlines()[-1])


def codes(answer):
    return [each["code"] for each in answer["problems"]]


def swapped(entries):
    return [entries[1], entries[0], *entries[2:]]
