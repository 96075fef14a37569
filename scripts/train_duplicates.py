"""Learn ``registry/duplicates/model.json`` from the invented city: rates from one city, the threshold from another, no figure from either.

- What is measured (``luutru bench duplicates``) is a third city, seed 103 by default, that nothing here has seen.
- The truth is the generator's. It knows what its authors planted, so the rates are those of an invented registry; a real one's are
  learned by this script from pairs that people have decided (``docs/duplicates.md``).
- Same seeds, same model, but for the last digit where Splink's sampling and threads differ.

Example: ``.venv/bin/python scripts/train_duplicates.py --rates 200000 --threshold 1000000``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from luutru.benchmarks.duplicates_city import keys_of, write_city  # noqa: E402
from luutru.benchmarks.duplicates_search import searched  # noqa: E402
from registry.duplicates.private_engine import private_duckdb  # noqa: E402
from registry.duplicates.settings import Model  # noqa: E402
from registry.duplicates.training import model_of, rates_of_one, rates_of_two, threshold_for  # noqa: E402

RATES_SEED, THRESHOLD_SEED, SPLINK_SEED = 101, 102, 1
PRECISION = 0.995  # half the errors the target leaves room for
PAIRS = 5e7
TARGET = ROOT / "registry/duplicates/model.json"


def main() -> None:
    """Learn, choose, write."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rates", type=int, default=200_000)
    asked.add_argument("--threshold", type=int, default=1_000_000)
    counts = asked.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = _learn(folder, counts.rates)
        print("rates learned", flush=True)
        open_model = folder / "open.json"
        open_model.write_bytes(msgspec.json.encode(model))
        truth = write_city(folder / "other.parquet", persons=counts.threshold, seed=THRESHOLD_SEED)
        _, search = searched(folder / "other.parquet", folder=folder, threads=2, model=open_model)
        threshold = threshold_for(search.pairs, truth, precision=PRECISION)
        made = {
            **model.made,
            "threshold_seed": THRESHOLD_SEED,
            "threshold_persons": counts.threshold,
            "threshold_precision": PRECISION,
        }
        model = msgspec.structs.replace(model, threshold=threshold, made=made)
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n")
    print(f"threshold {threshold} bits; wrote {TARGET.relative_to(ROOT)}")


def _learn(folder: Path, persons: int) -> Model:
    city = folder / "city.parquet"
    write_city(city, persons=persons, seed=RATES_SEED, labelled=True)
    with private_duckdb(memory_mib=3000, threads=2) as api:
        one = rates_of_one(api, keys_of(city))
    with private_duckdb(memory_mib=3000, threads=2) as api:
        two = rates_of_two(api, keys_of(city, once=True), pairs=PAIRS, seed=SPLINK_SEED)
    made = {
        "by": "scripts/train_duplicates.py",
        "splink": version("splink"),
        "city": "registry.synthetic, 5 % of persons stand twice",
        "rates_seed": RATES_SEED,
        "rates_persons": persons,
        "random_pairs": int(PAIRS),
    }
    return model_of(one, two, pairs=PAIRS, made=made)


if __name__ == "__main__":
    main()
