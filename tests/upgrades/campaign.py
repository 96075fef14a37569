"""The upgrade matrix with the version before: old and new kiosk, gateway, server and tables, in the order in which a fleet meets them.

- Real processes of both versions on one broker and one registry, first SQLite, then PostgreSQL. What a kiosk was told is kept must have its receipt in the end,
  and stand in the registry once, whichever version took it and whichever delivered it.
- Where this version has tables of its own, its processes must refuse those of the version before, and the upgrade is made with rows inside, under load.
- Each step is a line of JSON; the first that fails ends the run with status 1 and the last words of everybody.

Example: ``PYTHONPATH=tests python -m tests.upgrades.campaign --before v0.1.0``
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from acceptance_stage import Account
from sqlalchemy import text

from luutru.benchmarks.postgres import running_postgres
from luutru.demo.broker import find_mosquitto, free_port, port_is_free
from luutru.system import SystemClock
from registry.database import open_engine
from residence.clock import VIETNAM
from tests.upgrades.versions import Version, before, checked_out, here

LOBBY, DESK = "kiosk-lobby-1", "kiosk-desk-1"
WITHIN = 90.0  # seconds, on a machine that does nothing else; --slack stretches it
NEXT_RULES = "stay-next-version"


class Failed(Exception):
    """A step did not end as it should."""


class Town:
    """One registry, one broker, two kiosks, and whichever version of each process runs now."""

    def __init__(self, folder: Path, registry: str, *, old: Version, new: Version, slack: float = 1.0) -> None:
        self.folder, self.registry, self.old, self.new = folder, registry, old, new
        self.within = WITHIN * slack
        self.port, self.page = free_port(), free_port()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.ledgers: list[Path] = []
        settings = {
            "LUUTRU_REGISTRY": registry,
            "LUUTRU_VAULT": str(folder / "vault"),
            "LUUTRU_KEYS": str(folder / "keys"),
            "LUUTRU_TLS": str(folder / "gateway"),
        }
        for version in (old, new):
            version.environment = settings

    def prepare(self) -> None:
        """The old version makes everything, as it once did."""
        self.old.run(
            "demo", "prepare", "--directory", self.folder, "--registry", self.registry, "--broker", f"127.0.0.1:{self.port}"
        )
        command = [str(find_mosquitto()), "-c", str(self.folder / "broker" / "mosquitto.conf")]
        with (self.folder / "broker.log").open("ab") as log:
            self.running["broker"] = subprocess.Popen(command, stdout=log, stderr=log)
        self.until(lambda: not port_is_free(self.port), "the broker listens")

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def gateway(self, version: Version, *more: object) -> None:
        """Let this version's gateway take over from whichever runs."""
        self.stop("gateway")
        words = ("gateway", "run", "--broker", f"127.0.0.1:{self.port}", "--sweep-seconds", "0", "--night-hour", "-1", *more)
        self.running["gateway"] = version.start(*words, log=self.log("gateway"))

    def server(self, version: Version) -> None:
        """Let this version's pages take over, and see that one answers."""
        self.stop("server")
        words = ("server", "run", "--port", self.page, "--base-url", f"http://localhost:{self.page}")
        self.running["server"] = version.start(*words, log=self.log("server"))
        self.until(self.answers, "the pages answer")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def declares(
        self, version: Version, kiosk: str, *, count: int, first: int, more: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """Let a kiosk of this version declare; its folder is the kiosk's, whoever used it before."""
        ledger = self.folder / f"{kiosk}.ledger"
        if ledger not in self.ledgers:
            self.ledgers.append(ledger)
        settle = () if "--offline" in more else ("--settle", self.within)
        words = (
            self.folder / kiosk / "kiosk.toml",
            ledger,
            "--count",
            count,
            "--first",
            first,
            "--every",
            "0.05",
            *settle,
            *more,
        )
        return version.kiosk(*words, log=self.log(kiosk))

    def ends(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a kiosk that had every receipt before it ended."""
        if process.wait(self.within * 3) != 0:
            raise Failed(f"a kiosk ended with status {process.returncode}")

    def stop(self, name: str) -> None:
        process = self.running.pop(name, None)
        if process is None:
            return
        process.terminate()
        if process.wait(self.within) != 0:
            raise Failed(f"{name} ended with status {process.returncode}")

    def until(self, true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + self.within
        while not true():
            if time.monotonic() > end:
                raise Failed(f"not within {self.within:.0f} s: {what}")
            time.sleep(0.1)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        engine = open_engine(self.registry)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(text(query))]
        engine.dispose()
        return found

    def reckon(self) -> dict[str, int]:
        """Hold what kiosks were told against what the registry has."""
        kept = [each for ledger in self.ledgers for each in Account.read(ledger).kept]
        settled = {each for ledger in self.ledgers for each in Account.read(ledger).settled}
        there = [str(row[0]) for row in self.rows("SELECT declaration_id FROM declarations")]
        lost, doubled = set(kept) - set(there), len(there) - len(set(there))
        if lost or doubled or set(kept) - settled:
            raise Failed(f"{len(lost)} lost, {doubled} doubled, {len(set(kept) - settled)} without a receipt")
        if letters := self.rows("SELECT code, count(*) FROM quarantine GROUP BY code"):
            raise Failed(f"dead letters: {letters}")
        return {"kept": len(kept)}

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()

    def last_words(self) -> str:
        return "\n".join(
            f"-- {path.name}\n{path.read_text('utf-8', 'replace')[-1500:]}" for path in sorted(self.folder.glob("*.log"))
        )


def new_processes_wait_for_tables(town: Town) -> None:
    """The new version's processes do not begin on the old tables, and say what is to be done; where both have the same tables, they do."""
    town.server(town.old)
    town.ends(town.declares(town.old, DESK, count=40, first=500))
    if town.old.head() == town.new.head():
        return
    for words in (
        ("gateway", "run", "--broker", f"127.0.0.1:{town.port}"),
        ("server", "run", "--port", town.page),
        ("metrics", "--once"),
    ):
        if "registry.not_upgraded" not in town.new.refused(*words):
            raise Failed(f"{words[0]} does not say that the tables are old")


def tables_first(town: Town) -> None:
    """The new tables, while the old version's processes and kiosk are at work on them, with rows inside."""
    lobby = town.declares(town.old, LOBBY, count=120, first=1)
    time.sleep(1)
    town.new.run("registry", "upgrade")
    if not town.answers():
        raise Failed("the old version's pages do not answer on the new tables")
    town.ends(lobby)
    town.server(town.old)


def old_kiosk_new_gateway(town: Town) -> None:
    """A gateway is rolled under an old kiosk; what another old one had kept while it was off is delivered to the new one."""
    town.ends(town.declares(town.old, DESK, count=20, first=1_000, more=("--offline",)))
    lobby = town.declares(town.old, LOBBY, count=120, first=2_000)
    time.sleep(1)
    town.gateway(town.new)
    town.server(town.new)
    town.ends(lobby)
    town.ends(town.declares(town.old, DESK, count=5, first=1_100))


def new_kiosk_old_gateway(town: Town) -> None:
    """A kiosk is newer than its gateway, on the store the old one left; the gateway before it was newer still."""
    lobby = town.declares(town.new, LOBBY, count=80, first=3_000)
    time.sleep(1)
    town.gateway(town.old)
    town.ends(lobby)
    town.ends(town.declares(town.new, DESK, count=20, first=4_000))


def kiosk_goes_back(town: Town) -> None:
    """A kiosk's new version did not stand its test: the old one opens the store the new one wrote, with rows in it."""
    town.ends(town.declares(town.new, LOBBY, count=20, first=5_000, more=("--offline",)))
    town.ends(town.declares(town.old, LOBBY, count=20, first=5_100))


def both_read_everything(town: Town) -> None:
    """Every field the other sealed opens, every reference holds. 0.1.0 calls later tables not upgraded instead of looking into them."""
    town.new.run("registry", "check")
    if town.old.head() == town.new.head() or town.old.number() != "0.1.0":
        town.old.run("registry", "check")


def rules_change_at_noon(town: Town) -> None:
    """The gateway learns of rules that begin tomorrow; an old and a new kiosk had kept arrivals of today, and deliver them after."""
    town.gateway(town.new)
    for version, kiosk, first in ((town.new, LOBBY, 6_000), (town.old, DESK, 6_500)):
        town.ends(town.declares(version, kiosk, count=10, first=first, more=("--offline",)))
    today = [each for kiosk in (LOBBY, DESK) for each in Account.read(town.folder / f"{kiosk}.ledger").kept[-10:]]
    rules = town.folder / "rules.d"
    rules.mkdir()
    tomorrow = (SystemClock().now().astimezone(VIETNAM) + timedelta(days=1)).date()
    now = (town.new.folder / "residence" / "rules" / "stay-2026-07-01.toml").read_text("utf-8")
    later = now.replace('id = "stay-2026-07-01"', f'id = "{NEXT_RULES}"').replace(
        "valid_from = 2026-07-01", f"valid_from = {tomorrow}"
    )
    (rules / "next.toml").write_text(later, "utf-8")
    (town.folder / "choices.toml").write_text('[rules]\nextra = "rules.d"\n', "utf-8")
    town.gateway(town.new, "--choices", town.folder / "choices.toml")
    town.ends(town.declares(town.new, LOBBY, count=10, first=6_100, more=("--days", "1")))
    town.ends(town.declares(town.old, DESK, count=1, first=6_600))
    judged = dict(town.rows("SELECT declaration_id, rule_set FROM declarations WHERE rule_set IS NOT NULL"))
    ahead = Account.read(town.folder / f"{LOBBY}.ledger").kept[-10:]
    if {judged.get(each) for each in today} != {"stay-2026-07-01"}:
        raise Failed(f"an arrival of today is judged by { ({judged.get(each) for each in today}) }")
    if {judged.get(each) for each in ahead} != {NEXT_RULES}:
        raise Failed(f"an arrival of tomorrow is judged by { ({judged.get(each) for each in ahead}) }")


STEPS: dict[str, Callable[[Town], None]] = {
    "new processes, old tables": new_processes_wait_for_tables,
    "old processes on new tables": tables_first,
    "old kiosk, new gateway": old_kiosk_new_gateway,
    "new kiosk, old gateway": new_kiosk_old_gateway,
    "a kiosk goes back": kiosk_goes_back,
    "both read everything": both_read_everything,
    "rules change at noon": rules_change_at_noon,
}


@contextmanager
def registries(folder: Path) -> Iterator[dict[str, str]]:
    """Give an empty registry's address on each engine."""
    with running_postgres() as server:
        yield {"sqlite": f"sqlite:///{folder}/sqlite/registry.db", "postgresql": server.new_database()}


def holds(town: Town, engine: str) -> bool:
    """Go through the matrix on one engine; says what went wrong, and with it the last words of everybody."""
    try:
        go_through(town, engine)
    except (Failed, RuntimeError) as failure:
        sys.stdout.write(f"{engine}: {failure}\n{town.last_words()}\n")
        return False
    finally:
        town.close()
    return True


def go_through(town: Town, engine: str) -> None:
    town.prepare()
    town.gateway(town.old)
    for name, step in STEPS.items():
        began = time.monotonic()
        step(town)
        told = {"engine": engine, "step": name, "seconds": round(time.monotonic() - began, 1), **town.reckon()}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", default="", help="tag or commit of the version before; the newest release when left out")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="", help="one engine only")
    parser.add_argument("--slack", type=float, default=1.0, help="stretches every time limit, for a machine with much else to do")
    options = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    ref = options.before or before()
    with (
        tempfile.TemporaryDirectory(prefix="luutru-upgrade-") as name,
        registries(Path(name)) as urls,
        checked_out(ref, Path(name)) as old,
    ):
        sys.stdout.write(json.dumps({"before": old.name, "tables": [old.head(), here().head()]}) + "\n")
        for engine, url in urls.items():
            if options.engine in {"", engine} and not holds(
                Town(Path(name) / engine, url, old=old, new=here(), slack=options.slack), engine
            ):
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
