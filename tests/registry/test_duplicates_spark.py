"""Spark on this machine, with the very settings DuckDB has: the same pairs, the same scores, the same reasons."""

from __future__ import annotations

import pytest

from luutru.benchmarks.duplicates_city import keys_of, write_city
from registry.duplicates.cluster_engine import cluster
from registry.duplicates.pairing import find_pairs, load
from registry.duplicates.private_engine import private_duckdb
from registry.duplicates.settings import load_model


@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # py4j leaves its socket to the garbage collector
def test_spark_proposes_the_same_pairs_for_the_same_reasons(tmp_path):
    city = tmp_path / "city.parquet"
    truth = write_city(city, persons=2_000, seed=7)
    batches, model = list(keys_of(city)), load_model()
    with private_duckdb(memory_mib=512, threads=1) as api:
        here = find_pairs(api, "persons", model=model, persons=load(api, "persons", batches))
    with cluster("local[2]", folder=tmp_path, memory_mib=1024, small=True) as api:
        there = find_pairs(api, "persons", model=model, persons=load(api, "persons", batches))
    assert there == here
    assert len(here.pairs) > len(truth) * 0.9
    assert list(tmp_path.iterdir()) == [city]  # nothing of it stays on the disk
