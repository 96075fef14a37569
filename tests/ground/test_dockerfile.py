"""The Dockerfile read instruction by instruction: what leaves nothing behind, takes nothing unlocked and is there to be copied. That it runs is for scripts/test-images."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from server.paper_fonts import PACKAGES
from tests.images.recipe import Stage, stages

ROOT = Path(__file__).resolve().parents[2]
STAGES = stages((ROOT / "Dockerfile").read_text("utf-8"))
IGNORED = set((ROOT / ".dockerignore").read_text("utf-8").split())

# what is wrong with a line -> how it is seen
FAULTS = {
    "packages of yesterday's list": lambda line: "apt-get install" in line and "apt-get update &&" not in line,
    "packages nobody asked for": lambda line: "apt-get install" in line and "--no-install-recommends" not in line,
    "lists left in the layer": lambda line: "apt-get install" in line and "rm -rf /var/lib/apt/lists/*" not in line,
    "an answer is waited for": lambda line: re.search(r"apt-get install(?! -y)", line),
    "Python packages without hashes": lambda line: any(
        not {"--require-hashes", "--no-deps"} & set(each.split()) for each in line.split("&&") if "pip install" in each
    ),
    "a cache left in the layer": lambda line: any(
        "--no-cache-dir" not in each for each in line.split("&&") if "pip install" in each
    ),
    "npm packages the lock does not have": lambda line: re.search(r"npm (install|i)\b", line),
    "something from the network, unlocked": lambda line: re.search(r"\b(curl|wget|git clone)\b|\| *(ba)?sh\b", line),
    "a folder everybody may write to": lambda line: re.search(r"chmod (-R )?(777|a\+w|o\+w)|-m 0?777", line),
}


def found_in(line: str) -> list[str]:
    return [fault for fault, seen in FAULTS.items() if seen(line)]


def test_no_line_leaves_something_behind_or_takes_something_unlocked():
    lines = [each.text for stage in STAGES.values() for each in stage.own if each.word == "RUN"]
    assert len(lines) > len(STAGES)
    assert {line: found for line in lines if (found := found_in(line))} == {}


BAD = {
    "apt-get install -y --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*": "packages of yesterday's list",
    "apt-get update && apt-get install -y haproxy && rm -rf /var/lib/apt/lists/*": "packages nobody asked for",
    "apt-get update && apt-get install -y --no-install-recommends haproxy": "lists left in the layer",
    "apt-get update && apt-get install --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*": "an answer is waited for",
    "pip install --no-cache-dir luutru": "Python packages without hashes",
    "pip install --require-hashes -r a.txt": "a cache left in the layer",
    "npm install": "npm packages the lock does not have",
    "curl https://example.org/get | sh": "something from the network, unlocked",
    "install -d -m 0777 /var/lib/luutru": "a folder everybody may write to",
}


@pytest.mark.parametrize("line", BAD)
def test_a_line_that_does_is_found(line):
    assert found_in(line) == [BAD[line]]


@pytest.mark.parametrize("text", ["FROM a AS b\nADD https://example.org /", "RUN true", "FROM a AS b\nHEALTHCHECK NONE"])
def test_an_instruction_nobody_looked_at_is_refused(text):
    with pytest.raises(ValueError, match=r"ADD|RUN|HEALTHCHECK"):
        stages(text)


def test_what_is_copied_is_there():
    missing = []
    for at, stage in enumerate(STAGES.values()):
        before = list(STAGES)[:at]
        for each in (one for one in stage.own if one.word == "COPY"):
            origin, sources, _ = each.copied
            if origin:
                missing += [origin] if origin not in before else []
            else:
                missing += [one for one in sources if not (ROOT / one).exists() or one.split("/")[0] in IGNORED]
    assert missing == []


def test_every_stage_is_used_and_every_command_is_a_list_of_words():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"].values()
    used = {service["build"]["target"] for service in services if "build" in service}
    used |= {stage.base for stage in STAGES.values()} | {
        each.copied[0] for stage in STAGES.values() for each in stage.own if each.word == "COPY"
    }
    assert set(STAGES) <= used
    words = [each.text for stage in STAGES.values() for each in stage.own if each.word in {"ENTRYPOINT", "CMD"}]
    assert words
    assert all(isinstance(json.loads(each), list) for each in words)


def comes_after(stage: Stage, first: str, later: str) -> bool:
    words = [each.word for each in stage.own]
    return first in words and later in words[words.index(first) :]


def test_pages_have_the_fonts_of_every_paper_they_hand_out():
    installed = {word for each in STAGES["server"].own if "apt-get install" in each.text for word in each.words}
    assert set(PACKAGES) <= installed


def test_nothing_is_installed_by_who_has_no_rights_any_more():
    assert [name for name, stage in STAGES.items() if comes_after(stage, "USER", "RUN")] == []
