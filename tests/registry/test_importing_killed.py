"""An import killed at any moment and run again ends as one that was never killed: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from importing_parts import Desk
from sqlalchemy import select

from registry import tables
from registry.checking import check_registry
from registry.database import connect, upgrade
from registry.importing.fields import KINDS
from registry.importing.mapping import Mapping
from registry.importing.reading import open_file
from registry.key_provider import FileKeyProvider
from registry.synthetic.city import city
from registry.synthetic.files import write_city
from registry.vault import Vault

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("killed_import.py")
# How many batches each child is left to tell of before it is killed; the next one is then somewhere in its transaction.
PATIENCE = (2, 1, 3, 4)


def opened(url: str, keys: Path, folder: Path) -> Desk:
    vault = Vault(FileKeyProvider(keys, random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    return Desk(registry=connect(url, vault=vault), folder=folder)


def start(*words: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return subprocess.Popen(
        [sys.executable, str(CHILD), *words], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths}
    )


def kill_after(batches: int, child: subprocess.Popen[str]) -> bool:
    """Let it tell of so many batches, then kill it; false when it was done before."""
    assert child.stdout is not None
    with child.stdout:
        told = sum(bool(child.stdout.readline()) for _ in range(batches))
        child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL and told == batches


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    write_city(city(250, np.random.default_rng(6)), folder, form="parquet")
    return folder


def homes_of(desk: Desk) -> list[tuple[object, ...]]:
    """Return where everybody is registered, by name."""
    names = {each["person_id"]: each["full_name"] for each in desk.opened()}
    columns = tables.residences.c
    with desk.registry.reading() as connection:
        found = connection.execute(
            select(columns.person_id, columns.premises_id, columns.unit, columns.kind, columns.valid_from)
        ).all()
    return sorted((names[row[0]], *map(str, row[1:])) for row in found)


def test_killed_again_and_again_and_run_to_the_end_it_is_as_if_it_never_was(url: str, town: Path, tmp_path: Path) -> None:
    words = (url, str(tmp_path / "vault"), str(town))
    killed = [kill_after(batches, start(*words)) for batches in PATIENCE]
    assert all(killed)
    with start(*words) as last:
        last.communicate(timeout=120)
    assert last.returncode == 0

    calm_url = f"sqlite:///{tmp_path}/calm.db"
    upgrade(calm_url)
    calm = opened(calm_url, tmp_path / "calm-vault", town)
    for kind in KINDS:
        calm.take(open_file(town / f"{kind}.parquet", Mapping()), kind)
    broken = opened(url, tmp_path / "vault", town)
    try:
        assert broken.counts() == calm.counts()
        assert homes_of(broken) == homes_of(calm)
        assert broken.findings() == calm.findings()
        assert check_registry(broken.registry).problems == ()
        with broken.registry.reading() as connection:
            assert all(connection.scalars(select(tables.imports.c.finished_at)))
    finally:
        calm.registry.close()
        broken.registry.close()
