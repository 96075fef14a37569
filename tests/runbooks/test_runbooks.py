"""The runbooks: each has all its parts, says nothing the program does not know, and the first ones are carried out; all of them: ``scripts/test-runbooks``."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from typer.main import get_command

from luutru import reference
from luutru.__main__ import app
from tests.runbooks.page import FIRST, PAGE, PARTS, ROOT, runbooks
from tests.runbooks.rehearsal import ORDER
from tests.runbooks.units import unit

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env=PYTHONPATH"]
CALL = re.compile(r"(?:^|until |\$\(|&& )luutru ([^;&|)']+)")
UNITS = sorted((ROOT / "deploy" / "machine").glob("*.service"))


def test_every_runbook_there_should_be_is_rehearsed():
    assert set(runbooks()) == {FIRST, *ORDER}
    assert len(ORDER) == 10


@pytest.mark.parametrize("name", ORDER)
def test_a_runbook_says_what_it_looks_like_what_to_do_when_it_is_mended_and_whom_to_tell(name):
    runbook = runbooks()[name]
    assert set(PARTS.values()) - {"know"} <= set(runbook.parts)
    assert {"steps", "mended"} <= {block.part for block in runbook.blocks}


def test_every_command_and_option_in_them_is_one_the_program_has():
    known = {" ".join(path[1:]): command for path, command in reference.leaf_commands(get_command(app))}
    lines = [line for runbook in runbooks().values() for block in runbook.blocks for line in block.text.splitlines()]
    said = [each for line in lines for each in CALL.findall(line)]
    assert len(said) > 60
    for each in said:
        words = shlex.split(each.replace('"', ""))
        name = max((path for path in known if words[: len(path.split())] == path.split()), key=len, default="")
        assert name, each
        options = {option for parameter in known[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, each


def test_every_block_of_the_page_is_in_a_runbook_or_above_them():
    below = PAGE.read_text("utf-8").partition("\n## Runbooks\n")[2]
    assert below.count("```") == 2 * sum(len(runbook.blocks) for runbook in runbooks().values())


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_as_nobody_special_shut_in_and_is_kept_running(path):
    service = unit(path)
    assert (service["User"], service["Restart"], service["ProtectSystem"]) == ("luutru", "always", "strict")
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", path], capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_machine_is_installed_as_the_page_says_and_survives_the_loss_of_its_broker():
    command = [*AS_ROOT, sys.executable, "-m", "tests.runbooks.rehearsal", "--only", "Broker lost"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "tests"}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["runbook"] for each in told] == ["Install", "Broker lost"]
    assert all(each["kept"] > 0 and each["missing"] == 0 for each in told)
