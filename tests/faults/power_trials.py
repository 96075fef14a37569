"""One power cut under one of the product's writers, and what must be there when the power is back.

- The writer is the real outbox, the real intake or the real key files, in a process of its own on the disk that dies.
- The moment is drawn in words the writer has said, not in seconds: a busy machine says fewer.
- A word counts when it was out before the cut. What was attempted by then may be there or not.

Example: ``KioskTrials(disk).trial(verdict, chance, label="cut 7")``
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from luutru.system import random_bytes
from registry.key_provider import FileKeyProvider
from residence.errors import LuutruError
from tests.faults import kiosk_words
from tests.faults.gateway_words import Office
from tests.faults.kiosk_history import damaged, reopen
from tests.faults.postgres_disk import PostgresOnDisk
from tests.faults.traced_child import fork_child, hear
from tests.faults.verdict import Verdict

STARTS = 0.12  # this share of the cuts comes while the writer starts
AT_THE_START, LATER = 0.03, 0.006  # seconds, at most
BATCH = 4
LEARNING = 3
DATABASE = "kiosk.db"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When to cut: so many words after the start, and then so many seconds. Words, because a busy machine is slow and says few."""

    words: int
    seconds: float


def draw_moment(chance, most):
    words = chance.randrange(1, most) if chance.random() > STARTS else 0
    return Moment(words=words, seconds=chance.uniform(0, LATER if words else AT_THE_START))


def cut_under(disk, work, *, moment, also_kill=lambda: None):
    """Let the work run, cut the power under it, kill it, mount again; return what it had said by then, and what it said too late.

    Too late: while the file system goes down a flush in flight may still report success. No word gets out of a machine without power.
    """
    pid, channel = fork_child(work)
    os.waitpid(pid, os.WUNTRACED)
    os.kill(pid, signal.SIGCONT)
    data = b""
    while data.count(b"\n") < moment.words and (more := channel.recv(1 << 12)):
        data += more
    time.sleep(moment.seconds)
    channel.setblocking(False)
    with suppress(BlockingIOError):
        while more := channel.recv(1 << 16):
            data += more
    disk.cut()
    channel.setblocking(True)
    os.kill(pid, signal.SIGKILL)
    also_kill()
    words = [word for word in hear(channel, heard=data) if not word.startswith("failed")]  # on a dead disk that is no news
    os.waitpid(pid, 0)
    disk.power_on()
    in_time = data.count(b"\n")
    return words[:in_time], words[in_time:]


def doing(words, *, idle):
    """What the writer was at when the power went."""
    said = [word.split()[0] for word in words if not word.startswith("refused")]
    if not said:
        return "at the start"
    return f"during {said[-1]}" if said[-1] in {"keep", "settle", "session", "take"} else idle


def wait_for_the_end():
    while True:
        time.sleep(1)


class KioskTrials:
    """The real outbox on the disk."""

    def __init__(self, disk, *, weaken=None, **_):
        self._disk, self._weaken = disk, weaken
        self._ledger = kiosk_words.Ledger()

    def fresh(self):
        """A new kiosk."""
        for path in self._disk.mount.glob(f"{DATABASE}*"):
            path.unlink()
        self._disk.flush()
        self._ledger = kiosk_words.Ledger()

    def trial(self, verdict, chance, *, label):
        ledger, seed = self._ledger, chance.getrandbits(40)

        def live(say):
            kiosk_words.seeded_ids(seed)
            outbox = reopen(self._disk.mount / DATABASE)
            if self._weaken:
                self._weaken(outbox)
            kiosk_words.live(outbox, say, steps=kiosk_words.any_steps(random.Random(seed)))

        words, late = cut_under(self._disk, live, moment=draw_moment(chance, 80))
        ledger.hear(words)
        ledger.hear([word for word in late if word.split()[0] not in kiosk_words.ANSWERS])
        verdict.hit(doing(words, idle="between two promises"))
        verdict.facts["confirmed"] = verdict.facts.get("confirmed", 0) + sum(
            word.split()[0] in kiosk_words.ANSWERS for word in words
        )
        outbox = reopen(self._disk.mount / DATABASE)
        if damaged(self._disk.mount):
            verdict.wrong("corrupt", f"{label}: set aside")
            self.fresh()
        else:
            ledger.judge(verdict, outbox, label=label)
            self._ledger = kiosk_words.Ledger.of(outbox)
        outbox.close()


class RegistryTrials:
    """The real intake into a registry on the disk."""

    per_life = 20  # batches ready before each cut: more than it gets done

    def __init__(self, disk, *, folder, prepare=None, **_):
        self._disk, self._prepare = disk, prepare
        self.office = Office(folder, batches=LEARNING, size=BATCH)
        self._taken = 0
        copy = folder / "learn"
        copy.mkdir()
        self._learn(url=self.office.copy(copy), vault=copy / "vault")

    def _learn(self, *, url, vault):
        """How many rows one batch makes in each table; batches are alike, so a registry can be counted whole."""
        counts = []
        for batch in self.office.batches:
            self.office.batches = [batch]
            counts.append(self.office.judge(Verdict("learn"), [], url=url, vault_folder=vault, label="learn"))
        self.step = {name: counts[1][name] - counts[0][name] for name in counts[0]}
        if any(counts[2][name] - counts[1][name] != self.step[name] for name in self.step):
            raise RuntimeError("batches are not alike")
        self.none = {name: counts[0][name] - self.step[name] for name in counts[0]}

    @property
    def url(self):
        return f"sqlite:///{self._disk.mount / 'registry.db'}"

    @property
    def vault(self):
        return self._disk.mount / "vault"

    def fresh(self):
        """The prepared registry, as it was."""
        self.office.copy(self._disk.mount)
        self._disk.flush()
        self._taken = 0

    def trial(self, verdict, chance, *, label):
        self.office.more(self.per_life)

        def live(say):
            self.office.live(say, self.url, self.vault, prepare=self._prepare)
            wait_for_the_end()

        words, late = self.cut(live, draw_moment(chance, 2 * self.per_life - 6))
        attempted = [int(word.split()[1]) for word in (*words, *late) if word.startswith("take ")]
        verdict.hit(doing(words, idle="between two batches"))
        verdict.facts["confirmed"] = verdict.facts.get("confirmed", 0) + sum(word.startswith("taken") for word in words)
        self.office.batches = self.office.batches[: max(attempted, default=-1) + 1]
        self._taken += len(self.office.batches)
        self.office.expected = {name: self.none[name] + self.step[name] * self._taken for name in self.none}
        self.office.judge(verdict, words, url=self.url, vault_folder=self.vault, label=label)

    def cut(self, live, moment):
        return cut_under(self._disk, live, moment=moment)


class PostgresTrials(RegistryTrials):
    """The same on PostgreSQL; server, cluster and keys on the disk that dies."""

    def __init__(self, disk, *, folder, options=(), **_):
        self._server = PostgresOnDisk(disk.mount / "data", log=folder / "postgres.log", options=options)
        self._disk, self._prepare = disk, None
        self.office = Office(folder, batches=LEARNING, size=BATCH, url=self._server.url)
        shutil.copytree(folder / "vault", disk.mount / "vault")
        disk.flush()
        self._learn(url=self.url, vault=self.vault)
        self._taken = LEARNING

    @property
    def url(self):
        return self._server.url

    def fresh(self):
        """One cluster lives through all cuts."""

    def cut(self, live, moment):
        words = cut_under(self._disk, live, moment=moment, also_kill=self._server.kill)
        self._server.start()
        return words

    def end(self):
        self._server.kill()


class KeyTrials:
    """The vault's key files: a key that was handed out seals rows, and must be there as long as they are."""

    def __init__(self, disk, *, planted=nullcontext, **_):
        self._disk, self._planted = disk, planted

    def fresh(self):
        shutil.rmtree(self._disk.mount / "vault", ignore_errors=True)
        self._provider()
        self._disk.flush()

    def _provider(self):
        return FileKeyProvider(self._disk.mount / "vault", random_bytes=random_bytes)

    def trial(self, verdict, chance, *, label):
        first = chance.getrandbits(40)

        def live(say):
            with self._planted():
                provider, number = self._provider(), first
                while True:
                    provider.period_key(f"period-{number}", create=True)
                    say(f"handed {number}")
                    number += 1

        words, _ = cut_under(self._disk, live, moment=draw_moment(chance, 30))
        verdict.hit("while keys are made" if words else "at the start")
        provider = self._provider()
        for word in words:
            try:
                provider.period_key(f"period-{word.split()[1]}")
            except LuutruError as error:
                verdict.wrong("lost", f"{label}: {word}: {error.code}")
