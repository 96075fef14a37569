"""The demo erases only what a demo has made, and never under a demo that runs."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from luutru.commands.demo import app
from luutru.demo.folder import MARKER, erase, held, mark
from luutru.demo.layout import Layout, Ports
from luutru.demo.prepare import Tools, prepare
from luutru.system import random_bytes, system_clock
from residence.errors import Refused

TOOLS = Tools(clock=system_clock(), random_bytes=random_bytes, tell=lambda _what: None)
HOLD = """
import sys
from pathlib import Path
from luutru.demo.folder import held
from luutru.demo.layout import Layout, Ports
with held(Layout(directory=Path(sys.argv[1]), ports=Ports.free())):
    print("held", flush=True)
    sys.stdin.read()
"""


def _layout(directory, **ports):
    free = Ports.free()
    return Layout(
        directory=directory, ports=Ports(broker=ports.get("broker", free.broker), server=free.server, kiosks=free.kiosks)
    )


def _standing(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


@pytest.fixture
def foreign(tmp_path):
    """Somebody's own work: a file, a repository, and a name the demo uses too."""
    folder = tmp_path / "work"
    (folder / ".git").mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of it", "utf-8")
    (folder / "ready").touch()
    return folder


@pytest.mark.parametrize("act", [lambda layout: prepare(layout, TOOLS), lambda layout: held(layout).__enter__()])
def test_a_folder_of_somebody_else_is_refused_and_stays_as_it_is(foreign, act):
    before = _standing(foreign)
    with pytest.raises(Refused) as refusal:
        act(_layout(foreign))
    assert refusal.value.code == "demo.folder_not_ours"
    assert _standing(foreign) == before


def test_preparing_beside_somebody_elses_files_never_makes_them_ours(foreign):
    assert not mark(foreign)
    with pytest.raises(Refused):
        erase(foreign)
    assert (foreign / "thesis.txt").exists()


def test_a_file_is_no_folder_of_ours(tmp_path):
    (tmp_path / "demo").write_text("a file", "utf-8")
    with pytest.raises(Refused) as refusal:
        erase(tmp_path / "demo")
    assert refusal.value.code == "demo.folder_not_ours"


@pytest.mark.parametrize("made", [Path.absolute, Path.mkdir], ids=["missing", "empty"])
def test_a_missing_or_empty_folder_becomes_ours_and_may_be_erased_again(tmp_path, made):
    folder = tmp_path / "demo"
    made(folder)
    erase(folder)
    (folder / "pki").mkdir()
    (folder / "pki" / "half-made.pem").touch()
    erase(folder)
    assert _standing(folder) == [MARKER]


def test_erasing_follows_no_link_out_of_the_folder(tmp_path, foreign):
    erase(tmp_path / "demo")
    (tmp_path / "demo" / "logs").symlink_to(foreign)
    erase(tmp_path / "demo")
    assert (foreign / "thesis.txt").exists()
    assert _standing(tmp_path / "demo") == [MARKER]


def test_a_second_demo_is_refused_before_it_touches_the_first(tmp_path):
    folder = tmp_path / "demo"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with first:
        assert first.stdout.readline() == "held\n"
        (folder / "registry.db").write_text("in use", "utf-8")
        with pytest.raises(Refused) as refusal, held(_layout(folder)):
            pass
        assert refusal.value.code == "demo.already_running"
        assert (folder / "registry.db").exists()
        first.kill()  # the lock goes with its process
    with held(_layout(folder)):
        erase(folder)


def test_a_taken_port_is_said_before_anything_is_erased(tmp_path):
    folder = tmp_path / "demo"
    erase(folder)
    (folder / "registry.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refused, match=str(port)) as refusal, held(_layout(folder, broker=port)):
            pass
    assert refusal.value.code == "demo.port_taken"
    assert (folder / "registry.db").exists()


def test_a_kept_folder_keeps_its_ports(tmp_path):
    """Its kiosks have them in their profiles: what is started again is looked for there, and nowhere else."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    folder = tmp_path / "demo"
    mark(folder)
    ports = Ports.free()
    ports.note(folder)
    assert Ports.kept(folder) == ports
    assert Ports.kept(tmp_path) == Ports()
    try:
        with socket.create_server(("127.0.0.1", ports.server)):
            said = CliRunner().invoke(app, ["run", "--directory", str(folder), "--keep"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert said.exit_code == 1
    assert f"{ports.server} (server)" in said.output
