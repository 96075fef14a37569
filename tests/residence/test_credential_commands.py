"""`luutru card`, `mrz` and `name` as programs use them: real processes, one line out for every line in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[1] / "vectors"
CARD = "001095000117||Trần Văn An|01021995|Nam|Láng Hạ, Đống Đa, Hà Nội|15082021"
ZONE = ["IDVNM0951234567079095123456<<7", "9512254M3512252VNM<<<<<<<<<<<2", "NGUYEN<<HOANG<MINH<KHOI<<<<<<<"]
FIELDS = {"personal_number", "old_number", "full_name", "birth", "sex", "residence_text", "issued", "extra"}
MRZ_FIELDS = {
    "document_type", "issuer", "document_number", "personal_number", "surname", "given_names", "nationality", "birth", "sex", "expiry",
}  # fmt: skip


def luutru(*arguments, stdin=b""):
    return subprocess.run([sys.executable, "-m", "luutru", *arguments], input=stdin, capture_output=True, timeout=60, check=False)


def answers(done):
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


def test_every_payload_vector_through_the_command():
    vectors = [json.loads(path.read_text("utf-8")) for path in sorted((VECTORS / "card-qr").glob("*.json"))]
    payloads = [bytes.fromhex(each["payload_hex"]) if "payload_hex" in each else each["payload"].encode() for each in vectors]
    lines = [each.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r") for each in payloads]
    done = luutru("card", "parse", "--jsonl", "--today", "2026-07-10", stdin=b"\n".join(lines) + b"\n")
    found = answers(done)
    assert done.returncode == 1
    assert len(found) == len(vectors)
    for each, vector in zip(found, vectors, strict=True):
        assert set(each) == {"ok", "kind", "card", "fields", "problems"}
        assert set(each["fields"]) == FIELDS
        assert all(set(one) == {"code", "severity", "pointer", "message"} for one in each["problems"])
        assert all(set(one["message"]) == {"vi", "en"} for one in each["problems"])
        assert {key: each[key] for key in ("ok", "kind", "card", "fields")} == {
            key: vector["expect"][key] for key in ("ok", "kind", "card", "fields")
        }


def test_all_good_lines_exit_0_and_a_refused_one_exits_1():
    assert luutru("card", "parse", "--jsonl", stdin=CARD.encode() + b"\n").returncode == 0
    assert luutru("card", "parse", "--jsonl", stdin=CARD.encode() + b"\nrubbish\n").returncode == 1
    assert luutru("card", "parse", "--jsonl", stdin=b"").returncode == 0


def test_rubbish_gets_one_line_each_in_order():
    lines = [b"", b"\xff\xfe|\x00", b"\\x", b"\\", CARD.encode() + b"\r", b"{", b"\xed\xa0\x80", b"a" * 100_000]
    done = luutru("card", "parse", "--jsonl", stdin=b"\n".join(lines))
    found = answers(done)
    assert [each["ok"] for each in found] == [False] * 4 + [True] + [False] * 3
    assert [found[index]["problems"][0]["code"] for index in (0, 2, 3)] == [
        "payload.empty",
        "payload.bad_escape",
        "payload.bad_escape",
    ]
    assert done.stderr == b""


def test_escapes_stand_for_what_scanners_put_in():
    lines = [CARD.replace("|", "\\n") + "\\n", CARD + "\\r\\n", CARD.replace("Láng Hạ", "Láng\\\\Hạ")]
    found = answers(luutru("card", "parse", "--jsonl", stdin="\n".join(lines).encode()))
    assert [each["ok"] for each in found] == [True, True, True]
    assert found[2]["fields"]["residence_text"].startswith("Láng\\Hạ")


def test_one_payload_is_printed_for_people():
    done = luutru("card", "parse", CARD)
    assert done.returncode == 0
    assert "Trần Văn An" in done.stdout.decode()
    assert "verified" not in done.stdout.decode()
    refused = luutru("card", "parse", stdin=b"00020101021138540010A0000007275802VN6304A1B2")
    assert refused.returncode == 1
    assert "VietQR" in refused.stdout.decode()


def test_every_zone_vector_through_the_command():
    vectors = [json.loads(path.read_text("utf-8")) for path in sorted((VECTORS / "mrz").glob("*.json"))]
    stdin = "".join(json.dumps({"lines": each["lines"]}) + "\n" for each in vectors).encode()
    found = answers(luutru("mrz", "parse", "--jsonl", "--today", "2026-07-10", stdin=stdin))
    assert [each["ok"] for each in found] == [each["expect"]["ok"] for each in vectors]
    for each in found:
        assert set(each) == {"ok", "format", "fields", "problems"}
        assert set(each["fields"]) == MRZ_FIELDS


def test_zones_that_are_no_json_get_a_line_too():
    stdin = b'\n{}\n{"lines": "x"}\n\xff\n' + b"[" * 5000 + b"\n" + json.dumps({"lines": ZONE}).encode()
    done = luutru("mrz", "parse", "--jsonl", stdin=stdin)
    found = answers(done)
    assert [each["ok"] for each in found] == [False] * 5 + [True]
    assert {each["problems"][0]["code"] for each in found[:5]} == {"input.malformed"}
    assert found[5]["fields"]["birth"] == "1995-12-25"
    assert done.returncode == 1


def test_a_zone_is_printed_for_people():
    assert luutru("mrz", "parse", *ZONE).returncode == 0
    assert luutru("mrz", "parse", stdin="\n".join(ZONE).encode()).returncode == 0
    assert luutru("mrz", "parse", "x").returncode == 1


def test_names_compare_line_by_line():
    pairs = [("Hoà", "Hòa"), ("Trần Ân", "Trần An"), ("An", "Bình")]
    stdin = "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in pairs).encode()
    done = luutru("name", "compare", "--jsonl", stdin=stdin)
    assert [each["result"] for each in answers(done)] == ["same", "likely", "different"]
    assert all(set(each) == {"result", "why"} for each in answers(done))
    assert done.returncode == 0
    broken = luutru("name", "compare", "--jsonl", stdin=stdin + b'{"a": 1, "b": 2}\n')
    assert (len(answers(broken)), broken.returncode) == (4, 1)


WRONG_USES = {
    "no sub-command": ["card"],
    "an unknown option": ["card", "parse", "--nonsense"],
    "an argument beside --jsonl": ["card", "parse", "--jsonl", "x"],
    "a date that is none": ["mrz", "parse", "--jsonl", "--today", "tomorrow"],
    "one name only": ["name", "compare", "An"],
}


@pytest.mark.parametrize("arguments", WRONG_USES.values(), ids=WRONG_USES)
def test_wrong_use_exits_2(arguments):
    assert luutru(*arguments).returncode == 2
