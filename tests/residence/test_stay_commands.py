"""`luutru deadline` and `luutru declaration check` as programs use them: real processes, one line out for every line in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

VECTORS = Path(__file__).parents[1] / "vectors"


def luutru(*arguments, stdin=b""):
    return subprocess.run([sys.executable, "-m", "luutru", *arguments], input=stdin, capture_output=True, timeout=60, check=False)


def answers(done):
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


def lines(asked):
    return "\n".join(json.dumps(each, ensure_ascii=False) for each in asked).encode() + b"\n"


def test_every_deadline_vector_through_the_command():
    cases = [
        case for case in json.loads((VECTORS / "deadline/edge-cases.json").read_text("utf-8"))["cases"] if "choices" not in case
    ]
    done = luutru("deadline", "--jsonl", stdin=lines(case["input"] for case in cases))
    assert done.returncode == 1  # the bad vectors
    found = answers(done)
    assert len(found) == len(cases)
    for each, case in zip(found, cases, strict=True):
        if "problem" in case["expect"]:
            assert each["due"] is None
            assert [one["code"] for one in each["problems"]] == [case["expect"]["problem"]]
        else:
            assert set(each) == {"due", "rule", "rule_set", "article"}
            assert {key: each[key] for key in case["expect"]} == case["expect"]


def test_the_open_questions_are_options():
    asked = lines([{"arrival": "2026-07-11T00:10:00+07:00", "premises_kind": "hotel", "person": "citizen", "remote_area": False}])
    (literal,) = answers(luutru("deadline", "--jsonl", stdin=asked))
    (before,) = answers(luutru("deadline", "--jsonl", "--after-midnight", "night_before", stdin=asked))
    assert (literal["due"], before["due"]) == ("2026-07-11T23:00:00+07:00", "2026-07-11T08:00:00+07:00")


def test_every_declaration_vector_through_the_command():
    vectors = json.loads((VECTORS / "declaration/checked.json").read_text("utf-8"))
    done = luutru(
        "declaration", "check", "--jsonl", "--at", vectors["at"], stdin=lines(case["input"] for case in vectors["cases"])
    )
    assert done.returncode == 1
    found = answers(done)
    assert len(found) == len(vectors["cases"])
    for each, case in zip(found, vectors["cases"], strict=True):
        assert set(each) == {"ok", "problems", "due", "rule_set"}
        assert all(set(one) == {"code", "severity", "pointer", "message"} for one in each["problems"])
        assert all(set(one["message"]) == {"vi", "en"} for one in each["problems"])
        assert sorted(f"{one['code']} {one['pointer']}" for one in each["problems"]) == case["expect"]
        assert each["ok"] == (not any(one["severity"] == "error" for one in each["problems"]))


def test_exit_status_tells_whether_all_was_fine(tmp_path):
    good = json.loads((VECTORS / "declaration/checked.json").read_text("utf-8"))["cases"][0]["input"]
    file = tmp_path / "declaration.json"
    file.write_text(json.dumps(good), "utf-8")
    assert luutru("declaration", "check", str(file)).returncode == 0
    assert luutru("declaration", "check", "--jsonl", stdin=b"\xff\xfe\n{}\nnull\n").returncode == 1
    assert luutru("declaration", "check", "--jsonl", stdin=b"").returncode == 0
    assert luutru("declaration", "check").returncode == 2
    assert luutru("declaration", "check", "--at", "yesterday", str(file)).returncode == 2
    assert luutru("deadline").returncode == 2
    assert luutru("deadline", "2026-07-10T23:30:00+07:00", "--premises-kind", "hotel").returncode == 0
    assert luutru("deadline", "tonight").returncode == 1
    assert luutru("deadline", "--jsonl", stdin=b"[]\n").returncode == 1
