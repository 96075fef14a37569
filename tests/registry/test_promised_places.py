"""Places promised in receipts: given without a gap by whoever records, published in that order, and each way to break the promise found out."""

from __future__ import annotations

import json
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from factories import EVENING, make_declaration
from log_parts import codes, command
from recording_town import SIGNER
from sqlalchemy import delete, update
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.system import random_bytes
from luutru.transparency.key_files import make_signer_file
from registry import publishing_statements, tables
from registry.log_files import LogFiles
from registry.promised_places import close_log, log_row, promise_places
from residence.clock import rfc3339
from residence.errors import Conflict
from residence.transparency.notes import LOG, WITNESS, Signer
from residence.transparency.statements import VOID, committed_by
from residence.transparency.tiles import Tiles
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring
from residence.wire.receipts import receipt_text

WITNESSING = Signer("witness.example/w1", WITNESS, bytes(32))


class StatementLog:
    """The log of statements of one registry, published when asked to."""

    def __init__(self, registry, folder):
        self.registry, self.files, self.folder = registry, LogFiles(folder / "statements"), folder
        self.signer = make_signer_file(
            folder / "statements.key", name="example.org/statements", kind=LOG, random_bytes=random_bytes
        )
        self.files.put_key(self.signer.key)
        entry = KeyEntry(key_id=SIGNER.key_id, use="receipt", owner="authority", public_key=SIGNER.public_key, valid_from=rfc3339(EVENING))  # fmt: skip
        (folder / "ring.json").write_bytes(dump_keyring(Keyring([entry])))

    def publish(self, **options):
        with self.files.writing() as files:
            return publishing_statements.turn(self.registry, files, signer=self.signer, now=EVENING, **options)

    def entries(self):
        size = self.files.head(self.signer.key).size
        return list(Tiles(size, self.files.fetch).entries(0, size))

    def verified(self, *more):
        return command("verify", self.files.folder, "--key", self.signer.key.line, *more)

    def receipt(self, recorded, *more):
        """What ``luutru receipt verify`` says of a receipt and its place."""
        words = ["receipt", "verify", receipt_text(recorded.receipt_bytes), "--keyring", str(self.folder / "ring.json"), "--json"]
        trust = ["--log-key", self.signer.key.line, "--log", str(self.files.folder), *more]
        return json.loads(CliRunner().invoke(app, [*words, *trust]).stdout)


@pytest.fixture
def log(town, tmp_path):
    made = StatementLog(town.registry, tmp_path)
    made.publish()  # opens it
    return made


def test_a_receipt_names_its_place_at_once_and_the_log_has_it_there(town, log):
    first = town.declare()
    said = town.say(make_declaration())
    second, again = town.record(said, said)
    assert [each.receipt.log.index for each in (first, second, again)] == [0, 1, 1]  # the same receipt for the same statement
    assert town.see().receipt.log is None
    assert log.receipt(second)["log"] | {"checkpoint": None} == {
        "included": False, "checkpoint": None, "standing": "promised", "promised": {"log": log.signer.key.key_id.hex(), "index": 1}, "evidence": None,
    }  # fmt: skip
    assert (log.publish().published, log.publish().published) == (2, 0)
    assert log.entries() == [committed_by(each.receipt)[1] for each in (first, second)]
    told = log.receipt(second)
    assert (told["ok"], told["log"]["included"], told["log"]["standing"]) == (True, True, "in_log")
    assert log.verified("--registry", town.registry.engine.url) | {"root": ""} == {
        "ok": True,
        "size": 2,
        "root": "",
        "problems": [],
    }
    for_people = ["receipt", "verify", receipt_text(second.receipt_bytes), "--keyring", str(log.folder / "ring.json")]
    trust = ["--log-key", log.signer.key.line, "--log", str(log.files.folder)]
    place = f"log: place 1 of {log.signer.key.key_id.hex()}, "
    assert place + "in_log" in CliRunner().invoke(app, for_people + trust).stdout
    assert place + "not checked" in CliRunner().invoke(app, for_people).stdout
    unkeyed = CliRunner().invoke(app, [*for_people, *trust[2:]])
    assert (unkeyed.exit_code, unkeyed.stdout) == (2, "")  # and not "it holds" for what nobody looked at
    content = b"".join(each.read_bytes() for each in log.files.folder.rglob("*") if each.is_file())
    assert first.declaration_id.encode() not in content


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_without_a_log_or_once_it_is_closed_nothing_is_promised_and_another_key_may_follow(town, log, tmp_path):
    owed = town.declare()
    other = Signer("example.org/other", LOG, bytes(32))
    (tmp_path / "other").mkdir()
    with pytest.raises(Conflict, match="other_promised"):
        publishing_statements.turn(town.registry, LogFiles(tmp_path / "other"), signer=other, now=EVENING)
    assert log.publish(closing=True).published == 1
    assert town.declare().receipt.log is None
    publishing_statements.turn(town.registry, LogFiles(tmp_path / "other"), signer=other, now=EVENING)
    after = town.declare()
    assert (after.receipt.log.log, after.receipt.log.index) == (other.key.key_id.hex(), 0)
    assert log.receipt(owed)["log"]["included"]  # the former log stands as it is
    assert codes(log.receipt(after)) == ["log.other"]
    with town.registry.writing() as connection:
        connection.execute(delete(tables.statement_logs))
    assert town.declare().receipt.log is None


def test_batches_at_once_get_numbers_without_a_gap_and_one_rolled_back_gives_its_own_back(town, log):
    """As several gateways do it, each in a transaction of its own; one in three fails after it was given its numbers."""

    def batch(number):
        told = [(f"{number}-{place}", "accepted") for place in range(number % 4 + 1)]
        with suppress(Died), town.registry.writing() as connection:
            places = promise_places(connection, told, now=EVENING, random_bytes=secrets.token_bytes)
            if number % 3 == 0:
                raise Died
            return [each.index for each in places]
        return []

    with ThreadPoolExecutor(4) as pool:
        given = sorted(index for each in pool.map(batch, range(30)) for index in each)
    assert given == list(range(len(given)))
    assert len(given) > 30
    done = log.publish()
    assert (done.published, done.void, done.astray, done.owed) == (len(given), 0, 0, 0)


def delete_block(connection):
    connection.execute(delete(tables.statement_blocks).where(tables.statement_blocks.c.first == 1))


def delete_last_block(connection):
    connection.execute(delete(tables.statement_blocks).where(tables.statement_blocks.c.first == 2))


def alter_block(connection):
    connection.execute(update(tables.statement_blocks).where(tables.statement_blocks.c.first == 1).values(leaves=bytes(32)))


def cut_block(connection):
    connection.execute(update(tables.statement_blocks).where(tables.statement_blocks.c.first == 1).values(leaves=bytes(31)))


BREAKING = {
    "its block is deleted": (delete_block, 1, ["log.promise_void"]),
    "the latest block is deleted": (delete_last_block, 2, ["log.promise_void"]),
    "its block says another statement": (alter_block, 1, []),
    "its block is cut": (cut_block, 1, ["log.promise_void"]),
}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("touch", "victim", "seen"), BREAKING.values(), ids=BREAKING)
def test_a_promise_broken_before_it_was_published_is_proven_to_its_holder_and_the_log_goes_on(town, log, touch, victim, seen):
    given = [town.declare() for _ in range(3)]
    with town.registry.writing() as connection:
        touch(connection)
    assert log.publish().size == 3
    given.append(town.declare())
    assert log.publish().size == 4
    told = [log.receipt(each) for each in given]
    assert [each["log"]["standing"] for each in told] == ["broken" if at == victim else "in_log" for at in range(4)]
    assert codes(told[victim]) == ["log.promise_broken"]
    assert codes(log.verified()) == seen  # by anybody, with no receipt
    found = codes(log.verified("--registry", town.registry.engine.url))
    assert "log.promise_broken" in found
    assert (log.entries()[victim] == VOID) is bool(seen)
    assert f"index {victim}\n" in told[victim]["log"]["evidence"]["proof"]


def test_blocks_altered_after_they_were_published_are_found_and_a_deleted_receipt_is_no_trouble(town, log):
    first, second = town.declare(), town.declare()
    log.publish()
    url = town.registry.engine.url
    with town.registry.writing() as connection:
        connection.execute(delete(tables.receipts).where(tables.receipts.c.declaration_id == first.declaration_id))
    assert log.verified("--registry", url)["ok"]
    assert log.receipt(first)["log"]["included"]  # whoever has it can still prove it
    with town.registry.writing() as connection:
        delete_block(connection)
    assert codes(log.verified("--registry", url)) == ["log.promise_missing"]
    assert log.receipt(second)["log"]["included"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_promise_is_overdue_only_by_a_witness_whose_time_says_so(town, log):
    owed = town.declare()
    at = int(EVENING.timestamp())
    trust = ("--witness", WITNESSING.key.line)
    for hours, late in ((23, []), (25, ["log.promise_overdue"])):
        text, _, below = log.files.note().partition("\n\n")
        own, seen = below.splitlines(keepends=True)[0], WITNESSING.cosign(text + "\n", seconds=at + hours * 3600)
        log.files.publish(f"{text}\n\n{own}{seen}")
        told = log.receipt(owed, *trust)
        assert (codes(told), told["log"]["standing"]) == (late, "promised")
    assert codes(log.receipt(owed, *trust, "--late-after", "48")) == []


class Died(Exception):
    """The process was killed here."""


def dies(*_arguments, **_options):
    raise Died


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("moment", ["before the checkpoint", "before it is noted"])
def test_a_process_that_dies_publishes_everything_once(town, log, monkeypatch, moment):
    town.declare()
    log.publish()
    town.declare()
    with monkeypatch.context() as patched:
        where = {"before the checkpoint": (LogFiles, "publish"), "before it is noted": (publishing_statements, "note_published")}
        patched.setattr(*where[moment], dies)
        with pytest.raises(Died):
            log.publish()
    town.declare()
    assert log.publish().size == 3
    assert log.verified("--registry", town.registry.engine.url)["ok"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_old_folder_is_not_signed_over_and_an_old_registry_goes_on_from_the_folder(town, log, tmp_path):
    town.declare()
    log.publish()
    with town.registry.reading() as connection:
        before = log_row(connection)._asdict()
    shutil.copytree(log.files.folder, tmp_path / "copy")
    lost = [town.declare(), town.declare()]
    log.publish()
    with town.registry.writing() as connection:  # as an older backup has it
        connection.execute(delete(tables.statement_blocks).where(tables.statement_blocks.c.first > 0))
        connection.execute(update(tables.statement_logs).values(**before))
        close_log(connection)  # as restoring does
    assert town.declare().receipt.log is None  # until the log's process has said how long the log is
    log.publish()
    assert town.declare().receipt.log.index == 3
    assert log.publish().size == 4
    assert all(log.receipt(each)["log"]["included"] for each in lost)
    shutil.rmtree(log.files.folder)
    shutil.copytree(tmp_path / "copy", log.files.folder)
    with pytest.raises(Conflict, match="behind_registry"):
        log.publish()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_whoever_sets_the_number_far_ahead_fills_no_disk_at_once(town, log):
    with town.registry.writing() as connection:
        connection.execute(update(tables.statement_logs).values(next=10**15))
    done = log.publish()
    assert (done.size, done.void) == (publishing_statements.ENTRIES, publishing_statements.ENTRIES)
