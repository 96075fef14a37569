"""One search in a process of its own, so that its time and memory are the search's and nothing else's.

- Reads a file of raw fields, derives the keys, searches, writes the pairs, and prints one JSON object: seconds by stage, memory.
- ``seconds`` begins when the file is opened and ends when the pairs are in memory; starting Python and importing are not in it, but are in
  ``cpu_seconds``, which another program on the same machine does not change.

Example: ``searched(Path("city.parquet"), folder=Path("."), threads=2)``
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from luutru.benchmarks.duplicates_city import keys_of
from registry.duplicates.pairing import Search, find_pairs, load
from registry.duplicates.private_engine import private_duckdb
from registry.duplicates.settings import load_model

MEMORY_MIB = 2300
_TABLE = "persons"


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """What a search took and where its answer is."""

    persons: int
    seconds: float
    cpu_seconds: float
    keys_seconds: float
    rss_mib: float


def searched(path: Path, *, folder: Path, threads: int, model: Path | None = None) -> tuple[Searched, Search]:
    """Search the persons of a file in a child process."""
    answer = folder / "search.json"
    command = [sys.executable, "-m", __name__, str(path), str(answer), str(threads), *([str(model)] if model else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Searched), msgspec.json.decode(answer.read_bytes(), type=Search)


def main(arguments: list[str]) -> None:
    """Search, and say what it took."""
    path, answer, threads = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    model = load_model(Path(arguments[3]) if arguments[3:] else None)
    began = time.perf_counter()
    with private_duckdb(memory_mib=MEMORY_MIB, threads=threads) as api:
        persons = load(api, _TABLE, keys_of(path))
        keyed = time.perf_counter()
        search = find_pairs(api, _TABLE, model=model, persons=persons)
        ended = time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = Searched(
        persons=persons,
        seconds=round(ended - began, 2),
        cpu_seconds=round(used.ru_utime + used.ru_stime, 2),
        keys_seconds=round(keyed - began, 2),
        rss_mib=round(used.ru_maxrss / 1024, 1),
    )
    answer.write_bytes(msgspec.json.encode(search))
    sys.stdout.write(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main(sys.argv[1:])
